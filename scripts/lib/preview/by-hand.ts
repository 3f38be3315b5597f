// What somebody has changed by hand on the hosts, in a preview: with its lines, since a deployment would undo it.
import type { Difference, Drift, HostDrift } from "../drift/look.ts";
import type { Part, Section } from "./section.ts";
import { count, named, type Phrase, say } from "./words.ts";

/** The look at the hosts that went with a preview. */
export interface Look {
  /** What it found; undefined where the hosts could not be looked at in time. */
  readonly drift: Drift | undefined;
  /** Whether lines of files are shown. Not where others may read along: somebody may have written a secret there. */
  readonly withLines: boolean;
}

/** Whether somebody has changed something on a host; undefined where that is not known. */
export function isByHand(look: Look | undefined): boolean | undefined {
  if (look === undefined) return false;
  if (look.drift === undefined) return undefined;
  const { hosts } = look.drift;
  if (hosts.some(({ differences }) => differences.length > 0)) return true;
  const isWhole = hosts.every((host) => linesOf(host).length === 0);
  return isWhole ? false : undefined;
}

/** For the headline: how much there is, and on which hosts. */
export function byHandPhrases(look: Look | undefined): Phrase[] {
  const hosts = (look?.drift?.hosts ?? []).filter(({ differences }) => differences.length > 0);
  const found = hosts.reduce((sum, { differences }) => sum + differences.length, 0);
  if (found === 0) return [];
  return [[`${count(found, "change")} by hand on `, ...named(hosts.map(({ host }) => host))]];
}

/** Nothing where all is as Berth made it. */
export function byHandSection(look: Look | undefined): Section | undefined {
  if (look === undefined) return undefined;
  const heading = "Changed by hand on the hosts";
  if (look.drift === undefined)
    return {
      heading,
      lines: [["The hosts could not be looked at in time. ", ...say`${"npm run drift"}`, " shows it."]],
      parts: [],
    };
  const { hosts } = look.drift;
  const lines = hosts.flatMap(linesOf);
  const parts = hosts.flatMap(({ host, differences }) =>
    differences.map((one) => partOf(host, one, look.withLines)),
  );
  return lines.length + parts.length === 0 ? undefined : { heading, lines, parts };
}

/** What could not be compared. */
const linesOf = ({ host, problem, unknown }: HostDrift): Phrase[] => [
  ...(problem === null ? [] : [say`${host} could not be looked at: ${problem}`]),
  ...Object.entries(unknown).map(
    ([part, why]): Phrase => say`${host}: ${part} could not be compared: ${why}`,
  ),
];

function partOf(host: string, difference: Difference, withLines: boolean): Part {
  const { kind, name, step, what, mended, next, diff } = difference;
  const isPath = kind === "file" || kind === "link" || kind === "directory";
  const end: Phrase = mended
    ? [". A deployment puts it right, by ", ...say`${step}`]
    : [". A deployment leaves it; to take it away:"];
  return {
    title: [...say`${host}: `, ...(isPath ? [] : [`${kind} `]), ...say`${name} ${what}`, ...end],
    quotes: [
      ...(diff === null || !withLines ? [] : [{ text: diff.join("\n"), language: "diff" } as const]),
      ...(next === null || mended ? [] : [{ text: next, language: "text" } as const]),
    ],
  };
}
