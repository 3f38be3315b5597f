// The scripts that people run, in a checkout of their own: whatever is not understood leaves it as it was.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, describe, test } from "node:test";
import { helpText } from "../../scripts/lib/command-line.ts";
import { commands } from "../../scripts/lib/commands.ts";

const root = resolve(import.meta.dirname, "../..");
const checkout = mkdtempSync(join(tmpdir(), "berth-commands-"));
after(() => rmSync(checkout, { recursive: true }));

const folders = ["scripts", "engine", "components", "cloud-init", "bench", "test/runner"];
const alone = ["test/engine/harness.ts", "test/cloud/moto.ts"];
const files = readdirSync(root).filter((name) => /\.(ts|json)$|^Pulumi/.test(name));
for (const part of [...folders, ...alone, ...files])
  cpSync(join(root, part), join(checkout, part), { recursive: true });
symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
writeFileSync(join(checkout, "Pulumi.theirs.yaml"), "encryptionsalt: v1:c2FsdA==\nconfig: {}\n");
writeFileSync(join(checkout, "test/runner/conformance.test.ts"), "");
// Two stacks that were made once, and nothing else of an engine.
const made = join(checkout, ".berth/state/.pulumi/stacks/berth");
mkdirSync(made, { recursive: true });
for (const stack of ["local", "staging"]) writeFileSync(join(made, `${stack}.json`), "{}");

/** All that is in the checkout, but for the packages. */
const tree = () => {
  const parts = readdirSync(checkout).filter((name) => name !== "node_modules");
  const below = [...folders, ".berth"].flatMap((folder) =>
    readdirSync(join(checkout, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(folder, name),
    ),
  );
  return [...parts, ...below].sort();
};
const before = tree();

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script, and proves that it has left the checkout as it was. */
async function run(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const ended = await new Promise<Ended>((settle) => {
    const options = { cwd: checkout, env: { ...process.env, HOST: "", ...env }, timeout: 120_000 };
    const script = join(checkout, "scripts", `${name}.ts`);
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) =>
      settle({ code: error === null ? 0 : ((error.code as number | undefined) ?? -1), stdout, stderr }),
    );
  });
  assert.deepEqual(tree(), before);
  return ended;
}

describe("a command does nothing", { concurrency: 2 }, () => {
  for (const [name, command] of Object.entries(commands)) {
    // The others are read by the same function, and this costs a second each.
    if (["start", "destroy", "pulumi", "pins"].includes(name))
      test(`${name}: when it is asked for help, which it shows`, async () => {
        const { code, stdout, stderr } = await run(name, ["--help"]);
        assert.deepEqual([code, stdout.trimEnd(), stderr], [0, helpText(command), ""]);
      });

    if (name === "pulumi") continue;
    test(`${name}: when an option is unknown, which is status 2`, async () => {
      const { code, stdout, stderr } = await run(name, ["--nonsense"]);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.equal(
        stderr,
        `berth: there is no option --nonsense.\nberth: for help: ${command.typed} -- --help\n`,
      );
    });
  }

  const words: Record<string, readonly string[]> = {
    logs: ["web"],
    maintenance: ["on"],
    destroy: ["--yes"],
  };
  const names = ["destroy", "status", "releases", "logs", "ssh", "exec", "console", "dbshell", "maintenance"];
  for (const name of names) {
    test(`${name}: on a stack that there is not, and says which there are`, async () => {
      const after = name === "exec" ? ["true"] : [];
      const { code, stdout, stderr } = await run(name, [...(words[name] ?? []), "-s", "stagin", ...after]);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.equal(
        stderr.split("\n")[0],
        "berth: there is no stack 'stagin' here. Did you mean 'staging'? There is: local, staging.",
      );
    });
  }

  test("start: on a stack without a file, and says which have one", async () => {
    const { code, stdout, stderr } = await run("start", ["-s", "stagin"]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(
      stderr,
      /^berth: there is no Pulumi\.stagin\.yaml here; .* Did you mean 'staging'\? There is: local, prod, staging, theirs\.$/m,
    );
  });

  test("start: on a stack of a Pulumi of the user's own, which it would make a second time", async () => {
    const { code, stderr } = await run("start", ["-s", "theirs"]);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^berth: stack 'theirs' was made by a Pulumi of your own, .*: pulumi up -s theirs\. Or name its backend: set PULUMI_BACKEND_URL\./m,
    );
  });

  test("start: when HOST and -s name two stacks, or HOST is no address", async () => {
    const two = await run("start", ["-s", "staging"], { HOST: "root@203.0.113.7" });
    assert.equal(two.code, 2);
    assert.match(
      two.stderr,
      /as stack 'host-203-0-113-7', and -s names the stack 'staging'\. To deploy 'staging' to that machine/,
    );
    const none = await run("start", [], { HOST: "root@here:there" });
    assert.equal(none.code, 2);
    assert.match(none.stderr, /HOST: expected user@address or user@address:port; found 'root@here:there'/);
  });

  test("test: when a word is in no test's path, or a number is none", async () => {
    const lost = await run("test", ["conformanse"]);
    assert.equal(lost.code, 2);
    assert.match(
      lost.stderr,
      /^berth: no test has 'conformanse' in its path\. Did you mean 'conformance'\?$/m,
    );
    assert.equal((await run("test", ["--times", "many", "runner"])).code, 2);
  });

  test("scratch: when up or destroy is followed by another word", async () => {
    const { code, stderr } = await run("scratch", ["destroy", "berth-other"]);
    assert.equal(code, 2);
    assert.match(stderr, /unexpected word 'berth-other': only ssh takes words after it/);
  });
});
