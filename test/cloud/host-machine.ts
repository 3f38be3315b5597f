// A local machine for the steps of an EC2 host, without an engine: booted with user-data as an instance is, and its
// steps are the texts that the component asks for.
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userData } from "../../cloud-init/user-data.ts";
import { Ec2Host, type Ec2HostArgs, type HostData } from "../../components/ec2/ec2-host.ts";
import { Postgres } from "../../components/postgres/postgres.ts";
import { System } from "../../components/system/system.ts";
import { execute, leaderOf, type Result, removeMachine } from "../e2e/harness.ts";
import { root } from "../engine/harness.ts";
import { record } from "../unit/aws-mocks.ts";

interface Scope {
  after(clean: () => void | Promise<void>): unknown;
}

export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A new ed25519 key, as OpenSSH makes it. */
export function newKey(): KeyPair {
  const folder = mkdtempSync(join(tmpdir(), "berth-key-"));
  try {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, "key")]);
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    return { privateKey: read("key"), publicKey: read("key.pub").trim() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Machine {
  readonly name: string;
  readonly address: string;
  readonly instanceId: string;
  /** The key that user-data gave it. */
  readonly bootstrap: KeyPair;
  /** A shell command as root, over SSH; any of these host keys is believed. */
  ssh(command: string, options?: { stdin?: string; hostKeys?: readonly string[] }): Promise<Result>;
  /** The same; a failure throws, and the answer is what it printed, trimmed. */
  on(command: string): Promise<string>;
  /** Runs the text of a step. */
  step(text: string): Promise<Result>;
  /** Makes a disk of this computer its own. */
  attach(disk: Disk): void;
  remove(): void;
}

/** The account's key on every machine of this file. */
export const login = newKey();

export async function withMachine(scope: Scope): Promise<Machine> {
  const bootstrap = newKey();
  const name = `berth-ec2-${randomBytes(3).toString("hex")}`;
  const remove = () => removeMachine(name);
  scope.after(remove);
  process.once("exit", remove);
  const made = await execute("bash", ["components/host/local/create.sh"], {
    stdin: userData({
      fqdn: "web.internal",
      user: "berth",
      authorizedKey: login.publicKey,
      hostPrivateKey: bootstrap.privateKey,
      hostPublicKey: bootstrap.publicKey,
    }),
    timeout: 300_000,
    env: { ...process.env, BERTH_MACHINE: name, BERTH_DISK: "10" },
  });
  if (made.code !== 0) throw new Error(`create.sh: ${made.stderr}`);
  const { address, instanceId } = JSON.parse(made.stdout);
  const ssh: Machine["ssh"] = async (command, { stdin = "", hostKeys = [bootstrap.publicKey] } = {}) => {
    const folder = mkdtempSync(join(tmpdir(), "berth-ssh-"));
    try {
      writeFileSync(join(folder, "key"), login.privateKey, { mode: 0o600 });
      writeFileSync(
        join(folder, "known_hosts"),
        hostKeys.map((key) => `${address} ${key.split(" ").slice(0, 2).join(" ")}\n`).join(""),
      );
      const options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ConnectTimeout=10",
        "IdentitiesOnly=yes",
        "LogLevel=ERROR",
        `UserKnownHostsFile=${folder}/known_hosts`,
      ].flatMap((option) => ["-o", option]);
      const quoted = `sudo -n bash -c '${command.replaceAll("'", "'\\''")}'`;
      return await execute(
        "ssh",
        ["-F", "none", "-i", join(folder, "key"), ...options, `berth@${address}`, quoted],
        { stdin, timeout: 300_000 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  return {
    name,
    address,
    instanceId,
    bootstrap,
    ssh,
    async on(command) {
      const result = await ssh(command);
      if (result.code !== 0) throw new Error(`${command}: ${result.stdout}${result.stderr}`);
      return result.stdout.trim();
    },
    step: (text) => ssh('eval "$(cat)"', { stdin: text }),
    attach(disk) {
      const device = join("/proc", `${leaderOf(name)}`, "root/dev/xvdf");
      execFileSync("mknod", ["-m", "0660", device, "b", "7", disk.loop.replace("/dev/loop", "")]);
    },
    remove() {
      process.off("exit", remove);
      remove();
    },
  };
}

export interface Disk {
  /** Such as `/dev/loop3`. */
  readonly loop: string;
  grow(gigabytes: number): void;
}

/** A disk of this computer, made of a file. */
export function withDisk(scope: Scope, gigabytes: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), "berth-disk-"));
  const file = join(folder, "disk");
  const size = (to: number) => execFileSync("truncate", ["-s", `${to}G`, file]);
  size(gigabytes);
  const loop = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
  const remove = () => {
    // Once: the device may be another test's a moment later.
    process.off("exit", remove);
    spawnSync("losetup", ["--detach", loop]);
    rmSync(folder, { recursive: true, force: true });
  };
  scope.after(remove);
  process.once("exit", remove);
  return {
    loop,
    grow(to) {
      size(to);
      execFileSync("losetup", ["--set-capacity", loop]);
    },
  };
}

/** What an EC2 host asks for on a machine: its steps by name. */
export async function stepsOf(
  machine: Machine,
  data: Partial<HostData> = {},
): Promise<
  Record<"connect" | "dataVolume" | "postgres" | "accounts" | "ssh" | "firewall" | "reached", string>
> {
  const asked = await record(
    () => {
      const host = new Ec2Host("web", { ...hostArgs, data: { ...usualData, ...data } });
      new System("system", {
        host,
        packages: [],
        fqdn: "shop.example.org",
        timezone: "UTC",
        locale: "C.UTF-8",
        admins: [],
        ownerKeys: [],
        owner: "deployer",
        ssh: { port: 22, from: ["0.0.0.0/0"], asRoot: false },
        openPorts: [80, 443],
      });
      new Postgres("postgres", {
        host,
        version: 17,
        locale: "C.UTF-8",
        database: "shop",
        role: "shop",
        password: "unused",
      });
    },
    { outputs: { "aws:ec2/instance:Instance": () => ({ id: machine.instanceId }) } },
  );
  const text = (name: string) => {
    const { BERTH_STEP, BERTH_CLAIM } = asked.named(name).inputs.environment;
    return `BERTH_CLAIM=${BERTH_CLAIM}\n${BERTH_STEP}`;
  };
  return {
    connect: asked.named("web-connect").inputs.stdin,
    dataVolume: text("web-data-volume"),
    postgres: text("postgres-server"),
    accounts: text("system-accounts"),
    ssh: text("system-ssh"),
    firewall: text("system-firewall"),
    reached: text("system-reached"),
  };
}

const usualData: HostData = {
  volume: 1,
  retain: false,
  directories: ["/var/lib/postgresql", "/var/lib/redis", "/srv/shop/media"],
  services: ["postgresql@.service", "redis-server.service", "shop-web@.service"],
};

const hostArgs: Ec2HostArgs = {
  instanceType: "t4g.small",
  image: "ami-0123456789abcdef0",
  imagePinned: false,
  subnetId: "subnet-0123456789abcdef0",
  zone: "eu-central-1a",
  securityGroupIds: ["sg-0123456789abcdef0"],
  instanceProfile: "web",
  rootVolume: 12,
  protect: false,
};

/** Runs the script of the first contact, as the engine does. */
export function contact(
  machine: Machine,
  how: "exchange" | "check",
  keys: { stays: KeyPair; bootstrap?: string; temporary?: string },
): Promise<Result> {
  return execute("bash", [join(root, "components/ec2/host-key.sh"), how], {
    stdin: `${login.privateKey}\n${keys.stays.privateKey}\n`,
    timeout: 120_000,
    env: {
      PATH: process.env.PATH,
      TMPDIR: keys.temporary ?? tmpdir(),
      BERTH_ADDRESS: machine.address,
      BERTH_PORT: "22",
      BERTH_USER: "berth",
      BERTH_INSTANCE: machine.instanceId,
      BERTH_HOST_KEY: keys.stays.publicKey,
      BERTH_BOOTSTRAP_KEY: keys.bootstrap ?? machine.bootstrap.publicKey,
    },
  });
}
