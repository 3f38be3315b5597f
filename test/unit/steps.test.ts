// What a preview of a whole stack shows: the text of every step.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { ownText, programSteps, type Steps, secretValue } from "./program-steps.ts";

let shown: Steps = {};
before(async () => {
  shown = await programSteps();
});

test("every step of a stack is this text", (t) => {
  assert.ok(Object.keys(shown).length >= 12, `steps: ${Object.keys(shown)}`);
  for (const [name, text] of Object.entries(shown)) {
    t.assert.fileSnapshot(ownText(text), join(import.meta.dirname, "snapshots/steps", `${name}.sh`), {
      serializers: [(value: string) => value],
    });
  }
});

test("no secret is in the text of any step", () => {
  for (const [name, text] of Object.entries(shown)) {
    assert.ok(!text.includes(secretValue), `${name} holds a secret`);
  }
});
