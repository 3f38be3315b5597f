// A gigabyte of a database and a quarter of one of uploads: backups beside releases under load, and a server that is lost.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { type LoadResult, quantile } from "../../bench/load.ts";
import { backUp } from "../e2e/backups.ts";
import { npmRun } from "../e2e/checkout.ts";
import { edit, leaderOf, psql, removeMachine, type Stack, untilWell, withStack } from "../e2e/harness.ts";
import { startS3Beside } from "../e2e/s3-server.ts";
import { addLoadViews, assertEachKindAnswered, assertNothingLost, loadOn, stopLoads } from "../load.ts";
import { until } from "../until.ts";

const s3 = await startS3Beside({ after });
const stack = await withStack({ after }, { deployed: true });
const sql = (on: Stack, query: string) =>
  on.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -c "${query}"`, { timeout: 600_000 });
const size = (on: Stack) => sql(on, "SELECT pg_size_pretty(pg_database_size('logbook'))");
const uploads = (on: Stack) =>
  on.on("cd /srv/logbook/media && find . -type f -exec sha256sum {} + | sort", { timeout: 600_000 });

/** Rows that compress little, in a table that the application does not know: as much as is asked for. */
const fill = (table: string, rows: number) =>
  sql(
    stack,
    `CREATE TABLE ${table} AS SELECT entry, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 7) WHERE entry = entry) AS text FROM generate_series(1, ${rows}) AS entry`,
  );

/** Two releases under load. */
async function releases(name: string): Promise<LoadResult> {
  const load = await loadOn(stack);
  for (const number of [1, 2]) {
    edit(stack, "app/notes.txt", () => `${name} ${number}\n`);
    await stack.succeed();
  }
  const result = await load.stop();
  await assertNothingLost(stack, result);
  assertEachKindAnswered(result);
  return result;
}

const p99 = ({ times }: LoadResult) =>
  quantile(
    times.map(({ took }) => took),
    0.99,
  );

afterEach(stopLoads);

test("while a gigabyte is backed up and releases go on, no request fails, and no POST is lost or written twice", async (t) => {
  stack.configure({ app: { workers: 4 }, backup: { place: s3.place } });
  addLoadViews(stack);
  await stack.succeed();
  await backUp(stack);
  const alone = await releases("alone");
  await fill("bulk", 4_000_000);
  await stack.on(`runuser -u logbook -- bash -c 'cd /srv/logbook/media && mkdir many && cd many &&
    for number in $(seq 256); do head -c 1048576 /dev/urandom >$number; done'`);
  await stack.on("systemctl start --no-block berth-backup.service");
  const state = () => stack.on("systemctl show -P ActiveState berth-backup.service");
  const beside = await releases("beside a backup");
  const still = await state();
  await until("the backup to end", async () => (await state()) === "inactive");
  t.diagnostic(
    `${await size(stack)}; p99 of two releases: ${p99(alone).toFixed(0)} ms of ${alone.sent} requests, beside a backup ${p99(beside).toFixed(0)} ms of ${beside.sent}, 0 failed; the backup was ${still === "activating" ? "" : "not "}under way to their end`,
  );
});

test("a server with a gigabyte is lost, and a new one has it back", async (t) => {
  await sql(stack, "CREATE TABLE ledger AS SELECT 0 AS entry, clock_timestamp() AS at");
  await stack.on("systemctl start berth-backup-files.service", { timeout: 600_000 });
  const kept = await uploads(stack);
  const total = await sql(stack, "SELECT count(*) FROM bulk");
  // A row each second, for as long as the log of what was written may wait on the host.
  await sql(
    stack,
    "DO $$ BEGIN FOR number IN 1..90 LOOP INSERT INTO ledger VALUES (number, clock_timestamp()); COMMIT; PERFORM pg_sleep(1); END LOOP; END $$".replaceAll(
      "$",
      "\\$",
    ),
  );
  const passphrase = (await npmRun(stack, "backups", "--show-passphrase").ended).stdout.trim();
  const died = Date.now() / 1000;
  process.kill(leaderOf(stack.machine), "SIGKILL");
  removeMachine(stack.machine);

  const began = Date.now();
  const fresh = await withStack({ after }, { name: stack.name });
  fresh.configure({ backup: { place: s3.place } });
  const key = ["config", "set", "--secret", "--path", "berth:backup.passphrase"];
  assert.equal((await fresh.pulumi(key, { stdin: passphrase })).code, 0);
  assert.notEqual((await fresh.up()).code, 0, "a new server waits for its data");
  const deployed = Date.now();
  const restored = await npmRun(fresh, "restore", "--latest", "--yes").ended;
  assert.equal(restored.code, 0, restored.stdout + restored.stderr);
  const ended = Date.now();
  await untilWell(fresh);
  assert.equal(await sql(fresh, "SELECT count(*) FROM bulk"), total);
  assert.equal(await uploads(fresh), kept);
  const [rows = "", newest = ""] = (
    await sql(fresh, "SELECT max(entry), extract(epoch FROM max(at)) FROM ledger")
  ).split("|");
  const lost = died - Number(newest);
  assert.ok(lost < 60, `${lost} s are lost`);
  t.diagnostic(
    `${await size(fresh)} and 256 MB of uploads: RPO ${lost.toFixed(1)} s (${rows} of 90 rows); a new server in ${((deployed - began) / 1000).toFixed(0)} s, the restore in ${((ended - deployed) / 1000).toFixed(0)} s`,
  );
});
