// The engine is killed, with everything that it runs on this computer, at the two worst moments of a first deployment.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell, killEngine, recover, said, steps, unfinished } from "./faults.ts";

const stack = await withStack({ after }, { bare: true });

test("killed while packages install: the host goes on with the step that it runs", async () => {
  const run = stack.startUp();
  await said(run, /system-packages: installing \d+ packages/);
  await until("dpkg to be at work", () => stack.inside("pgrep -x dpkg").code === 0);
  await killEngine(stack, run);
  assert.deepEqual(unfinished(stack), ["system-packages"]);
  assert.equal(steps(stack).length, 1);
});

test("a plain 'pulumi up' then says who holds the stack, and what clears it", async () => {
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(run.stderr, /the stack is currently locked by 1 lock\(s\)\..*`pulumi cancel`/);
});

test("the next run clears the lock by itself, waits for the step on the host, and goes on; killed again while the release is made", async () => {
  const lines = await recover(stack);
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? "",
    /^the last run of Pulumi on stack '.*' \(process \d+\) was killed; its lock is cleared/,
  );
  const run = stack.startUp();
  await said(run, /app-release: installing the dependencies/);
  assert.doesNotMatch(run.said(), /pending operations/);
  assert.doesNotMatch(
    run.said(),
    /system-packages: installing/,
    "the packages were there when the lock was free",
  );
  await wait(500);
  await killEngine(stack, run);
  assert.deepEqual(unfinished(stack), ["app-release"]);
});

test("the run after that finishes with no help: one release, nothing half done, no process left over", async () => {
  await recover(stack);
  await stack.succeed();
  await assertWell(stack);
  assert.equal(stack.inside("ls -d /srv/*/releases/* | wc -l").stdout.trim(), "1");
  const again = await stack.succeed("--expect-no-changes");
  assert.doesNotMatch(again.stdout, /pending operations|locked/);
});
