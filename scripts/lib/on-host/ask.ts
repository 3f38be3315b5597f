// Runs a Python program of Berth's as root on a host, without putting it there, and waits for its answer for a while.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { shellQuote } from "../../../components/host/quote.ts";

/** A program: a Python package whose module `module` has a function `tell`, which is given a text. */
export interface Program {
  /** The directory of the package, whose name is the package's. */
  readonly folder: string;
  readonly module: string;
}

/** What root runs on a host, and its standard input. */
export interface Asking {
  readonly command: string;
  readonly input: string;
}

export function asking({ folder, module }: Program, told: object): Asking {
  const loader = readFileSync(join(import.meta.dirname, "from_input.py"), "utf8");
  const command = ["sudo", "-n", "python3", "-IS", "-c", loader].map(shellQuote).join(" ");
  const name = basename(folder);
  const modules = Object.fromEntries(
    readdirSync(folder)
      .filter((file) => file.endsWith(".py"))
      .map((file) => [
        file === "__init__.py" ? name : `${name}.${basename(file, ".py")}`,
        readFileSync(join(folder, file), "utf8"),
      ]),
  );
  return { command, input: JSON.stringify({ modules, run: `${name}.${module}`, told }) };
}

/** How much a host may say, in characters. */
const longest = 16 * 1024 * 1024;

/**
 * What it prints.
 *
 * @param ssh the arguments for ssh(1), the last one being the destination
 * @param patience how long it may take, in seconds
 * @param signal ends the wait before that
 */
export function answerOf(
  ssh: readonly string[],
  { command, input }: Asking,
  patience: number,
  signal?: AbortSignal,
): Promise<string> {
  // One that is away is known sooner than what a busy one has to say.
  const options = [
    "-T",
    "-o",
    "BatchMode=yes",
    "-o",
    `ConnectTimeout=${Math.min(8, Math.max(1, patience - 2))}`,
  ];
  const child = spawn("ssh", [...options, ...ssh, command], { stdio: ["pipe", "pipe", "pipe"] });
  const began = performance.now();
  let [printed, said, late, tooLong] = ["", "", false, false];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    if (printed.length > longest) {
      tooLong = true;
      child.kill("SIGKILL");
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  // It may end before it has read all of it.
  child.stdin.on("error", () => {}).end(input);
  const giveUp = () => {
    late = true;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(giveUp, patience * 1000);
  if (signal?.aborted) giveUp();
  signal?.addEventListener("abort", giveUp);
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      const last = said.trim().split("\n").at(-1) ?? "";
      const reason = last.replace(/^ssh: connect to host \S+ (port \d+: )/, "$1").trim();
      if (late) reject(new Error(`no answer in ${Math.round((performance.now() - began) / 1000)} s`));
      else if (tooLong) reject(new Error("its answer is longer than any can be"));
      else if (code !== 0) reject(new Error(reason || `ssh ended with ${code}`));
      else settle(printed);
    });
  });
}
