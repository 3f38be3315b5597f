// The programs that run on hosts, by their own tests in test/program: without a host, each by its name.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const python = "python3";

interface Told {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly reason: string;
}

/** Runs the tests of a file of test/program, and tells of each as it ends. */
async function* run(file: string): AsyncGenerator<Told> {
  const child = spawn(python, ["-B", join(root, "test/program/run.py"), file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = new Promise<number | null>((settle, reject) => {
    child.once("error", reject);
    child.once("close", settle);
  });
  let count = 0;
  let failed = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as Told;
    count += 1;
    if (told.outcome === "failed") failed += 1;
    yield told;
  }
  const code = await ended;
  assert.ok(count > 0, `${file}: no test was run: ${said}`);
  assert.equal(code === 0, failed === 0, `${file}: ended with ${code}: ${said}`);
}

const files = readdirSync(join(root, "test/program")).filter((file) => /^test_.*\.py$/.test(file));
for (const file of files.map((name) => basename(name, ".py")).sort()) {
  test(`on hosts, ${file}`, async (t) => {
    for await (const { name, outcome, reason } of run(file)) {
      // Told as skipped, so that it does not pass for run.
      const skip = outcome === "skipped" ? "needs root" : false;
      await t.test(name, { skip }, () => assert.equal(outcome, "passed", reason));
    }
  });
}

test("docs/releases.md has the tables of states that the program has", () => {
  const made = spawnSync(python, ["-B", "components/app/release/states.py"], { cwd: root, encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  const document = readFileSync(join(root, "docs/releases.md"), "utf8");
  for (const part of made.stdout.split("\n\n")) {
    assert.ok(document.includes(part.trim()), `docs/releases.md lacks this part of the tables:\n${part}`);
  }
});
