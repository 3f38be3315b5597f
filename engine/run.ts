import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { berthEnvironment, berthPlaces } from "../scripts/lib/environment.ts";
import { readEngine } from "./acquire.ts";
import { rememberStackFiles, restoreStackFiles } from "./salt.ts";

export interface PulumiOptions {
  /** Give back what the call says, rather than show it. @default false */
  readonly capture?: boolean;
  /** Further environment. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

export interface PulumiResult {
  /** The exit code; after a signal 128 and its number, as in a shell. */
  readonly code: number;
  /** What it said, when it was captured. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the CLI on this checkout, in its environment, with the stack files kept clean of salts. Every call of the
 * engine goes through here. The engine has to be in place: see ensureEngine.
 */
export async function runPulumi(
  root: string,
  args: readonly string[],
  { capture = false, env = {} }: PulumiOptions = {},
): Promise<PulumiResult> {
  const engine = readEngine(root);
  const environment = { ...berthEnvironment(root, engine), ...env };
  const { state, remembered } = berthPlaces(root);
  const files = { project: root, state, remembered };
  await restoreStackFiles(files);
  rememberStackFiles(files);
  try {
    return await call(engine.cli, args, root, environment, capture);
  } finally {
    await restoreStackFiles(files);
  }
}

function call(cli: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv, capture: boolean) {
  return new Promise<PulumiResult>((resolve, reject) => {
    const child = spawn(cli, args, { cwd, env, stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit" });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const letGo = passSignalsTo((signal) => child.kill(signal));
    child.once("error", (error) => {
      letGo();
      reject(error);
    });
    child.once("close", (code, signal) => {
      letGo();
      resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), stdout, stderr });
    });
  });
}

/**
 * Hands signals on to the engine, which ends in its own time and with its state written. An interrupt typed at a
 * terminal has reached the engine already, and a second one would make it drop everything at once.
 */
function passSignalsTo(send: (signal: NodeJS.Signals) => void): () => void {
  const handlers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
    const handler = () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) send(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const off of handlers) off();
  };
}

/** Makes a stack in Berth's own backend where it is not there yet, and selects it. */
export async function ensureStack(root: string, stack: string): Promise<void> {
  if (existsSync(join(berthPlaces(root).state, ".pulumi/stacks/berth", `${stack}.json`))) return;
  const result = await runPulumi(root, ["stack", "init", stack, "--non-interactive"], { capture: true });
  if (result.code !== 0) {
    throw new Error(
      `The stack '${stack}' could not be made ('pulumi stack init' ended with ${result.code}):\n${result.stderr.trim()}`,
    );
  }
}
