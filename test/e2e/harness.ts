// A stack of Berth's own program on a local host, by the real engine: its own engine, state, passphrase and machine,
// and its own copy of the program and of the application, so that a test may change either. Whatever happens to
// the test, the machine goes.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { shellQuote } from "../../components/host/quote.ts";
import { type Engine, execute, type Result, root, withEngine } from "../engine/harness.ts";
import { lastingHost } from "../engine/lasting-host.ts";
import { until } from "../until.ts";
import { restore, savedStack } from "./saved.ts";

export { execute, type Result } from "../engine/harness.ts";

/** What a stack file holds below `config:`, without the namespace: `{ site: { maxBody: 10 } }`. */
export type StackConfig = Readonly<Record<string, unknown>>;

export interface StackOptions {
  /** Added to the configuration of Pulumi.local.yaml, section by section. @default nothing */
  readonly config?: StackConfig;
  /** The directory whose copy is the application, from the checkout, or by its whole path. @default "examples/django" */
  readonly app?: string;
  /** Whether the example's worker and beat run; most tests are quicker without. @default false */
  readonly crew?: boolean;
  /**
   * Whether its application is deployed already, in its plainest form: put aside by the first test that asked for it, and
   * brought back in seconds. The next `up` then makes of it what `config` and `crew` say. For tests that are not about a
   * bootstrap. @default false
   */
  readonly deployed?: boolean;
  /**
   * Whether its local hosts begin with what Debian has on a new machine, and install their packages. In other tests they
   * lie there already, which spares half a minute a host. @default false
   */
  readonly bare?: boolean;
  /** Another stack's name, for a second stack on the same machine. @default a new one */
  readonly name?: string;
  /** Further environment for every call of the engine. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its host is. @default as the configuration says: a local host's own address, or an existing one's */
  readonly address?: () => Promise<string>;
}

/** The outcome of a call of the engine, and what it did to each resource. */
export interface Run extends Result {
  /** The operation on each resource whose operation was not `same`, by the resource's name. */
  readonly changes: Readonly<Record<string, string>>;
  /** Every event of the engine, one JSON text a line; debug messages among them show secrets. */
  readonly events: string;
}

/** A call of the engine that is under way. */
export interface Running {
  /** The process id of the CLI, which leads a process group of its own. */
  readonly pid: number;
  /** All it has said so far. */
  said(): string;
  /** Sends a signal to the CLI alone, or to all its processes. */
  kill(signal: NodeJS.Signals, whom?: "engine" | "all"): void;
  /** The outcome, once it has ended; the code is -1 after a signal. */
  readonly ended: Promise<Run>;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The body as it came, not decompressed. */
  readonly body: Buffer;
  readonly text: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** @default "https" */
  readonly scheme?: "http" | "https";
  /** The port. @default that of the scheme */
  readonly port?: number;
}

export interface SshOptions {
  /** The account. @default "berth" */
  readonly user?: string;
  /** The private key, in OpenSSH's format. @default the one of the stack's own login */
  readonly key?: string;
  /** Whether the command runs as root by sudo. @default true */
  readonly asRoot?: boolean;
  readonly stdin?: string;
  /** Milliseconds. @default 180000 */
  readonly timeout?: number;
}

/** What the engine knows of a resource, secrets in the clear. */
export interface ResourceState {
  readonly urn: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface Stack {
  readonly name: string;
  /** The name of its local host. */
  readonly machine: string;
  /** The folder of its copy of the program; the application's copy is `app` in it. */
  readonly project: string;
  /** Path of Pulumi.<stack>.yaml. */
  readonly file: string;
  /** The folder of its engine's state. */
  readonly state: string;
  readonly engine: Engine;
  /** Any call of the CLI, in the project. */
  pulumi(args: readonly string[], options?: { timeout?: number; stdin?: string }): Promise<Result>;
  /** `pulumi up`, without its preview unless asked; a failure is a result. */
  up(...args: string[]): Promise<Run>;
  /** The same, and a failure throws. */
  succeed(...args: string[]): Promise<Run>;
  /** `pulumi preview`. */
  preview(...args: string[]): Promise<Run>;
  /** `pulumi up`, to be watched or killed. */
  startUp(...args: string[]): Running;
  /** Unlocks the stack after a killed call. */
  unlock(): Promise<void>;
  /** `pulumi destroy`. */
  destroy(): Promise<Result>;
  /** Changes the configuration section by section: `configure({ site: { maxBody: 10 } })`; undefined takes a key out. */
  configure(config: StackConfig): void;
  /** The stack's outputs, secrets in the clear. */
  outputs(): Promise<Record<string, unknown>>;
  /** All resources in the state, secrets in the clear. */
  resources(): Promise<ResourceState[]>;
  /** The one of this name. */
  resource(name: string): Promise<ResourceState>;
  address(): Promise<string>;
  /** A shell command on the host by SSH, as root. */
  ssh(command: string, options?: SshOptions): Promise<Result>;
  /** The same; a failure throws, and the answer is what it printed, trimmed. */
  on(command: string, options?: SshOptions): Promise<string>;
  /** A shell command as root inside the machine, for when SSH is cut off or not set up. */
  inside(command: string): Result;
  /** Asks the site at the host's address, and trusts no certificate but the stack's own. */
  fetch(path: string, options?: RequestOptions): Promise<Answer>;
  /** All of the machine that there is on this computer: processes, mounts, loop devices, control groups, files. */
  traces(): string[];
}

/** Stacks whose machines may be on this computer. */
const stacksHere = new Set<string>();
const callsHere = new Set<number>();
const foldersHere = new Set<string>();

function removeAtOnce(): void {
  for (const pid of callsHere) signal(-pid, "SIGKILL");
  for (const name of stacksHere) removeMachinesOf(name);
  for (const folder of foldersHere) rmSync(folder, { recursive: true, force: true });
}

/** Removes a machine without the engine. */
export function removeMachine(machine: string): void {
  const result = spawnSync("bash", ["components/host/local/destroy.sh"], {
    cwd: root,
    env: { ...process.env, BERTH_MACHINE: machine },
    encoding: "utf8",
  });
  if (result.status !== 0) console.error(`the machine ${machine} could not be removed: ${result.stderr}`);
}

/** Removes all machines of a stack without the engine. */
function removeMachinesOf(stack: string): void {
  for (const machine of machinesLeft().filter((one) => one.startsWith(`berth-${stack}-`)))
    removeMachine(machine);
  stacksHere.delete(stack);
}

process.once("exit", removeAtOnce);
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => process.exit(130));

/**
 * Makes a stack for a test; `up` makes its machine. `scope` is the test's context (`t`), or `{ after }` from
 * node:test for a whole file. When the scope ends, however it ends, the machine and everything else is removed.
 */
export async function withStack(
  scope: { after(clean: () => void | Promise<void>): void },
  options: StackOptions = {},
): Promise<Stack> {
  const app = options.app ?? "examples/django";
  const saved = options.deployed ? await savedStack(app) : undefined;
  let closeEngine = () => {};
  const engine = await withEngine(
    { after: (clean) => (closeEngine = clean) },
    {
      plugins: process.env.BERTH_E2E_PLUGINS === "real" ? "real" : "node",
      env: { PULUMI_DEBUG_COMMANDS: "true", ...(options.bare ? {} : withPackages), ...options.env },
    },
  );
  const name = saved?.name ?? options.name ?? `t-${randomBytes(3).toString("hex")}`;
  const machine = `berth-${name}-web`;
  const folder = stackFolder();
  for (const one of [folder, dirname(engine.home)]) foldersHere.add(one);
  const project = copyProgram(join(folder, "berth"), app);
  const file = join(project, `Pulumi.${name}.yaml`);
  const local = parse(readFileSync(join(root, "Pulumi.local.yaml"), "utf8")).config;
  writeFileSync(file, stringify({ config: { ...local } }));
  // Each worker loads the application, which is a seventh of all that the tests compute.
  configure(file, { app: { source: { directory: "app" }, processes: undefined, workers: 1 } });
  configure(file, plainly[app] ?? {});

  const under = new Set<{ stdout: string }>();
  const host = lastingHost(engine, project, (text) => {
    for (const output of under) output.stdout += text;
  });
  const call = async (args: readonly string[], timeout = 600_000, stdin = "") =>
    begin(args, timeout, stdin, runsPrograms(args) ? await host.environment() : {}).ended;
  const began = { events: 0 };

  function begin(
    args: readonly string[],
    timeout = 600_000,
    stdin = "",
    env: Readonly<Record<string, string>> = {},
  ): Running {
    const eventLog = join(folder, `events-${++began.events}.json`);
    const withEvents = ["up", "preview", "destroy"].includes(args[0] ?? "");
    const child = spawn(
      join(engine.home, "bin/pulumi"),
      [
        ...args,
        "--non-interactive",
        "--color=never",
        ...(args[0] === "plugin" ? [] : ["--stack", name]),
        ...(withEvents ? ["--event-log", eventLog] : []),
      ],
      { cwd: project, env: { ...engine.env, ...env }, stdio: ["pipe", "pipe", "pipe"], detached: true },
    );
    const pid = child.pid ?? 0;
    callsHere.add(pid);
    const output = { stdout: "", stderr: "" };
    under.add(output);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    child.stdin.on("error", () => {}).end(stdin);
    const timer = setTimeout(() => signal(-pid, "SIGKILL"), timeout);
    const ended = new Promise<Run>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        clearTimeout(timer);
        callsHere.delete(pid);
        under.delete(output);
        const events = existsSync(eventLog) ? readFileSync(eventLog, "utf8") : "";
        resolve({ code: code ?? -1, ...output, events, changes: changesOf(events) });
      });
    });
    return {
      pid,
      said: () => output.stdout + output.stderr,
      kill: (which, whom = "engine") => signal(whom === "all" ? -pid : pid, which),
      ended,
    };
  }

  const stateFolder = fileURLToPath(`${engine.env.PULUMI_BACKEND_URL}`);
  if (saved) {
    stacksHere.add(name);
    restore(saved, { file, state: stateFolder });
  } else {
    const created = await call(["stack", "init"]);
    if (created.code !== 0) throw new Error(`pulumi stack init: ${created.stdout}${created.stderr}`);
  }
  if (options.crew) configure(file, { app: { processes: local["berth:app"].processes } });
  configure(file, options.config ?? {});

  const upArgs = (args: string[]) => ["up", "--yes", "--skip-preview", ...args];
  const startUp = (...args: string[]) => {
    stacksHere.add(name);
    return begin(upArgs(args));
  };
  const up = (...args: string[]) => {
    stacksHere.add(name);
    return call(upArgs(args));
  };
  const unlock = async () => {
    await call(["cancel", "--yes"]);
  };
  const destroy = async () => {
    const result = await call(["destroy", "--yes", "--skip-preview"]);
    if (result.code === 0) stacksHere.delete(name);
    facts.clear();
    return result;
  };

  const exported = async (): Promise<ResourceState[]> => {
    const result = await call(["stack", "export", "--show-secrets"]);
    if (result.code !== 0) throw new Error(`pulumi stack export: ${result.stderr}`);
    const resources = JSON.parse(result.stdout).deployment.resources ?? [];
    return resources.map((one: ResourceState) => plain({ ...one })) as ResourceState[];
  };
  // Asked once for each state that there is, for it costs a start of the CLI.
  let known = { version: "", resources: Promise.resolve<ResourceState[]>([]) };
  const state = (): Promise<ResourceState[]> => {
    const file = join(stateFolder, ".pulumi/stacks/berth", `${name}.json`);
    const { mtimeNs, ino } = statSync(file, { bigint: true });
    const version = `${mtimeNs} ${ino}`;
    if (version !== known.version) {
      known = { version, resources: exported() };
      known.resources.catch(() => (known = { ...known, version: "" }));
    }
    return known.resources;
  };
  const resource = async (wanted: string) => {
    const found = (await state()).find((one) => one.urn.endsWith(`::${wanted}`));
    if (found === undefined) throw new Error(`the state of ${name} has no resource '${wanted}'`);
    return found;
  };
  // Facts that stay as long as the machine does, however often the state changes.
  const facts = new Map<string, Promise<string>>();
  const fact = (key: string, ask: () => Promise<string>) => {
    const known = facts.get(key) ?? ask();
    facts.set(key, known);
    known.catch(() => facts.delete(key));
    return known;
  };
  const given = () => parse(readFileSync(file, "utf8")).config["berth:host"];
  const isGiven = () => given().kind === "existing";
  const address = async (): Promise<string> =>
    options.address
      ? options.address()
      : isGiven()
        ? given().address
        : readFileSync(`/var/lib/berth/machines/${machine}/address`, "utf8").trim();
  const loginKey = async () =>
    isGiven()
      ? readFileSync(given().privateKeyFile, "utf8")
      : fact("login", async () => `${(await resource("web-login")).outputs.privateKeyOpenssh}`);
  const hostKey = async () =>
    isGiven()
      ? given().hostKey
      : fact("key", async () => `${(await resource("web-host-key")).outputs.publicKeyOpenssh}`.trim());
  const certificate = () =>
    fact("certificate", async () => `${(await resource("nginx-certificate")).outputs.certPem}`);

  const ssh = async (command: string, how: SshOptions = {}) => {
    const key = join(folder, `key-${randomBytes(4).toString("hex")}`);
    const known = join(folder, "known_hosts");
    const place = await address();
    writeFileSync(key, how.key ?? (await loginKey()), { mode: 0o600 });
    writeFileSync(known, `${place} ${await hostKey()}\n`);
    const asked = how.asRoot === false ? command : `sudo -n bash -c ${shellQuote(command)}`;
    const fixed = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10", "IdentitiesOnly=yes"];
    const settings = [...fixed, "LogLevel=ERROR", `UserKnownHostsFile=${known}`].flatMap((one) => [
      "-o",
      one,
    ]);
    try {
      return await execute(
        "ssh",
        ["-F", "none", "-i", key, ...settings, `${how.user ?? "berth"}@${place}`, asked],
        { timeout: 180_000, ...how },
      );
    } finally {
      rmSync(key, { force: true });
    }
  };

  scope.after(async () => {
    try {
      host.close();
      if (stacksHere.has(name)) for (const pid of callsHere) signal(-pid, "SIGKILL");
    } finally {
      if (stacksHere.has(name)) removeMachinesOf(name);
      closeEngine();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  return {
    name,
    machine,
    project,
    file,
    state: stateFolder,
    engine,
    pulumi: (args, how) => call(args, how?.timeout, how?.stdin),
    startUp,
    up,
    async succeed(...args) {
      const result = await up(...args);
      if (result.code !== 0)
        throw new Error(`pulumi up: exit ${result.code}\n${result.stdout}${result.stderr}`);
      return result;
    },
    preview: (...args) => call(["preview", ...args]),
    unlock,
    destroy,
    configure: (config) => configure(file, config),
    outputs: async () => ({ ...(await state()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs }),
    resources: state,
    resource,
    address,
    ssh,
    async on(command, how) {
      const result = await ssh(command, how);
      if (result.code !== 0)
        throw new Error(`on the host: ${command}: exit ${result.code}\n${result.stderr}`);
      return result.stdout.trim();
    },
    inside: (command) => insideMachine(machine, command),
    async fetch(path, how = {}) {
      const scheme = how.scheme ?? "https";
      const ca = scheme === "https" ? await certificate() : undefined;
      return request(`${scheme}://${await address()}${how.port ? `:${how.port}` : ""}${path}`, ca, how);
    },
    traces: () => tracesOf(machine),
  };
}

/** Whether a call of the CLI needs a language host, or providers that run in one. */
function runsPrograms(args: readonly string[]): boolean {
  // The real ones are programs of their own.
  if (process.env.BERTH_E2E_PLUGINS === "real") return false;
  return ["up", "preview", "destroy", "refresh", "import"].includes(args[0] ?? "");
}

/** What the stack of an application says beside Pulumi.local.yaml, so that it can be deployed. */
const plainly: Readonly<Record<string, StackConfig>> = {
  "test/fixtures/queue": { app: { name: "queue", wsgi: "wsgi:app", settings: undefined } },
};

/** What the scripts for local hosts are told, so that a machine has the packages of a host from the beginning. */
export const withPackages: Readonly<Record<string, string>> = process.env.BERTH_TEST_IMAGE
  ? { BERTH_IMAGE: process.env.BERTH_TEST_IMAGE }
  : {};

/**
 * A folder for a stack. Its path is the same for the first stack of every test, so that Node compiles the program once
 * for all.
 */
function stackFolder(): string {
  if (!process.env.BERTH_WORLD) return mkdtempSync(join(tmpdir(), "berth-e2e-"));
  let number = 1;
  while (existsSync(join(tmpdir(), `berth-e2e-${number}`))) number += 1;
  const folder = join(tmpdir(), `berth-e2e-${number}`);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

function copyProgram(project: string, app: string): string {
  mkdirSync(project, { recursive: true });
  const sources = readdirSync(root).filter((file) => file.endsWith(".ts"));
  for (const part of [
    ...sources,
    "components",
    "config",
    "cloud-init",
    "policy",
    "Pulumi.yaml",
    "package.json",
  ])
    cpSync(join(root, part), join(project, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
  const from = resolve(root, app);
  const kept = (path: string) =>
    !/\/(node_modules|\.venv|__pycache__|\.git)(\/|$)/.test(path.slice(from.length));
  cpSync(from, join(project, "app"), { recursive: true, verbatimSymlinks: true, filter: kept });
  return project;
}

function configure(file: string, config: StackConfig): void {
  const text = parse(readFileSync(file, "utf8"));
  for (const [section, value] of Object.entries(config)) {
    const key = `berth:${section}`;
    const group = typeof value === "object" && value !== null && !Array.isArray(value);
    text.config[key] = group ? withoutUndefined({ ...text.config[key], ...value }) : value;
    if (value === undefined) delete text.config[key];
  }
  writeFileSync(file, stringify(text));
}

const withoutUndefined = (group: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));

/** The engine's mark of a secret whose value is shown. */
const secretSignature = "4dabf18193072939515e22adb298388d";

/** A value of the state with its secrets in place of their marks. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const record = value as Record<string, unknown>;
  if (record[secretSignature] !== undefined) return JSON.parse(`${record.plaintext ?? "null"}`);
  return Object.fromEntries(Object.entries(record).map(([key, inner]) => [key, plain(inner)]));
}

function changesOf(events: string): Record<string, string> {
  const changes: Record<string, string> = {};
  for (const line of events.split("\n").filter(Boolean)) {
    const metadata = JSON.parse(line).resourcePreEvent?.metadata;
    if (metadata !== undefined && metadata.op !== "same") {
      changes[`${metadata.urn}`.split("::").at(-1) ?? ""] = metadata.op;
    }
  }
  return changes;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The process that is PID 1 in a machine, or 0. */
export function leaderOf(machine: string): number {
  const directory = `--directory=/var/lib/berth/machines/${machine}/root`;
  for (const id of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readFileSync(`/proc/${id}/comm`, "utf8").trim() !== "systemd-nspawn") continue;
      if (!readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0").includes(directory)) continue;
      const children = readFileSync(`/proc/${id}/task/${id}/children`, "utf8").split(" ").filter(Boolean);
      const first = children.find((child) =>
        /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${child}/status`, "utf8")),
      );
      if (first !== undefined) return Number(first);
    } catch {
      // A process that has just ended.
    }
  }
  return 0;
}

export function insideMachine(machine: string, command: string): Result {
  const leader = leaderOf(machine);
  if (leader === 0) return { code: -1, stdout: "", stderr: `${machine} does not run` };
  // A shell waits for what runs inside, not nsenter itself: nsenter stops itself when its child is stopped, as systemd stops
  // every process at a reboot, and nobody would wake it.
  const within = [
    `--target=${leader}`,
    "--mount",
    "--uts",
    "--ipc",
    "--net",
    "--pid",
    "--cgroup",
    "--no-fork",
  ];
  const result = spawnSync(
    "nsenter",
    [...within, "--", "sh", "-c", '"$@"; exit $?', "sh", "bash", "-c", command],
    {
      encoding: "utf8",
      timeout: 300_000,
      killSignal: "SIGKILL",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    },
  );
  return { code: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** Waits until a site's health path answers with 200. */
export async function untilWell(stack: Stack): Promise<void> {
  let last: unknown;
  const well = async () => {
    last = await stack.fetch("/health").catch((error: unknown) => error);
    return !(last instanceof Error) && (last as Answer).status === 200;
  };
  await until("/health to be well", well, () =>
    last instanceof Error ? `${last}` : `${(last as Answer).status} ${(last as Answer).text}`,
  );
}

/** Reboots a local host, from inside, and waits until its next boot has begun. */
export async function reboot(machine: string): Promise<void> {
  const before = leaderOf(machine);
  insideMachine(machine, "systemctl reboot");
  await until(`the next boot of ${machine}`, () => ![0, before].includes(leaderOf(machine)));
}

function request(url: string, ca: string | undefined, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = (ca === undefined ? http : https).request(
      url,
      {
        method: options.method ?? "GET",
        headers: { ...options.headers },
        agent: false,
        timeout: 30_000,
        ...(ca === undefined ? {} : { ca }),
        // Asked under another name, the site shows the same certificate, and no other is trusted.
        ...(options.headers?.host === undefined ? {} : { checkServerIdentity: () => undefined }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(parts);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            text: body.toString(),
          });
        });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(`${url}: no answer in 30 s`)));
    asked.on("error", reject);
    asked.end(options.body);
  });
}

const lines = (command: string, ...args: string[]): string[] =>
  execFileSync(command, args, { encoding: "utf8" }).split("\n").filter(Boolean);

/** The command line of every process that this test sees; one that ends meanwhile is left out. */
export function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((id) => /^\d+$/.test(id))
    .flatMap((id) => {
      try {
        return [readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    });
}

function tracesOf(machine: string): string[] {
  const folders = ["/sys/fs/cgroup", "/var/lib", "/run"].filter((folder) => existsSync(folder));
  const found = spawnSync("find", [...folders, "-maxdepth", "4", "-name", "*berth-*"], { encoding: "utf8" });
  return [
    ...commandLines(),
    ...lines("findmnt", "-rno", "TARGET,SOURCE"),
    ...loopDevices(),
    ...found.stdout.split("\n"),
  ].filter((line) => line.includes(machine));
}

/**
 * The loop devices over files of this test's own file system, with the names of the files. The kernel shows those of all
 * tests to each.
 */
export function loopDevices(): string[] {
  const { dev } = statSync("/var/lib");
  const own = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
  return lines("losetup", "-nO", "NAME,BACK-MAJ:MIN,BACK-FILE")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, device]) => device === own)
    .map(([name, , ...file]) => `${name} ${file.join(" ")}`);
}

/** What local hosts share on this computer and leave when the last one goes; empty when there is none. */
export function sharedTraces(): string[] {
  const places = ["/var/lib/berth", "/run/berth"].filter((place) => existsSync(place));
  const interfaces = readdirSync("/sys/class/net").filter((name) => name === "berth0");
  const tables = lines("nft", "list", "tables").filter((line) => /\bberth\b/.test(line));
  return [...places, ...interfaces, ...tables];
}

/** Whether any local host is left on this computer, whoever made it. */
export function machinesLeft(): string[] {
  const folder = "/var/lib/berth/machines";
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Writes a file of a stack's project, or of its application's copy: `edit(stack, "app/wsgi.py", change)`. */
export function edit(stack: Stack, path: string, change: (text: string) => string): void {
  const file = join(stack.project, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, change(existsSync(file) ? readFileSync(file, "utf8") : ""));
}

/** PostgreSQL's own client: what Debian calls so is a Perl program that looks for it, and costs more than most questions. */
export const psql = "/usr/lib/postgresql/17/bin/psql";

/**
 * Shell: the units that wait for each other at a boot. systemd leaves one of them out, another each time, and tells
 * nobody but the console.
 */
export const cyclesAtBoot = "systemd-analyze verify --man=no default.target 2>&1 | grep -i cycle || true";

/** Shell, before what is asked: waits until what releases before had begun has ended, for which an `up` does not wait. */
export const tidied =
  "timeout 120 sh -c 'while systemctl --quiet is-active \"berth-*-tidy.service\"; do sleep 0.1; done'; ";
