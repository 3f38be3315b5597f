// One test file, in a process of its own, and what came of it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReporterLine, TestResult } from "./reporter.ts";

export interface FileResult {
  /** Its path in the checkout. */
  readonly file: string;
  readonly seconds: number;
  /** Seconds of processor time; those of files that have no world are not known. */
  readonly processor?: number;
  readonly tests: readonly TestResult[];
  /** What they have noted. */
  readonly notes: readonly string[];
  /** What it printed, on either channel. */
  readonly said: string;
}

export interface RunFileOptions {
  /** The checkout. */
  readonly root: string;
  /** What the file's process is started with, before Node itself: the world that it runs in. */
  readonly inside: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where what it prints goes as well while it runs. @default nowhere */
  readonly echo?: (text: string) => void;
  /** Ends the file, at once, when it is aborted. */
  readonly signal: AbortSignal;
}

/** How long a file may take, in milliseconds: much longer than any does, for one that hangs. */
const limit = 30 * 60_000;

/** Runs a file to its end. What it makes of its tests is a result; so is its own death. */
export async function runFile(file: string, options: RunFileOptions): Promise<FileResult> {
  const folder = mkdtempSync(join(tmpdir(), "berth-results-"));
  const results = join(folder, "results");
  const reporter = join(import.meta.dirname, "reporter.ts");
  const [command = process.execPath, ...args] = [
    ...options.inside,
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${results}`,
    join(options.root, file),
  ];
  const began = performance.now();
  const child = spawn(command, args, {
    cwd: options.root,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const channel of [child.stdout, child.stderr]) {
    channel.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      options.echo?.(text);
    });
  }
  let stopped = "";
  const stop = (why: string) => {
    stopped ||= why;
    child.kill("SIGKILL");
  };
  const onAbort = () => stop("interrupted");
  options.signal.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => stop(`it took more than ${limit / 60_000} minutes`), limit);
  const end = await new Promise<string>((settle) => {
    child.once("error", (error) => settle(`could not be started: ${error.message}`));
    child.once("close", (code, signal) =>
      settle(code === 0 ? "" : `ended with ${signal ?? `status ${code}`}`),
    );
  });
  clearTimeout(timer);
  options.signal.removeEventListener("abort", onAbort);
  const lines = readLines(results);
  const tests = lines.filter((line) => "outcome" in line);
  const notes = lines.filter((line) => "note" in line).map(({ note }) => note);
  rmSync(folder, { recursive: true, force: true });

  const fault = stopped || end;
  const accounted = tests.some(({ outcome }) => outcome === "failed");
  if (stopped !== "" || (fault !== "" && !accounted) || tests.length === 0) {
    // Its own end counts as a test of that name, or a file that dies early would look whole.
    const reason = `${fault || "it holds no test"}\n${said.split("\n").slice(-40).join("\n")}`;
    tests.push({ name: file, outcome: "failed", ms: performance.now() - began, holds: true, reason });
  }
  return { file, seconds: (performance.now() - began) / 1000, tests, notes, said };
}

/** The lines that are whole; the last is not where the process was killed. */
function readLines(path: string): ReporterLine[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
