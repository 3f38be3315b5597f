// Stacks that were deployed once and put aside: the state of the engine, and the disk of each machine. A test that is
// not about the bootstrap gets one back in seconds; see `deployed` in harness.ts.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { execute, root } from "../engine/harness.ts";

const images = "/var/cache/berth/test-images";

export interface Saved {
  /** The stack's name. */
  readonly name: string;
  /** The folder with its state, its configuration and its machines. */
  readonly place: string;
}

/** All that a deployed stack is made from, in the checkout, beside the program's files at the top and the application. */
const sources = [
  "Pulumi.yaml",
  "Pulumi.local.yaml",
  "package-lock.json",
  "components",
  "config",
  "cloud-init",
  "engine",
  "test/e2e/harness.ts",
  "test/e2e/deploy.ts",
  "test/e2e/saved.ts",
  "test/e2e/saved.sh",
];

/** The files of a folder, and of those in it; or the file itself. */
function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/(node_modules|\.venv|__pycache__|\.git)\//.test(file.slice(root.length)));
}

function keyOf(app: string): string {
  const hash = createHash("sha256");
  const program = readdirSync(root).filter((name) => name.endsWith(".ts"));
  for (const file of [...program, ...sources, app].flatMap((part) => filesIn(join(root, part))).sort()) {
    hash.update(`${relative(root, file)} ${statSync(file).mode & 0o111}\n`).update(readFileSync(file));
  }
  // A host is started again after its computer was, and that would be a change of the restored stack.
  hash.update(readFileSync("/proc/sys/kernel/random/boot_id"));
  hash.update(`${process.env.BERTH_TEST_IMAGE} ${process.env.BERTH_E2E_PLUGINS}`);
  return `deployed-${hash.digest("hex").slice(0, 16)}`;
}

/**
 * The stack of an application that was put aside, deploying it first where there is none. `app` is the application's
 * directory in the checkout.
 */
export async function savedStack(app: string): Promise<Saved> {
  const place = join(images, keyOf(app));
  if (!existsSync(place)) {
    mkdirSync(images, { recursive: true, mode: 0o700 });
    // One test deploys it, and the others that want the same wait; the lock ends with its holder, however that ends.
    const deploy = [process.execPath, join(import.meta.dirname, "deploy.ts"), place, app];
    const made = await execute("flock", [`${place}.lock`, ...deploy], { timeout: 20 * 60_000 });
    if (made.code !== 0) throw new Error(`a stack could not be deployed to be put aside:\n${made.stderr}`);
    rmSync(`${place}.lock`, { force: true });
  }
  const now = new Date();
  utimesSync(place, now, now);
  return { place, name: readFileSync(join(place, "name"), "utf8") };
}

/** Puts a stack aside: its name, its configuration, the folder of its state, and its machines, which are stopped. */
export function save(place: string, stack: { name: string; file: string; state: string }): void {
  const making = `${place}.making`;
  rmSync(making, { recursive: true, force: true });
  forgetOld();
  for (const machine of machinesOf(stack.name)) machineScript("save", machine, join(making, machine));
  cpSync(stack.state, join(making, "state"), { recursive: true });
  cpSync(stack.file, join(making, "stack.yaml"));
  writeFileSync(join(making, "name"), stack.name);
  // The layers name their own places.
  for (const machine of machinesOf(stack.name)) {
    const file = join(making, machine, "image");
    writeFileSync(file, readFileSync(file, "utf8").replace(making, place));
  }
  renameSync(making, place);
}

/** Each change of the program makes others, of some hundred megabytes. */
const kept = 6;

/** Takes away those that nobody has used for longest; a test that runs may use one of the last hours. */
function forgetOld(): void {
  const used = (path: string) => statSync(path).mtimeMs;
  const stacks = readdirSync(images)
    .filter((name) => /^deployed-[0-9a-f]+$/.test(name))
    .map((name) => join(images, name))
    .sort((a, b) => used(b) - used(a));
  for (const path of stacks.slice(kept).filter((one) => Date.now() - used(one) > 3 * 3600_000))
    rmSync(path, { recursive: true, force: true });
}

/** Brings it back into an engine's folder of state and a project. */
export function restore(saved: Saved, stack: { file: string; state: string }): void {
  cpSync(join(saved.place, "state"), stack.state, { recursive: true });
  cpSync(join(saved.place, "stack.yaml"), stack.file);
  for (const machine of readdirSync(saved.place).filter((name) => name.startsWith("berth-")))
    machineScript("restore", machine, join(saved.place, machine));
}

function machinesOf(stack: string): string[] {
  return readdirSync("/var/lib/berth/machines").filter((name) => name.startsWith(`berth-${stack}-`));
}

function machineScript(verb: "save" | "restore", machine: string, place: string): void {
  const env = { ...process.env, BERTH_MACHINE: machine };
  const script = join(import.meta.dirname, "saved.sh");
  const { status, stderr } = spawnSync("bash", [script, verb, place], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${verb} of ${machine} ended with ${status}: ${stderr}`);
}
