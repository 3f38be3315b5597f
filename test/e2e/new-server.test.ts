// A server that is lost, with the state of its stack: another one, and what it takes to have the site back there.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { after, test } from "node:test";
import type { Listing } from "../../scripts/lib/backups.ts";
import type { Report } from "../../scripts/lib/status/facts.ts";
import { until } from "../until.ts";
import { backUp, backUpFiles } from "./backups.ts";
import { npmRun } from "./checkout.ts";
import { leaderOf, psql, type Run, removeMachine, type Stack, untilWell, withStack } from "./harness.ts";
import { startS3Beside } from "./s3-server.ts";
import { askStatus } from "./status.ts";
import { visitLog } from "./visitor.ts";

const s3 = await startS3Beside({ after });
const lost = await withStack({ after }, { deployed: true, crew: true });
const said = (run: Run) => run.stdout + run.stderr;
const sql = (stack: Stack, query: string) =>
  stack.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -c "${query}"`);
const uploads = (stack: Stack) =>
  stack.on("cd /srv/logbook/media && find . -type f -exec sha256sum {} + | sort");
async function npm(stack: Stack, name: string, ...args: string[]) {
  const done = await npmRun(stack, name, ...args).ended;
  assert.equal(done.code, 0, done.stdout + done.stderr);
  return done;
}
/** What the place has of the database's log. */
const archived = () =>
  readdirSync(s3.bucket, { recursive: true, encoding: "utf8" })
    .filter((path) => /postgresql\/archive\/.*\/[0-9A-F]{24}-/.test(path))
    .sort();
/** What 'npm run status' finds in the site and its backups. */
const codes = async (stack: Stack) =>
  (JSON.parse((await askStatus(stack, "--json")).stdout) as Report).findings
    .map(({ code }) => code)
    .filter((code) => /^(site|maintenance|backup-(?!key)|restore)/.test(code));

/** Rows that a host has acknowledged: each with the second in which it did. */
interface Acknowledged {
  readonly entry: number;
  readonly at: number;
}

/** Writes a row after the other into a table, as root in a machine, until the machine ends. */
function write(machine: string): { acknowledged: () => Acknowledged[]; ended: Promise<void> } {
  const rows =
    'entry=0; while :; do entry=$((entry + 1)); echo "INSERT INTO ledger VALUES ($entry) RETURNING entry, extract(epoch FROM clock_timestamp()), pg_sleep(0.005);"; done';
  const within = ["--mount", "--uts", "--ipc", "--net", "--pid"];
  const child: ChildProcess = spawn(
    "nsenter",
    [
      `--target=${leaderOf(machine)}`,
      ...within,
      "--",
      ...["bash", "-c", `(${rows}) | runuser -u postgres -- ${psql} -XAtq -d logbook`],
    ],
    {
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    },
  );
  let told = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const ended = new Promise<void>((settle) => child.once("close", () => settle()));
  const acknowledged = () =>
    [...told.matchAll(/^(\d+)\|([\d.]+)\|\n/gm)].map(([, entry, at]) => ({
      entry: Number(entry),
      at: Number(at),
    }));
  return { acknowledged, ended };
}

let passphrase = "";
let kept = "";
let before: Listing;
let written: Acknowledged[] = [];
/** How many rows were acknowledged before a piece of the log was archived. */
let sure = 0;
let died = 0;
/** A moment among the writes, and how many rows there were then. */
let moment = { at: "", rows: 0 };

test("a server is lost at a random moment, while its database is written to", async () => {
  lost.configure({ backup: { place: s3.place } });
  await lost.succeed();
  await backUp(lost);
  passphrase = (await npm(lost, "backups", "--show-passphrase")).stdout.trim();
  assert.equal((await (await visitLog(lost)).sign("Ada", "before the server was lost")).status, 302);
  await until(
    "the worker has made a preview",
    async () => (await sql(lost, "SELECT count(*) FROM crew_preview")) === "1",
  );
  await sql(lost, "CREATE TABLE ledger (entry int PRIMARY KEY)");
  const writing = write(lost.machine);
  const rows = () => writing.acknowledged().length;
  await until("rows are written", async () => rows() > 100);
  // No commit is so near to the moment that it could belong to either side.
  const [count = "", , at = ""] = (
    await sql(
      lost,
      "SELECT count(*) FROM ledger; SELECT pg_sleep(0.05); SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    )
  ).split("\n");
  moment = { at, rows: Number(count) };
  await backUpFiles(lost);
  kept = await uploads(lost);
  before = JSON.parse((await npm(lost, "backups", "--json")).stdout);
  sure = rows();
  const piece = await sql(lost, "SELECT pg_walfile_name(pg_switch_wal())");
  await until("a piece of the log is in the place", async () =>
    archived().some((path) => path.includes(piece)),
  );
  const more = rows() + Math.ceil(Math.random() * 500);
  await until("some more rows are written", async () => rows() >= more);
  process.kill(leaderOf(lost.machine), "SIGKILL");
  died = Date.now() / 1000;
  await writing.ended;
  written = writing.acknowledged();
  removeMachine(lost.machine);
});

test("whoever has the state takes the machine out of it; the passphrase of the backups stays there", async () => {
  const { urn } = await lost.resource("web-machine");
  await npm(lost, "pulumi", "state", "delete", urn, "--target-dependents", "--yes");
  const preview = await lost.preview();
  assert.equal(preview.code, 0, said(preview));
  assert.equal(preview.changes["web-machine"], "create");
  assert.equal(preview.changes["backup-setup"], "create");
  assert.equal(preview.changes["backup-passphrase"], undefined);
});

test("on a new server of a new stack of that name, one command brings back all that was archived", async (t) => {
  const began = Date.now();
  const stack = await withStack({ after }, { name: lost.name, crew: true });
  stack.configure({ backup: { place: s3.place, passphrase: "one-that-somebody-made-up" } });
  const wrong = await stack.up();
  const deployed = Date.now();
  assert.notEqual(wrong.code, 0);
  assert.match(said(wrong), /the backups in s3:\/\/backups\/\S+ were made with another passphrase/);
  assert.equal((await stack.fetch("/")).status, 503, "nobody writes into a site whose data is to come");

  const key = ["config", "set", "--secret", "--path", "berth:backup.passphrase"];
  assert.equal((await stack.pulumi(key, { stdin: passphrase })).code, 0);
  const log = archived();
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /s3:\/\/backups\/\S+ holds backups of this stack that this host has not made, from \d{4}-\S+ \S+ UTC to \d{4}-/,
  );
  assert.match(said(refused), new RegExp(`npm run restore -- -s ${stack.name} --latest`));
  assert.match(said(refused), /Until then visitors see the maintenance page/);
  assert.equal((await stack.fetch("/")).status, 503);
  const isEmpty = async () =>
    assert.equal(
      await sql(stack, "SELECT to_regclass('ledger') IS NULL, count(*) FROM entries_entry"),
      "t|0",
    );
  await isEmpty();
  assert.deepEqual(await codes(stack), ["maintenance", "backup-unrestored"]);
  const timers = "systemctl is-active berth-backup.timer berth-backup-files.timer || true";
  assert.equal(await stack.on(timers), "inactive\ninactive");
  assert.notEqual((await stack.ssh("systemctl start berth-backup.service")).code, 0);
  await sql(stack, "SELECT pg_logical_emit_message(true, 'x', 'y'), pg_switch_wal()");
  await until(
    "its log is refused by the place",
    async () => (await sql(stack, "SELECT failed_count > 0 FROM pg_stat_archiver")) === "t",
  );
  assert.deepEqual(archived(), log);
  assert.match((await npm(stack, "backups")).stdout, /^NOT RESTORED: /m);

  // A time that the archive does not have.
  const soon = new Date(Math.ceil(died + 1) * 1000).toISOString();
  const failed = await npmRun(stack, "restore", "--at", soon, "--yes").ended;
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  assert.match(failed.stderr, /the archive ends before that time, and --latest restores all that it has/);
  await isEmpty();
  assert.equal(await uploads(stack), "");
  assert.deepEqual(await codes(stack), ["maintenance", "backup-unrestored"]);

  // A time among the writes; and that undone, to the empty site.
  await npm(stack, "restore", "--at", moment.at, "--yes");
  const rows = Number(await sql(stack, "SELECT count(*) FROM ledger"));
  assert.ok(rows >= moment.rows && rows < sure, `${rows} rows, and ${moment.rows} were there at that time`);
  assert.equal((await stack.fetch("/")).status, 200);
  await npm(stack, "restore", "--undo", "--yes");
  await isEmpty();
  assert.equal((await stack.fetch("/")).status, 503);
  assert.deepEqual(await codes(stack), ["maintenance", "backup-unrestored"]);

  const restoring = Date.now();
  const restored = await npm(stack, "restore", "--latest", "--yes");
  assert.match(restored.stderr, /redis was not restored, so what waited in its queues is gone/);
  const seconds = { deployment: (deployed - began) / 1000, restore: (Date.now() - restoring) / 1000 };
  const [count, last] = (await sql(stack, "SELECT count(*), max(entry) FROM ledger")).split("|").map(Number);
  assert.equal(count, last, "no row is missing among those that are there");
  assert.ok(count !== undefined && count >= sure, `${count} rows, and ${sure} were archived`);
  const owed = written.filter(({ at }) => at < died - 60).length;
  assert.ok(count >= owed, `${count} rows, and ${owed} were older than a minute`);
  const newest = written.find(({ entry }) => entry === last)?.at ?? died;
  t.diagnostic(
    `RPO ${(died - newest).toFixed(1)} s: ${written.length - count} of ${written.length} rows were not archived yet; RTO ${(seconds.deployment + seconds.restore).toFixed(0)} s: ${JSON.stringify(seconds)}`,
  );
  assert.equal(await uploads(stack), kept);
  const accounts = await stack.on("find /srv/logbook/media -type f -printf '%u\\n' | sort -u");
  assert.equal(accounts, "logbook");
  await untilWell(stack);
  assert.equal((await stack.fetch("/")).status, 200);
  assert.match((await (await visitLog(stack)).page()).text, /before the server was lost/);
  assert.equal((await (await visitLog(stack)).sign("Grace", "on the new server")).status, 302);
  await until(
    "the worker goes on",
    async () => (await sql(stack, "SELECT count(*) FROM crew_preview")) === "2",
  );
  assert.equal(await stack.on(timers), "active\nactive");

  await stack.succeed();
  await backUp(stack);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  assert.deepEqual(await codes(stack), []);
  const now: Listing = JSON.parse((await npm(stack, "backups", "--json")).stdout);
  const ids = ({ database }: Listing) => database?.backups.map(({ id }) => id) ?? [];
  assert.deepEqual(ids(now).slice(0, ids(before).length), ids(before));
  assert.ok(ids(now).length > ids(before).length);
  assert.equal(now.unrestored, null);
});
