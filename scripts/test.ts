// npm test: everything that CI checks. npm test -- WORD… runs the test files whose path holds one of the words.
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { inspect } from "node:util";
import { ensureEngine } from "../engine/acquire.ts";
import { runChecks } from "./check.ts";
import { ensurePackages, forTests } from "./lib/debian.ts";
import { lineProgress } from "./lib/progress.ts";

const root = resolve(import.meta.dirname, "..");

/** The groups in the order in which they run; what is quick to tell comes first. */
const groups = [
  { name: "unit", files: "test/unit/**/*.test.ts", concurrency: 2 },
  { name: "engine", files: "test/engine/**/*.test.ts", concurrency: 2 },
  // Alone, so that it sees the last local host go.
  { name: "local host", files: "test/e2e/local-host.test.ts", concurrency: 1 },
  { name: "e2e", files: "test/e2e/!(local-host).test.ts", concurrency: 2 },
  // One after the other: a simulated cloud has machines, disks and addresses of its own.
  { name: "cloud", files: "test/cloud/**/*.test.ts", concurrency: 1 },
  { name: "faults", files: "test/faults/**/*.test.ts", concurrency: 2 },
] as const;

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

/** What a test failed with, indented; the last lines where it is long, as an update that failed says why at its end. */
function reason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause ?? error);
  return text
    .split("\n")
    .filter((line) => !line.includes("(node:") && !line.includes(" node:internal/"))
    .slice(-40)
    .map((line) => `\n    ${line}`)
    .join("");
}

/** Runs the files, each in a process of its own, and counts the tests in them. */
async function runFiles(files: readonly string[], concurrency: number): Promise<void> {
  const stream = run({
    files: files.map((file) => resolve(root, file)),
    concurrency,
    timeout: 20 * 60_000,
    cwd: root,
  });
  const count = (
    event: {
      name: string;
      file?: string;
      details: { type?: string | undefined; error?: unknown };
      skip?: unknown;
    },
    passed: boolean,
  ) => {
    // A suite only holds tests; a file that has none, or that could not be run, is reported as a test.
    if (event.details.type === "suite") return;
    if (event.skip !== undefined && event.skip !== false) counts.skipped += 1;
    else if (passed) counts.passed += 1;
    else {
      counts.failed += 1;
      failures.push(`${event.file ?? ""}: ${event.name}${reason(event.details.error)}`);
    }
  };
  stream.on("test:pass", (event) => count(event, true));
  stream.on("test:fail", (event) => count(event, false));
  const report = stream.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((settle, reject) => report.on("end", settle).on("error", reject));
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const wanted = (file: string) => words.length === 0 || words.some((word) => file.includes(word));
  ensurePackages(forTests, lineProgress());
  if (words.length === 0) {
    console.log("== static checks");
    const failed = runChecks();
    failures.push(...failed.map((name) => `static check: ${name}`));
    counts.failed += failed.length;
  }
  await ensureEngine(root, lineProgress());
  if (process.env.BERTH_REAL_PLUGINS === undefined) {
    console.log(
      "BERTH_REAL_PLUGINS is not set: the conformance runs under the vendor's plugins are skipped.",
    );
  }
  for (const { name, files, concurrency } of groups) {
    const found = globSync(files, { cwd: root }).filter(wanted).sort();
    if (found.length === 0) continue;
    console.log(`\n== ${name} (${found.length} files)`);
    await runFiles(found, concurrency);
  }
}

try {
  await main();
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  console.error("NOT RUN: the tests need what is named above. Nothing counts as passed without them.");
  counts.failed += 1;
}
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((name) => `  ${name}`).join("\n")}`);
if (counts.passed + counts.failed === 0) {
  console.error("berth: no test has a path like that");
  counts.failed += 1;
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
// Nothing that a test left running may keep this process alive.
process.exit(counts.failed === 0 ? 0 : 1);
