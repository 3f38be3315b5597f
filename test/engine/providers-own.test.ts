// A provider that is made of the same parts as Berth's own: what the tests' cloud relies on.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { launcherText, pluginPath } from "../../engine/launchers.ts";
import { root, withEngine } from "./harness.ts";
import { Trial } from "./providers.ts";

const provider = `
import { serve } from ${JSON.stringify(join(root, "engine/plugins/server.ts"))};
let region = "";
await serve({
  name: "trial",
  version: "1.0.0",
  async configure(config) {
    if (config.region === "nowhere") throw new Error("there is no region 'nowhere'");
    region = String(config.region);
  },
  functions: {
    "trial:index/getZone:getZone": async ({ name }, config) => ({ zone: name + " in " + config.region }),
  },
  resources: {
    "trial:index/thing:Thing": async () => ({
      check: async (inputs) => ({ inputs, failures: [] }),
      diff: async () => ({ changes: new Map() }),
      create: async ({ inputs }) => ({ id: "thing", state: { ...inputs, region } }),
    }),
  },
});
`;

const start = `
class Thing extends pulumi.CustomResource {
  constructor(name, opts) { super("trial:index/thing:Thing", name, { region: undefined }, opts); }
}
const made = (name, region) => new pulumi.ProviderResource("trial", name, { region });
const zone = (name, provider) => pulumi.runtime.invoke("trial:index/getZone:getZone", { name }, { provider });
`;

/** An engine that has the provider, and a stack of it. */
async function withProvider(t: Parameters<typeof withEngine>[0]): Promise<Trial> {
  const engine = await withEngine(t);
  const main = join(engine.home, "trial.ts");
  const launcher = pluginPath(engine.home, "trial", "1.0.0");
  mkdirSync(dirname(launcher), { recursive: true });
  writeFileSync(main, provider);
  writeFileSync(launcher, launcherText(process.execPath, main), { mode: 0o755 });
  return Trial.start(engine);
}

test("functions and resources of two configured providers each see their own configuration", async (t) => {
  const trial = await withProvider(t);
  await trial.up(`${start}
    const [north, south] = [made("north", "n-1"), made("south", pulumi.secret("s-1"))];
    export const zones = Promise.all([zone("a", north), zone(pulumi.secret("b"), south)]);
    export const regions = [new Thing("one", { provider: north }), new Thing("two", { provider: south })].map((thing) => thing.region);`);
  assert.deepEqual(await trial.outputs(), {
    zones: [{ zone: "a in n-1" }, { zone: "b in s-1" }],
    regions: ["n-1", "s-1"],
  });
  await trial.unchanged();
});

test("a configuration that the provider refuses, and a function that it has not, end a deployment by name", async (t) => {
  const trial = await withProvider(t);
  assert.match(
    await trial.fails(`${start} new Thing("one", { provider: made("lost", "nowhere") });`),
    /there is no region 'nowhere'/,
  );
  assert.match(
    await trial.fails(`${start} export const all = pulumi.runtime.invoke("trial:index/getAll:getAll", {},
      { provider: made("north", "n-1") });`),
    /trial:index\/getAll:getAll: not available from the registry build; install Pulumi from its site/,
  );
});
