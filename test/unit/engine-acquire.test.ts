import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test, { type TestContext } from "node:test";
import { type Engine, fits } from "../../engine/acquire.ts";
import { berthEnvironment, berthPlaces } from "../../engine/checkout.ts";
import { engineEnvironment } from "../../engine/environment.ts";
import { launcherText, placePlugins, pluginPath, removePlugins } from "../../engine/launchers.ts";
import { engineVersions } from "../../engine/versions.ts";

const root = resolve(import.meta.dirname, "../..");

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "berth-acquire-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs ensureEngine in a process of its own, with the PATH and the choice of the test. */
function ensure(checkout: string, env: Record<string, string>) {
  const script = `
    const { ensureEngine } = await import(${JSON.stringify(join(root, "engine/acquire.ts"))});
    const notes = [];
    const step = (text) => (notes.push(text), { done() {}, failed() {} });
    const engine = await ensureEngine(${JSON.stringify(checkout)}, { step, note: (text) => notes.push(text) });
    console.log(JSON.stringify({ engine, notes }));`;
  const result = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { HOME: checkout, PATH: "/usr/bin:/bin", ...env },
  });
  const answer =
    result.status === 0 ? (JSON.parse(result.stdout) as { engine: Engine; notes: string[] }) : undefined;
  return { answer, stderr: result.stderr };
}

/** A checkout with the files that the engine is made from, and a folder with a `pulumi` of some version. */
function userWith(t: TestContext, version: string, languageHost = true) {
  const checkout = folder(t);
  mkdirSync(join(checkout, "engine"));
  symlinkSync(join(root, "engine/cli"), join(checkout, "engine/cli"));
  const bin = join(checkout, "their-bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\necho v${version}\n`);
  chmodSync(join(bin, "pulumi"), 0o755);
  if (languageHost) writeFileSync(join(bin, "pulumi-language-nodejs"), "", { mode: 0o755 });
  return { checkout, env: { PATH: `${bin}:/usr/bin:/bin`, BERTH_ENGINE: "path" } };
}

test("a user's own pulumi is used when it is as new as the SDK, and again without a word", (t) => {
  const { checkout, env } = userWith(t, "3.256.0");
  const first = ensure(checkout, env);
  assert.equal(first.answer?.engine.way, "path", first.stderr);
  assert.match(first.answer?.notes.join() ?? "", /using .*their-bin\/pulumi/);
  assert.deepEqual(ensure(checkout, env).answer?.notes, []);
});

test("a pulumi that is too old or has no language host is passed over, with the reason", (t) => {
  const old = userWith(t, "3.100.0");
  assert.match(ensure(old.checkout, old.env).stderr, /must be version 3\.256\.0 or a later 3\.x/);
  const bare = userWith(t, "3.300.1", false);
  assert.match(ensure(bare.checkout, bare.env).stderr, /with pulumi-language-nodejs beside it/);
});

test("without Go and without Pulumi's download the error says what to install", (t) => {
  const { checkout } = userWith(t, "0.0.0");
  const { stderr } = ensure(checkout, { BERTH_ENGINE: "registry", PATH: "/nowhere" });
  assert.match(stderr, /there is no Go on the PATH\. Install Go 1\.\d+\.\d+ or newer/);
});

test("a misspelt BERTH_ENGINE is refused with the words it can have", (t) => {
  const { stderr } = ensure(folder(t), { BERTH_ENGINE: "registy" });
  assert.match(stderr, /BERTH_ENGINE is 'registy'; it must be 'path', 'npm' or 'registry'/);
});

test("versions of the CLI are compared as numbers and within one major version", () => {
  assert.ok(fits("3.256.0", "3.256.0"));
  assert.ok(fits("3.1000.0", "3.256.0"));
  assert.ok(!fits("3.99.0", "3.256.0"));
  assert.ok(!fits("4.0.0", "3.256.0"));
});

test("the CLI that is built is the version of the SDK", () => {
  const version = engineVersions().cli;
  const pinned = readFileSync(join(root, "engine/cli/go.mod"), "utf8");
  assert.match(
    pinned,
    new RegExp(`^require github.com/pulumi/pulumi/pkg/v3 v${version.replaceAll(".", "\\.")}$`, "m"),
  );
});

test("a launcher runs from a checkout whose path has blanks and quotes", (t) => {
  const place = join(folder(t), 'it\'s a "checkout" $HOME');
  mkdirSync(place);
  writeFileSync(join(place, "main.js"), "console.log(process.argv.slice(2).join('|'))");
  writeFileSync(join(place, "launcher"), launcherText(process.execPath, join(place, "main.js")), {
    mode: 0o755,
  });
  const said = execFileSync(join(place, "launcher"), ["a b", "'c'"], { encoding: "utf8" });
  assert.equal(said, "a b|'c'\n");
});

test("a moved checkout gets launchers anew, and a provider that Pulumi downloaded is left alone", (t) => {
  const home = folder(t);
  const { tls, random } = engineVersions().plugins;
  const real = pluginPath(home, "tls", tls);
  mkdirSync(dirname(real), { recursive: true });
  writeFileSync(real, "x".repeat(20_000));
  placePlugins("/old", home, "processes");
  placePlugins("/new", home, "processes");
  assert.match(
    readFileSync(pluginPath(home, "random", random), "utf8"),
    /'\/new\/engine\/plugins\/random\/main\.ts'/,
  );
  assert.equal(statSync(real).size, 20_000);
  // Berth's language host has them inside; a program in their place would be taken before it.
  placePlugins("/new", home, "language host");
  const place = dirname(pluginPath(home, "random", random));
  assert.deepEqual(readdirSync(place), ["PulumiPlugin.yaml"]);
  assert.deepEqual(readdirSync(dirname(real)), ["pulumi-resource-tls"]);
  removePlugins(home);
  assert.equal(statSync(real).size, 20_000);
  assert.throws(() => statSync(place));
});

test("the engine never sees the user's login, passphrase, or an SSH agent that is gone", () => {
  const places = { home: "/h", state: "/s", passphraseFile: "/p", downloadPlugins: false };
  const user = {
    PATH: "/usr/bin",
    PULUMI_ACCESS_TOKEN: "theirs",
    PULUMI_CONFIG_PASSPHRASE: "theirs",
    PULUMI_BACKEND_URL: "https://theirs.example",
    SSH_AUTH_SOCK: "/nowhere/agent",
  };
  const environment = engineEnvironment(places, user);
  assert.doesNotMatch(JSON.stringify(environment), /theirs|nowhere/);
  assert.equal(environment.PULUMI_BACKEND_URL, "file:///s");
  assert.equal(environment.PATH, `${dirname(process.execPath)}:/usr/bin`);
});

test("the passphrase is for its owner only, is never written over, and its loss is told", (t) => {
  const checkout = folder(t);
  const engine: Engine = { way: "registry", cli: "/nowhere/pulumi", plugins: "node" };
  const { passphraseFile, state } = berthPlaces(checkout);
  berthEnvironment(checkout, engine);
  const first = readFileSync(passphraseFile, "utf8");
  assert.equal(statSync(passphraseFile).mode & 0o777, 0o600);
  assert.ok(first.trim().length >= 40);
  berthEnvironment(checkout, engine);
  assert.equal(readFileSync(passphraseFile, "utf8"), first);

  mkdirSync(join(state, ".pulumi/stacks/berth"), { recursive: true });
  writeFileSync(join(state, ".pulumi/stacks/berth/local.json"), "{}");
  rmSync(passphraseFile);
  assert.throws(() => berthEnvironment(checkout, engine), /passphrase is missing.*Put the file back/);
});
