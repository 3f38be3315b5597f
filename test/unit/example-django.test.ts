import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** The packages of a pip lock file: each with its version part and its hashes. */
function readLock(path: string) {
  const text = readFileSync(join(root, path), "utf8").replace(/#.*$/gm, "").replaceAll("\\\n", " ");
  return text.split("\n").filter((line) => line.trim() !== "");
}

for (const lock of [
  "examples/django/requirements.txt",
  "examples/flask/requirements.txt",
  "examples/manuals/django-and-s3/requirements.txt",
  "examples/manuals/flask-and-mongodb/requirements.txt",
  "test/fixtures/flask/requirements.txt",
]) {
  test(`${lock} pins every package to one version and to hashes`, () => {
    const packages = readLock(lock);
    assert.ok(packages.length > 5, `${lock} names ${packages.length} packages, expected more than 5`);
    for (const line of packages) {
      assert.match(line, /^[a-z0-9-]+==[0-9][^ ]* .*--hash=sha256:[0-9a-f]{64}/, line.slice(0, 60));
    }
  });

  test(`${lock} names no registry, so it works behind any mirror`, () => {
    assert.doesNotMatch(readFileSync(join(root, lock), "utf8"), /:\/\/|--(extra-)?index-url|--find-links/);
  });
}

test("the front-end fixture's lock file names no registry either", () => {
  assert.doesNotMatch(readFileSync(join(root, "test/fixtures/flask/package-lock.json"), "utf8"), /:\/\//);
});

test("the WSGI and settings modules that the logbook's readme names are there", () => {
  const readme = readFileSync(join(root, "examples/django/README.md"), "utf8");
  for (const module of ["logbook.wsgi", "logbook.settings"]) {
    assert.ok(readme.includes(`\`${module}`), `README.md does not name ${module}`);
    assert.ok(
      existsSync(join(root, "examples/django", `${module.replace(".", "/")}.py`)),
      `${module} is missing`,
    );
  }
});

test("the logbook's readme explains every environment variable its settings read", () => {
  const settings = readFileSync(join(root, "examples/django/logbook/settings.py"), "utf8");
  const readme = readFileSync(join(root, "examples/django/README.md"), "utf8");
  const read = [...settings.matchAll(/(?:env\.\w+|needed)\(\s*"([A-Z_]+)"/g)].map((match) => match[1]);
  assert.ok(read.length > 15, `found only ${read.length} variables in settings.py`);
  assert.deepEqual(
    read.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
});
