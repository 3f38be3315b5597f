// A step is killed on its host, in the middle of what it does with a password.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { psql, withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell, unfinished } from "./faults.ts";

const stack = await withStack({ after }, { deployed: true });
const inMemory = () => stack.inside("find /dev/shm -name 'berth-*'").stdout;
/** Asks PostgreSQL for something of each of its sessions of a kind; its answers, a line each. */
const sessions = (what: string, where: string) =>
  stack.inside(`runuser -u postgres -- ${psql} -XAtc "SELECT ${what} FROM pg_stat_activity WHERE ${where}"`)
    .stdout;
const holds = "wait_event = 'PgSleep'";
const waits = "wait_event_type = 'Lock'";

test("of a step that is killed nothing stays in memory, and nothing that it ran goes on without the lock", async () => {
  // Holds the table of roles, for which the step then waits.
  stack.inside(
    `systemd-run --quiet --collect --unit hold -p User=postgres ${psql} -Xc 'BEGIN' -c 'LOCK TABLE pg_authid IN SHARE MODE' -c 'SELECT pg_sleep(600)'`,
  );
  await until("the roles to be held", () => sessions("pid", holds) !== "");
  stack.configure({ rotate: { database: 2 } });
  const run = stack.startUp();
  await until("the step to wait for them", () => sessions("pid", waits) !== "");
  stack.inside("pkill -KILL -f '^/bin/bash /dev/shm/berth-postgres-database'");
  assert.equal(inMemory(), "");
  // A session that waits does not notice that its client has gone.
  sessions("pg_terminate_backend(pid)", `${holds} OR ${waits}`);
  assert.notEqual((await run.ended).code, 0);
  await until("the lock to be free", () => stack.inside("flock -n /run/berth.lock true").code === 0);
  await until("who held the roles to end", () => stack.inside("systemctl is-active hold").code !== 0);
  assert.equal(stack.inside("pgrep -ax psql || true").stdout, "");
  assert.deepEqual(unfinished(stack), ["postgres-database"]);
});

test("what one that was killed before it began has left is taken away by the next, which finishes the work", async () => {
  // As it lies there until the step's shell reads it; its maker is gone.
  stack.inside("sh -c 'echo \"step=…\" >/dev/shm/berth-postgres-database.$$.12345678'");
  assert.match(inMemory(), /^\/dev\/shm\/berth-postgres-database\.\d+\.12345678\n$/);
  await stack.succeed();
  await assertWell(stack);
});
