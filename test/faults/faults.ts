// What the tests of faults share: moments to strike at, ways to strike, and what must be true afterwards.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { userData } from "../../cloud-init/user-data.ts";
import { shellQuote } from "../../components/host/quote.ts";
import { clearKilledRuns } from "../../engine/stale-lock.ts";
import { insideMachine, type Run, type Running, removeMachine, type Stack } from "../e2e/harness.ts";
import { root } from "../engine/harness.ts";
import { until } from "../until.ts";

/** Waits until a run has said something; fails when the run ends before. */
export async function said(run: Running, what: RegExp): Promise<void> {
  let over: Run | undefined;
  run.ended.then((result) => {
    over = result;
  });
  await until(`${what} in the engine's output`, () => {
    if (what.test(run.said())) return true;
    if (over) assert.fail(`the run ended (${over.code}) without saying ${what}:\n${run.said()}`);
    return false;
  });
}

/**
 * Waits for a moment of a run that is soon over: the host itself looks, a hundred times a second, and does something at
 * once. From here it would be asked too seldom on a busy computer.
 *
 * @param isThere shell: whether it has come
 * @param strike shell: what the host does then
 */
export async function atMoment(stack: Stack, isThere: string, strike = "true"): Promise<void> {
  const looks = `until ${isThere}; do sleep 0.01; done`;
  await stack.on(`timeout 240 bash -c ${shellQuote(looks)} && ${strike}`, { timeout: 250_000 });
}

/** Shell: a release of an application has just been switched to, and is looked at before it becomes the one that boots. */
export const switchOf = (app: string) =>
  `[ -L /run/${app}/before.sock ] && [ "$(readlink /run/${app}/before.sock)" != "$(readlink /run/${app}/web.sock)" ]`;

/** Kills the engine and all that it has started on this computer. */
export async function killEngine(stack: Stack, run: Running): Promise<void> {
  run.kill("SIGKILL", "all");
  for (const pid of engineProcesses(stack)) kill(pid);
  await run.ended;
  await until("the engine's processes to be gone", () => engineProcesses(stack).length === 0);
}

/** The processes of a stack's own engine: the CLI, its language host, its plugins, its program. */
export function engineProcesses(stack: Stack): number[] {
  return readdirSync("/proc")
    .filter((id) => /^\d+$/.test(id))
    .filter((id) => {
      try {
        return readFileSync(`/proc/${id}/environ`, "utf8").includes(`PULUMI_HOME=${stack.engine.home}\0`);
      } catch {
        return false;
      }
    })
    .map(Number)
    .filter((pid) => !isLastingHost(pid));
}

/** Whether it is what the tests keep for many calls (test/engine/lasting-host.ts); that of a call is the CLI's child. */
function isLastingHost(pid: number): boolean {
  try {
    const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return Number(parent) === process.pid && command.includes("/language-host/main.ts");
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** What `npm start` and `npm run pulumi` do first after a killed run. */
export async function recover(stack: Stack): Promise<string[]> {
  const lines: string[] = [];
  await clearKilledRuns(
    join(dirname(stack.engine.home), "state"),
    (args, stdin) => stack.pulumi(withoutStack(args), stdin === undefined ? {} : { stdin }),
    (line) => lines.push(line),
  );
  return lines;
}

/** The harness names the stack by itself. */
const withoutStack = (args: readonly string[]) =>
  args.filter((arg, index) => arg !== "--stack" && args[index - 1] !== "--stack");

/**
 * Cuts all traffic between this computer and a machine, without a word to either side, in a table of its own.
 * Returns what heals it; the end of the test's scope heals it as well.
 */
export function cut(scope: { after(clean: () => void): void }, address: string): () => void {
  const table = `berth_test_${randomBytes(3).toString("hex")}`;
  const nft = (text: string) => spawnSync("nft", ["-f", "-"], { input: text, encoding: "utf8" });
  const heal = () => {
    nft(`table ip ${table}\ndelete table ip ${table}\n`);
  };
  scope.after(heal);
  const made = nft(`table ip ${table} {
  chain out { type filter hook output priority -10; ip daddr ${address} drop; }
  chain in { type filter hook input priority -10; ip saddr ${address} drop; }
}\n`);
  if (made.status !== 0) throw new Error(`nft: ${made.stderr}`);
  return heal;
}

/** Which steps the host has begun and not finished. */
export const unfinished = (stack: Stack) =>
  stack.inside("ls /var/lib/berth/unfinished 2>/dev/null").stdout.split("\n").filter(Boolean);

/** The processes of steps that run on the host. */
export const steps = (stack: Stack) =>
  stack.inside("pgrep -f '^/bin/bash /dev/shm/berth-'").stdout.split("\n").filter(Boolean);

/** The host is as a run without any fault would have left it. */
export async function assertWell(stack: Stack): Promise<void> {
  const host = (command: string) => stack.inside(command).stdout.trim();
  assert.deepEqual(unfinished(stack), []);
  assert.deepEqual(steps(stack), []);
  assert.equal(host("dpkg --audit; ls /var/lib/dpkg/updates"), "", "no package is half installed");
  assert.equal(host("systemctl list-units --failed --plain --no-legend"), "", "no unit has failed");
  assert.equal(
    host("find / -xdev -name '.berth.*' -not -path '/proc/*'; find /dev/shm -name 'berth-*'"),
    "",
    "no temporary file is left",
  );
  const releases = host("ls /srv/*/releases").split("\n");
  const current = host("basename $(readlink /srv/*/current)");
  assert.ok(releases.includes(current), `the release that runs, ${current}, is one of ${releases}`);
  assert.equal(
    host(
      'for one in /srv/*/releases/*; do set -- $(echo $one | tr / " "); grep -qE "^ \\"state\\": \\"(prepared|proven)\\"" /var/lib/berth/app-$2/releases/$4.json || echo $one; done',
    ),
    "",
  );
  assert.equal((await stack.fetch("/health")).status, 200);
  await until("the engine's processes to end", () => engineProcesses(stack).length === 0);
}

/** Asks the site all the time, and tells how often it gave which answer. */
export function watchSite(stack: Stack, path = "/health"): { stop(): Promise<Record<string, number>> } {
  const answers: Record<string, number> = {};
  let on = true;
  const done = (async () => {
    while (on) {
      const answer = await stack.fetch(path).then(
        (one) => `${one.status}`,
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      );
      answers[answer] = (answers[answer] ?? 0) + 1;
      await wait(100);
    }
  })();
  return {
    async stop() {
      on = false;
      await done;
      return answers;
    },
  };
}

/** A host as a first boot leaves it, made without the engine, for stacks that name it as an existing one. */
export interface BareMachine {
  readonly name: string;
  readonly address: string;
  readonly hostKey: string;
  /** The private key of the account `berth`. */
  readonly privateKey: string;
  /** A shell command as root inside. */
  inside(command: string): string;
}

export function bareMachine(
  scope: { after(clean: () => void): void },
  env: Readonly<Record<string, string>> = {},
): BareMachine {
  const name = `berth-t-${randomBytes(3).toString("hex")}`;
  const folder = mkdtempSync(join(tmpdir(), "berth-keys-"));
  scope.after(() => {
    removeMachine(name);
    rmSync(folder, { recursive: true });
  });
  const pair = (file: string) => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bare", "-f", join(folder, file)]);
    const text = (suffix: string) => readFileSync(join(folder, `${file}${suffix}`), "utf8");
    return { private: text(""), public: text(".pub").trim() };
  };
  const [login, host] = [pair("login"), pair("host")];
  const made = spawnSync("bash", ["components/host/local/create.sh"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env, BERTH_MACHINE: name },
    input: userData({
      fqdn: "bare.berth.test",
      user: "berth",
      authorizedKey: login.public,
      hostPrivateKey: host.private,
      hostPublicKey: host.public,
    }),
  });
  if (made.status !== 0) throw new Error(`create.sh: ${made.stderr}`);
  const inside = (command: string) => {
    const result = insideMachine(name, command);
    if (result.code !== 0) throw new Error(`in ${name}: ${command}: exit ${result.code}\n${result.stderr}`);
    return result.stdout.trim();
  };
  const { address } = JSON.parse(made.stdout) as { address: string };
  return { name, address, hostKey: host.public, privateKey: login.private, inside };
}

/** Such a machine as a stack names it; its key is put beside the stack's program. */
export function described(stack: Stack, machine: BareMachine, keyFile = "key") {
  const privateKeyFile = join(stack.project, keyFile);
  writeFileSync(privateKeyFile, machine.privateKey, { mode: 0o600 });
  const { address, hostKey } = machine;
  return { kind: "existing", address, hostKey, user: "berth", privateKeyFile };
}
