// What a run of the tests is to be, from its command line.
import { globSync } from "node:fs";
import { parseArgs } from "node:util";
import { affectedTests, changedFiles } from "../../scripts/lib/changed.ts";

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

/**
 * Reads the command line; see scripts/test.ts for what it may hold.
 *
 * @throws when it can't be read, or names no test
 */
export function choose(root: string, args: readonly string[]): Choice {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { changed: { type: "boolean" }, times: { type: "string" } },
  });
  const times = Number(values.times ?? 1);
  if (!Number.isInteger(times) || times < 1)
    throw new Error(`'--times' takes how often each file is run; found ${values.times}`);

  const all = globSync("test/**/*.test.ts", { cwd: root }).sort();
  const usual = all.filter((file) => !file.startsWith(long));
  if (values.changed) {
    const [ref = "HEAD", ...more] = positionals;
    if (more.length > 0) throw new Error(`'--changed' takes one commit; found ${positionals.join(" ")}`);
    const found = affectedTests(root, usual, changedFiles(root, ref));
    const reasons =
      found.length === 0
        ? [`nothing that differs from ${ref} can have touched a test`]
        : found.map(({ file, because }) => `${file}: ${because} has changed`);
    return { files: found.map(({ file }) => file), whole: false, times, reasons };
  }
  if (positionals.length === 0) return { files: usual, whole: times === 1, times, reasons: [] };
  // Only who asks for these waits for them.
  const from = positionals.some((word) => long.includes(word) || word.startsWith(long)) ? all : usual;
  const files = from.filter((file) => positionals.some((word) => file.includes(word)));
  if (files.length === 0) throw new Error(`no test has ${positionals.join(" or ")} in its path`);
  return { files, whole: false, times, reasons: [] };
}
