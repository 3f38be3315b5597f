import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import test, { after, describe } from "node:test";
import type * as Grpc from "@grpc/grpc-js";
import { rememberStackFiles, restoreStackFiles } from "../../engine/salt.ts";
import { until } from "../until.ts";
import { type Engine, type Origin, root, withEngine, withoutRealPlugins } from "./harness.ts";
import { lastingHost } from "./lasting-host.ts";

const require = createRequire(import.meta.url);

const program = `
import * as pulumi from "@pulumi/pulumi";
const config = new pulumi.Config();
console.log("a line on stdout");
console.error("a line on stderr");
export const plain: string = config.require("plain");
export const nested = config.requireObject("nested");
export const secret = config.requireSecret("secret");
export const where = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
export const preview: boolean = pulumi.runtime.isDryRun();
export const cwd = process.cwd().includes("/project-");
`;

/** Runs one program through a stack's whole life and gives what a user sees of it. */
async function life(engine: Engine) {
  const cwd = engine.project({ "index.ts": program });
  const run = { cwd };
  await engine.succeed(["stack", "init", "dev"], run);
  await engine.succeed(["config", "set", "plain", "a plain value"], run);
  await engine.succeed(["config", "set", "--path", "nested.list[0]", "one"], run);
  await engine.succeed(["config", "set", "--secret", "secret", "canary-4711"], run);
  const preview = await engine.succeed(["preview"], run);
  const up = await engine.succeed(["up", "--yes", "--skip-preview"], run);
  const hidden = await engine.succeed(["stack", "output", "--json"], run);
  const shown = await engine.succeed(["stack", "output", "--json", "--show-secrets"], run);
  const again = await engine.succeed(["up", "--yes", "--skip-preview", "--expect-no-changes"], run);
  const destroy = await engine.succeed(["destroy", "--yes", "--skip-preview"], run);
  await engine.succeed(["stack", "rm", "--yes"], run);
  return { preview, up, hidden: JSON.parse(hidden.stdout), shown: JSON.parse(shown.stdout), again, destroy };
}

const outputs = {
  plain: "a plain value",
  nested: { list: ["one"] },
  where: "organization/trial/dev",
  preview: false,
  cwd: true,
};

/** The processes that have a word on their command line or in their working folder. */
function processesOf(word: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
      } catch {
        return false;
      }
    });
}

const hosts: [Origin, string | false][] = [
  ["node", false],
  ["real", withoutRealPlugins],
];
for (const [languageHost, skip] of hosts) {
  const engine = skip ? undefined : await withEngine({ after }, { languageHost });
  const ready = () => engine as Engine;

  describe(`a program under the ${languageHost} language host`, { skip }, () => {
    test("gets its configuration, secrets as secrets, and gives its outputs", async () => {
      const seen = await life(ready());
      assert.deepEqual(seen.hidden, { ...outputs, secret: "[secret]" });
      assert.deepEqual(seen.shown, { ...outputs, secret: "canary-4711" });
      for (const call of [seen.preview, seen.up, seen.again, seen.destroy]) {
        assert.doesNotMatch(call.stdout + call.stderr, /canary-4711/);
      }
    });

    test("shows in the engine's output what it prints", async () => {
      const { up } = await life(ready());
      assert.match(up.stdout, /a line on stdout/);
      assert.match(up.stdout, /a line on stderr/);
    });

    test("that throws ends the deployment with its error and the place in its source", async () => {
      const e = ready();
      const cwd = e.project({ "index.ts": `const fault: string = "on purpose";\nthrow new Error(fault);\n` });
      await e.succeed(["stack", "init", "dev"], { cwd });
      const result = await e.pulumi(["up", "--yes", "--skip-preview"], { cwd });
      assert.notEqual(result.code, 0);
      assert.match(result.stdout, /on purpose/);
      assert.match(result.stdout, /index\.ts:2/);
      await e.succeed(["stack", "rm", "--yes", "--force"], { cwd });
    });

    test("that exits by itself is reported with its exit code", async () => {
      const e = ready();
      const cwd = e.project({ "index.ts": "process.exit(7);\n" });
      await e.succeed(["stack", "init", "dev"], { cwd });
      const result = await e.pulumi(["up", "--yes", "--skip-preview"], { cwd });
      assert.notEqual(result.code, 0);
      assert.match(result.stdout, /exited with non-zero exit code: 7/);
      await e.succeed(["stack", "rm", "--yes", "--force"], { cwd });
    });

    test("is gone after an interrupt, and so is its language host", async () => {
      const e = ready();
      const cwd = e.project({ "index.ts": `console.log("waiting"); setInterval(() => {}, 1000);\n` });
      await e.succeed(["stack", "init", "dev"], { cwd });
      const up = spawn("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], { cwd, env: e.env });
      await until("the program runs", () => processesOf(cwd).length > 0);
      up.kill("SIGINT");
      await once(up, "exit");
      await until("the program is gone", () => processesOf(cwd).length === 0);
    });
  });
}

test("an engine that is killed leaves no program and no language host behind", async (t) => {
  const e = await withEngine(t);
  const cwd = e.project({ "index.ts": `setInterval(() => {}, 1000);\n` });
  await e.succeed(["stack", "init", "dev"], { cwd });
  const up = spawn("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"], {
    cwd,
    env: { ...e.env, BERTH_TRIAL: cwd },
  });
  await until("the program runs", () => processesOf(cwd).length > 0);
  const hosts = () => childrenWith(`BERTH_TRIAL=${cwd}`);
  assert.ok(hosts().length >= 2, "the language host and the program run");
  up.kill("SIGKILL");
  await once(up, "exit");
  await until("all are gone", () => hosts().length === 0);
});

test("engines that attach themselves to one language host at once each hear their own program", async (t) => {
  const e = await withEngine(t);
  const made = (name: string) =>
    e.project({
      "Pulumi.yaml": `name: ${name}\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.ts\n`,
      "index.ts": `import * as pulumi from "@pulumi/pulumi";\npulumi.log.info("this is ${name}");\n`,
    });
  const names = ["left", "right"];
  const projects = names.map(made);
  const host = lastingHost(e, projects[0] as string, () => {});
  t.after(() => host.close());
  const env = await host.environment();
  for (const cwd of projects) await e.succeed(["stack", "init", "dev"], { cwd });
  const heard = await Promise.all(projects.map((cwd) => e.succeed(["preview"], { cwd, env })));
  for (const [index, { stdout }] of heard.entries()) {
    const [own, other] = index === 0 ? names : names.toReversed();
    assert.match(stdout, new RegExp(`this is ${own}`));
    assert.doesNotMatch(stdout, new RegExp(`this is ${other}`));
  }
});

test("a tracked stack file stays as it was written through a stack's whole life", async (t) => {
  const e = await withEngine(t);
  const written = `# why\nconfig:\n    trial:key:   "1"\n\n\n# end\n`;
  const project = e.project({
    "Pulumi.dev.yaml": written,
    "index.ts": `import * as pulumi from "@pulumi/pulumi";
export const key = new pulumi.Config().require("key");
export const secret = pulumi.secret(key);\n`,
  });
  const files = { project, state: join(e.home, "../state"), remembered: join(e.home, "../remembered") };
  const file = () => readFileSync(join(project, "Pulumi.dev.yaml"), "utf8");
  // As engine/run.ts does it for every call.
  const pulumi = async (...args: string[]) => {
    await restoreStackFiles(files);
    rememberStackFiles(files);
    const result = await e.succeed([...args, "--stack=dev"], { cwd: project });
    await restoreStackFiles(files);
    return result.stdout;
  };
  const up = ["up", "--yes", "--skip-preview"];
  for (const call of [["stack", "init"], ["preview"], up, [...up, "--expect-no-changes"]]) {
    await pulumi(...call);
    assert.equal(file(), written, `after ${call.join(" ")}`);
  }
  assert.match(await pulumi("stack", "output", "--show-secrets", "--json"), /"secret": "1"/);
  assert.equal(file(), written);

  await pulumi("config", "set", "--secret", "password", "canary-4712");
  assert.doesNotMatch(file(), /encryptionsalt|canary/);
  assert.equal((await pulumi("config", "get", "password")).trim(), "canary-4712");
  await pulumi("config", "rm", "password");
  writeFileSync(join(project, "Pulumi.dev.yaml"), written);

  await pulumi("destroy", "--yes", "--skip-preview");
  await pulumi("stack", "rm", "--yes");
  assert.equal(file(), written);
});

/** The processes whose environment has an entry. */
function childrenWith(entry: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(entry);
      } catch {
        return false;
      }
    });
}

describe("the Node language host, asked directly", () => {
  interface Host {
    ask(method: string, request?: unknown): Promise<{ [get: string]: () => unknown }>;
  }
  const messages = require("@pulumi/pulumi/proto/language_pb.js");
  const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js");

  /** Starts the language host as an engine would, and asks it. */
  async function start(t: { after(clean: () => void): void }): Promise<Host> {
    const grpc: typeof Grpc = require("@grpc/grpc-js");
    const { LanguageRuntimeClient } = require("@pulumi/pulumi/proto/language_grpc_pb.js");
    const child = spawn(process.execPath, [join(root, "engine/language-host/main.ts"), "127.0.0.1:1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [port] = await once(child.stdout.setEncoding("utf8"), "data");
    const client = new LanguageRuntimeClient(`127.0.0.1:${port.trim()}`, grpc.credentials.createInsecure());
    t.after(() => {
      client.close();
      child.stdin.end();
    });
    return {
      ask: (method, request = new Empty()) =>
        new Promise((resolve, reject) => {
          client[method](request, (error: Error | null, reply: { [get: string]: () => unknown }) =>
            error ? reject(error) : resolve(reply),
          );
        }),
    };
  }

  test("refuses what it does not have by name, as something that is not implemented", async (t) => {
    const host = await start(t);
    const words = "not available from the registry build; install Pulumi from its site";
    const calls: [string, unknown][] = [
      ["pack", new messages.PackRequest()],
      ["link", new messages.LinkRequest()],
      ["generateProgram", new messages.GenerateProgramRequest()],
      ["generateProject", new messages.GenerateProjectRequest()],
      ["generatePackage", new messages.GeneratePackageRequest()],
      ["getRequiredPlugins", new messages.GetRequiredPluginsRequest()],
    ];
    for (const [method, request] of calls) {
      const name = `${method[0]?.toUpperCase()}${method.slice(1)}`;
      await assert.rejects(host.ask(method, request), { code: 12, details: `${name}: ${words}` });
    }
  });

  test("names the plugins that the installed packages ask for, with their versions", async (t) => {
    const host = await start(t);
    const request = new messages.GetRequiredPackagesRequest().setInfo(
      new messages.ProgramInfo().setProgramDirectory(root),
    );
    const reply = await host.ask("getRequiredPackages", request);
    const list = (reply.getPackagesList?.() ?? []) as {
      getName(): string;
      getVersion(): string;
      getKind(): string;
    }[];
    const found = list.map((one) => `${one.getKind()} ${one.getName()} ${one.getVersion()}`);
    for (const needed of ["resource command v1.2.1", "resource random v4.21.2", "resource tls v5.6.1"]) {
      assert.ok(found.includes(needed), `${needed} is not among ${found.join(", ")}`);
    }
  });

  test("has the version of the SDK that it runs", async (t) => {
    const host = await start(t);
    const reply = await host.ask("getPluginInfo");
    assert.equal(reply.getVersion?.(), require("@pulumi/pulumi/package.json").version);
  });

  test("says what to do when a program has no Pulumi SDK", async (t) => {
    const host = await start(t);
    const info = new messages.ProgramInfo().setProgramDirectory("/").setEntryPoint(".");
    const reply = await host.ask("run", new messages.RunRequest().setInfo(info));
    assert.match(String(reply.getError?.()), /Pulumi SDK is not installed in \/.*Run 'npm install'/);
  });
});
