import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { until } from "../until.ts";
import { isSecret, type Trial, underBoth, underNode } from "./providers.ts";
import { type Sshd, startSshd } from "./sshd.ts";

const text = JSON.stringify;

/** The connection's source text. One failed dial ends it: these tests do not wait for booting hosts. */
function connection(sshd: Sshd, changes: Record<string, unknown> = {}): string {
  return text({
    host: sshd.host,
    port: sshd.port,
    user: sshd.user,
    privateKey: sshd.keys.ed25519,
    hostKey: sshd.hostKey,
    dialErrorLimit: 0,
    ...changes,
  });
}

async function withSshd(settings: readonly string[], body: (sshd: Sshd) => Promise<void>): Promise<void> {
  const sshd = await startSshd(settings);
  try {
    await body(sshd);
  } finally {
    await sshd.stop();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

underBoth(
  "a local command runs at create, update and delete, with its input and surroundings",
  async (trial) => {
    const log = join(trial.folder, "log");
    const program = (stdin: string, triggers = "[]") => `
    const c = new command.local.Command("c", {
      create: "printf 'create %s %s %s|' $GREETING \\"$(cat)\\" \\"$PWD\\" >> ${log}; echo made; echo careful >&2",
      update: "printf 'update %s %s|' \\"$(cat)\\" \\"$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR\\" >> ${log}; echo changed",
      delete: "printf 'delete %s %s|' \\"$(cat)\\" $PULUMI_COMMAND_STDOUT >> ${log}",
      stdin: ${text(stdin)}, environment: { GREETING: "hello" }, dir: "/usr", triggers: ${triggers} });
    export const out = c.stdout; export const err = c.stderr;`;
    await trial.up(program("one"));
    assert.deepEqual(await trial.outputs(), { out: "made", err: "careful" });
    await trial.unchanged();
    await trial.up(program("two"));
    assert.deepEqual(await trial.outputs(), { out: "changed", err: "" });
    await trial.up(program("two", "[1]"));
    await trial.destroy();
    assert.deepEqual(readFileSync(log, "utf8").split("|"), [
      "create hello one /usr",
      "update two made/careful",
      "create hello two /usr",
      "delete two changed",
      "delete two made",
      "",
    ]);
  },
);

underBoth("a failing local command says its status, its text and all it has written", async (trial) => {
  const said = await trial.fails(
    'new command.local.Command("c", { create: "echo before; echo went wrong >&2; exit 3", logging: "none", interpreter: ["/bin/bash", "-c"] });',
  );
  assert.match(said, /exit status 3: running "echo before; echo went wrong >&2; exit 3":/);
  // Standard output and error are two pipes, and which one the provider reads first is open.
  assert.match(said, /^ +before$/m);
  assert.match(said, /^ +went wrong$/m);
});

underBoth("a remote command gets its input and hands back its output, whole", async (trial) => {
  await withSshd(["AcceptEnv LANGUAGE_OF_APP"], async (sshd) => {
    await trial.up(`
      const connection = ${connection(sshd)};
      const echo = new command.remote.Command("echo", { connection, create: "cat; echo warn >&2", stdin: "wörds\\n\\n" });
      const silent = new command.remote.Command("silent", { connection, create: "wc -c" });
      const long = new command.remote.Command("long", { connection, logging: "none", create: "seq 1 200000; head -c 300000 /dev/zero | tr '\\\\0' x" });
      const input = new command.remote.Command("input", { connection, create: "wc -c", stdin: "y".repeat(2_000_000) });
      const unread = new command.remote.Command("unread", { connection, create: "exec true", stdin: "y".repeat(2_000_000) });
      const env = new command.remote.Command("env", { connection, create: "echo $LANGUAGE_OF_APP", environment: { LANGUAGE_OF_APP: "es AR" } });
      const rsa = new command.remote.Command("rsa", { connection: { ...connection, privateKey: ${text(sshd.keys.rsa)} }, create: "echo by rsa" });
      export const out = { echo: echo.stdout, warn: echo.stderr, silent: silent.stdout, input: input.stdout, env: env.stdout, rsa: rsa.stdout,
        unread: unread.stdout, long: long.stdout.apply((whole) => [whole.length, whole.slice(-5)]) };`);
    assert.deepEqual((await trial.outputs()).out, {
      echo: "wörds\n",
      warn: "warn",
      silent: "0",
      input: "2000000",
      unread: "",
      env: "es AR",
      rsa: "by rsa",
      long: [1_288_895 + 300_000, "xxxxx"],
    });
    await trial.unchanged();
  });
});

underBoth(
  "another text updates, another trigger replaces, and delete gets the input of the last run",
  async (trial) => {
    await withSshd([], async (sshd) => {
      const log = join(sshd.folder, "runs");
      const program = (step: string, triggers: string) => `
      new command.remote.Command("step", { connection: ${connection(sshd)}, triggers: [${text(triggers)}], addPreviousOutputInEnv: false,
        create: "printf '${step} %s|' $(cat) >> ${log}", delete: "printf 'undo ${step} %s|' $(cat) >> ${log}", stdin: pulumi.secret("with-${step}") });`;
      const runs = () => readFileSync(log, "utf8").split("|").slice(0, -1);
      await trial.up(program("a", "host-1"));
      await trial.preview("--diff");
      const { stdout } = await trial.up(program("b", "host-1"));
      assert.match(stdout, /1 updated/);
      assert.match((await trial.up(program("b", "host-2"))).stdout, /1 replaced/);
      await trial.destroy();
      assert.deepEqual(runs(), ["a with-a", "b with-b", "b with-b", "undo b with-b", "undo b with-b"]);
    });
  },
);

underBoth(
  "what is secret in a remote command is in no output of the engine and not in the plain state",
  async (trial) => {
    await withSshd([], async (sshd) => {
      const secret = "canary-5f2e9b";
      const program = (create: string, options = "") => `
      new command.remote.Command("step", { connection: ${connection(sshd)}, create: ${text(create)}, stdin: pulumi.secret(${text(secret)}), logging: "none" }, { ${options} });`;
      const hidden = (what: string, content: string) => {
        assert.ok(!content.includes(secret), `${what} shows the secret input`);
        for (const line of sshd.keys.ed25519.split("\n").slice(1, 4)) {
          assert.ok(!content.includes(line), `${what} shows the private key`);
        }
      };
      await trial.write(program("wc -c"));
      hidden("preview", (await trial.preview("--diff")).stdout);
      hidden("preview as JSON", (await trial.preview("--json")).stdout);
      hidden("up", (await trial.up()).stdout);
      hidden("the state", await trial.exported());
      const state = await trial.resource("step");
      assert.ok(
        isSecret(state.inputs.stdin) && isSecret(state.inputs.connection),
        "input and connection are secrets",
      );
      assert.equal(
        state.outputs.stdout,
        String(secret.length),
        "the output of a secret input is not secret by itself",
      );

      await trial.up(program("cat", 'additionalSecretOutputs: ["stdout", "stderr"]'));
      hidden("the state", await trial.exported());
      assert.ok(isSecret((await trial.resource("step")).outputs.stdout));
      hidden(
        "an update that fails",
        await trial.fails(program("cat > /dev/null; echo no such role >&2; exit 4")),
      );
    });
  },
);

underBoth("a host key that is another one, a wrong key and a closed port each say so", async (trial) => {
  await withSshd([], async (sshd) => {
    await withSshd([], async (other) => {
      const attempt = (changes: Record<string, unknown>) =>
        trial.fails(
          `new command.remote.Command("c", { connection: ${connection(sshd, changes)}, create: "true" });`,
        );
      assert.match(await attempt({ hostKey: other.hostKey }), /host key mismatch/);
      assert.match(await attempt({ privateKey: other.keys.ed25519 }), /unable to authenticate/);
      assert.match(await attempt({ port: 1 }), /dial tcp 127\.0\.0\.1:1: connect: connection refused/);
      assert.match(await attempt({ hostKey: "not a key" }), /failed to parse host key/);
      const said = await attempt({ privateKey: "canary-not-a-key" });
      assert.ok(!said.includes("canary-not-a-key"), "what stands in the key's place is never shown");
    });
  });
});

underBoth(
  "a host that is still booting is waited for, as long as the limit of dial errors says",
  async (trial) => {
    const first = await startSshd();
    await first.stop();
    const program = (limit: number) =>
      `new command.remote.Command("c", { connection: ${connection(first, { dialErrorLimit: limit, privateKey: first.keys.ed25519 })}, create: "true" });`;
    const began = Date.now();
    assert.match(await trial.fails(program(4)), /after 4 failed attempts/);
    // 0.1 s + 0.15 s + 0.225 s + 0.3375 s between the attempts.
    assert.ok(Date.now() - began >= 800, "it has tried again, at longer and longer intervals");
  },
);

underBoth("a private host is reached through its jump host", async (trial) => {
  await withSshd([], async (jump) => {
    await withSshd([], async (inner) => {
      const proxy = JSON.parse(connection(jump));
      await trial.up(`
        const connection = ${connection(inner, { proxy })};
        export const out = new command.remote.Command("c", { connection, create: "echo $SSH_CONNECTION" }).stdout;`);
      assert.match(String((await trial.outputs()).out), new RegExp(` ${inner.port}$`));
      assert.match(jump.log(), new RegExp(`Accepted publickey for ${jump.user}`));
      const broken = { ...proxy, port: 1 };
      assert.match(
        await trial.fails(
          `new command.remote.Command("d", { connection: ${connection(inner, { proxy: broken })}, create: "true" });`,
        ),
        /proxy: after 0 failed attempts: dial tcp 127\.0\.0\.1:1: connect: connection refused/,
      );
    });
  });
});

underBoth("an environment that the server does not accept fails before the command starts", async (trial) => {
  await withSshd([], async (sshd) => {
    const mark = join(sshd.folder, "ran");
    const said = await trial.fails(
      `new command.remote.Command("c", { connection: ${connection(sshd)}, create: "touch ${mark}", environment: { NOT_ACCEPTED: "1" } });`,
    );
    assert.match(said, /could not set environment variable "NOT_ACCEPTED"/);
    assert.match(said, /AcceptEnv/);
    assert.ok(!existsSync(mark));
  });
});

underBoth("a failing remote command says its status, its text and all it has written", async (trial) => {
  await withSshd([], async (sshd) => {
    const said = await trial.fails(
      `new command.remote.Command("c", { connection: ${connection(sshd)}, create: "echo before; echo went wrong >&2; exit 9" });`,
    );
    assert.match(said, /Process exited with status 9: running "echo before; echo went wrong >&2; exit 9":/);
    assert.match(said, /before\s+went wrong|went wrong\s+before/);
  });
});

underBoth("a connection that ends while a command runs is an error", async (trial) => {
  await withSshd([], async (sshd) => {
    const said = trial.fails(
      `new command.remote.Command("c", { connection: ${connection(sshd)}, stdin: "begin", create: "cat; cd ${sshd.folder}; echo $PPID > new; mv new session; while kill -0 $PPID; do sleep 0.2; done" });`,
    );
    // What it reads is sent when the command is known to run.
    await until("the command runs", () => existsSync(join(sshd.folder, "session")));
    process.kill(Number(readFileSync(join(sshd.folder, "session"), "utf8")), "SIGKILL");
    assert.match(await said, /was lost while the command ran|without exit status or exit signal/);
  });
});

underBoth(
  "files, directories and texts are copied to where the rules say, and only when they have changed",
  async (trial) => {
    await withSshd([], async (sshd) => {
      const target = join(sshd.folder, "target");
      const source = join(trial.folder, "source");
      mkdirSync(join(source, "sub"), { recursive: true });
      writeFileSync(join(source, "archive.tgz"), "a".repeat(500_000));
      writeFileSync(join(source, "sub/file"), "in a folder");
      writeFileSync(join(source, "empty"), "");
      const program = (words: string) => `
      const connection = ${connection(sshd)};
      new command.remote.CopyToRemote("file", { connection, source: new pulumi.asset.FileAsset("source/archive.tgz"), remotePath: "${target}/deep/release.tgz" });
      new command.remote.CopyToRemote("tree", { connection, source: new pulumi.asset.FileArchive("source"), remotePath: "${target}/tree" });
      new command.remote.CopyToRemote("text", { connection, source: new pulumi.asset.StringAsset(${text(words)}), remotePath: "${target}/text" });`;
      await trial.up(program("wörds"));
      const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
      assert.equal(hash(join(target, "deep/release.tgz")), hash(join(source, "archive.tgz")));
      assert.equal(readFileSync(join(target, "tree/source/sub/file"), "utf8"), "in a folder");
      assert.equal(readFileSync(join(target, "tree/source/empty"), "utf8"), "");
      assert.equal(readFileSync(join(target, "text"), "utf8"), "wörds");
      await trial.unchanged();
      writeFileSync(join(source, "archive.tgz"), "b");
      writeFileSync(join(target, "text"), "changed by hand");
      const { stdout } = await trial.up(program("wörds"));
      assert.match(stdout, /2 updated/);
      assert.equal(readFileSync(join(target, "deep/release.tgz"), "utf8"), "b");
      assert.equal(
        readFileSync(join(target, "text"), "utf8"),
        "changed by hand",
        "an unchanged source is not copied",
      );
      const said = await trial.fails(
        `new command.remote.CopyToRemote("file", { connection: ${connection(sshd)}, source: new pulumi.asset.StringAsset("x"), remotePath: "/proc/nowhere/x" });`,
      );
      assert.match(said, /\/proc\/nowhere/);
    });
  },
);

underBoth(
  "a connection without a host and an unknown input are refused before anything runs",
  async (trial) => {
    const said = await trial.fails(
      'new command.remote.Command("c", { connection: { user: "x" } as any, create: "true", shell: "bash" } as any);',
    );
    assert.match(said, /[Mm]issing required field 'host'/);
    assert.ok(!(await trial.exported()).includes("remote:Command"));
  },
);

underNode("lines of output of any length reach the log, and the output stays whole", async (trial) => {
  await trial.up(`
    const c = new command.local.Command("c", { create: "head -c 200000 /dev/zero | tr '\\\\0' x; echo; echo last" });
    export const length = c.stdout.apply((whole) => whole.length);`);
  assert.equal((await trial.outputs()).length, 200_005);
});

underNode("a key in PKCS #8, as tls makes them for Ed25519, opens a connection", async (trial) => {
  await withSshd([], async (sshd) => {
    await trial.up(`
      const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
      const allow = new command.local.Command("allow", { create: pulumi.interpolate\`echo '\${key.publicKeyOpenssh}' >> ${sshd.folder}/authorized_keys\` });
      const connection = { ...${connection(sshd)}, privateKey: key.privateKeyPem };
      export const out = new command.remote.Command("c", { connection, create: "echo in" }, { dependsOn: allow }).stdout;`);
    assert.equal((await trial.outputs()).out, "in");
  });
});

underNode("what the command provider of the registry build has not is refused by its name", async (trial) => {
  const missing = /not available from the registry build; install Pulumi from its site/;
  const paths = await trial.fails('new command.local.Command("c", { create: "true", assetPaths: ["*"] });');
  assert.match(paths, /command:local:Command assetPaths/);
  assert.match(paths, missing);
  const run = await trial.fails('export const out = (await command.local.run({ command: "true" })).stdout;');
  assert.match(run, /command:local:run/);
  assert.match(run, missing);
});

/** Starts `pulumi up` in a process of its own, for tests that end it. */
function startUp(trial: Trial): { child: ChildProcess; said: () => string; ended: Promise<number | null> } {
  const child = spawn(
    join(trial.engine.home, "bin/pulumi"),
    ["up", "--yes", "--skip-preview", "--non-interactive", "--color=never"],
    { cwd: trial.folder, env: trial.engine.env, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  return { child, said: () => output, ended: new Promise((resolve) => child.once("close", resolve)) };
}

/** Process ids that a command has written into a file, one a line. */
function pids(file: string): number[] {
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : [];
}

underNode(
  "an interrupted update ends local commands with their children, and SSH sessions, within seconds",
  async (trial) => {
    await withSshd([], async (sshd) => {
      const file = join(sshd.folder, "pids");
      await trial.write(`
      new command.local.Command("here", { create: "sleep 3600 & echo $! >> ${file}; echo $$ >> ${file}; wait" });
      new command.remote.Command("there", { connection: ${connection(sshd)}, create: "echo $$ >> ${file}; while kill -0 $PPID; do sleep 0.2; done" });`);
      const { child, said, ended } = startUp(trial);
      await until("both commands run", () => pids(file).length === 3);
      child.kill("SIGINT");
      assert.notEqual(await ended, 0);
      await until("no command is left", () => !pids(file).some(alive));
      assert.match(said(), /cancelled/);
    });
  },
);

underNode("a killed engine leaves no provider and no local command behind", async (trial) => {
  const file = join(trial.folder, "pids");
  await trial.write(`
    new command.local.Command("here", { create: "echo $$ >> ${file}; echo $PPID >> ${file}; sleep 300" });
    new tls.PrivateKey("key", { algorithm: "ED25519" });`);
  const { child, ended } = startUp(trial);
  await until("the command runs", () => pids(file).length === 2);
  child.kill("SIGKILL");
  await ended;
  await until("provider and command are gone", () => !pids(file).some(alive));
});

test("a provider started by hand with /dev/null as its input stays until it is told to end", async () => {
  const root = join(import.meta.dirname, "../..");
  const child = spawn(process.execPath, [join(root, "engine/plugins/command/main.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((resolve) =>
    child.stdout?.once("data", (chunk) => resolve(String(chunk))),
  );
  assert.match(port, /^\d+\n$/);
  await wait(1500);
  assert.equal(child.exitCode, null);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});
