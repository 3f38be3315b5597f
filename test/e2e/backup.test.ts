// Backups and getting back: to a directory of the host, and to an S3 server with TLS.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Listing } from "../../scripts/lib/backups.ts";
import type { Report } from "../../scripts/lib/status/facts.ts";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import { psql, type Run, untilWell, withStack } from "./harness.ts";
import { startS3 } from "./s3-server.ts";
import { photoOn, visitLog } from "./visitor.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string) => stack.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -c "${query}"`);
const uploads = () => stack.on("cd /srv/logbook/media && find . -type f -exec sha256sum {} + | sort");
/** Waits for a backup that is being made, and makes another. */
const backUp = () => stack.on("systemctl start berth-backup.service", { timeout: 180_000 });
const place = { kind: "directory", path: "/srv/backups" };

/** Between what was written and a DROP TABLE. */
let between = "";

/** A moment between what has been committed and what comes, as 'npm run restore' takes it. */
async function moment(): Promise<string> {
  await stack.on("sleep 0.05");
  const at = await sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')");
  await stack.on("sleep 0.05");
  return at;
}
async function npm(name: string, ...args: string[]) {
  const done = await npmRun(stack, name, ...args).ended;
  assert.equal(done.code, 0, done.stdout + done.stderr);
  return done;
}
async function listing(): Promise<Listing> {
  return JSON.parse((await npm("backups", "--json")).stdout);
}

before(async () => {
  const postgres = await stack.on("systemctl show postgresql@17-main -P MainPID");
  await stack.on("mkdir /srv/backups");
  stack.configure({ backup: { place, walLimit: 64 } });
  await stack.succeed();
  assert.equal(
    await stack.on("systemctl show postgresql@17-main -P MainPID"),
    postgres,
    "a database that Berth made is not restarted for its backups",
  );
});

test("what is stored is encrypted, its secrets are root's and the database's alone, and an update changes nothing", async () => {
  await backUp();
  const visitor = await visitLog(stack);
  assert.equal((await visitor.sign("Ada", "a word that nobody else may read")).status, 302);
  await backUp();
  const { stdout: passphrase } = await npm("backups", "--show-passphrase");
  assert.match(passphrase, /^[A-Za-z0-9]{40}\n$/);
  assert.equal((await stack.ssh("grep -rqa 'nobody else may read' /srv/backups")).code, 1);
  assert.equal(
    await stack.on("stat -c '%U:%G %a %n' /etc/berth/backup/passphrase /etc/berth/backup/pgbackrest.d/*"),
    "root:root 600 /etc/berth/backup/passphrase\nroot:postgres 640 /etc/berth/backup/pgbackrest.d/secret.conf",
  );
  const { database, files, parts } = await listing();
  assert.ok(database?.points && database.backups.length >= 2, JSON.stringify(database));
  assert.deepEqual(
    database.backups.slice(0, 2).map(({ full }) => full),
    [true, false],
  );
  assert.ok(files.media?.length && files.redis?.length);
  assert.deepEqual(
    Object.values(parts).map(({ failed }) => failed),
    [null, null, null],
  );
  const { stdout } = await npm("status");
  assert.match(stdout, /^ {2}backups {6}database {2}\d+ s ago, .+$/m);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("the database comes back as it was a moment before a DROP TABLE, and uploads as they were; one command undoes it", async () => {
  await sql("CREATE TABLE ledger AS SELECT generate_series(1, 1000) AS entry");
  const page = await (await visitLog(stack)).page();
  const photo = photoOn(page.text);
  assert.notEqual(photo, "");
  const kept = await uploads();
  // Written after the last backup, and so only in the log.
  await sql("INSERT INTO ledger SELECT generate_series(1001, 1500)");
  const at = await moment();
  await sql("DROP TABLE ledger");
  await stack.on("cd /srv/logbook/media && find . -type f -exec rm {} +");
  await stack.on("runuser -u logbook -- sh -c 'echo later >/srv/logbook/media/later.txt'");

  const { stderr } = await npm("restore", "--at", at, "--yes");
  assert.match(stderr, /visitors see the maintenance page/);
  assert.equal(await sql("SELECT count(*), max(entry) FROM ledger"), "1500|1500");
  const now = await uploads();
  for (const line of kept.split("\n")) assert.ok(now.includes(line), `${line} is missing of\n${now}`);
  assert.match(now, /later\.txt/, "what was uploaded since stays");
  assert.equal((await stack.fetch(photo)).status, 200);
  assert.equal((await stack.fetch("/")).status, 200);
  assert.equal((await stack.ssh("test -e /etc/berth/logbook/maintenance")).code, 1);

  await npm("restore", "--undo", "--yes");
  assert.equal(await sql("SELECT to_regclass('ledger') IS NULL"), "t");
  assert.deepEqual((await uploads()).split("\n").length, 1);
  assert.equal((await stack.fetch("/")).status, 200);
  between = at;
});

test("after the undo that moment can still be had, and so can a backup by its name", async () => {
  await backUp();
  await npm("restore", "--at", between, "--only", "database", "--yes");
  assert.equal(await sql("SELECT count(*) FROM ledger"), "1500");
  const { database } = await listing();
  const last = database?.backups.at(-1)?.id ?? "";
  await sql("CREATE TABLE later (entry int)");
  await npm("restore", "--backup", last, "--only", "database", "--yes");
  assert.equal(await sql("SELECT to_regclass('later') IS NULL"), "t");
  await untilWell(stack);
});

test("a restore that fails is taken back by itself, and a time or a name that is not there changes nothing", async () => {
  const early = await npmRun(stack, "restore", "--at", "2020-01-01 00:00:00", "--yes").ended;
  assert.equal(early.code, 1, early.stdout);
  assert.match(early.stderr, /there is no backup of the database from before 2020-01-01 00:00:00 UTC/);
  const unknown = await npmRun(stack, "restore", "--backup", "20200101-000000F", "--yes").ended;
  assert.match(unknown.stderr, /there is no backup '20200101-000000F'\. See 'npm run backups'/);
  const both = await npmRun(stack, "restore", "--undo", "--backup", "x", "--yes").ended;
  assert.equal(both.code, 2);

  // A piece of the log is missing in the place.
  const at = await moment();
  await sql("CREATE TABLE kept AS SELECT 1 AS entry");
  const piece = await sql("SELECT pg_walfile_name(pg_switch_wal())");
  const archived = `find /srv/backups/postgresql/archive -name '${piece}-*'`;
  await until("the log is archived", async () => (await stack.on(archived)) !== "");
  await stack.on(`${archived} -exec mv -t /root {} +`);
  const broken = await npmRun(stack, "restore", "--at", at, "--only", "database", "--yes").ended;
  assert.equal(broken.code, 1, broken.stdout + broken.stderr);
  assert.match(
    broken.stderr,
    /nothing was restored: the restored database does not start: .*recovery ended before/,
  );
  assert.equal(await sql("SELECT entry FROM kept"), "1");
  await untilWell(stack);
  assert.equal((await stack.ssh("test -e /etc/berth/logbook/maintenance")).code, 1);
});

test("while the place is away the site goes on, the log is bounded, and the status says so until it is back", async () => {
  const report = async () => JSON.parse((await npmRun(stack, "status", "--json").ended).stdout) as Report;
  const codes = async () =>
    (await report()).findings.map(({ code }) => code).filter((code) => code.startsWith("backup"));
  await stack.on("mv /srv/backups /srv/backups.away");
  const switchOften = "SELECT pg_logical_emit_message(true, 'x', 'y'), pg_switch_wal()";
  for (let piece = 0; piece < 8; piece += 1) await sql(switchOften);
  await until("the log that waits is given up beyond its bound", async () => {
    await sql(switchOften);
    return (await codes()).includes("backup-lost");
  });
  assert.equal((await stack.fetch("/")).status, 200);
  const waiting = "ls /var/lib/postgresql/17/main/pg_wal/archive_status | grep -c ready || true";
  assert.ok(Number(await stack.on(waiting)) <= 6);
  assert.notEqual((await stack.ssh("systemctl start berth-backup.service")).code, 0);
  assert.ok((await codes()).includes("backup-failed"));
  assert.equal((await report()).status, 1);
  assert.match((await npmRun(stack, "backups").ended).stderr, /does not hold this stack's backups/);

  await stack.on("mv /srv/backups.away /srv/backups");
  await until("the log arrives again", async () => {
    await sql(switchOften);
    return (await stack.on(waiting)) === "0";
  });
  await backUp();
  assert.deepEqual(await codes(), []);
});

test("another passphrase and the place of another stack are refused by name, and nothing in the place changes", async () => {
  stack.configure({ backup: { passphrase: "one-that-somebody-made-up" } });
  const other = await stack.up();
  assert.notEqual(other.code, 0);
  assert.match(said(other), /the backups in \/srv\/backups were made with another passphrase/);
  assert.doesNotMatch(said(other), /one-that-somebody-made-up/);
  stack.configure({ backup: { passphrase: undefined } });
  await stack.succeed();

  await stack.on("echo prod-shop >/srv/backups/berth-backups");
  stack.configure({ backup: { time: "05:00" } });
  const foreign = await stack.up();
  assert.match(
    said(foreign),
    new RegExp(`holds the backups of 'prod-shop', and this stack's are called '${stack.name}-logbook'`),
  );
  await stack.on(`echo ${stack.name}-logbook >/srv/backups/berth-backups`);
  await stack.succeed();
  assert.match(await stack.on("systemctl cat berth-backup.timer"), /OnCalendar=\*-\*-\* 05:00:00 UTC/);
});

test("a bucket with TLS keeps them: what is wrong with it is said, and the database and uploads come back", async () => {
  const s3 = await startS3(stack);
  const right = { ...s3.place, secretKey: s3.secretKey };
  const refused = async (wrong: Record<string, string | undefined>) => {
    stack.configure({ backup: { place: { ...right, ...wrong } } });
    const run = await stack.up();
    assert.notEqual(run.code, 0);
    assert.doesNotMatch(said(run), new RegExp(s3.secretKey));
    return said(run);
  };
  assert.match(await refused({ secretKey: "wrong-wrong-wrong" }), /refuses the keys/);
  assert.match(await refused({ bucket: "nobodys" }), /there is no such bucket: s3:\/\/nobodys/);
  stack.configure({ backup: { place: right } });
  await stack.succeed();
  await backUp();

  await (await visitLog(stack)).sign("Grace", "kept in a bucket");
  await sql("CREATE TABLE bucketed AS SELECT generate_series(1, 700) AS entry");
  await stack.on("systemctl start berth-backup-files.service");
  const kept = await uploads();
  const at = await moment();
  await sql("DROP TABLE bucketed");
  await stack.on("cd /srv/logbook/media && find . -type f -exec rm {} +");
  await npm("restore", "--at", at, "--yes");
  assert.equal(await sql("SELECT count(*) FROM bucketed"), "700");
  assert.equal(await uploads(), kept);

  // A bucket of another stack: its stanza says whose it is.
  const { place: told } = await listing();
  assert.equal(told, `s3://backups/${stack.name}-logbook`);
  await stack.on(
    `${s3.stop}; cd /srv/s3/data/backups && mkdir -p taken/postgresql/archive/prod-shop && ${s3.start}`,
  );
  await stack.on("echo x >/srv/s3/data/backups/taken/postgresql/archive/prod-shop/archive.info");
  assert.match(await refused({ prefix: "taken" }), /holds the backups of 'prod-shop'/);
});

test("without the key all of it goes but what is in the place, and the database needs no restart", async () => {
  const postgres = await stack.on("systemctl show postgresql@17-main -P MainPID");
  stack.configure({ backup: undefined });
  await stack.succeed();
  for (const timer of ["berth-backup.timer", "berth-backup-files.timer"])
    assert.notEqual((await stack.ssh(`systemctl is-active ${timer} || systemctl cat ${timer}`)).code, 0);
  assert.equal(await stack.on("ls /etc/berth/backup /usr/local/lib/berth/backup 2>/dev/null || true"), "");
  assert.equal(await stack.on("systemctl show postgresql@17-main -P MainPID"), postgres);
  await sql("SELECT pg_switch_wal()");
  assert.equal(
    await sql("SELECT failed_count FROM pg_stat_archiver WHERE last_failed_time > now() - interval '5 s'"),
    "",
  );
  assert.notEqual(await stack.on("ls /srv/backups/postgresql/backup"), "");
});

test("a database from before backups restarts once, when they are turned on", async () => {
  const links = "/etc/postgresql/17/main/conf.d/berth-archive.conf";
  await stack.on(
    `rm /etc/berth/postgresql/archive.conf ${links} && systemctl restart postgresql@17-main && mkdir /srv/other`,
  );
  assert.equal(await sql("SHOW archive_mode"), "off");
  const postgres = await stack.on("systemctl show postgresql@17-main -P MainPID");
  stack.configure({ backup: { place: { ...place, path: "/srv/other" } } });
  const run = await stack.succeed();
  assert.match(said(run), /restarting PostgreSQL once, so that its log is archived/);
  assert.equal(await sql("SHOW archive_mode"), "on");
  assert.notEqual(await stack.on("systemctl show postgresql@17-main -P MainPID"), postgres);
});
