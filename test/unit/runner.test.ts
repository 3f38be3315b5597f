// What runs the tests: a red run must mean a fault, and a green one that every file was run whole.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { longestFirst, updated } from "../runner/durations.ts";
import { runPool } from "../runner/pool.ts";
import { countsOf, durationsText, failuresText } from "../runner/report.ts";
import type { TestResult } from "../runner/reporter.ts";
import { type FileResult, runFile } from "../runner/run-file.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-runner-"));
after(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const run = (text: string, signal = never) => {
  writeFileSync(join(folder, "some.test.ts"), `import {test} from "node:test";\n${text}`);
  return runFile("some.test.ts", { root: folder, inside: [], env: process.env, signal });
};

test("each test of a file is told with its name, its outcome and its reason, those within others too", async () => {
  const { tests } = await run(`
    test("outer", async (t) => {
      await t.test("good", () => {});
      await t.test("bad", () => { throw new Error("the reason"); });
    });
    test("left out", { skip: "why" }, () => {});`);
  assert.deepEqual(
    tests.map(({ name, outcome, holds }) => [name, outcome, holds]),
    [
      ["outer › good", "passed", false],
      ["outer › bad", "failed", false],
      ["outer", "failed", true],
      ["left out", "skipped", false],
    ],
  );
  assert.match(tests[1]?.reason ?? "", /^Error: the reason/);
});

test("a file that dies, holds no test or does not end by itself has failed, though no test of it did", async () => {
  for (const [text, reason] of [
    [
      `test("good", () => {}); setTimeout(() => process.kill(process.pid, "SIGKILL"), 500);`,
      /ended with SIGKILL/,
    ],
    [`test("good", () => {}); process.once("beforeExit", () => process.exit(3));`, /ended with status 3/],
    ["throw new Error('before any test');", /ended with status 1[\s\S]*before any test/],
    ["", /it holds no test/],
  ] as const) {
    const result = await run(text);
    const failed = result.tests.filter(({ outcome }) => outcome === "failed");
    assert.equal(failed.length, 1, text);
    assert.match(failed[0]?.reason ?? "", reason);
  }
});

test("a file under way is ended by an interrupt, and has failed", async () => {
  const interrupt = new AbortController();
  setTimeout(() => interrupt.abort(), 500);
  const { tests } = await run(
    `test("long", () => new Promise((r) => setTimeout(r, 60_000)));`,
    interrupt.signal,
  );
  assert.match(tests.at(-1)?.reason ?? "", /^interrupted/);
});

test("files run in order, so many at a time, and one whose needs are not there lets the others pass", async () => {
  const need = Promise.withResolvers<void>();
  const order: string[] = [];
  let most = 0;
  let running = 0;
  const job = (name: string, needs?: Promise<void>) => ({
    name,
    ...(needs ? { needs } : {}),
    run: async () => {
      order.push(name);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      if (name === "c") need.resolve();
      return name;
    },
  });
  const ended: string[] = [];
  await runPool([job("host", need.promise), job("a"), job("b"), job("c")], 2, (name) => ended.push(name));
  assert.deepEqual(order, ["a", "b", "c", "host"]);
  assert.deepEqual(ended.sort(), ["a", "b", "c", "host"]);
  assert.equal(most, 2);
});

test("when the time is over no further file begins, and those under way come to their end", async () => {
  const ended: string[] = [];
  let isTime = true;
  const job = (name: string) => ({
    name,
    run: async () => {
      isTime = false;
      return name;
    },
  });
  await runPool(
    [job("a"), job("b"), job("c")],
    1,
    (name) => ended.push(name),
    never,
    () => isTime,
  );
  assert.deepEqual(ended, ["a"]);
});

test("when what files need can't be made, the run ends with the reason", async () => {
  const jobs = [{ name: "host", needs: Promise.reject(new Error("no image")), run: async () => "run" }];
  await assert.rejects(
    runPool(jobs, 2, () => {}),
    /no image/,
  );
});

test("the longest file begins first, before it one whose time is not known", () => {
  assert.deepEqual(longestFirst(["a", "b", "new", "c"], { a: 5, b: 60, c: 30 }), ["new", "b", "c", "a"]);
});

test("the list of durations changes where a file's time has, and forgets files that are gone", () => {
  const known = { kept: 60, slower: 60, gone: 5, small: 2 };
  assert.deepEqual(updated(known, { kept: 70.2, slower: 95.4, fresh: 7.6, small: 6 }), {
    fresh: 8,
    kept: 60,
    slower: 95,
    small: 2,
  });
});

test("the end of a run shows the durations of all files, the slowest tests, and what each failure failed with", () => {
  const of = (name: string, ms: number, reason?: string, holds = false): TestResult => ({
    name,
    ms,
    holds,
    ...(reason ? { outcome: "failed", reason } : { outcome: "passed" }),
  });
  const results: FileResult[] = [
    { file: "b.test.ts", seconds: 3, notes: [], said: "", tests: [of("quick", 100), of("slow", 2500)] },
    {
      file: "a.test.ts",
      seconds: 9,
      processor: 12.5,
      notes: [],
      said: "",
      tests: [of("outer › bad", 9000, "Error: x\nat y"), of("outer", 9100, "'1 subtest failed'", true)],
    },
  ];
  assert.deepEqual(countsOf(results), { passed: 2, failed: 2, skipped: 0 });
  const lines = durationsText(results).split("\n");
  assert.deepEqual(lines.slice(1, 3), [
    "    9.0 s    12.5 s  a.test.ts (2)",
    "    3.0 s            b.test.ts (2)",
  ]);
  assert.deepEqual(lines.slice(5, 7), ["    9.0 s  outer › bad (a.test.ts)", "    2.5 s  slow (b.test.ts)"]);
  assert.equal(failuresText(results), "failed:\n  a.test.ts: outer › bad\n    Error: x\n    at y\n");
  assert.equal(failuresText(results.slice(0, 1)), "");
});
