import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { userData } from "../cloud-init/user-data.ts";
import { shellQuote } from "../components/host/quote.ts";

/** A Debian 13 machine that has booted and answers SSH, with nothing on it yet. */
export interface BareHost {
  readonly name: string;
  readonly address: string;
  /** The account to log in with: key only, sudo without a password. */
  readonly user: string;
  /** Path of the private key. */
  readonly keyFile: string;
  /** The ed25519 host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Path of a known_hosts file with that key. */
  readonly knownHosts: string;
  /** Arguments of ssh(1) that log in with no question asked. */
  readonly ssh: readonly string[];
  /** Runs a command as root, and answers what it printed. */
  on(command: string, input?: Buffer): Promise<string>;
  /** Processor seconds that the machine has used since it was started. */
  cpu(): number;
  remove(): void;
}

const made = new Set<string>();

/** Removes every machine of this bench that is still there. */
export function removeHosts(root: string): void {
  for (const name of made) remove(root, name);
}

/** Says that a machine of this name is the bench's to remove, whoever makes it. */
export function claimHost(name: string): void {
  made.add(name);
}

/** Makes a bare host by the scripts that make a stack's local one. `folder` takes its keys. */
export function bareHost(root: string, folder: string): BareHost {
  const name = `berth-bench-${randomBytes(3).toString("hex")}`;
  const place = join(folder, name);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const [login, host] = [keyPair(join(place, "login")), keyPair(join(place, "host"))];
  const user = "berth";
  const text = userData({
    fqdn: "bare.internal",
    user,
    authorizedKey: login.public,
    hostPrivateKey: host.private,
    hostPublicKey: host.public,
  });
  claimHost(name);
  const said = run(root, "create.sh", name, text);
  const { address } = JSON.parse(said) as { address: string };
  const known = join(place, "known_hosts");
  writeFileSync(known, `${address} ${host.public}\n`);
  const options = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${known}`,
  ];
  const ssh = [
    "-F",
    "none",
    "-i",
    login.path,
    ...options.flatMap((one) => ["-o", one]),
    `${user}@${address}`,
  ];
  // Nothing of the boot should be left to run in what is measured.
  spawnSync("ssh", [...ssh, "systemctl is-system-running --wait"], { encoding: "utf8", timeout: 60_000 });
  return {
    name,
    address,
    user,
    keyFile: login.path,
    knownHosts: known,
    hostKey: host.public.split(" ").slice(0, 2).join(" "),
    ssh,
    on: (command, input) => overSsh([...ssh, `sudo -n bash -c ${shellQuote(command)}`], input),
    cpu: () => cpuOf(name),
    remove: () => remove(root, name),
  };
}

function overSsh(args: readonly string[], input?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("ssh", args, { stdio: ["pipe", "pipe", "pipe"] });
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
    child.stdin.on("error", () => {}).end(input ?? "");
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(said.out.trim());
      else reject(new Error(`on the host: ${args.at(-1)}: ended with ${code}: ${said.err}`));
    });
  });
}

function run(root: string, script: string, name: string, input: string): string {
  const result = spawnSync("bash", [join("components/host/local", script)], {
    cwd: root,
    env: { ...process.env, BERTH_MACHINE: name },
    input,
    encoding: "utf8",
  });
  if (result.status !== 0)
    throw new Error(`${script} of ${name} ended with ${result.status}: ${result.stderr}`);
  return result.stdout;
}

function remove(root: string, name: string): void {
  try {
    run(root, "destroy.sh", name, "");
    made.delete(name);
  } catch (error) {
    console.error(
      `bench: ${(error as Error).message}\nRemove it by: BERTH_MACHINE=${name} npm run scratch -- destroy`,
    );
  }
}

function keyPair(path: string): { readonly path: string; readonly private: string; readonly public: string } {
  const result = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", path], {
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(`ssh-keygen: ${result.stderr}`);
  return {
    path,
    private: readFileSync(path, "utf8"),
    public: readFileSync(`${path}.pub`, "utf8").trim(),
  };
}

/** From the machine's control group, which the supervisor in components/host/local makes (cgroup v2, cpu.stat). */
function cpuOf(name: string): number {
  const unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((place) =>
    existsSync(join(place, "cgroup.procs")),
  );
  const group = unified === undefined ? undefined : findGroup(unified, name);
  if (group === undefined) return 0;
  const usage = /^usage_usec (\d+)$/m.exec(readFileSync(join(group, "cpu.stat"), "utf8"));
  return Number(usage?.[1] ?? 0) / 1e6;
}

function findGroup(place: string, name: string): string | undefined {
  const places = [`berth-${name}`, join("machine.slice", `berth-machine-${name}.service`)];
  return places.map((one) => join(place, one)).find((one) => existsSync(one));
}

/** Whether other local hosts are up, which would take their share of the processors. */
export function otherHosts(): string[] {
  const folder = "/var/lib/berth/machines";
  return existsSync(folder) ? readdirSync(folder).filter((name) => !made.has(name)) : [];
}
