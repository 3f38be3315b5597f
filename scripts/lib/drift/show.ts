// What is not as Berth made it, for people: by host, each difference with its diff.
import { counted } from "../status/words.ts";
import type { Difference, Drift, HostDrift } from "./look.ts";

/** Lines of a diff that are shown next to other things. */
const fewLines = 20;

/** All of it, as `npm run drift` shows it. */
export function driftText({ hosts }: Drift, flag: string): string {
  const found = hosts.flatMap(({ differences }) => differences);
  const next = [
    ...(found.some(({ mended }) => mended)
      ? [`To put right what Berth made: ${flag === "" ? "npm start" : `npm start --${flag}`}`]
      : []),
    ...(found.length > 0
      ? ["To keep a change, name it in berth:drift.ignore of the stack's file; docs/drift.md says more."]
      : []),
  ];
  return [...hosts.flatMap((host) => [headText(host), ...bodyText(host, undefined)]), ...next].join("\n");
}

/**
 * What there is to say before a deployment: nothing of a host where all is as Berth made it.
 *
 * @param drift undefined where the hosts could not be looked at in time
 */
export function driftLines(drift: Drift | undefined): string[] {
  if (drift === undefined)
    return ["the hosts could not be looked at in time; 'npm run drift' shows what was changed by hand"];
  return drift.hosts
    .filter(({ problem, differences }) => problem !== null || differences.length > 0)
    .flatMap((host) => [headText(host), ...bodyText(host, fewLines)]);
}

function headText({ host, problem, things, differences, ignored }: HostDrift): string {
  if (problem !== null) return `${host}: could not be looked at: ${problem}`;
  const left = ignored === 0 ? "" : `; ${ignored} ignored`;
  if (differences.length === 0)
    return `${host}: all is as Berth made it (${counted(things, "thing")}${left})`;
  return `${host}: ${counted(differences.length, "difference")} from what Berth made${left}`;
}

function bodyText({ differences, unknown }: HostDrift, most: number | undefined): string[] {
  return [
    ...differences.flatMap((one) => differenceText(one, most)),
    ...Object.entries(unknown).map(([part, why]) => `  ${part} could not be compared: ${why}`),
  ];
}

function differenceText({ kind, name, step, what, mended, next, diff }: Difference, most?: number): string[] {
  const named = kind === "file" || kind === "link" || kind === "directory" ? name : `${kind} ${name}`;
  const lines = diff ?? [];
  const shown = most === undefined ? lines : lines.slice(0, most);
  const rest = lines.length - shown.length;
  return [
    `  ${kind === "firewall" ? "the firewall" : named} ${what}${mended ? ` (step ${step})` : ""}`,
    ...shown.map((line) => `      ${line}`),
    ...(rest > 0 ? [`      … ${counted(rest, "more line")}: npm run drift`] : []),
    ...(mended ? [] : [`      a deployment leaves it; to take it away: ${next}`]),
  ];
}
