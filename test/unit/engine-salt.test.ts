import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { rememberStackFiles, restoreStackFiles } from "../../engine/salt.ts";

const ours = "v1:c2FsdA==:v1:bm9uY2U=:Y2lwaGVy";

function checkout(t: TestContext, stackFile: string | undefined) {
  const folder = mkdtempSync(join(tmpdir(), "berth-salt-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = {
    project: join(folder, "project"),
    state: join(folder, "state"),
    remembered: join(folder, "kept"),
  };
  const path = join(files.project, "Pulumi.dev.yaml");
  const state = join(files.state, ".pulumi/stacks/berth/dev.json");
  for (const one of [path, state]) mkdirSync(dirname(one), { recursive: true });
  writeFileSync(
    state,
    JSON.stringify({ checkpoint: { latest: { secrets_providers: { state: { salt: ours } } } } }),
  );
  if (stackFile !== undefined) writeFileSync(path, stackFile);
  const write = (text: string) => writeFileSync(path, text);
  return { files, path, write, read: () => readFileSync(path, "utf8") };
}

const written = `# why\nconfig:\n    berth:key:   "1"\n\n\n# end\n`;
const laidOutAnew = `# why\nconfig:\n  berth:key: "1"\n\n# end\nencryptionsalt: ${ours}\n`;

test("a stack file is the same to the letter after a call that only added the salt", async (t) => {
  const c = checkout(t, written);
  rememberStackFiles(c.files);
  c.write(laidOutAnew);
  await restoreStackFiles(c.files);
  assert.equal(c.read(), written);
});

test("a call that changed the configuration keeps its change and leaves no salt", async (t) => {
  const c = checkout(t, written);
  rememberStackFiles(c.files);
  c.write(laidOutAnew.replace('"1"', '"2"'));
  await restoreStackFiles(c.files);
  assert.equal(c.read(), `# why\nconfig:\n  berth:key: "2"\n\n# end\n`);
});

test("what a killed call left is put right before the next one", async (t) => {
  const c = checkout(t, written);
  rememberStackFiles(c.files);
  c.write(laidOutAnew);
  await restoreStackFiles(c.files);
  rememberStackFiles(c.files);
  await restoreStackFiles(c.files);
  assert.equal(c.read(), written);
});

test("the salt of a user's own backend stays, for the secrets would be lost without it", async (t) => {
  const theirs = laidOutAnew.replace(ours, "v1:another:v1:one:=");
  const c = checkout(t, theirs);
  rememberStackFiles(c.files);
  await restoreStackFiles(c.files);
  assert.equal(c.read(), theirs);
});

test("a file that Pulumi made for the salt alone is removed", async (t) => {
  const c = checkout(t, undefined);
  rememberStackFiles(c.files);
  c.write(`encryptionsalt: ${ours}\n`);
  await restoreStackFiles(c.files);
  assert.equal(existsSync(c.path), false);
});
