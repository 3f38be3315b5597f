// docs/dependencies.md says what each dependency is for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
) as Record<string, Record<string, string>>;
const all = { ...dependencies, ...devDependencies, ...optionalDependencies };

test("the page on dependencies has each of them once, and no others", () => {
  const page = readFileSync(join(root, "docs/dependencies.md"), "utf8");
  const tables = page.slice(page.indexOf("## What each is for"), page.indexOf("## What is written by hand"));
  const rows = [...tables.matchAll(/^\| (`[^|]*) \|/gm)].map(([, names = ""]) => names);
  const named = rows.flatMap((names) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
  assert.deepEqual(named.sort(), Object.keys(all).sort());
});

test("each is pinned to one version", () => {
  for (const [name, version] of Object.entries(all)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
});
