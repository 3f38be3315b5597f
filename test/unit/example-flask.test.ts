import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../config/read.ts";

const root = join(import.meta.dirname, "../..");
const text = (file: string) => readFileSync(join(root, "examples/flask", file), "utf8");

test("the signal lamp's stack file is a valid configuration of an application that is there", () => {
  const sections: Record<string, unknown> = parse(text("Pulumi.flask.yaml")).config;
  const values = Object.entries(sections).map(([key, value]) => [key, JSON.stringify(value)]);
  const { app } = parseConfig(Object.fromEntries(values), "flask");
  assert.ok("directory" in app.source);
  for (const part of ["Procfile", `${app.wsgi?.split(":")[0]}.py`, `${app.static}`])
    assert.ok(existsSync(join(root, app.source.directory, part)), part);
});

test("the signal lamp's readme explains every environment variable its settings read", () => {
  const readme = text("README.md");
  const read = [...text("lamp/settings.py").matchAll(/(?:environ\.get|needed)\(\s*"([A-Z_]+)"/g)].map(
    (match) => match[1],
  );
  assert.ok(read.length > 8, `found only ${read.length} variables in settings.py`);
  assert.deepEqual(
    read.filter((name) => !readme.includes(`\`${name}\``)),
    [],
  );
});
