// A stack of the tests as the checkout of a user, where the commands of package.json work: typed by npm, with an
// engine of its own that is acquired as a user's is.
import { spawn } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Result, root } from "../engine/harness.ts";
import type { Stack } from "./harness.ts";

/** A command that is under way. */
export interface Command {
  /** What it has said so far, on either channel. */
  said(): string;
  /** Ctrl-C, as a terminal sends it: to all of its processes. */
  interrupt(): void;
  /** The outcome, once it has ended. */
  readonly ended: Promise<Result>;
}

/** `npm run NAME -- -s STACK ARGUMENTS` for a stack. */
export const npmRun = (stack: Stack, name: string, ...args: string[]): Command =>
  npmRunWith(undefined, stack, name, ...args);

/** The same with what it reads from its standard input; undefined for none. */
export const npmRunWith = (
  input: string | undefined,
  stack: Stack,
  name: string,
  ...args: string[]
): Command => npmRunIn({}, input, stack, name, ...args);

/** The same with more of an environment. */
export function npmRunIn(
  environment: Readonly<Record<string, string>>,
  input: string | undefined,
  stack: Stack,
  name: string,
  ...args: string[]
): Command {
  ensureCheckout(stack);
  const child = spawn("npm", ["run", "--silent", name, "--", "-s", stack.name, ...args], {
    cwd: stack.project,
    env: { ...process.env, BERTH_ENGINE: "registry", ...environment },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  child.stdin.end(input);
  const signal = (which: NodeJS.Signals) => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, which);
  };
  const atExit = () => signal("SIGKILL");
  process.once("exit", atExit);
  const timer = setTimeout(atExit, 300_000);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended = new Promise<Result>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      process.off("exit", atExit);
      resolve({ code: code ?? -1, ...output });
    });
  });
  return { said: () => output.stdout + output.stderr, interrupt: () => signal("SIGINT"), ended };
}

/** What the harness has not copied: the commands, the engine's parts, and its own places for state and passphrase. */
function ensureCheckout(stack: Stack): void {
  const { project, engine } = stack;
  const own = join(project, ".berth");
  if (existsSync(join(project, "scripts"))) return;
  for (const part of ["scripts", "engine"])
    cpSync(join(root, part), join(project, part), { recursive: true });
  copyFileSync(join(root, "package-lock.json"), join(project, "package-lock.json"));
  mkdirSync(own, { recursive: true, mode: 0o700 });
  symlinkSync(fileURLToPath(`${engine.env.PULUMI_BACKEND_URL}`), join(own, "state"));
  copyFileSync(`${engine.env.PULUMI_CONFIG_PASSPHRASE_FILE}`, join(own, "passphrase"));
}

/** Makes another stack one of this stack's checkout, too: as it is now, with its file and its state. */
export function bringInto(stack: Stack, other: Stack): void {
  ensureCheckout(stack);
  const state = (one: Stack) => join(one.state, ".pulumi/stacks/berth", `${other.name}.json`);
  copyFileSync(state(other), state(stack));
  copyFileSync(other.file, join(stack.project, `Pulumi.${other.name}.yaml`));
}
