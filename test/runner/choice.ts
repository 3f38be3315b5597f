// What a run of the tests is to be, from its command line.
import { globSync } from "node:fs";
import { basename } from "node:path";
import { didYouMean } from "../../components/service/did-you-mean.ts";
import { affectedTests, changedFiles } from "../../scripts/lib/changed.ts";
import { type Line, UsageError } from "../../scripts/lib/command-line.ts";
import type { commands } from "../../scripts/lib/commands.ts";

export interface Choice {
  /** Paths in the checkout. */
  readonly files: readonly string[];
  /** Whether it is all that CI runs. */
  readonly whole: boolean;
  /** How often each file is run. */
  readonly times: number;
  /** Why each file is run, where that is not plain from the command line: lines to print. */
  readonly reasons: readonly string[];
}

/** The folder of what takes too long for every run. */
const long = "test/long/";

/** Finds the tests that a command line is about; see scripts/lib/commands.ts for what it may hold. */
export function choose(root: string, { words, changed, times }: Line<typeof commands.test>): Choice {
  const all = globSync("test/**/*.test.ts", { cwd: root }).sort();
  const usual = all.filter((file) => !file.startsWith(long));
  if (changed) {
    const [ref = "HEAD", ...more] = words;
    if (more.length > 0) throw new UsageError(`--changed takes one commit; found '${words.join(" ")}'.`);
    const found = affectedTests(root, usual, changedFiles(root, ref));
    const reasons =
      found.length === 0
        ? [`nothing that differs from ${ref} can have touched a test`]
        : found.map(({ file, because }) => `${file}: ${because} has changed`);
    return { files: found.map(({ file }) => file), whole: false, times, reasons };
  }
  if (words.length === 0) return { files: usual, whole: times === 1, times, reasons: [] };
  // Only who asks for these waits for them.
  const from = words.some((word) => word === "long" || word.includes("long/")) ? all : usual;
  const lost = words.find((word) => !from.some((file) => file.includes(word)));
  if (lost !== undefined) {
    const names = from.map((file) => basename(file, ".test.ts"));
    throw new UsageError(`no test has '${lost}' in its path.${didYouMean(lost, names)}`);
  }
  const files = from.filter((file) => words.some((word) => file.includes(word)));
  return { files, whole: false, times, reasons: [] };
}
