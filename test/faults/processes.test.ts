// A release with workers that is cut short: whatever was under way, one release comes out, with its own workers and one beat.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit, reboot, tidied, untilWell, withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell, atMoment, killEngine, recover, switchOf } from "./faults.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true });
const host = (command: string) => stack.inside(command).stdout.trim();
const current = () => host("basename $(readlink /srv/queue/current)");
const units = (states: string) =>
  host(`systemctl list-units --plain --no-legend --state=${states} 'queue-*@*.service' | cut -d' ' -f1`)
    .split("\n")
    .filter(Boolean);

before(async () => {
  stack.configure({
    app: {
      name: "queue",
      wsgi: "wsgi:app",
      settings: undefined,
      health: "/health",
      processes: { celery: { count: 2 }, idle: { command: "sleep infinity" } },
    },
  });
  await stack.succeed();
  // How it is logged in to is asked of the engine once, and not in the middle of a run.
  await stack.on("true");
});

/** Exactly one release runs, which is the one that boots and that people see: its server, its workers, its beat. */
async function oneRuns(): Promise<void> {
  const live = host("readlink /srv/queue/config/web/current");
  const all = () => units("active,activating,deactivating").sort();
  const wanted = ["beat", "celery", "idle", "web"].map((process) => `queue-${process}@${live}.service`);
  const expected = [...wanted, `queue-celery@${live}.2.service`].sort();
  await until("all else to end", () => all().length === expected.length);
  assert.deepEqual(all(), expected);
  assert.equal(current(), live.split(".")[0]);
  assert.equal((await stack.fetch("/health")).text, current());
  assert.equal(
    host(`${tidied}find /srv/queue/config/web -mindepth 1 -maxdepth 1 -type d -printf '%f '`),
    live,
  );
}

const moments = {
  "while the new workers start":
    '[ "$(systemctl list-units --plain --no-legend --state=active,activating "queue-idle@*.service" | wc -l)" = 2 ]',
  "just after the switch": switchOf("queue"),
};

test("the engine killed while processes are released: one release comes out, with the right workers and one beat", async () => {
  for (const [moment, there] of Object.entries(moments)) {
    const release = current();
    edit(stack, "app/notes.txt", () => `killed ${moment}\n`);
    const run = stack.startUp();
    await atMoment(stack, there);
    await killEngine(stack, run);
    await recover(stack);
    await stack.succeed();
    assert.notEqual(current(), release, moment);
    await oneRuns();
  }
  await assertWell(stack);
});

test("the step killed after the switch, and the host rebooted: the processes of the release before run, and no others", async () => {
  const release = current();
  edit(stack, "app/notes.txt", () => "cut short\n");
  const run = stack.startUp();
  await atMoment(stack, switchOf("queue"), "pkill -KILL -f '^/bin/bash /dev/shm/berth-app-live'");
  await run.ended;
  await reboot(stack.machine);
  await untilWell(stack);
  assert.equal(current(), release);
  assert.ok(units("active,activating,deactivating").every((unit) => unit.includes(release)));
  await stack.succeed();
  assert.notEqual(current(), release);
  await oneRuns();
  await assertWell(stack);
});
