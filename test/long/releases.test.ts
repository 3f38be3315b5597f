// Twenty releases in a row under load: what test/e2e/release.test.ts shows with four in every run.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { edit, withStack } from "../e2e/harness.ts";
import { addLoadViews, assertEachKindAnswered, assertNothingLost, loadOn, stopLoads } from "../load.ts";

const count = 20;
const stack = await withStack({ after }, { crew: true, deployed: true });

afterEach(stopLoads);
before(async () => {
  stack.configure({ app: { workers: 4, keep: 3 } });
  addLoadViews(stack);
  await stack.succeed();
});

test("twenty releases in a row with workers: no request fails, no POST is lost or written twice, and three are kept", async (t) => {
  const load = await loadOn(stack, { rate: 20, long: 20 });
  for (let number = 1; number <= count; number++) {
    edit(stack, "app/notes.txt", () => `release ${number}\n`);
    await stack.succeed();
  }
  const result = await load.stop();
  await assertNothingLost(stack, result);
  assertEachKindAnswered(result);
  assert.equal((await stack.on("ls /srv/logbook/releases")).split("\n").length, 3);
  assert.equal(await stack.on("systemctl list-units --failed --plain --no-legend"), "");
  t.diagnostic(`${result.sent} requests, 0 failed`);
});
