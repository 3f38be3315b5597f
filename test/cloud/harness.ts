// A simulated AWS account for a test, and Berth's whole program on it. Whatever happens to the test, the account goes
// with all that it has made on this computer: machines, disks, addresses, processes, files.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { firstHost } from "../../components/host/host.ts";
import { writeFile } from "../../engine/files.ts";
import { launcherText, pluginPath } from "../../engine/launchers.ts";
import type { Properties } from "../../engine/plugins/values.ts";
import {
  insideMachine,
  loopDevices,
  type Stack,
  type StackConfig,
  type StackOptions,
  withStack,
} from "../e2e/harness.ts";
import { type Result, root } from "../engine/harness.ts";
import { cloudId, type Thing } from "./aws/cloud.ts";
import { machineName } from "./aws/machines.ts";
import { stopMetadata } from "./aws/metadata-service.ts";
import { table } from "./aws/packets.ts";
import { type AccessKey, type Moto, startMoto } from "./moto.ts";

export interface CloudOptions {
  /** @default "eu-central-1" */
  readonly region?: string;
  /** Whether calls to S3, IAM, STS, Secrets Manager and SSM need a key that may make them. @default true */
  readonly enforceIam?: boolean;
  /** Names of public Route 53 zones of the account. @default none */
  readonly zones?: readonly string[];
  /** Bucket names that other accounts have. @default none */
  readonly takenBuckets?: readonly string[];
}

export interface Cloud {
  /** Its state, one JSON file a thing. */
  readonly folder: string;
  readonly region: string;
  readonly moto: Moto;
  /** moto's address for hosts of the cloud; it answers while there is an instance. */
  readonly endpointForHosts: string;
  /** Where this computer's connections to an Elastic IP come from, as a security group's source. */
  readonly here: string;
  /** What the engine needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts the simulated `aws` provider into a PULUMI_HOME. */
  placeProvider(home: string): void;
  /** All things of a kind, such as "instances", "volumes", "addresses". */
  things(kind: string): Thing[];
  /** Adds a thing that the account has by itself, such as a newer image, or changes one by hand. */
  put(kind: string, thing: Properties & { id: string }): void;
  /** The Elastic IP of an instance. @default the only one in use, or of several that of the host `web` */
  address(instance?: string): string;
  /** The only instance that there is, or of several that of a host of a stack. @default the host `web` */
  instance(host?: string): Thing;
  /** A shell command as root in an instance's machine, by no network. @default as with `instance` */
  inside(command: string, instance?: string): Result;
  /** The operations of AWS's interfaces that were used, such as `ec2:RunInstances`, each once. */
  calls(): string[];
  /** What a client of the AWS SDK needs, as `key` or the account's admin. */
  client: Moto["client"];
  /** All of the cloud that there is on this computer. */
  traces(): string[];
  /** Removes everything. Called by itself at the end of the scope. */
  close(): Promise<void>;
}

const prefix = () => {
  const chosen = "/var/lib/berth/network";
  if (existsSync(chosen)) return readFileSync(chosen, "utf8").trim();
  return (process.env.BERTH_NETWORK ?? "10.219.83.0/24").replace(/\.0\/24$/, "");
};

const foldersHere = new Set<string>();
process.once("exit", () => {
  for (const folder of foldersHere) removeTraces(folder);
});

const lines = (command: string, ...args: string[]): string[] =>
  execFileSync(command, args, { encoding: "utf8" }).split("\n").filter(Boolean);

function machinesOf(folder: string): string[] {
  const machines = "/var/lib/berth/machines";
  return existsSync(machines)
    ? readdirSync(machines).filter((name) => name.endsWith(`-${cloudId(folder)}`))
    : [];
}

/** Without the engine: what a test that failed or was interrupted has left. */
function removeTraces(folder: string): void {
  for (const machine of machinesOf(folder)) {
    const env = { ...process.env, BERTH_MACHINE: machine };
    const removal = spawnSync("bash", ["components/host/local/destroy.sh"], {
      cwd: root,
      env,
      encoding: "utf8",
    });
    if (removal.status !== 0) console.error(`the machine ${machine} could not be removed: ${removal.stderr}`);
  }
  stopMetadata(folder);
  for (const line of lines("losetup", "-nO", "NAME,BACK-FILE")) {
    if (line.includes(`${folder}/`)) spawnSync("losetup", ["-d", line.split(" ")[0] as string]);
  }
  const name = table(folder);
  spawnSync("nft", ["-f", "-"], { input: `table ip ${name}\ndelete table ip ${name}\n` });
  if (lines("nft", "list", "tables", "bridge").some((line) => line.endsWith(` ${name}`))) {
    spawnSync("nft", ["delete", "table", "bridge", name]);
  }
  for (const route of routesOf(folder)) spawnSync("ip", ["route", "del", route]);
  rmSync(folder, { recursive: true, force: true });
  foldersHere.delete(folder);
}

/** The routes to its Elastic IPs; each cloud has a network of its own for them. */
function routesOf(folder: string): string[] {
  const block = Number.parseInt(cloudId(folder).slice(0, 4), 16);
  const start = `198.${18 + (block & 1)}.${block >> 8}.`;
  return lines("ip", "-4", "route", "show")
    .map((line) => line.split(" ")[0] as string)
    .filter((destination) => destination.startsWith(start));
}

function tracesOf(folder: string): string[] {
  const id = cloudId(folder);
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`)
    .filter((pid) => {
      try {
        const text =
          readFileSync(`/proc/${pid}/cmdline`, "utf8") + readFileSync(`/proc/${pid}/environ`, "utf8");
        return text.includes(folder) || text.includes(`-${id}/root`);
      } catch {
        return false;
      }
    });
  return [
    ...machinesOf(folder),
    ...processes.map((pid) => `process ${pid}`),
    ...loopDevices().filter((line) => line.includes(`${folder}/`) || line.includes(`-${id}/`)),
    ...lines("findmnt", "-rno", "TARGET").filter((line) => line.includes(`-${id}/`)),
    ...lines("nft", "list", "tables").filter((line) => line.includes(table(folder))),
    ...routesOf(folder),
    ...(existsSync(folder) ? [folder] : []),
  ];
}

/** What an account has before anything is made in it. */
function firstThings(region: string, options: CloudOptions): Record<string, (Properties & { id: string })[]> {
  const account = "123456789012";
  const vpc = {
    ownerId: account,
    tags: {},
    enableDnsSupport: true,
    enableDnsHostnames: true,
    isDefault: true,
  };
  const subnets = ["a", "b"].map((letter, index) => ({
    id: `subnet-0000000000000000${letter}`,
    vpcId: "vpc-00000000000000001",
    cidrBlock: `172.31.${16 * index}.0/20`,
    availabilityZone: `${region}${letter}`,
    defaultForAz: true,
    mapPublicIpOnLaunch: true,
    tags: {},
  }));
  const images = (["amd64", "arm64"] as const).map((machine, index) => ({
    id: `ami-0000000000000000${index + 1}`,
    name: `debian-13-${machine}-20260101-2000`,
    architecture: machine === "amd64" ? "x86_64" : "arm64",
    ownerId: "136693071363",
    creationDate: "2026-01-01T00:00:00.000Z",
  }));
  return {
    vpcs: [{ ...vpc, id: "vpc-00000000000000001", cidrBlock: "172.31.0.0/16" }],
    subnets,
    images,
    zones: (options.zones ?? []).map((name, index) => ({
      id: `Z0000000000000000000${index + 1}`,
      name,
      privateZone: false,
    })),
    "taken-buckets": (options.takenBuckets ?? []).map((id) => ({ id })),
  };
}

const thingsIn = (folder: string, kind: string): Thing[] => {
  const place = join(folder, kind);
  if (!existsSync(place)) return [];
  const files = readdirSync(place).filter((name) => name.endsWith(".json") && !name.startsWith("."));
  return files.sort().map((name) => JSON.parse(readFileSync(join(place, name), "utf8")));
};

/**
 * Makes an account for a test. `scope` is the test's context (`t`), or `{ after }` from node:test for a whole file; when
 * it ends, however it ends, everything is removed.
 */
export async function withCloud(
  scope: { after(clean: () => Promise<void>): void },
  options: CloudOptions = {},
): Promise<Cloud> {
  const region = options.region ?? "eu-central-1";
  const folder = mkdtempSync(join(tmpdir(), "berth-cloud-"));
  foldersHere.add(folder);
  const moto = await startMoto({ region, enforceIam: options.enforceIam ?? true });
  const { endpoint, admin } = moto;
  writeFileSync(
    join(folder, "cloud.json"),
    JSON.stringify({ region, account: "123456789012", moto: { endpoint, ...admin } }),
    { mode: 0o600 },
  );
  writeFileSync(join(folder, "calls"), "");
  const put = (kind: string, thing: Properties & { id: string }) =>
    writeFile(
      join(folder, kind, `${encodeURIComponent(thing.id)}.json`),
      `${JSON.stringify(thing, null, 1)}\n`,
      0o600,
    );
  for (const [kind, things] of Object.entries(firstThings(region, options))) {
    for (const thing of things) put(kind, thing);
  }
  const close = async () => {
    removeTraces(folder);
    await moto.stop();
  };
  scope.after(close);
  const only = (found: Thing[], what: string): Thing => {
    const [first, second] = found;
    if (!first || second) throw new Error(`the cloud has ${found.length} ${what}, and not one`);
    return first;
  };
  /** Of several things those of a host of a stack, by the name that they have in the console. */
  const ofHost = (things: Thing[], host?: string): Thing[] => {
    const end = host === undefined || host === firstHost ? "-host" : `-host-${host}`;
    const isOf = ({ tags }: Thing) => `${(tags as Properties | undefined)?.Name}`.endsWith(end);
    return host === undefined && things.length < 2 ? things : things.filter(isOf);
  };
  const instance = (host?: string): Thing =>
    only(ofHost(thingsIn(folder, "instances"), host), `instances of ${host ?? firstHost}`);
  return {
    folder,
    region,
    moto,
    endpointForHosts: `http://${prefix()}.1:${moto.port}`,
    here: `${prefix()}.1/32`,
    env: { BERTH_CLOUD: folder, ...moto.environment() },
    placeProvider(home) {
      const main = join(root, "test/cloud/aws/main.ts");
      writeFile(pluginPath(home, "aws", "7.48.0"), launcherText(process.execPath, main), 0o755);
    },
    things: (kind) => thingsIn(folder, kind),
    put,
    address: (of) => {
      const used = thingsIn(folder, "addresses").filter((one) => one.associationId !== "");
      const found = of === undefined ? ofHost(used) : used.filter((one) => one.instanceId === of);
      return `${only(found, "such addresses in use").publicIp}`;
    },
    instance,
    inside: (command, of = instance().id) => insideMachine(machineName(of, folder), command),
    calls: () => [...new Set(lines("cat", join(folder, "calls")))].sort(),
    client: (key?: AccessKey) => moto.client(key),
    traces: () => tracesOf(folder),
    close,
  };
}

export interface CloudStackOptions extends CloudOptions {
  /** Changes to the configuration, section by section, as in withStack. */
  readonly config?: StackConfig;
  /** The directory whose copy is the application, from the checkout. @default "examples/django" */
  readonly app?: string;
  /** Further environment for every call of the engine. @default none */
  readonly env?: StackOptions["env"];
}

/** A stack on EC2: `address`, `ssh`, `fetch` go to its Elastic IP, `inside` to the machine of its only instance. */
export type CloudStack = Stack;

/**
 * Makes an account and a stack of Berth's program on it, small like Pulumi.staging.yaml's, and removes both when `work`
 * has ended, however it ended. `up` makes the stack's resources.
 */
export async function withCloudStack(
  options: CloudStackOptions,
  work: (stack: CloudStack, cloud: Cloud) => Promise<void>,
): Promise<void> {
  const cleaning: (() => void | Promise<void>)[] = [];
  const scope = { after: (clean: () => void | Promise<void>) => cleaning.unshift(clean) };
  try {
    const cloud = await withCloud(scope, options);
    const stack = await withStack(scope, {
      config: {},
      env: { ...cloud.env, ...options.env },
      address: async () => cloud.address(),
      ...(options.app === undefined ? {} : { app: options.app }),
    });
    cloud.placeProvider(stack.engine.home);
    const local = parse(readFileSync(stack.file, "utf8")).config["berth:host"];
    const nothing = Object.fromEntries(Object.keys(local).map((key) => [key, undefined]));
    stack.configure({
      host: {
        ...nothing,
        kind: "ec2",
        region: cloud.region,
        instanceType: arch() === "arm64" ? "t4g.small" : "t3.small",
        sshFrom: [cloud.here],
      },
      // That of a local stack, whose uploads lie on its host.
      media: undefined,
    });
    const { host, ...others } = { host: {}, ...options.config } as Record<string, object>;
    stack.configure({ host, ...others });
    await work({ ...stack, inside: (command) => cloud.inside(command), traces: cloud.traces }, cloud);
  } finally {
    for (const clean of cleaning) await clean();
  }
}
