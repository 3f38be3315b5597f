// The static check of shell files, on a small tree of its own.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { checkShell } from "../../scripts/lib/shell-steps.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-shell-"));
after(() => rmSync(folder, { recursive: true }));

/** Its command's output may be several words. */
const faulty = "say $(date)\n";

const clean = {
  "components/host/lib/step.sh": 'say() { printf "%s\\n" "$1"; }\ngreeting=hello\n',
  "components/host/connect.sh": "say one\n",
  "components/host/connect-removal.sh": "say two\n",
  "components/app/web.sh": `: "\${name?what it is called}"\nsay "$greeting $name"\n`,
  "components/host/local/create.sh":
    '#!/bin/bash\n# shellcheck source=components/host/local/common.sh\n. "$0/common.sh"\necho "$place"\n',
  "components/host/local/common.sh": "#!/bin/bash\nexport place=here\n",
};

/** A tree that is clean but for these files, and its check, which keeps what it knows. */
function tree(files: Readonly<Record<string, string>> = {}) {
  const root = mkdtempSync(join(folder, "tree-"));
  const known = join(root, "cache/shell.json");
  const write = (path: string, text: string) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries({ ...clean, ...files })) write(path, text);
  return { write, known, check: () => checkShell(root, known) };
}

test("a step is checked with the functions of the library and with its slots filled", async () => {
  assert.equal(await tree().check(), "");
});

test("a fault is told with its file, as often as the check runs", async () => {
  const { check } = tree({ "components/app/web.sh": faulty });
  const first = await check();
  assert.match(first, /^\nIn components\/app\/web\.sh line \d+:\n[\s\S]*SC2046/);
  assert.equal(await check(), first);
});

test("faults come in the order of the files", async () => {
  const { check } = tree({
    "components/app/a.sh": faulty,
    "components/app/b.sh": faulty,
    "components/host/connect.sh": faulty,
  });
  assert.deepEqual((await check()).match(/(?<=^In )\S+/gm), [
    "components/app/a.sh",
    "components/app/b.sh",
    "components/host/connect.sh",
  ]);
});

test("what was clean is not checked again, and is when it changes", async () => {
  const { check, write, known } = tree();
  await check();
  const remembered = readFileSync(known, "utf8");
  await check();
  assert.equal(readFileSync(known, "utf8"), remembered);
  write("components/app/web.sh", faulty);
  assert.match(await check(), /components\/app\/web\.sh/);
  write("components/app/web.sh", clean["components/app/web.sh"]);
  assert.equal(await check(), "");
});

test("what was clean is checked again when the library or a file that it sources changes", async () => {
  const { check, write } = tree();
  await check();
  write("components/host/lib/step.sh", 'say() { printf "%s\\n" "$1"; }\n');
  assert.match(await check(), /components\/app\/web\.sh[\s\S]*SC2154[\s\S]*greeting/);
  write("components/host/lib/step.sh", clean["components/host/lib/step.sh"]);
  write("components/host/local/common.sh", "#!/bin/bash\nexport other=here\n");
  assert.match(await check(), /components\/host\/local\/create\.sh[\s\S]*SC2154[\s\S]*place/);
});

test("a memory that cannot be read is none", async () => {
  const { check, write } = tree({ "components/app/web.sh": faulty });
  write("cache/shell.json", "{ half a");
  assert.match(await check(), /SC2046/);
});
