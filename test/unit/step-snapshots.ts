// Snapshots of steps, for a reviewer: in the order in which they run, what each comes after, and its facts.
// After a wanted change: sh scripts/node --test --test-update-snapshots test/unit/*.test.ts
import { join } from "node:path";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import type { Made } from "./aws-mocks.ts";
import { type StepFacts, stepFacts } from "./step-facts.ts";

export interface Step extends StepFacts {
  /** The name of its host, where that host's first step is among the steps. */
  readonly on?: string;
  /** The steps, and the copies to hosts, that it comes straight after. */
  readonly after: readonly string[];
}

export type Steps = Readonly<Record<string, Step>>;

/** The text of a step, which is what a preview shows. */
export const textOf = ({ inputs }: Made): string => inputs.environment?.BERTH_STEP ?? inputs.stdin;

/** The steps among these resources by their names, in the order in which they run. */
export function stepsOf(resources: readonly Made[]): Steps {
  const onHosts = resources.filter(({ type }) => type.startsWith("command:remote:"));
  const before = waitsOf(resources, onHosts);
  const hosts = hostsOf(onHosts);
  const steps = onHosts
    .filter(({ type }) => type === "command:remote:Command")
    .map((made): [string, Step] => {
      const on = hosts.get(made.inputs.connection.host);
      const after = straightBefore(before, made.name);
      const facts = stepFacts(textOf(made), made.inputs.environment?.BERTH_REMOVAL);
      return [made.name, { ...(on === undefined ? {} : { on }), after, ...facts }];
    });
  // What comes before a step waits for less than the step does.
  const place = (name: string) => before.get(name)?.size ?? 0;
  return Object.fromEntries(steps.sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1)));
}

/** The names of hosts by their addresses, as their first steps tell. */
function hostsOf(made: readonly Made[]): Map<string, string> {
  const first = made.filter(({ name }) => name.endsWith("-connect"));
  return new Map(first.map(({ name, inputs }) => [inputs.connection.host, name.replace(/-connect$/, "")]));
}

/** What of `shown` each resource waits for, directly or not. */
function waitsOf(resources: readonly Made[], shown: readonly Made[]): Map<string, Set<string>> {
  // A resource is made after its parent, and so after what the parent waits for.
  const direct = new Map(resources.map(({ name, parent = "", dependsOn }) => [name, [parent, ...dependsOn]]));
  const all = (name: string, found: Set<string>): Set<string> => {
    for (const one of direct.get(name) ?? []) if (!found.has(one)) all(one, found.add(one));
    return found;
  };
  const names = shown.map(({ name }) => name);
  return new Map(
    names.map((name) => {
      const found = all(name, new Set());
      return [name, new Set(names.filter((one) => found.has(one)))];
    }),
  );
}

/** What a step waits for, without what something else of it waits for as well. */
function straightBefore(before: ReadonlyMap<string, ReadonlySet<string>>, name: string): string[] {
  const all = [...(before.get(name) ?? [])];
  return all.filter((one) => !all.some((other) => before.get(other)?.has(one))).sort();
}

type Values = Readonly<Record<string, unknown>>;

/** The steps as a snapshot has them: without what they do not have, and a list of one as that one. */
export function shown(steps: Steps): Record<string, Values> {
  const empty = (value: unknown) => typeof value === "object" && Object.keys(value ?? {}).length === 0;
  const single = (value: unknown) => (Array.isArray(value) && value.length === 1 ? value[0] : value);
  return Object.fromEntries(
    Object.entries(steps).map(([name, step]) => {
      const there = Object.entries(step).filter(([, value]) => !empty(value));
      return [name, Object.fromEntries(there.map(([key, value]) => [key, single(value)]))];
    }),
  );
}

/** What of a step differs from another one; null is what the other one has alone. */
export function differences(other: Values, step: Values): Values {
  const keys = [...new Set([...Object.keys(step), ...Object.keys(other)])];
  const different = keys.filter((key) => asText(step[key]) !== asText(other[key]));
  return Object.fromEntries(different.map((key) => [key, difference(other[key], step[key])]));
}

function difference(before: unknown, now: unknown): unknown {
  if (!isValues(before) || !isValues(now)) return now ?? null;
  const inside = differences(before, now);
  // The same in another order is told whole.
  return Object.keys(inside).length === 0 ? now : inside;
}

const isValues = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const asText = (value: unknown): string =>
  stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: "literal" });

/** Compares what a reviewer must see with `snapshots/NAME.yaml`, which holds it. */
export function assertSnapshot(t: TestContext, name: string, steps: Values): void {
  const path = join(import.meta.dirname, "snapshots", `${name}.yaml`);
  // Berth's own programs are read in the repository; another version of one is no other step.
  const text = asText(steps).replaceAll(
    /(?<=archive: \.berth-(?:program|backup)-)[0-9a-f]{12}(\.tar\n *archive_sha256: )[0-9a-f]{64}/g,
    "DIGEST$1DIGEST",
  );
  t.assert.fileSnapshot(text, path, { serializers: [(text: string) => text] });
}
