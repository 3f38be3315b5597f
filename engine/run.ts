import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { readEngine } from "./acquire.ts";
import { berthEnvironment, berthPlaces, isOwnStack, isTeamStack, teamEnvironment } from "./checkout.ts";
import { rememberStackFiles, restoreStackFiles, type StackFiles } from "./salt.ts";
import { clearKilledRuns } from "./stale-lock.ts";

export interface PulumiOptions {
  /** Give back what the call says, rather than show it. @default false */
  readonly capture?: boolean;
  /** Takes what the call says on either channel, a line at a time, rather than show it. @default none */
  readonly onLine?: (line: string) => void;
  /**
   * Whether another call is about to begin at the same time, which clears away what killed runs have left and puts the
   * stack files right. @default false
   */
  readonly beside?: boolean;
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
 * Runs the CLI on this checkout, in its environment, with the stack files kept clean of salts; for a stack that the
 * arguments name and the team's backend keeps, in the environment that leads there. Every call of the engine goes
 * through here. The engine has to be in place: see ensureEngine.
 */
export async function runPulumi(
  root: string,
  args: readonly string[],
  { capture = false, onLine, beside = false, env = {} }: PulumiOptions = {},
): Promise<PulumiResult> {
  const engine = readEngine(root);
  const captures = capture || onLine !== undefined;
  const stack = stackIn(args);
  if (stack !== undefined && isTeamStack(root, stack)) {
    // Its locks, and the salt in its file, are the team's.
    return await call(engine.cli, args, root, { ...teamEnvironment(root, engine), ...env }, captures, onLine);
  }
  const environment = { ...berthEnvironment(root, engine), ...env };
  if (beside) return await call(engine.cli, args, root, environment, captures, onLine);
  const { state, remembered } = berthPlaces(root);
  const files = { project: root, state, remembered };
  await restoreStackFiles(files);
  rememberStackFiles(files);
  const command = args.find((arg) => !arg.startsWith("-")) ?? "";
  const stop = deployments.has(command) ? restoreMeanwhile(files) : undefined;
  try {
    await clearKilledRuns(
      state,
      (more, stdin) =>
        call(engine.cli, [...more, "--non-interactive"], root, environment, true, undefined, stdin),
      (line) => process.stderr.write(`berth: ${line}\n`),
    );
    return await call(engine.cli, args, root, environment, captures, onLine);
  } finally {
    await stop?.();
    await restoreStackFiles(files);
  }
}

/** The stack that the arguments of a call name, if they name one. */
function stackIn(args: readonly string[]): string | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: { stack: { type: "string", short: "s" } },
    strict: false,
    allowPositionals: true,
  });
  return typeof values.stack === "string" ? values.stack : undefined;
}

/** The commands that may take minutes. None of them writes a stack file for any other reason than the salt. */
const deployments = new Set(["up", "update", "preview", "refresh", "destroy", "watch", "import"]);

/** Puts the stack files right once a second, so that they are clean while a deployment runs, and if it is killed. */
function restoreMeanwhile(files: StackFiles): () => Promise<void> {
  let last = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(() => restoreStackFiles(files)).catch(() => {});
  }, 1_000);
  return () => {
    clearInterval(timer);
    return last;
  };
}

function call(
  cli: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  capture: boolean,
  onLine?: (line: string) => void,
  stdin?: string,
) {
  return new Promise<PulumiResult>((resolve, reject) => {
    const child = spawn(cli, args, {
      cwd,
      env,
      stdio: capture ? [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"] : "inherit",
    });
    child.stdin?.on("error", () => {}).end(stdin);
    let stdout = "";
    let stderr = "";
    if (onLine !== undefined) {
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on("line", onLine);
      }
    }
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
  if (isOwnStack(root, stack)) return;
  const result = await runPulumi(root, ["stack", "init", stack, "--non-interactive"], { capture: true });
  if (result.code !== 0) {
    throw new Error(
      `The stack '${stack}' could not be made ('pulumi stack init' ended with ${result.code}):\n${result.stderr.trim()}`,
    );
  }
}
