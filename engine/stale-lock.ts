// What a killed run of Pulumi leaves in the file backend, and takes no account of itself:
// - its lock, so that every later run is refused until somebody types `pulumi cancel`;
// - a note of each operation that was under way, so that every later run warns of it.
// A lock says which process on which computer holds it. Where that is this computer and the process is gone, nobody
// does. The notes are dropped for Berth's own steps, keys and random values, which are made to be run again; of
// anything else (a cloud's resource may exist without the state knowing) the warning stays.
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readText } from "./files.ts";

/** Runs the CLI; what it says is not shown. */
type Pulumi = (args: readonly string[], stdin?: string) => Promise<{ code: number; stdout: string }>;

/**
 * Clears away what killed runs have left in a file backend, so that the next goes on where they stopped.
 *
 * @param say is told of each, in one line for a person
 */
export async function clearKilledRuns(
  state: string,
  pulumi: Pulumi,
  say: (line: string) => void,
): Promise<void> {
  for (const lock of staleLocks(state)) {
    say(
      `the last run of Pulumi on stack '${lock.stack}' (process ${lock.pid}) was killed; ` +
        "its lock is cleared, and this run goes on where it stopped",
    );
    removeLock(lock);
    const exported = await pulumi(["stack", "export", "--stack", lock.stack]);
    const rest = exported.code === 0 ? withoutPendingSteps(exported.stdout) : undefined;
    // Where this does not work the notes stay, and cost no more than a warning.
    if (rest !== undefined) await pulumi(["stack", "import", "--stack", lock.stack], rest);
  }
}

/** A lock of the file backend whose holder is gone. */
export interface StaleLock {
  readonly stack: string;
  readonly path: string;
  /** The id of the process that held it. */
  readonly pid: number;
}

interface Holder {
  readonly pid: number;
  readonly hostname: string;
  readonly timestamp: string;
}

/** The locks in a file backend whose holder was a process of this computer and is gone. */
export function staleLocks(state: string): StaleLock[] {
  const locks = join(state, ".pulumi/locks");
  return files(locks)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const path = join(locks, name);
      const holder = readHolder(path);
      if (holder === undefined || holder.hostname !== hostname() || isAlive(holder)) return [];
      return [{ stack: name.split("/").at(-2) ?? "", path, pid: holder.pid }];
    });
}

/** Removes a lock, with the file that the backend keeps beside it. */
export function removeLock(lock: StaleLock): void {
  for (const path of [lock.path, `${lock.path}.attrs`]) rmSync(path, { force: true });
}

interface Operation {
  readonly resource: { readonly type: string };
}

interface Exported {
  readonly deployment?: { pending_operations?: Operation[] };
}

/** An exported stack without the notes that need nobody's attention, or undefined where it has none of them. */
export function withoutPendingSteps(exported: string): string | undefined {
  const stack = JSON.parse(exported) as Exported;
  const pending = stack.deployment?.pending_operations ?? [];
  const kept = pending.filter((operation) => !/^(command|random|tls):/.test(operation.resource.type));
  if (stack.deployment === undefined || kept.length === pending.length) return undefined;
  stack.deployment.pending_operations = kept;
  return JSON.stringify(stack);
}

function files(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    // Gone in the meantime, or being written: then its holder is at work.
    return undefined;
  }
}

/** Whether the process is still there; one that began after the lock was made is another with the same id. */
function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
  const name = readText(`/proc/${holder.pid}/comm`)?.trim();
  if (name === undefined) return true;
  const began = statSync(`/proc/${holder.pid}`, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  return name.startsWith("pulumi") && began <= Date.parse(holder.timestamp) + 1000;
}
