import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { userData } from "../../cloud-init/user-data.ts";
import { keyPair } from "../keys.ts";
import { until } from "../until.ts";
import { loopDevices } from "./harness.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/berth-local-host-`);
const login = keyPair("berth-test");
writeFileSync(`${folder}/key`, login.private, { mode: 0o600 });
const made = new Set<string>();

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface LocalHost {
  readonly name: string;
  readonly text: string;
  readonly hostKey: string;
}

interface Facts {
  readonly address: string;
  readonly machine: string;
  readonly instanceId: string;
}

function launch(script: string, name: string, env: Record<string, string> = {}): ChildProcess {
  made.add(name);
  return spawn("bash", [`components/host/local/${script}`], {
    cwd: checkout,
    env: { ...process.env, ...env, BERTH_MACHINE: name },
    stdio: "pipe",
  });
}

/** Waits for the end of a program's output too, as the engine does: a pipe left open in a machine would hang here. */
function ended(child: ChildProcess, input = "", limit = 180_000): Promise<Ended> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  child.stdin?.on("error", () => {}).end(input);
  const timer = setTimeout(() => child.kill("SIGKILL"), limit);
  return new Promise((resolve) =>
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, ...output });
    }),
  );
}

function plan(label: string): LocalHost {
  const name = `berth-test-${label}-${randomBytes(3).toString("hex")}`;
  const key = keyPair();
  const text = userData({
    fqdn: `${label}.berth.test`,
    user: "berth",
    authorizedKey: login.public,
    hostPrivateKey: key.private,
    hostPublicKey: key.public,
  });
  return { name, text, hostKey: key.public };
}

async function create(host: LocalHost, env: Record<string, string> = {}): Promise<Facts & Ended> {
  const result = await ended(launch("create.sh", host.name, env), host.text);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stdout.trim().split("\n").length, 1, "one line on standard output");
  return { ...(JSON.parse(result.stdout) as Facts), ...result };
}

async function destroy(name: string): Promise<Ended> {
  const result = await ended(launch("destroy.sh", name));
  assert.equal(result.status, 0, result.stderr);
  made.delete(name);
  return result;
}

async function on(host: LocalHost, address: string, command: string): Promise<Ended> {
  const known = `${folder}/${host.name}`;
  writeFileSync(known, `${address} ${host.hostKey}\n`);
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=5",
    `UserKnownHostsFile=${known}`,
  ];
  const args = [
    "-i",
    `${folder}/key`,
    ...options.flatMap((option) => ["-o", option]),
    `berth@${address}`,
    command,
  ];
  return ended(spawn("ssh", args, { stdio: "pipe" }));
}

async function out(host: LocalHost, address: string, command: string): Promise<string> {
  const result = await on(host, address, command);
  assert.equal(result.status, 0, `${command}: ${result.stderr}`);
  return result.stdout.trim();
}

const lines = (command: string, ...args: string[]): string[] =>
  (spawnSync(command, args, { encoding: "utf8" }).stdout ?? "").split("\n").filter(Boolean);

/** The command line of every process, by its id. */
function commands(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const id of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      found.set(Number(id), readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0"));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** All of a machine that could stay behind on this computer. */
function traces(name: string): string[] {
  return [
    ...[...commands().values()].map((words) => words.join(" ")),
    ...lines("findmnt", "-rno", "TARGET,SOURCE"),
    ...loopDevices(),
    ...lines("find", "/sys/fs/cgroup", "/var/lib/berth", "/run", "-maxdepth", "4", "-name", "*berth-*"),
  ].filter((line) => line.includes(name));
}

const interfaces = (): string[] => readdirSync("/sys/class/net").sort();
const sum = (): string[] => [...interfaces(), ...lines("nft", "list", "tables"), ...loopDevices()];

function processesOf(name: string): number[] {
  const directory = `--directory=/var/lib/berth/machines/${name}/root`;
  return [...commands()].filter(([, words]) => words.includes(directory)).map(([id]) => id);
}

after(async () => {
  for (const name of made) await ended(launch("destroy.sh", name));
  rmSync(folder, { recursive: true, force: true });
});

test("a local host is made in one go, is what its user-data says, and goes without a trace", async () => {
  const alone = !existsSync("/var/lib/berth/machines");
  const before = sum();
  const host = plan("one");
  const facts = await create(host, { BERTH_MEMORY: "1024" });
  assert.equal(facts.machine, host.name);
  assert.match(facts.address, /^10\.\d+\.\d+\.\d+$/);
  assert.doesNotMatch(facts.stderr, /PRIVATE KEY/);

  assert.equal(await out(host, facts.address, "hostname -f"), "one.berth.test");
  assert.equal(await out(host, facts.address, "sudo -n id -u"), "0");
  assert.match(
    await out(host, facts.address, "sudo journalctl -b -t sudo -o cat"),
    /berth : .*COMMAND=\S*id -u/,
  );
  assert.equal(await out(host, facts.address, "cat /proc/1/comm"), "systemd");
  assert.equal(await out(host, facts.address, "systemctl is-system-running --wait"), "running");
  assert.equal(await out(host, facts.address, "cloud-init query instance_id"), facts.instanceId);

  const status = JSON.parse(await out(host, facts.address, "sudo cloud-init status --format json"));
  assert.equal(status.status, "done");
  assert.equal(status.extended_status, "done");
  assert.deepEqual([status.errors, status.recoverable_errors], [[], {}]);
  const seed = "/var/lib/cloud/seed/nocloud/user-data";
  assert.match(
    await out(host, facts.address, `sudo cloud-init schema --config-file ${seed}`),
    /Valid schema/,
  );
  assert.equal(await out(host, facts.address, `sudo stat -c '%U %a' ${seed}`), "root 600");
  assert.equal(await out(host, facts.address, "ls /etc/ssh/ssh_host_*_key"), "/etc/ssh/ssh_host_ed25519_key");
  assert.equal((await on(host, facts.address, "sudo -n true && false")).status, 1);

  const again = await create(host, { BERTH_MEMORY: "1024" });
  assert.deepEqual([again.address, again.instanceId], [facts.address, facts.instanceId]);

  const other = { ...host, text: host.text.replace("one.berth.test", "two.berth.test") };
  const refused = await ended(launch("create.sh", host.name), other.text);
  assert.notEqual(refused.status, 0);
  assert.match(
    refused.stderr,
    /made with other user-data: .* BERTH_MACHINE=\S+ bash '\/\S+\/components\/host\/local\/destroy\.sh'/,
  );
  assert.equal(refused.stderr.trim().split("\n").length, 1, refused.stderr);

  await destroy(host.name);
  assert.deepEqual(traces(host.name), []);
  if (alone) {
    assert.deepEqual(sum(), before);
    assert.ok(!existsSync("/var/lib/berth/machines") && !existsSync("/run/berth"));
  }
  await destroy(host.name);
});

test("a local host whose making was killed at any moment is made by the next run", async () => {
  const host = plan("killed");
  for (const milliseconds of [20, 80, 150, 250, 350, 500, 700, 1000, 1400]) {
    const child = launch("create.sh", host.name);
    setTimeout(() => child.kill("SIGKILL"), milliseconds);
    await ended(child, host.text);
  }
  const facts = await create(host);
  assert.equal(await out(host, facts.address, "systemctl is-system-running --wait"), "running");
  await destroy(host.name);
  assert.deepEqual(traces(host.name), []);
});

test("a crashed local host comes back with its data, address and identity", async () => {
  const host = plan("crashed");
  const facts = await create(host);
  await out(host, facts.address, "echo kept | sudo tee /srv/data && sync -f /srv");
  const processes = processesOf(host.name);
  assert.equal(processes.length, 2, "a supervisor and a container manager");
  for (const id of processes) process.kill(id, "SIGKILL");
  await until("both to be gone", () => processesOf(host.name).length === 0);
  const again = await create(host);
  assert.deepEqual([again.address, again.instanceId], [facts.address, facts.instanceId]);
  assert.equal(await out(host, facts.address, "cat /srv/data"), "kept");

  // Powered off, as after a restart of this computer.
  await on(host, facts.address, "sudo systemctl poweroff");
  await until("it to be off", () => processesOf(host.name).length === 0);
  assert.equal((await create(host)).address, facts.address);
  assert.equal(await out(host, facts.address, "cat /srv/data"), "kept");
  // And one that crashed for good goes without a trace as well.
  for (const id of processesOf(host.name)) process.kill(id, "SIGKILL");
  await destroy(host.name);
  assert.deepEqual(traces(host.name), []);
});

test("a reboot from inside keeps a local host's data and address", async () => {
  const host = plan("reboot");
  const facts = await create(host);
  await out(host, facts.address, "echo kept | sudo tee /srv/data");
  const boot = await out(host, facts.address, "systemctl show -p UserspaceTimestampMonotonic");
  await on(host, facts.address, "sudo systemctl reboot");
  await until("the next boot", async () => {
    const asked = await on(host, facts.address, "systemctl show -p UserspaceTimestampMonotonic");
    return asked.status === 0 && asked.stdout.trim() !== boot;
  });
  assert.equal(await out(host, facts.address, "cat /srv/data"), "kept");
  await destroy(host.name);
});

test("two local hosts made at once stand side by side, and both reach the package archives", async () => {
  const hosts = [plan("left"), plan("right")] as const;
  const [left, right] = await Promise.all([create(hosts[0]), create(hosts[1])]);
  assert.notEqual(left.address, right.address);
  assert.notEqual(left.instanceId, right.instanceId);
  const install = [
    "sudo apt-get -qq update",
    "sudo DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3-venv >/dev/null",
    "python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -q requests",
    "/tmp/venv/bin/python -c 'import requests; print(requests.__name__)'",
  ].join(" && ");
  assert.deepEqual(
    await Promise.all([out(hosts[0], left.address, install), out(hosts[1], right.address, install)]),
    ["requests", "requests"],
  );
  await destroy(hosts[0].name);
  assert.deepEqual(traces(hosts[0].name), []);
  assert.equal(await out(hosts[1], right.address, "echo still here"), "still here");

  // What one host downloaded, the next one has.
  const third = plan("third");
  const facts = await create(third);
  const command =
    "sudo apt-get -y --no-install-recommends --print-uris install python3-venv | grep -c ^\\'http || true";
  assert.equal(await out(third, facts.address, command), "0");
  await destroy(third.name);

  // What came later and forwards for others, such as Docker, goes on doing so.
  const forwarding = "/proc/sys/net/ipv4/ip_forward";
  const nft = (rules: string) => assert.equal(spawnSync("nft", ["-f", "-"], { input: rules }).status, 0);
  nft("add table ip later\nadd chain ip later forward { type filter hook forward priority filter; }\n");
  await destroy(hosts[1].name);
  assert.equal(readFileSync(forwarding, "utf8").trim(), "1");
  nft("delete table ip later");
  writeFileSync(forwarding, "0");
});

test("a local host's disk has the size it was given, and is full when that is used", async () => {
  const host = plan("disk");
  const facts = await create(host, { BERTH_DISK: "1" });
  const full = await on(host, facts.address, "sudo dd if=/dev/zero of=/srv/filler bs=1M count=1500");
  assert.notEqual(full.status, 0);
  assert.match(full.stderr, /No space left on device/);
  await out(host, facts.address, "sudo rm /srv/filler");
  await destroy(host.name);
});

test("a local host's memory limit is real", async () => {
  const host = plan("memory");
  const facts = await create(host, { BERTH_MEMORY: "300" });
  const eater = await on(host, facts.address, "python3 -c 'x = bytearray(600 << 20); print(len(x))'");
  assert.notEqual(eater.status, 0);
  assert.equal(await out(host, facts.address, "echo alive"), "alive");
  await destroy(host.name);
  assert.deepEqual(traces(host.name), []);
});

test("what is wrong with the input is said by name", async () => {
  const cases: [Record<string, string>, string, RegExp][] = [
    [{ BERTH_DISK: "big" }, "#cloud-config", /BERTH_DISK is 'big'/],
    [{ BERTH_MEMORY: "1G" }, "#cloud-config", /BERTH_MEMORY is '1G'/],
    [{}, "", /no user-data came on standard input/],
  ];
  for (const [env, text, message] of cases) {
    const result = await ended(launch("create.sh", "berth-test-refused", env), text);
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, message);
  }
  const named = await ended(launch("create.sh", "../etc"), "#cloud-config");
  assert.match(named.stderr, /BERTH_MACHINE is '\.\.\/etc'/);
  made.delete("../etc");
});
