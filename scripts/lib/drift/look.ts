// What of a stack's hosts is not as Berth made it: asked of all hosts at once, as components/host/drift finds it out there.
import { join } from "node:path";
import { hostFlag } from "../../../components/host/flags.ts";
import { shellQuote } from "../../../components/host/quote.ts";
import { answerOf, asking } from "../on-host/ask.ts";
import {
  claimOf,
  driftIgnoredIn,
  hostsOf,
  resourcesBeside,
  resourcesOf,
  sshArgumentsOf,
  stackFlag,
  stepsOf,
} from "../stack.ts";
import { harmless } from "../status/facts.ts";

const kinds = [
  "file",
  "link",
  "directory",
  "drop-in",
  "unit",
  "package",
  "account",
  "image",
  "firewall",
  "change",
  "step",
] as const;

/** Something on a host that is not as Berth made it: see host_drift/difference.py. */
export interface Difference {
  readonly kind: (typeof kinds)[number];
  /** A path, or the name of a unit, a package, an account or a step. */
  readonly name: string;
  /** The step that made it. */
  readonly step: string;
  /** What is wrong, in the words that follow the name. */
  readonly what: string;
  /** Whether the next deployment puts it right. */
  readonly mended: boolean;
  /** What to type, where it does not. */
  readonly next: string | null;
  /** The lines of a unified diff, where every account of the host may read both texts. */
  readonly diff: readonly string[] | null;
}

export interface HostDrift {
  readonly host: string;
  /** Why the host could not be looked at; `null` where it could. */
  readonly problem: string | null;
  /** How many things Berth has made there. */
  readonly things: number;
  readonly differences: readonly Difference[];
  /** How many differences `berth:drift.ignore` leaves out. */
  readonly ignored: number;
  /** What could not be compared, and why: `files`, `units`, `packages`, `accounts` or `firewall`. */
  readonly unknown: Readonly<Record<string, string>>;
}

/** All of it, as `--json` prints it. */
export interface Drift {
  /** Of this shape: raised by a change that breaks a reader. */
  readonly version: 1;
  readonly stack: string;
  /** The exit status: see docs/drift.md. */
  readonly status: 0 | 3 | 4;
  readonly hosts: readonly HostDrift[];
}

const program = {
  folder: join(import.meta.dirname, "../../../components/host/drift/host_drift"),
  module: "look",
};

/** A look that goes with something else. */
export interface Beside {
  /** What ends the look. */
  readonly end: AbortSignal;
  /** A folder for the hosts' keys, which goes with it. */
  readonly keys: string;
}

/**
 * Looks at all hosts of a stack at the same time, by one connection each.
 *
 * @param patience how long a host may take, in seconds
 * @param beside where a deployment or a preview of the stack begins at the same time
 */
export async function lookForDrift(
  root: string,
  stack: string,
  patience: number,
  beside?: Beside,
): Promise<Drift> {
  const ignore = await driftIgnoredIn(root, stack);
  const resources = await (beside === undefined
    ? resourcesOf(root, stack, "--show-secrets")
    : resourcesBeside(root, stack));
  const hosts = await Promise.all(
    hostsOf(resources).map(async (host): Promise<HostDrift> => {
      try {
        // Its folder for keys has gone by then.
        beside?.end.throwIfAborted();
        const ssh = sshArgumentsOf(root, stack, host, resources, beside?.keys);
        const told = { claim: claimOf(resources, host) ?? null, ignore, patience };
        const printed = await answerOf(ssh, asking(program, told), patience, beside?.end);
        return readDrift(printed, host, stepsOf(resources, host), stackFlag(stack));
      } catch (error) {
        const problem = harmless((error as Error).message);
        return { host, problem, things: 0, differences: [], ignored: 0, unknown: {} };
      }
    }),
  );
  return { version: 1, stack, status: statusOf(hosts), hosts };
}

/**
 * What a host printed, read. Text of its files may be anything, so nothing in it reaches a terminal as a command.
 *
 * @param steps those on this host: a host says nothing of another's
 * @throws when it has another form: whoever is root on a host can make it say what they like
 */
export function readDrift(
  printed: string,
  host: string,
  steps: ReadonlySet<string>,
  flag: string,
): HostDrift {
  const told: unknown = harmless(JSON.parse(printed));
  if (!isTold(told)) throw new Error("its answer has not the form of one");
  const options = `${flag}${hostFlag(host)}`;
  const differences = told.differences.map((one) => ({
    ...one,
    ...{ name: short(one.name), what: short(one.what) },
    // What a step that is gone has left is nobody's to put right.
    mended: one.mended && steps.has(one.step),
    next: one.next === null ? null : `npm run ssh --${options} ${shellQuote(one.next)}`,
  }));
  return { ...told, host, differences };
}

/** In characters; it becomes a part of a command of the engine. */
const longest = 400;
const short = (text: string) => (text.length > longest ? `${text.slice(0, longest)}…` : text);

const isText = (value: unknown): value is string => typeof value === "string";
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isTold(told: unknown): told is Omit<HostDrift, "host"> {
  if (!isRecord(told)) return false;
  const { problem, things, differences, ignored, unknown } = told;
  return (
    (problem === null || isText(problem)) &&
    [things, ignored].every((count) => typeof count === "number") &&
    isRecord(unknown) &&
    Object.values(unknown).every(isText) &&
    Array.isArray(differences) &&
    differences.every(isDifference)
  );
}

function isDifference(told: unknown): boolean {
  if (!isRecord(told)) return false;
  const { kind, name, step, what, mended, next, diff } = told;
  return (
    kinds.some((one) => one === kind) &&
    [name, step, what].every(isText) &&
    typeof mended === "boolean" &&
    (next === null || isText(next)) &&
    (diff === null || (Array.isArray(diff) && diff.every(isText)))
  );
}

export function statusOf(hosts: readonly HostDrift[]): Drift["status"] {
  if (hosts.some(({ differences }) => differences.length > 0)) return 4;
  const isWhole = hosts.every(
    ({ problem, unknown }) => problem === null && Object.keys(unknown).length === 0,
  );
  return isWhole ? 0 : 3;
}
