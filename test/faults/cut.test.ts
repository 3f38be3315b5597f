// The connection to the host is cut without a word to either side, as by a firewall or a computer that goes to sleep.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell, cut, said, unfinished } from "./faults.ts";

/** The vendor's plugin asks for no sign of life; it ends when the kernel gives up, after two and a half minutes. */
const vendor = process.env.BERTH_E2E_PLUGINS === "real";
const stack = await withStack({ after }, { bare: true });

test("cut while packages install: the engine ends with an error within bounds, the host with its step done", async (t) => {
  const run = stack.startUp();
  await said(run, /system-packages: installing \d+ packages/);
  await until("dpkg to be at work", () => stack.inside("pgrep -x dpkg").code === 0);
  const began = Date.now();
  const heal = cut(t, await stack.address());
  const result = await run.ended;
  const seconds = (Date.now() - began) / 1000;
  t.diagnostic(`the engine gave up after ${seconds.toFixed(1)} s`);
  assert.notEqual(result.code, 0);
  assert.match(
    result.stdout,
    vendor
      ? /error: wait: remote command exited without exit status or exit signal/
      : /the connection to [\d.]+:22 was lost while the command ran.*it may still be running there/,
  );
  await until("the step on the host to end", () => unfinished(stack).length === 0);
  heal();
});

test("cut for five seconds while the release is made: the run goes on as if nothing had been", async (t) => {
  const run = stack.startUp();
  await said(run, /app-release: installing the dependencies/);
  assert.doesNotMatch(run.said(), /system-packages: installing/);
  const heal = cut(t, await stack.address());
  await wait(5_000);
  heal();
  const result = await run.ended;
  assert.equal(result.code, 0, result.stdout + result.stderr);
  await assertWell(stack);
});
