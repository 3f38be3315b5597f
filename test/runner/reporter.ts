// A reporter of node:test for the pool, for a file: each test that has ended, and each note (`t.diagnostic`), is one
// JSON line.
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

/** A test that has ended. One that only holds others counts as well. */
export interface TestResult {
  /** Its name, behind those of the tests that it is in. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Milliseconds, those of the tests in it included. */
  readonly ms: number;
  /** Whether other tests are in it. */
  readonly holds: boolean;
  /** What it failed with: the last lines where it is long, as an update that failed says why at its end. */
  readonly reason?: string;
}

/** A line of the file: a test, or what one has noted. */
export type ReporterLine = TestResult | { readonly note: string };

/** Node's own counts at the end are notes as well. */
const counts = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** What a test failed with, without the lines of Node's own code. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause ?? error);
  return text
    .split("\n")
    .filter((line) => !line.includes("(node:") && !line.includes(" node:internal/"))
    .slice(-40)
    .join("\n");
}

const lineOf = (line: ReporterLine) => `${JSON.stringify(line)}\n`;

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  // The names of the tests that have begun and not ended, by their depth.
  const within: string[] = [];
  let deepest = 0;
  for await (const event of events) {
    if (event.type === "test:start") {
      within[event.data.nesting] = event.data.name;
      deepest = event.data.nesting;
    }
    if (event.type === "test:diagnostic" && !counts.test(event.data.message)) {
      yield lineOf({ note: event.data.message });
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { nesting, name, skip, details } = event.data;
    const holds = deepest > nesting;
    deepest = nesting;
    // A suite only groups tests.
    if (details.type === "suite") continue;
    const failed = event.type === "test:fail";
    yield lineOf({
      name: [...within.slice(0, nesting), name].join(" › "),
      outcome: skip !== undefined && skip !== false ? "skipped" : failed ? "failed" : "passed",
      ms: details.duration_ms,
      holds,
      ...(failed ? { reason: reasonOf((details as { error?: unknown }).error) } : {}),
    });
  }
}
