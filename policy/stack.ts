import * as pulumi from "@pulumi/pulumi";
import { dateFault, lastDay, type Permission } from "../components/aws/permission.ts";

/** An exception to a rule: `berth:waive`. */
export interface Waiver {
  /** The rule's name. */
  readonly rule: string;
  /** The resource's name: the last part of its URN; or the whole URN. */
  readonly resource: string;
  /** The last day on which it holds, as YYYY-MM-DD (UTC). */
  readonly until: string;
  /** The reason, for those who review it. */
  readonly why: string;
}

/** What rules know of the stack that they judge. */
export interface Stack {
  readonly name: string;
  /** Whether people depend on its data: `berth:host.protect: true`, or a stack named prod or production. */
  readonly production: boolean;
  /** The permissions of `berth:allow` that hold today. */
  readonly permissions: readonly Permission[];
  /** The waivers of `berth:waive` that hold today. */
  readonly waivers: readonly Waiver[];
  /** Entries of either that do not hold, each with its key and the reason. */
  readonly faults: readonly string[];
}

/** The stack that this policy pack was started for. */
export function currentStack(rules: readonly string[]): Stack {
  return readStack(pulumi.getStack(), pulumi.runtime.allConfig(), rules, new Date());
}

/** {@link currentStack} for values at hand: texts by `berth:KEY`, structured ones in JSON. */
export function readStack(
  name: string,
  config: Readonly<Record<string, string>>,
  rules: readonly string[],
  today: Date,
): Stack {
  const faults: string[] = [];
  const host = parse(config["berth:host"]) as { protect?: unknown } | undefined;
  /** The entries that hold. Those that do not are faults, so that a slip never opens anything. */
  const entries = <Entry extends object>(key: string, names: Readonly<Record<string, readonly string[]>>) => {
    const given = parse(config[key]) ?? [];
    if (!Array.isArray(given)) {
      faults.push(`${key}: expected a list; found ${JSON.stringify(given)}`);
      return [];
    }
    return given.flatMap((entry, index) => {
      const found = entryFaults(entry, names, today).map((fault) => `${key}[${index}]${fault}`);
      faults.push(...found);
      return found.length === 0 ? [{ ...entry, until: lastDay(entry.until) } as Entry] : [];
    });
  };
  return {
    name,
    production: host?.protect === true || /^prod(uction)?$/i.test(name),
    permissions: entries<Permission>("berth:allow", { change: ["delete", "replace"], resource: [], why: [] }),
    waivers: entries<Waiver>("berth:waive", { rule: rules, resource: [], why: [] }),
    faults,
  };
}

/** @param keys the texts that an entry must have, and what each may be; an empty list: anything */
function entryFaults(
  entry: unknown,
  keys: Readonly<Record<string, readonly string[]>>,
  today: Date,
): string[] {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    return [
      `: expected the keys ${[...Object.keys(keys), "until"].join(", ")}; found ${JSON.stringify(entry)}`,
    ];
  }
  const given = entry as Record<string, unknown>;
  const wrong = Object.entries(keys).flatMap(([key, allowed]) => {
    const value = given[key];
    if (
      typeof value === "string" &&
      value.trim() !== "" &&
      (allowed.length === 0 || allowed.includes(value))
    ) {
      return [];
    }
    const expected = allowed.length === 0 ? "a text" : `one of ${allowed.join(", ")}`;
    return [
      `.${key}: expected ${expected}; found ${value === undefined ? "nothing" : JSON.stringify(value)}`,
    ];
  });
  const date = dateFault(given.until, today);
  return date === undefined ? wrong : [...wrong, `.until: ${date}`];
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
