// What the stacks of this checkout ask of AWS, as `pulumi preview --json` tells it. A change of snapshots/*.yaml in a
// pull request is a change of the cloud. After a wanted one:
// sh scripts/node --test --test-update-snapshots test/cloud/preview.test.ts
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { type Run, withStack } from "../e2e/harness.ts";
import { root } from "../engine/harness.ts";
import { type Cloud, withCloud } from "./harness.ts";

type Values = Record<string, unknown>;

interface Planned {
  readonly urn: string;
  readonly type: string;
  readonly parent?: string;
  readonly provider?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly string[];
  readonly [option: string]: unknown;
}

/** The engine's word for what is not known before it is made. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The options of a resource that a reviewer wants to see; all else is where in this computer's files it is asked for. */
const options = ["protect", "retainOnDelete", "deletedWith", "replacementTrigger", "customTimeouts"];
const listOptions = ["ignoreChanges", "replaceOnChanges", "additionalSecretOutputs"];

const nameOf = (urn: string) => urn.split("::")[3] ?? "";
const listed = (names: readonly string[]) => [...new Set(names)].sort().join(", ");

/** What a reviewer reads in place of the engine's marks. */
function readable(value: unknown): unknown {
  if (value === unknown) return "(known once it is made)";
  if (typeof value === "string" && value.startsWith("urn:pulumi:")) return nameOf(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
}

const present = (entries: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined && value !== ""));

function shown(resource: Planned): Record<string, unknown> {
  const { type, parent, provider = "", dependencies = [] } = resource;
  // What runs on the host has snapshots of its own (test/unit/snapshots/*.yaml), and digests of the application in it.
  const isStep = type.startsWith("command:");
  const { version: _, ...inputs } = resource.inputs ?? {};
  return present({
    type,
    parent: nameOf(parent ?? ""),
    provider: nameOf(provider).replace(/^default.*/, ""),
    waitsFor: listed(dependencies.map(nameOf)),
    ...Object.fromEntries(options.map((option) => [option, readable(resource[option])])),
    ...Object.fromEntries(
      listOptions.map((option) => [option, listed((resource[option] ?? []) as string[])]),
    ),
    inputs: Object.keys(inputs).length === 0 || isStep ? undefined : readable(inputs),
  });
}

let cloud: Cloud;
const cleaning: (() => void | Promise<void>)[] = [];
const scope = { after: (clean: () => void | Promise<void>) => cleaning.unshift(clean) };
before(async () => {
  cloud = await withCloud(scope, { zones: ["example.org"] });
});
after(async () => {
  for (const clean of cleaning) await clean();
});

/** The preview of a stack, with the rules of the policy pack: as its file says, and `more`, and these processes. */
async function previewOf(name: string, more: Values = {}, processes: Values = {}): Promise<Run> {
  const stack = await withStack(scope, { name, env: cloud.env });
  cloud.placeProvider(stack.engine.home);
  const { config } = parse(readFileSync(join(root, `Pulumi.${name}.yaml`), "utf8"));
  // The repository in these files is nobody's, and its application is not the example's.
  const given = config["berth:app"];
  const app = {
    ...given,
    source: { directory: "app" },
    wsgi: "logbook.wsgi",
    settings: "logbook.settings",
    processes: { ...given.processes, ...processes },
  };
  writeFileSync(stack.file, stringify({ config: { ...config, "berth:app": app, ...more } }));
  return stack.preview("--json", "--policy-pack", join(root, "policy"));
}

/** What is planned: what a reviewer sees of each resource, by its name. */
function resourcesOf(preview: Run): Values {
  const { steps } = JSON.parse(preview.stdout) as { steps: { op: string; newState: Planned }[] };
  assert.deepEqual([...new Set(steps.map(({ op }) => op))], ["create"]);
  const resources = steps
    .map(({ newState }) => [nameOf(newState.urn), shown(newState)] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  assert.equal(new Set(resources.map(([one]) => one)).size, resources.length, "each has a name of its own");
  return Object.fromEntries(resources);
}

const snapshot = (name: string) => join(import.meta.dirname, "snapshots", `${name}.yaml`);
const asText = (resources: Values) => stringify(resources, { lineWidth: 0 });
const asItIs = { serializers: [(value: string) => value] };

/** What the policy pack, and the engine, have to say. */
function findings(events: string): string[] {
  return events
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .flatMap(
      ({ policyEvent, diagnosticEvent }) =>
        policyEvent ?? (diagnosticEvent?.severity === "error" ? diagnosticEvent : []),
    )
    .map(({ message }) => message);
}

for (const name of ["staging", "prod"]) {
  describe(`the stack '${name}' as it stands in this checkout`, () => {
    let preview: Run;
    before(async () => {
      preview = await previewOf(name);
    });

    it("breaks no rule of the policy pack", () => {
      assert.deepEqual(findings(preview.events), []);
      assert.equal(preview.code, 0, preview.stderr);
    });

    it("makes these resources, and nothing else", (t) => {
      t.assert.fileSnapshot(asText(resourcesOf(preview)), snapshot(name), asItIs);
    });
  });

  describe(`the stack '${name}' with its workers on a second host, and backups in a bucket that it makes`, () => {
    const hosts = { tasks: { kind: "ec2", instanceType: "t4g.small" } };
    const worker = { command: "celery -A logbook worker", runsOn: "tasks" };
    let preview: Run;
    before(async () => {
      const backup = { place: { kind: "aws" } };
      preview = await previewOf(name, { "berth:hosts": hosts, "berth:backup": backup }, { worker });
    });

    it("breaks no rule of the policy pack", () => {
      assert.deepEqual(findings(preview.events), []);
      assert.equal(preview.code, 0, preview.stderr);
    });

    it("makes these resources beside those of one host, or in another way, and takes none of those away", (t) => {
      const alone = parse(readFileSync(snapshot(name), "utf8")) as Values;
      const resources = resourcesOf(preview);
      const missing = Object.keys(alone).filter((one) => !(one in resources));
      assert.deepEqual(missing, []);
      const different = Object.entries(resources).filter(
        ([one, planned]) => !isDeepStrictEqual(planned, alone[one]),
      );
      t.assert.fileSnapshot(asText(Object.fromEntries(different)), snapshot(`${name}-hosts`), asItIs);
    });
  });
}
