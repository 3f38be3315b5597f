// What the tests that take too long for every run said last, kept with their date beside the figures.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countsOf } from "./report.ts";
import type { FileResult } from "./run-file.ts";

interface LongResult {
  /** The day, UTC. */
  readonly date: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What the tests have noted (`t.diagnostic`). */
  readonly notes: readonly string[];
}

/** Where the results are; a file that was not run keeps its own. */
const place = (root: string) => join(root, "bench/results/long.json");

export function keepLongResults(root: string, results: readonly FileResult[]): void {
  const long = results.filter(({ file }) => file.startsWith("test/long/"));
  if (long.length === 0) return;
  const known: Record<string, LongResult> = existsSync(place(root))
    ? JSON.parse(readFileSync(place(root), "utf8"))
    : {};
  for (const result of long) {
    const { passed, failed } = countsOf([result]);
    const date = new Date().toISOString().slice(0, 10);
    known[result.file] = { date, passed, failed, seconds: Math.round(result.seconds), notes: result.notes };
  }
  writeFileSync(place(root), `${JSON.stringify(known, null, 2)}\n`);
}
