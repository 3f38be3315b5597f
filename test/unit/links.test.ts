import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { brokenLinks } from "../../scripts/lib/links.ts";

/** Links that lead nowhere among these pages, the first of which leads to all others. */
function brokenIn(pages: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "berth-links-"));
  for (const [path, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const broken = brokenLinks(join(root, Object.keys(pages)[0] ?? ""));
  rmSync(root, { recursive: true });
  return broken.split("\n");
}

test("links to pages and headings that are there are fine, and so is what only looks like a link", () => {
  const broken = brokenIn({
    "first.md": "[a](more/a.md) [b](more/a.md#what-npm-start-does) [c](https://example.org/x.md#y)",
    "more/a.md":
      "# What `npm start` does\n[up](../first.md) [here](#what-npm-start-does)\n```sh\n[x](gone.md)\n```\n",
  });
  assert.deepEqual(broken, [""]);
});

test("a link to a page or a heading that is gone is told by its page", () => {
  const broken = brokenIn({
    "first.md": "[a](more/gone.md) [b](more/a.md)",
    "more/a.md": "# One\n[b](#two)\n```sh\n# three\n```\n[c](../first.md#four) [d](a.md#three)\n",
  });
  assert.deepEqual(broken, [
    "first.md: 'more/gone.md' leads nowhere.",
    "more/a.md: '#two' leads nowhere.",
    "more/a.md: '../first.md#four' leads nowhere.",
    "more/a.md: 'a.md#three' leads nowhere.",
  ]);
});
