// The contract with other teams: what of a change breaks them, and what is made from it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { outputsVersion, stackOutputs } from "../../outputs.ts";
import { breakingChanges } from "../../scripts/lib/contract/compare.ts";
import { staleOutputsFiles } from "../../scripts/lib/contract/files.ts";
import { refusal } from "../../scripts/lib/contract/keep.ts";
import { outputsPage } from "../../scripts/lib/contract/page.ts";
import { pythonContract } from "../../scripts/lib/contract/python.ts";
import type { JsonSchema } from "../../scripts/lib/contract/schema.ts";
import { presentSchema } from "../../scripts/lib/contract/schema.ts";
import { typescriptContract } from "../../scripts/lib/contract/typescript.ts";

const root = join(import.meta.dirname, "../..");
const text: JsonSchema = { type: "string" };
const group = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []) => ({
  type: "object",
  properties,
  required,
});

/** A contract of every kind of output. */
const before = group(
  {
    outputsVersion: { type: "number", const: 1 },
    url: { type: "string", description: "Where it is." },
    databaseUrl: { type: "string", secret: true },
    size: { type: "number" },
    state: { type: "string", enum: ["open", "closed"] },
    dns: { type: "array", items: text },
    names: { type: "object", additionalProperties: text },
    hosts: { type: "object", additionalProperties: group({ address: text, id: text }, ["address"]) },
  },
  ["outputsVersion", "url", "dns"],
);

/** The same contract with some outputs other ones. */
const changed = (
  outputs: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = before.required,
): JsonSchema => group({ ...before.properties, ...outputs }, required);
const without = (name: string): JsonSchema => {
  const { [name]: _, ...rest } = before.properties as Record<string, JsonSchema>;
  return group(rest, before.required);
};
const hosts = (one: JsonSchema) => changed({ hosts: { type: "object", additionalProperties: one } });

const breaking: readonly (readonly [string, JsonSchema, string])[] = [
  ["an output that is gone", without("size"), "'size' is gone."],
  ["another type", changed({ url: { type: "array", items: text } }), "'url' was a text and is a list."],
  ["a text that is a group", changed({ url: group({ site: text }) }), "'url' was a text and is a group."],
  [
    "another type in a list",
    changed({ dns: { type: "array", items: { type: "number" } } }),
    "'dns[]' was a text and is a number.",
  ],
  ["a list of anything", changed({ dns: { type: "array" } }), "'dns[]' may be anything."],
  [
    "another type by name",
    changed({ names: { type: "object", additionalProperties: { type: "boolean" } } }),
    "'names.NAME' was a text and is true or false.",
  ],
  [
    "an output that may be absent from now on",
    changed({}, ["outputsVersion", "url"]),
    "'dns' was always there and may be absent.",
  ],
  [
    "a secret that is none any more",
    changed({ databaseUrl: text }),
    "'databaseUrl' was a secret and is none: its readers would show it.",
  ],
  [
    "a secret that was none before",
    changed({ url: { ...text, secret: true } }),
    "'url' was no secret and is one: 'getOutputValue' refuses it, and the CLI shows it no more.",
  ],
  [
    "one more value of an enumeration",
    changed({ state: { type: "string", enum: ["open", "closed", "away"] } }),
    `'state' was one of "open", "closed" and may be "away" as well.`,
  ],
  [
    "any value instead of an enumeration",
    changed({ state: text }),
    `'state' was one of "open", "closed" and may be anything.`,
  ],
  ["a key that is gone in a group", hosts(group({ address: text }, ["address"])), "'hosts.NAME.id' is gone."],
  [
    "a key that may be absent in a group",
    hosts(group({ address: text, id: text })),
    "'hosts.NAME.address' was always there and may be absent.",
  ],
  [
    "a keyword that nobody has thought of",
    changed({ url: { ...text, pattern: "^/" } as JsonSchema }),
    `'url' had no 'pattern' and has 'pattern: "^/"'.`,
  ],
];

for (const [what, after, expected] of breaking) {
  test(`a change that breaks readers is found: ${what}`, () => {
    assert.deepEqual(breakingChanges(before, after), [expected]);
  });
}

const compatible: readonly (readonly [string, JsonSchema])[] = [
  ["nothing", changed({})],
  ["a new output", changed({ fresh: text })],
  ["a new output that is always there", changed({ fresh: text }, [...before.required, "fresh"])],
  ["an output that is always there from now on", changed({}, [...before.required, "size"])],
  ["another description", changed({ url: { type: "string", description: "Where the site is." } })],
  ["whole numbers alone", changed({ size: { type: "integer" } })],
  ["one value fewer of an enumeration", changed({ state: { type: "string", enum: ["open"] } })],
  ["one value instead of an enumeration", changed({ state: { type: "string", const: "open" } })],
  ["an enumeration instead of any text", changed({ url: { type: "string", enum: ["a", "b"] } })],
  ["a new key in a group", hosts(group({ address: text, id: text, zone: text }, ["address", "id"]))],
];

for (const [what, after] of compatible) {
  test(`a change that breaks nobody is allowed: ${what}`, () => {
    assert.deepEqual(breakingChanges(before, after), []);
  });
}

test("several faults are told at once", () => {
  const after = group({ outputsVersion: { type: "number", const: 1 }, url: { type: "number" } }, ["url"]);
  assert.equal(breakingChanges(before, after).length, 8);
});

const ofVersion = (version: number, outputs: Readonly<Record<string, JsonSchema>> = {}) =>
  changed({ outputsVersion: { type: "number", const: version }, ...outputs });
const entries = "- Outputs: `outputsVersion: 1`.\n- Outputs: `outputsVersion: 2`.\n";

test("a change that breaks readers is refused until the version is raised and the changelog says so", () => {
  const kept = ofVersion(1);
  const other = { url: { type: "number" } };
  assert.equal(
    refusal(kept, ofVersion(1, other), entries),
    `outputs.ts breaks readers of version 1 of the outputs:
  'url' was a text and is a number.
Take that back, or raise outputsVersion in outputs.ts to 2 and add an entry with \`outputsVersion: 2\` to CHANGELOG.md. Then run 'npm run docs'.`,
  );
  assert.match(
    refusal(kept, ofVersion(2, other), "- Outputs: `outputsVersion: 1`."),
    /^CHANGELOG\.md says nothing of version 2 of the outputs\. Add an entry that has `outputsVersion: 2`/,
  );
  assert.equal(refusal(kept, ofVersion(2, other), entries), "");
});

test("a change that breaks nobody needs no other version, and a version is never lowered", () => {
  assert.equal(refusal(ofVersion(1), ofVersion(1, { fresh: text }), entries), "");
  assert.equal(refusal(undefined, ofVersion(1), entries), "");
  assert.match(refusal(ofVersion(2), ofVersion(1), entries), /is 1 in outputs\.ts, and was 2 before/);
});

test("the contract here breaks no reader of the schema that is kept, and all that is made from it is current", () => {
  assert.equal(staleOutputsFiles(root), "");
});

test("an output that is taken from the contract is refused here, with its name", () => {
  const kept = JSON.parse(
    readFileSync(join(root, "packages/outputs/outputs.schema.json"), "utf8"),
  ) as JsonSchema;
  const more = { ...kept, properties: { ...kept.properties, former: text } };
  const said = refusal(more, presentSchema(), readFileSync(join(root, "CHANGELOG.md"), "utf8"));
  assert.match(said, /^ {2}'former' is gone\.$/m);
});

test("the outputs that the contract calls secret are secret, and no others", async () => {
  const told = stackOutputs({
    ...{ url: "u", hostAddress: "a", sshCommand: "s", hostKey: "k", data: {}, media: "m", release: "r" },
    ...{ databaseUrl: "d", redisUrl: "r", mongodbUrl: "m", basicAuthPassword: "p", deployKey: undefined },
  });
  assert.equal(told.outputsVersion, outputsVersion);
  assert.ok(!("deployKey" in told));
  const secret: string[] = [];
  for (const [name, value] of Object.entries<unknown>(told)) {
    if (pulumi.Output.isInstance(value) && (await pulumi.isSecret(value))) secret.push(name);
  }
  const { properties = {} } = presentSchema();
  const called = Object.keys(properties).filter((name) => properties[name]?.secret);
  assert.deepEqual(secret, called);
  assert.deepEqual(called, ["databaseUrl", "redisUrl", "mongodbUrl", "basicAuthPassword"]);
});

test("what is made has every output, with groups, lists and what may be absent", () => {
  const schema = group(
    {
      outputsVersion: { type: "number", const: 3 },
      url: { type: "string", description: "A | B */" },
      adminUrls: { type: "array", items: text, description: "More.", secret: true },
      hosts: { type: "object", additionalProperties: group({ id: text }), description: "By name." },
    },
    ["outputsVersion", "url"],
  );
  const ts = typescriptContract(schema);
  assert.match(ts, /outputsVersion = 3;[\s\S]+\["adminUrls"\]/);
  assert.match(
    ts,
    /\/\*\* A \| B \*\\\/ \*\/\n {2}get url\(\): pulumi\.Output<string> \{\n {4}return this\.always\("url"\)/,
  );
  assert.match(ts, /get adminUrls\(\): pulumi\.Output<readonly string\[\] \| undefined>/);
  assert.match(ts, /export interface Host \{[\s\S]+readonly id\?: string;/);
  const python = pythonContract(schema);
  assert.match(python, /def admin_urls\(self\) -> pulumi\.Output\[Sequence\[str\] \| None\]:/);
  assert.match(python, /class Host\(TypedDict\):[\s\S]+id: NotRequired\[str\]/);
  const page = outputsPage(
    schema,
    "Before.\n<!-- Made from outputs.ts by `npm run docs`; change it there. -->\nold\n<!-- The end of what is made. -->\nAfter.\n",
  );
  assert.match(page, /^Before\.\n[\s\S]+\nAfter\.\n$/);
  assert.match(page, /^\| `url` \| text \| A \\\| B \*\/ \|$/m);
  assert.match(page, /^\| `adminUrls` \| list of texts, secret, may be absent \| More\. \|$/m);
  assert.match(page, /^\| `hosts\.NAME\.id` \| text, may be absent \|/m);
  assert.doesNotMatch(page, /old/);
});
