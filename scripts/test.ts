// npm test: everything that CI checks.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { lineProgress } from "../engine/progress.ts";
import { compileCache } from "../test/engine/harness.ts";
import { type Choice, choose } from "../test/runner/choice.ts";
import { longestFirst, readDurations, updated, writeDurations } from "../test/runner/durations.ts";
import { keepLongResults } from "../test/runner/long.ts";
import { type Job, runPool } from "../test/runner/pool.ts";
import { needsOf, type Preparations, prepare } from "../test/runner/prepare.ts";
import { countsOf, durationsText, failuresText, headline, outputText } from "../test/runner/report.ts";
import { type FileResult, runFile } from "../test/runner/run-file.ts";
import { openWorlds, type Worlds } from "../test/runner/worlds.ts";
import { runChecks } from "./check.ts";
import { type Line, run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { ensurePackages, forTests } from "./lib/debian.ts";

const root = resolve(import.meta.dirname, "..");
const progress = lineProgress();

/** Hosts wait a lot: for a boot, for a disk, for a process that ends. */
const slots = availableParallelism() + 1;

/** A file as a job of the pool, the `count`th time. */
function jobOf(
  file: string,
  count: number,
  worlds: Worlds | undefined,
  made: Preparations,
  signal: AbortSignal,
  echo?: (text: string) => void,
): Job<FileResult> {
  const needed = needsOf(file);
  const world = needed.length > 0 ? worlds : undefined;
  const name = `${file.replace(/^test\//, "").replaceAll("/", "-")}-${count}`;
  return {
    name: file,
    needs: Promise.all(needed.map((need) => made[need])),
    run: async () => {
      const image = needed.includes("image") ? { BERTH_TEST_IMAGE: await made.image } : {};
      const result = await runFile(file, {
        root,
        inside: world?.inside(name) ?? [],
        env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...image },
        signal,
        ...(echo ? { echo } : {}),
      });
      return world ? { ...result, processor: world.processorTime(name) } : result;
    },
  };
}

/** Runs the files, and tells of each when it has ended. */
async function runFiles(
  { files, times }: Choice,
  signal: AbortSignal,
  mayBegin: () => boolean,
): Promise<FileResult[]> {
  const needs = new Set(files.flatMap(needsOf));
  if (needs.size > 0) await ensurePackages(forTests, progress);
  const worlds = needs.size > 0 ? openWorlds() : undefined;
  const results: FileResult[] = [];
  const all = files.length * times;
  try {
    const made = prepare(root, needs, worlds?.inside ?? (() => []), progress);
    const echo = all === 1 ? (text: string) => process.stdout.write(text) : undefined;
    // Those that need nothing are quick, and find most: they go first.
    const order = longestFirst(files, readDurations(root)).sort(
      (a, b) => Math.min(needsOf(a).length, 1) - Math.min(needsOf(b).length, 1),
    );
    const jobs = Array.from({ length: times }, (_, count) =>
      order.map((file) => jobOf(file, count + 1, worlds, made, signal, echo)),
    ).flat();
    const onEnd = (result: FileResult) => {
      results.push(result);
      console.log(`\n== ${headline(result)}; ${results.length} of ${all}`);
      if (!echo) console.log(outputText(result.said));
    };
    await runPool(jobs, slots, onEnd, signal, mayBegin);
  } finally {
    worlds?.close();
  }
  return results;
}

async function main(line: Line<typeof commands.test>): Promise<number> {
  const choice = choose(root, line);
  for (const reason of choice.reasons) console.log(reason);
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interrupted.abort());

  const checks = choice.whole ? runChecks() : Promise.resolve([]);
  const { minutes } = line;
  const isTime = () => minutes === undefined || performance.now() < minutes * 60_000;
  const results = await runFiles(choice, interrupted.signal, isTime);
  const failedChecks = await checks;

  const { aborted } = interrupted.signal;
  const counts = countsOf(results);
  const failed = counts.failed + failedChecks.length;
  // A run of CI leaves its checkout as it was.
  if (!process.env.CI && !aborted) {
    if (choice.whole && failed === 0 && results.length === choice.files.length)
      writeDurations(
        root,
        updated(readDurations(root), Object.fromEntries(results.map((one) => [one.file, one.seconds]))),
      );
    keepLongResults(root, results);
  }
  console.log(`\n${durationsText(results)}`);
  for (const name of failedChecks) console.log(`failed: static check: ${name}`);
  const run = new Set(results.map(({ file }) => file));
  const left = aborted ? [] : choice.files.filter((file) => !run.has(file));
  if (left.length > 0) {
    const why = `${minutes} minutes were over before these ${left.length} of ${choice.files.length} files could begin`;
    console.log(
      `NOT RUN: ${why}, so that nothing is said of them:\n${left.map((file) => `  ${file}`).join("\n")}\n`,
    );
  }
  if (aborted) console.log("INTERRUPTED: what was under way counts as failed, and the rest was not run.");
  console.log(failuresText(results));
  console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`);
  return failed === 0 && !aborted ? 0 : 1;
}

await run(commands.test, async (line) => {
  try {
    process.exit(await main(line));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    console.error(`berth: ${(error as Error).message}`);
    console.error("NOT RUN: the tests need what is named above. Nothing counts as passed without them.");
    console.log("\n0 passed, 1 failed");
    process.exit(1);
  }
});
