// npm run destroy with a real engine, on stacks of a program without hosts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Result, root, withEngine } from "./harness.ts";

const engine = await withEngine({ after });
const project = engine.project({
  "Pulumi.yaml": "name: berth\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.ts\n",
  "index.ts": `
    import * as pulumi from "@pulumi/pulumi";
    import { RandomId } from "@pulumi/random";
    const protect = pulumi.getStack() === "prod";
    new RandomId("web-data-disk", { byteLength: 4 }, { protect });
    class Host extends pulumi.ComponentResource {
      constructor() { super("berth:host:LocalHost", "web", {}); }
    }
    new Host();
  `,
});

/** A terminal of its own, at which `typed` is typed once it asks. */
const atTerminal = (command: string) =>
  ["script", ["--quiet", "--return", "--command", command, "/dev/null"]] as const;

function destroy(args: string, typed?: string): Promise<Result> {
  const command = `${process.execPath} scripts/destroy.ts ${args}`;
  const [program, words] = typed === undefined ? (["sh", ["-c", command]] as const) : atTerminal(command);
  const child = spawn(program, words, {
    cwd: project,
    env: { ...process.env, BERTH_ENGINE: "registry" },
    stdio: [typed === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    timeout: 120_000,
  });
  const said = { stdout: "", stderr: "" };
  let answered = false;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
    if (answered || !said.stdout.includes("Type the stack's name")) return;
    answered = true;
    child.stdin?.write(`${typed}\n`);
  });
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code) => settle({ code: code ?? -1, ...said }));
  });
}

const stacks = async () => {
  const list = await engine.succeed(["stack", "ls", "--json"], { cwd: project });
  return (JSON.parse(list.stdout) as { name: string }[]).map(({ name }) => name).sort();
};
const make = async (stack: string) => {
  await engine.succeed(["stack", "init", stack], { cwd: project });
  await engine.succeed(["up", "--yes", "--skip-preview", "--stack", stack], { cwd: project });
};

before(async () => {
  for (const part of ["scripts", "engine", "components", "cloud-init", "lean-sdk.ts"])
    cpSync(join(root, part), join(project, part), { recursive: true });
  copyFileSync(join(root, "package-lock.json"), join(project, "package-lock.json"));
  mkdirSync(join(project, ".berth"), { mode: 0o700 });
  symlinkSync(fileURLToPath(`${engine.env.PULUMI_BACKEND_URL}`), join(project, ".berth/state"));
  copyFileSync(`${engine.env.PULUMI_CONFIG_PASSPHRASE_FILE}`, join(project, ".berth/passphrase"));
  for (const stack of ["local", "staging", "prod"]) await make(stack);
});

test("without a terminal and without --yes it shows what goes, removes nothing, and says what to type", async () => {
  const { code, stdout, stderr } = await destroy("-s staging");
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^berth: stack staging: /);
  assert.match(stdout, /^ {2}goes {3}host web, a machine on this computer$/m);
  assert.match(stderr, /no terminal to ask at.*: npm run destroy -- -s staging --yes$/m);
  assert.deepEqual(await stacks(), ["local", "prod", "staging"]);
});

test("at a terminal another name than the stack's removes nothing, and the stack's own removes it", async () => {
  const other = await destroy("-s staging", "local");
  assert.equal(other.code, 1, other.stdout);
  assert.match(other.stdout, /stack staging: nothing was removed; its name was not typed/);
  assert.deepEqual(await stacks(), ["local", "prod", "staging"]);

  const same = await destroy("--stack=staging", "staging");
  assert.equal(same.code, 0, same.stdout);
  assert.match(same.stdout, /berth: stack staging is gone/);
  assert.deepEqual(await stacks(), ["local", "prod"]);
});

test("a protected stack is refused, --yes or not, with what is protected and what to do on purpose", async () => {
  const { code, stderr } = await destroy("--yes -s prod");
  assert.equal(code, 1, stderr);
  assert.match(stderr, /stack prod is protected, so nothing was removed\. .* delete web-data-disk\.$/m);
  assert.match(
    stderr,
    /set protect to false below berth:host in Pulumi\.prod\.yaml, .*'npm start -- -s prod'/,
  );
  assert.deepEqual(await stacks(), ["local", "prod"]);
  assert.ok(!existsSync(join(project, ".berth/ssh")));
});

test("with --yes it removes the stack that is named, and no other", async () => {
  const { code, stdout, stderr } = await destroy("--yes");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^berth: stack local: /);
  assert.match(stdout, /berth: stack local is gone/);
  assert.deepEqual(await stacks(), ["prod"]);

  const again = await destroy("--yes");
  assert.equal(again.code, 2);
  assert.match(again.stderr, /^berth: there is no stack 'local' here\. There is: prod\.$/m);
});
