// The check of GitLab's pipelines refuses what GitLab would refuse, and remembers what was clean.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { checkPipelines } from "../../scripts/lib/pipelines.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-pipelines-"));
after(() => rmSync(folder, { recursive: true }));
const path = "examples/ci/gitlab/.gitlab-ci.yml";
const good = readFileSync(resolve(import.meta.dirname, "../..", path), "utf8");
const check = (text: string) => {
  mkdirSync(join(folder, "examples/ci/gitlab"), { recursive: true });
  writeFileSync(join(folder, path), text);
  return checkPipelines(folder, join(folder, "known.json"));
};

test("a pipeline that breaks GitLab's schema is refused by its key, and one that keeps it is not", async () => {
  assert.equal(await check(good), "");
  assert.match(readFileSync(join(folder, "known.json"), "utf8"), /[0-9a-f]{64}/);
  const broken = {
    "a word that is none": [
      good.replace("interruptible: true", "interruptible: perhaps"),
      /preview\.interruptible/,
    ],
    "a key that is none": [
      good.replace("  resource_group: drift-prod", "  resource-group: drift-prod"),
      /resource-group/,
    ],
    "no YAML": [`${good}\nx: [\n`, /Failed to parse/],
  } as const;
  for (const [what, [text, expected]] of Object.entries(broken)) {
    assert.notEqual(text, good);
    assert.match(await check(text), expected, what);
    assert.doesNotMatch(readFileSync(join(folder, "known.json"), "utf8"), /[0-9a-f]{64}/, what);
  }
  assert.equal(await check(good), "");
});

test("a checkout without the pipeline is not called clean", async () => {
  assert.match(await checkPipelines(join(folder, "nowhere"), join(folder, "none.json")), /to check/);
});
