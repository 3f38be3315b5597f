// The worlds of one run of the tests (world.sh), and what runs that were killed have left of theirs.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Worlds {
  /** What a command is started with, to run in a new world of this name. */
  inside(name: string): string[];
  /** Seconds of processor time that a world has used, all that ran in it included. */
  processorTime(name: string): number;
  /** Takes away all that this run's worlds have left; they must have ended. */
  close(): void;
}

const script = join(import.meta.dirname, "world.sh");

function call(...args: string[]): void {
  const result = spawnSync("bash", [script, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  if (result.status !== 0)
    throw new Error(`world.sh ${args.join(" ")} ended with ${result.status}; see above`);
}

/** This process, as no other will ever be named: its id, and when it was started. */
function thisRun(): string {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return `${process.pid}-${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
}

/**
 * Makes ready for worlds, and takes away what is left of runs that are no more.
 *
 * @throws when this account is not root
 */
export function openWorlds(): Worlds {
  if (process.getuid?.() !== 0) {
    throw new Error(
      "tests with hosts need root: each runs in a network and a mount namespace of its own. " +
        "Run 'sudo npm test', or only those without: npm test -- test/unit",
    );
  }
  const run = thisRun();
  call("clear");
  call("open", run);
  const groups = existsSync("/sys/fs/cgroup/unified") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
  return {
    inside: (name) => ["bash", script, "run", run, name],
    processorTime(name) {
      const place = join(groups, run, name, "cpu.stat");
      // A world that could not be made has used none.
      const stat = existsSync(place) ? readFileSync(place, "utf8") : "";
      return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1] ?? 0) / 1e6;
    },
    close: () => call("clear", run),
  };
}
