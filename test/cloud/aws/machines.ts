// Instances as local hosts: a Debian 13 machine each, made and removed by components/host/local; and their disks: a
// file each, with a loop device while it is attached, which the machine sees under the name that EC2 was told.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { cloudId, folder } from "./cloud.ts";

const scripts = resolve(import.meta.dirname, "../../../components/host/local");

/** Name of an instance's machine on this computer. */
export const machineName = (instance: string, place = folder) => `${instance}-${cloudId(place)}`;
const machineFolder = (machine: string) => join("/var/lib/berth/machines", machine);

export interface MachineSize {
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
}

/** Runs a script of local hosts for a machine; its own message is the failure's. */
export function script(file: string, machine: string, size?: MachineSize, stdin = ""): Promise<string> {
  const env = {
    ...process.env,
    BERTH_MACHINE: machine,
    // cloud-init learns it as it does in EC2.
    BERTH_INSTANCE_ID: machine.slice(0, machine.lastIndexOf("-")),
    ...(size ? { BERTH_MEMORY: `${size.memory}`, BERTH_DISK: `${size.disk}` } : {}),
  };
  return new Promise((done, reject) => {
    // Not ended with this process's group: a machine half made is cleared away by the next try.
    const child = spawn("bash", [join(scripts, file)], {
      env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const said = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
    child.stdin.on("error", () => {}).end(stdin);
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? done(said.stdout)
        : reject(new Error(`${file} of ${machine}: ${said.stderr.slice(-3000)}`)),
    );
  });
}

/** The machine's PID 1 as this computer numbers it; undefined when it does not run. */
export function leader(machine: string): number | undefined {
  const directory = `--directory=${machineFolder(machine)}/root`;
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
  return undefined;
}

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" }).trim();

export const diskFile = (volume: string) => join(folder, "disks", `${volume}.img`);

/** The loop device of a volume's file; empty when it has none. */
export const loopDevice = (volume: string) => run("losetup", "-j", diskFile(volume), "-nO", "NAME");

/** Gives a machine a disk, at once when it runs, and again at each of its starts. */
export function plug(machine: string, volume: string, name: string): void {
  const device = loopDevice(volume) || run("losetup", "-f", "--show", diskFile(volume));
  setDevices(machine, (devices) => [
    ...devices.filter((line) => !line.endsWith(`:${name}`)),
    `${device}:${name}`,
  ]);
  const pid = leader(machine);
  if (pid === undefined) return;
  const { rdev } = statSync(device);
  const node = `/proc/${pid}/root${name}`;
  rmSync(node, { force: true });
  run(
    "mknod",
    "-m",
    "0660",
    node,
    "b",
    `${(rdev >> 8) & 0xfff}`,
    `${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`,
  );
}

/** Takes it away; fails when the machine still uses it. */
export async function unplug(machine: string, volume: string, name: string): Promise<void> {
  const pid = leader(machine);
  const device = loopDevice(volume);
  const inUse = () =>
    pid !== undefined &&
    existsSync(`/proc/${pid}/mountinfo`) &&
    readFileSync(`/proc/${pid}/mountinfo`, "utf8").includes(` ${name} `);
  if (device !== "" && inUse()) {
    throw new Error(
      `${volume} is mounted in ${machine} and stays busy; unmount it or stop the instance first`,
    );
  }
  setDevices(machine, (devices) => devices.filter((line) => !line.endsWith(`:${name}`)));
  if (pid !== undefined) rmSync(`/proc/${pid}/root${name}`, { force: true });
  await release(volume);
}

/** Frees a volume's loop device; the kernel lets go of it when the last mount in any name space is gone. */
export async function release(volume: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const device = loopDevice(volume);
    if (device === "") return;
    try {
      run("losetup", "-d", device);
    } catch {
      // Gone in between.
    }
    if (loopDevice(volume) !== "") await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${volume} stays busy: its device is still in use`);
}

/** Tells a running machine's disk that its file has grown. */
export function grown(volume: string): void {
  const device = loopDevice(volume);
  if (device !== "") run("losetup", "-c", device);
}

/** The disks that the machine's supervisor binds at each start; see components/host/local/supervise.sh. */
function setDevices(machine: string, change: (lines: string[]) => string[]): void {
  const file = join(machineFolder(machine), "devices");
  if (!existsSync(machineFolder(machine))) return;
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  writeFileSync(
    file,
    change(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
}
