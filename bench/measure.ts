import { spawn } from "node:child_process";
import { openSync, readdirSync, readFileSync } from "node:fs";
import type { Spent } from "./contender.ts";

/** Milliseconds between two looks at the memory: seldom enough to take no time from what is measured. */
const interval = 250;
const pageSize = 4096;
/** clock_t of proc(5): sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node runs on. */
const ticks = 100;

export interface Call {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A file for standard input. @default none */
  readonly stdin?: string;
  /** Milliseconds between two looks at the memory. @default 250 */
  readonly interval?: number;
}

const running = new Set<number>();

/** Ends what is being measured, when the bench itself is ended. */
export function endCalls(): void {
  for (const pid of running) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

/**
 * Runs a command to its end and says what it has cost. One at a time: processor time is that of all children.
 *
 * @throws with all it said when it fails
 */
export function measure(call: Call): Promise<Spent & { readonly output: string }> {
  return new Promise((resolve, reject) => {
    const input = call.stdin === undefined ? "ignore" : openSync(call.stdin, "r");
    const before = childrenCpu();
    const began = performance.now();
    const child = spawn(call.command, call.args, {
      ...(call.cwd === undefined ? {} : { cwd: call.cwd }),
      ...(call.env === undefined ? {} : { env: call.env }),
      stdio: [input, "pipe", "pipe"],
      // A group of its own, to be ended as a whole.
      detached: true,
    });
    const pid = child.pid ?? 0;
    running.add(pid);
    let output = "";
    let peak = 0;
    const look = () => {
      peak = Math.max(peak, treeMemory(pid));
    };
    const timer = setInterval(look, call.interval ?? interval);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => {
      const seconds = (performance.now() - began) / 1000;
      clearInterval(timer);
      running.delete(pid);
      if (code === 0) resolve({ seconds, cpu: childrenCpu() - before, peak: peak / 2 ** 20, output });
      else reject(new Error(`${call.command} ${call.args.join(" ")} ended with ${code}:\n${output}`));
    });
  });
}

/** Processor seconds of all children that have ended, and of theirs: proc_pid_stat(5), cutime and cstime. */
function childrenCpu(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) / ticks;
}

/** Resident memory of a process and all below it, in bytes. */
function treeMemory(pid: number): number {
  try {
    const own = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageSize;
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return children.reduce((sum, child) => sum + treeMemory(child), own);
  } catch {
    // It has just ended.
    return 0;
  }
}
