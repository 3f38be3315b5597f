// What a run says at its end: how long the files took, the slowest tests, what each failed test failed with, and the
// line with the counts.
import type { TestResult } from "./reporter.ts";
import type { FileResult } from "./run-file.ts";

const slowest = 20;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countsOf(results: readonly FileResult[]): Counts {
  const tests = results.flatMap((result) => result.tests);
  const count = (outcome: TestResult["outcome"]) => tests.filter((one) => one.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

const shown = (value: number) => `${value.toFixed(1).padStart(7)} s`;

/** The durations of all files, and the slowest tests that hold no others. */
export function durationsText(results: readonly FileResult[]): string {
  const files = [...results]
    .sort((a, b) => b.seconds - a.seconds)
    .map(
      ({ seconds, processor, file, tests }) =>
        `${shown(seconds)} ${processor === undefined ? " ".repeat(9) : shown(processor)}  ${file} (${tests.length})`,
    );
  const tests = results
    .flatMap(({ file, tests }) => tests.filter(({ holds }) => !holds).map((test) => ({ file, ...test })))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, slowest)
    .map((one) => `${shown(one.ms / 1000)}  ${one.name} (${one.file})`);
  return [
    "how long the files took, what of the processors (tests in them):",
    ...files,
    "",
    `the ${tests.length} slowest tests:`,
    ...tests,
    "",
  ].join("\n");
}

/** A file that has ended, in a few words. */
export function headline(result: FileResult): string {
  const { passed, failed, skipped } = countsOf([result]);
  const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return `${result.file} (${result.seconds.toFixed(1)} s): ${counts}`;
}

/** What a file printed, without Node's own counts of it. */
export const outputText = (said: string) =>
  said
    .split("\n")
    .filter((line) => !line.startsWith("ℹ "))
    .join("\n")
    .trimEnd();

/** What failed, and with what; empty when nothing has. A test that failed only by one in it is left to that. */
export function failuresText(results: readonly FileResult[]): string {
  const failed = results.flatMap(({ file, tests }) =>
    tests
      .filter(({ outcome, reason }) => outcome === "failed" && !/^'\d+ subtests? failed'$/.test(reason ?? ""))
      .map(({ name, reason = "" }) => `  ${file}: ${name}\n${reason.replaceAll(/^/gm, "    ")}`),
  );
  return failed.length === 0 ? "" : `failed:\n${failed.join("\n")}\n`;
}
