// Where Berth's providers run: in its language host, or, beside another language host, in processes of their own.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { launcherText, placeDownload, placePlugins, pluginPath } from "../../engine/launchers.ts";
import { engineVersions } from "../../engine/versions.ts";
import { root, withEngine } from "./harness.ts";
import { Trial, underNode } from "./providers.ts";

/** A resource of each provider, and what runs the one that runs commands. */
const program = `
  const password = new random.RandomPassword("password", { length: 12 });
  new tls.PrivateKey("key", { algorithm: "ED25519" });
  export const parent = new command.local.Command("parent", { create: "tr '\\\\0' ' ' < /proc/$PPID/cmdline", triggers: [password.result] }).stdout;`;

test("providers live in the language host, whether a program runs or not, or in processes of their own", async (t) => {
  const engine = await withEngine(t);
  const trial = await Trial.start(engine);
  await trial.up(program);
  assert.match(String((await trial.outputs()).parent), /engine\/language-host\/main\.ts/);

  placePlugins(root, engine.home, "processes");
  await trial.unchanged();
  await trial.destroy();
  await trial.up(program);
  assert.match(String((await trial.outputs()).parent), /engine\/plugins\/command\/main\.ts/);

  placePlugins(root, engine.home, "language host");
  await trial.unchanged();
  await trial.destroy();
  assert.ok(!(await trial.exported()).includes("random:index"));
});

underNode("providers that die in the middle end the deployment, and the next one goes on", async (trial) => {
  const said = await trial.fails('new command.local.Command("c", { create: "kill -9 $PPID; sleep 1" });');
  assert.match(said, /error: .*(Unavailable|EOF|connection|closed|killed)/);
  await trial.up('new command.local.Command("c", { create: "true" });');
});

underNode(
  "a stack without AWS never asks its provider; one with AWS is told in one line what to do",
  async (trial) => {
    const aws =
      'const provider = new pulumi.ProviderResource("aws", "cloud", { region: "eu-central-1" }, { version: "7.48.0" });';
    const wanted = /aws: not available from the registry build; install Pulumi from its site/g;
    const said = await trial.fails(`${aws}
    new random.RandomId("id", { byteLength: 4 }, { dependsOn: provider });`);
    assert.equal(said.split("Diagnostics:")[1]?.match(wanted)?.length, 1, said);
    assert.ok(!(await trial.exported()).includes("random:index"));
    assert.doesNotMatch((await trial.up('new random.RandomId("id", { byteLength: 4 });')).stdout, /aws/);
  },
);

test("where Pulumi downloads providers, AWS's is downloaded when a stack asks for it, and not before", async (t) => {
  const engine = await withEngine(t);
  const trial = await Trial.start(engine);
  const program = pluginPath(engine.home, "aws", engineVersions().plugins.aws);
  const asked = join(engine.home, "asked");
  // What stands for the CLI puts a provider where 'plugin install' would.
  const cli = join(engine.home, "installs");
  const main = join(engine.home, "aws.ts");
  const server = JSON.stringify(join(root, "engine/plugins/server.ts"));
  writeFileSync(
    main,
    `import { serve } from ${server};\nawait serve({ name: "aws", version: "7.48.0", resources: {} });\n`,
  );
  writeFileSync(join(engine.home, "provider"), launcherText(process.execPath, main), { mode: 0o755 });
  writeFileSync(
    cli,
    `#!/bin/sh\necho "$@" >> '${asked}'\necho noise\nrm '${program}'\ncp '${engine.home}/provider' '${program}'\n`,
    { mode: 0o755 },
  );
  rmSync(join(engine.home, "plugins/resource-aws-v7.48.0"), { recursive: true });
  placeDownload(root, engine.home, cli);

  await trial.up('new random.RandomId("id", { byteLength: 4 });');
  assert.ok(!existsSync(asked), "a stack without AWS downloads nothing");
  const aws =
    'new pulumi.ProviderResource("aws", "cloud", { region: "eu-central-1" }, { version: "7.48.0" });';
  assert.match((await trial.up(aws)).stdout, /Downloading Pulumi's AWS provider 7\.48\.0, once/);
  await trial.unchanged();
  assert.equal(readFileSync(asked, "utf8"), "plugin install resource aws 7.48.0 --reinstall\n");
});
