// What the change of a step means: which files on the host differ and how, and which units reload or restart for that.
import { createTwoFilesPatch } from "diff";
import { stepVariables } from "../../../components/host/step.ts";
import { type FilePart, type StepParts, stepParts } from "../../../components/host/step-parts.ts";
import { type Change, isSecret, notYetKnown, type State } from "./events.ts";
import { count } from "./words.ts";

/** One file or text that differs. */
export interface Difference {
  /** The path on the host, or what else it is. */
  readonly title: string;
  /** Whether it is a file on the host. */
  readonly isFile: boolean;
  /** As unified, without a header. */
  readonly text: string;
  readonly added: number;
  readonly removed: number;
}

export interface UnitChange {
  readonly verb: "reload" | "restart";
  /** Paths of the files that differ and that it reads. */
  readonly paths: readonly string[];
}

/** A step that would run. */
export interface StepChange {
  readonly change: Change;
  readonly differences: readonly Difference[];
  /** What `systemctl` would do to units of the host, by the unit, and for which files. */
  readonly units: ReadonlyMap<string, UnitChange>;
  /** Whether it runs again with what steps before it will have said. */
  readonly isLater: boolean;
  /** Whether it runs to put right what somebody has changed by hand: see components/host/drifted.ts. */
  readonly isUndone: boolean;
  /** Whether a secret differs that it carries. */
  readonly hasNewSecret: boolean;
}

/** What the program knows of a release: the slots of the steps `NAME-release` and `NAME-live`. */
export interface Release {
  readonly application: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export const isStep = ({ type }: { readonly type: string }): boolean => type === "command:remote:Command";

/** The text of a step. That of the first one comes by standard input: see components/host/host-script.ts. */
function textOf(state: State | undefined): string | undefined {
  const { environment, stdin } = state?.inputs ?? {};
  const text = isRecord(environment) ? environment[stepVariables.step] : stdin;
  return typeof text === "string" ? text : undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !isSecret(value);

/** The word that makes it run again: the first step of a host has no environment, and has it as a command of its own. */
function wordOf(state: State | undefined): unknown {
  const { environment, update } = state?.inputs ?? {};
  if (isRecord(environment)) return environment[stepVariables.again];
  return typeof update === "string" && update.startsWith(": ") ? update : undefined;
}

const none: StepParts = { files: new Map(), slots: new Map(), script: "" };
const partsOf = (state: State | undefined): StepParts => {
  const text = textOf(state);
  return text === undefined ? none : stepParts(text);
};

export function readStep(change: Change): StepChange {
  const isLater = change.old !== undefined && textOf(change.new) === notYetKnown;
  const before = partsOf(change.old);
  const after = isLater ? before : partsOf(change.new);
  const differences = [...filesOf(before, after), ...scriptOf(change, before, after)];
  const paths = differences.filter(({ isFile }) => isFile).map(({ title }) => title);
  return {
    change,
    differences,
    isLater,
    units: change.new === undefined || change.old === undefined ? new Map() : unitsOf(after, paths),
    isUndone: change.new !== undefined && wordOf(change.new) !== wordOf(change.old),
    hasNewSecret:
      change.old !== undefined &&
      change.new !== undefined &&
      change.properties.includes("stdin") &&
      isSecret(change.new?.inputs?.stdin),
  };
}

function filesOf(before: StepParts, after: StepParts): Difference[] {
  return [...new Set([...before.files.keys(), ...after.files.keys()])].sort().flatMap((path) => {
    const [old, next] = [before.files.get(path), after.files.get(path)];
    const found = difference(path, true, old?.content ?? "", next?.content ?? "");
    const placed = ownership(old) === ownership(next) || old === undefined || next === undefined;
    if (placed) return found ?? (old === undefined || next === undefined ? [bare(path)] : []);
    const place = difference(
      `${path} (owner and mode)`,
      false,
      `${ownership(old)}\n`,
      `${ownership(next)}\n`,
    );
    return [found, place].filter((one) => one !== undefined);
  });
}

const ownership = (file: FilePart | undefined) => (file === undefined ? "" : `${file.owner} ${file.mode}`);

/** An empty file that comes or goes. */
const bare = (path: string): Difference => ({ title: path, isFile: true, text: "", added: 0, removed: 0 });

/** The script of a step that comes or goes is of no interest: its files are. */
function scriptOf({ name, old, new: next }: Change, before: StepParts, after: StepParts): Difference[] {
  if (old === undefined || next === undefined) return [];
  const found = difference(`what ${name} runs`, false, before.script, after.script);
  return found === undefined ? [] : [found];
}

/**
 * How many lines that come or go are looked for one by one. The time that takes grows with the square of it: here it is
 * about a second.
 */
const mostEdits = 2_000;

const linesOf = (text: string) => (text === "" ? 0 : text.replace(/\n$/, "").split("\n").length);

/** How two texts differ; undefined when they are the same. Of texts that differ all over, how long they are is all. */
export function difference(
  title: string,
  isFile: boolean,
  before: string,
  after: string,
): Difference | undefined {
  if (before === after) return undefined;
  // A text that comes or goes as a whole takes no search.
  const maxEditLength = before === "" || after === "" ? Number.POSITIVE_INFINITY : mostEdits;
  const patch = createTwoFilesPatch("a", "b", before, after, "", "", { context: 3, maxEditLength });
  if (patch === undefined) {
    const [removed, added] = [linesOf(before), linesOf(after)];
    // No line of a file begins with @: each has a sign of the diff before it.
    const text = `@@ ${count(removed, "line")} before, ${count(added, "line")} after: too many differ to show which @@`;
    return { title, isFile, text, added, removed };
  }
  // Without its header, which names the files; the title does.
  const text = patch.slice(patch.indexOf("\n@@") + 1).trimEnd();
  const lines = text.split("\n");
  return {
    title,
    isFile,
    text,
    added: lines.filter((line) => line.startsWith("+")).length,
    removed: lines.filter((line) => line.startsWith("-")).length,
  };
}

/**
 * What the step does to units, as its script says: `on_change VERB UNIT PREFIX…` (components/host/lib/services.sh). A line
 * whose words cannot be told without the host is left out. nginx's files are tried elsewhere before it gets them
 * (components/nginx/site.sh).
 */
function unitsOf({ slots, script }: StepParts, changed: readonly string[]): Map<string, UnitChange> {
  const units = new Map<string, UnitChange>();
  const values = new Map(slots);
  const placeOf = (path: string) => path.replace(/^\/etc\/berth\/nginx\//, "/etc/nginx/");
  const assigned = /^ *([a-z_]+)=("[^"]*"|[\w@.:/-]+)$/gm;
  for (const [, name = "", value = ""] of script.matchAll(assigned)) {
    const known = filled(value.replaceAll('"', ""), values);
    if (known !== undefined && !values.has(name)) values.set(name, known);
  }
  for (const [, verb, rest = ""] of script.matchAll(/\bon_change (reload|restart) ([^;|&\n]+)/g)) {
    const [unit, ...prefixes] = (rest.match(/"[^"]*"|\S+/g) ?? []).map((one) =>
      filled(one.replaceAll('"', ""), values),
    );
    if (unit === undefined) continue;
    const paths = changed.filter((path) =>
      prefixes.some((prefix) => prefix !== undefined && placeOf(path).startsWith(prefix)),
    );
    const before = units.get(unit);
    if (paths.length === 0) continue;
    units.set(unit, {
      verb: before?.verb === "restart" ? "restart" : (verb as UnitChange["verb"]),
      paths: [...new Set([...(before?.paths ?? []), ...paths])],
    });
  }
  return units;
}

/** A word of the shell with its variables put in; undefined when one is not known. */
function filled(word: string, values: ReadonlyMap<string, string>): string | undefined {
  if (/[`(]/.test(word)) return undefined;
  const names = [...word.matchAll(/\$\{?([a-z_0-9]+)\}?/g)].map(([, name = ""]) => name);
  if (names.some((name) => !values.has(name))) return undefined;
  const text = word.replaceAll(/\$\{?([a-z_0-9]+)\}?/g, (_, name: string) => values.get(name) ?? "");
  return text.includes("$") ? undefined : text;
}

/** Which release would run, if a step is the one that prepares it. */
export function releaseOf({ change }: StepChange): Release | undefined {
  if (!change.name.endsWith("-release")) return undefined;
  const isLater = change.old !== undefined && textOf(change.new) === notYetKnown;
  const before = partsOf(change.old);
  const after = isLater ? before : partsOf(change.new);
  const application = after.slots.get("name") ?? before.slots.get("name");
  const [old, next] = [idIn(before), idIn(after)];
  return application === undefined || (old === undefined && next === undefined)
    ? undefined
    : { application, before: old, after: next };
}

function idIn({ slots }: StepParts): string | undefined {
  try {
    const { release } = JSON.parse(slots.get("facts") ?? "{}");
    return typeof release === "string" ? release : undefined;
  } catch {
    return undefined;
  }
}
