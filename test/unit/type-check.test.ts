// When the static check of types starts tsc, on a small tree of its own.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkTypes } from "../../scripts/lib/types.ts";

const root = mkdtempSync(join(tmpdir(), "berth-types-"));
after(() => rmSync(root, { recursive: true }));
const write = (path: string, text: string) => writeFileSync(join(root, path), text);

/** Whether a check starts tsc, which then answers this. */
async function starts(answer = "", meanwhile = () => {}): Promise<boolean> {
  let started = false;
  const tsc = async () => {
    started = true;
    meanwhile();
    return answer;
  };
  const found = await checkTypes(root, join(root, ".berth"), tsc);
  assert.equal(found, started ? answer : "");
  return started;
}

test("tsc is started again when a source, a setting or a pinned package has changed, and not otherwise", async () => {
  write("a.ts", "export const a = 1;\n");
  assert.ok(await starts());
  assert.ok(!(await starts()));
  for (const path of ["a.ts", "b.ts", "tsconfig.json", "package-lock.json"]) {
    write(path, `// ${path}\n`);
    assert.ok(await starts(), path);
    assert.ok(!(await starts()), path);
  }
  write("README.md", "Changed.\n");
  assert.ok(!(await starts()));
  rmSync(join(root, "b.ts"));
  assert.ok(await starts());
});

test("a fault is told as often as the check runs", async () => {
  write("a.ts", "export const a: string = 1;\n");
  assert.ok(await starts("a.ts: a fault"));
  assert.ok(await starts("a.ts: a fault"));
});

test("a file that is saved while tsc runs is checked again", async () => {
  write("a.ts", "export const a = 1;\n");
  assert.ok(await starts("", () => write("a.ts", "export const a = 2;\n")));
  assert.ok(await starts());
  write("a.ts", "export const a = 1;\n");
  assert.ok(await starts());
});
