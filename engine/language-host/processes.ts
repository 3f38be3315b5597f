import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { fstatSync } from "node:fs";

/** Milliseconds that a process has to end by itself after an interrupt. */
const grace = 5_000;

/** Milliseconds that an aborted operation has to tell the other side when the engine is gone. */
const farewell = 200;

/** Processes that run, each with the address of the engine that it runs for. */
const running = new Map<ChildProcess, string>();
const works = new Set<() => boolean>();

/** Starts a process for an engine, which never outlives this one. */
export function start(
  engine: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const child = spawn(command, args, options);
  running.set(child, engine);
  child.once("exit", () => running.delete(child));
  child.once("error", () => running.delete(child));
  return child;
}

/** Asks a process to end, and ends it when it does not. */
export function stop(child: ChildProcess): void {
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), grace);
  timer.unref();
  child.once("exit", () => clearTimeout(timer));
}

/** Stops all that runs for an engine. */
export function stopAll(engine: string): void {
  for (const [child, its] of running) if (its === engine) stop(child);
}

/** Registers work that is aborted when this process ends; `abort` says whether any was under way. */
export function lastsUntil(abort: () => boolean): () => void {
  works.add(abort);
  return () => works.delete(abort);
}

/** How a process ended, once all that it wrote has arrived. */
export function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
    // A grandchild that holds the pipes must not hold the deployment.
    child.once("exit", (code, signal) => setTimeout(() => resolve({ code, signal }), grace).unref());
  });
}

/**
 * Ends this process, its children and its work with the engine: when the engine says so by a signal, or when it is gone,
 * which closes the pipe that it holds on our standard input.
 */
export function endWithTheEngine(): void {
  const end = () => {
    for (const child of running.keys()) child.kill("SIGKILL");
    const busy = [...works].map((abort) => abort()).includes(true);
    if (busy) setTimeout(() => process.exit(0), farewell);
    else process.exit(0);
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  const input = fstatSync(0);
  // Only a pipe: started by hand, or with /dev/null, the end of input says nothing.
  if (input.isFIFO() || input.isSocket()) process.stdin.once("end", end).once("error", end).resume();
}
