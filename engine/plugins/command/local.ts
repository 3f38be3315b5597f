import { spawn } from "node:child_process";
import type { Context } from "../provider.ts";
import { Capture } from "./output.ts";
import type { CommandInputs, Output } from "./types.ts";

/** Runs a command on this machine, in a process group of its own: cancelled, the whole group is killed. */
export function runLocal(
  command: string,
  inputs: CommandInputs,
  previous: Output,
  context: Context,
): Promise<Output> {
  const [program, ...words] = inputs.interpreter?.length ? inputs.interpreter : ["/bin/sh", "-c"];
  const env = { ...process.env, ...inputs.environment, ...previousOutput(inputs, previous) };
  const capture = new Capture(inputs.logging, context);
  return new Promise((resolve, reject) => {
    if (context.signal.aborted) throw context.signal.reason;
    const child = spawn(program as string, [...words, command], {
      cwd: inputs.dir,
      env,
      detached: true,
      stdio: [inputs.stdin ? "pipe" : "ignore", "pipe", "pipe"],
    });
    const kill = () => {
      if (child.pid !== undefined) killGroup(child.pid);
      // A process that has left the group may still hold the pipes; the operation ends without it.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    context.signal.addEventListener("abort", kill, { once: true });
    child.stdout?.on("data", (chunk: Buffer) => capture.stdout(chunk));
    child.stderr?.on("data", (chunk: Buffer) => capture.stderr(chunk));
    // A command need not read its input to the end.
    child.stdin?.on("error", () => {});
    child.stdin?.end(inputs.stdin);
    child.on("error", (error: NodeJS.ErrnoException) => {
      context.signal.removeEventListener("abort", kill);
      const where = inputs.dir === undefined ? `${program}` : `${program} in ${inputs.dir}`;
      const cause =
        error.code === "ENOENT" ? `${where}: no such file or directory` : `${where}: ${error.message}`;
      reject(capture.failure(cause, command));
    });
    child.on("close", (code, signal) => {
      context.signal.removeEventListener("abort", kill);
      if (context.signal.aborted) reject(capture.failure(reason(context.signal), command));
      else if (signal) reject(capture.failure(`signal: ${signal}`, command));
      else if (code !== 0) reject(capture.failure(`exit status ${code}`, command));
      else resolve(capture.finish());
    });
  });
}

/** The outputs of the last run, for the next one's environment; empty ones are not set. */
export function previousOutput(inputs: CommandInputs, previous: Output): Record<string, string> {
  const env: Record<string, string> = {};
  if (inputs.addPreviousOutputInEnv === false) return env;
  if (previous.stdout !== "") env.PULUMI_COMMAND_STDOUT = previous.stdout;
  if (previous.stderr !== "") env.PULUMI_COMMAND_STDERR = previous.stderr;
  return env;
}

export function reason(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : "cancelled";
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Already gone.
  }
}
