// docs/adding-a-service.md, as it stands: its files put in place in a copy of the repository, and its test run there.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { execute, root } from "../engine/harness.ts";

/** The files that a page shows: a paragraph begins with the path of each, and its code follows. */
function filesOf(page: string): Record<string, string> {
  const files = page.matchAll(/^`([^`\s]+\.\w+)`[^`]*\n\n```(?!diff)\w+\n([\s\S]*?)^```$/gm);
  return Object.fromEntries([...files].map(([, path = "", text = ""]) => [path, text]));
}

test("the page on adding a service adds one: its own code passes its own test on a real host", async (t) => {
  const copy = mkdtempSync(join(tmpdir(), "berth-copy-"));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  const page = readFileSync(join(root, "docs/adding-a-service.md"), "utf8");
  const parts = ["components", "config", "cloud-init", "engine", "examples", "policy", "scripts"];
  for (const part of [...parts, "test/e2e", "test/engine", "test/runner", "test/until.ts", "test/fixtures"])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  for (const part of [
    "Pulumi.yaml",
    "Pulumi.local.yaml",
    "package.json",
    "index.ts",
    "outputs.ts",
    "lean-sdk.ts",
  ])
    cpSync(join(root, part), join(copy, part));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

  const files = filesOf(page);
  assert.deepEqual(Object.keys(files).sort(), [
    "components/memcached/look.sh",
    "components/memcached/memcached.conf.liquid",
    "components/memcached/memcached.ts",
    "components/memcached/server-removal.sh",
    "components/memcached/server.sh",
    "components/memcached/service.ts",
    "test/e2e/memcached.test.ts",
  ]);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), text);
  }
  const list = join(copy, "components/services.ts");
  const diff = /```diff\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? "";
  let services = readFileSync(list, "utf8");
  for (const hunk of diff.split("@@\n")) {
    const lines = hunk.trimEnd().split("\n");
    const side = (without: string) =>
      lines
        .filter((line) => !line.startsWith(without))
        .map((line) => line.slice(1))
        .join("\n");
    assert.ok(services.includes(side("+")), `components/services.ts has these lines: ${side("+")}`);
    services = services.replace(side("+"), side("-"));
  }
  writeFileSync(list, services);

  // As a test of its own, not as a part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = await execute(process.execPath, ["--test", "test/e2e/memcached.test.ts"], {
    cwd: copy,
    env,
    timeout: 600_000,
  });
  assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
  assert.match(run.stdout, /pass 1\b/);
});
