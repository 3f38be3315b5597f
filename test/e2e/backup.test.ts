// Backups and getting back: to a directory of the host, and to an S3 server with TLS.
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import {
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Drills, Listing } from "../../scripts/lib/backups.ts";
import type { Report } from "../../scripts/lib/status/facts.ts";
import { until } from "../until.ts";
import { backUp, backUpFiles, moment } from "./backups.ts";
import { npmRun, npmRunIn } from "./checkout.ts";
import { psql, type Run, untilWell, withStack } from "./harness.ts";
import { startS3Beside } from "./s3-server.ts";
import { statusOnce } from "./status.ts";
import { photoOn, visitLog } from "./visitor.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string) => stack.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -c "${query}"`);
const uploads = () => stack.on("cd /srv/logbook/media && find . -type f -exec sha256sum {} + | sort");
const place = { kind: "directory", path: "/srv/backups" };

/** Between what was written and a DROP TABLE. */
let between = "";

async function npm(name: string, ...args: string[]) {
  const done = await npmRun(stack, name, ...args).ended;
  assert.equal(done.code, 0, done.stdout + done.stderr);
  return done;
}
/** What 'npm run status' tells programs, once the host has found out all of it in the few seconds that it has. */
async function report(): Promise<Report> {
  let told: Report | undefined;
  await until("all to be told", async () => {
    told = JSON.parse((await npmRun(stack, "status", "--json").ended).stdout) as Report;
    return told.findings.every(({ code }) => code !== "unknown" && code !== "host-away");
  });
  return told as Report;
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
  await backUp(stack);
  const visitor = await visitLog(stack);
  assert.equal((await visitor.sign("Ada", "a word that nobody else may read")).status, 302);
  await backUp(stack);
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
  const backups = /^ {2}backups {6}database {2}\d+ s ago, .+$/m;
  await statusOnce(stack, ({ code, stdout }) => code === 0 && backups.test(stdout));
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

const amcheck = "/usr/lib/postgresql/17/bin/pg_amcheck";
/** Begins a drill, and holds it up while its scratch database runs; what is printed is that database's process. */
async function heldDrill(): Promise<string> {
  await stack.on(`rm -f /run/held-up /run/go-on
    printf '#!/bin/sh\necho >/tmp/held-up\nwhile [ ! -e /run/go-on ]; do sleep 0.1; done\n' >/run/hold-up
    chmod 755 /run/hold-up && mount --bind /run/hold-up ${amcheck}
    systemctl start --no-block berth-backup-drill`);
  const reached = "ls /tmp/systemd-private-*-berth-backup-drill.service-*/tmp/held-up";
  await until("the drill to be held up", async () => (await stack.ssh(reached)).code === 0);
  return stack.on("head -n 1 /var/lib/postgresql/17/main.drill/data/postmaster.pid");
}
const letGo = () => stack.on(`touch /run/go-on && umount --lazy ${amcheck}`);
const drills = async () =>
  (JSON.parse(await stack.on("/usr/local/lib/berth/berth-backup status")) as { drill: Drills }).drill;
const drillEnded = () =>
  until("the drill to end", async () =>
    ["inactive", "failed"].includes(await stack.on("systemctl show -P ActiveState berth-backup-drill")),
  );
/** What a drill would leave: its cluster, processes and locks. */
const traces = () =>
  stack.on(`ls -d /var/lib/postgresql/17/main.drill 2>/dev/null || true; pgrep -u postgres -f [m]ain.drill || true
    find /srv/backups/files/locks -type f; flock --nonblock /run/berth-drill.lock true || echo locked`);
/** What there is in the place, but for the log of the database that lives: a scratch one would begin a timeline. */
const inPlace = () =>
  stack.on("find /srv/backups -type f ! -name '000000010*' -printf '%p %s %T@\\n' | sort");

/** Shell: a piece of the database's log in the place, once it is whole. */
const archived = (piece: string) =>
  `find /srv/backups/postgresql/archive -name '${piece}-*' ! -name '*.pgbackrest.tmp'`;

test("a drill restores the newest backup into a database apart, and says its numbers; place and site are as before", async () => {
  await stack.on(
    "runuser -u logbook -- sh -c 'for n in 1 2 3; do echo $n >/srv/logbook/media/drill-$n; done'",
  );
  // The hourly one would write into the place in the middle of a drill.
  await stack.on("systemctl stop 'berth-backup*.timer'");
  await backUpFiles(stack);
  await stack.on("echo more >>/srv/logbook/media/drill-3");
  const rows = Number(await sql("SELECT count(*) FROM django_migrations"));
  const before = await inPlace();
  const { stdout } = await npm("backups", "--drill");
  assert.match(
    stdout,
    /^drill: passed \d+ s ago, in \d+ s\n {2}RTO \d+ s: the database of [\d.]+ MiB was restored from \S+, with its log up to \S+ \S+ UTC\n {2}RPO /,
  );
  assert.match(stdout, / {2}the live release fits: all its migrations are applied\n/);
  assert.equal(await inPlace(), before);
  assert.equal(await traces(), "");
  const { last } = await drills();
  assert.equal(last?.repository, true);
  assert.ok(last?.database && last.database.rows > rows && last.database.tables > 5, JSON.stringify(last));
  assert.ok(last.database.lost <= 300, `${last.database.lost} s of commits would be lost`);
  const media = last.files.media;
  assert.ok(media && media.sampled >= 3 && media.compared >= 2 && media.compared < media.sampled + 1);
  await stack.on("rm /srv/logbook/media/drill-*");
  const drill = /^ +drill {5,}\d+ s ago, RPO \d+ s, RTO \d+ s, \d+ rows$/m;
  await statusOnce(stack, ({ code, stdout }) => code === 0 && drill.test(stdout));
});

test("a drill reaches nothing of the site, and one that is killed, stopped by a restore or short of disk leaves nothing", async () => {
  // Code of the owner's runs in the check of migrations: what it can reach from there.
  await stack.on(`cd /srv/logbook/current/.venv/lib/python3*/site-packages && echo 'import probe' >probe.pth && cat >probe.py <<'END'
import os, socket, sys
tries = {
    "database": lambda: socket.socket(socket.AF_UNIX).connect("/run/postgresql/.s.PGSQL.5432"),
    "redis": lambda: socket.create_connection(("127.0.0.1", 6379), 2),
    "site": lambda: socket.create_connection(("${await stack.address()}", 443), 2),
    "bus": lambda: socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket"),
    "uploads": lambda: open("/srv/logbook/media/by-a-drill", "w"),
    "passphrase": lambda: open("/etc/berth/backup/passphrase"),
    "files": lambda: os.listdir("/var/lib/postgresql/17/main.drill"),
    "scratch": lambda: socket.create_connection(("127.0.0.1", 5432), 2),
    "log": lambda: open("/srv/logbook/logs/by-a-drill", "w"),
}
def does(attempt):
    try:
        attempt()
        return True
    except OSError:
        return False
if sys.orig_argv[1:2] == ["-c"]:
    sys.stderr.write("reached: " + " ".join(name for name, attempt in tries.items() if does(attempt)) + "\\n")
    sys.stderr.flush()
    os._exit(3)
END`);
  const pid = await heldDrill();
  assert.equal(await stack.on(`nsenter -t ${pid} -n ss -Hltnu | awk '{ print $5 }'`), "127.0.0.1:5432");
  assert.match(await stack.on(`nsenter -t ${pid} -n ip -brief address`), /^lo [^\n]*$/);
  assert.equal(await stack.on("stat -c '%U %a' /var/lib/postgresql/17/main.drill"), "postgres 700");
  const ask = `runuser -u postgres -- ${psql} -XAtq -h /var/lib/postgresql/17/main.drill -d postgres -c 'SHOW archive_mode'`;
  assert.equal(await stack.on(ask), "off");
  await letGo();
  await drillEnded();
  assert.match(
    (await drills()).failed?.why ?? "",
    /^the application cannot use the restored database: reached: scratch log$/,
  );
  assert.equal(await stack.on("find /srv/logbook/logs -name by-a-drill"), "", "a log of its own");
  await stack.on("rm /srv/logbook/current/.venv/lib/python3*/site-packages/probe.*");

  // Killed in the middle, while visitors come.
  let isOver = false;
  const visits = (async () => {
    const codes: number[] = [];
    while (!isOver) codes.push((await stack.fetch("/")).status);
    return codes;
  })();
  await heldDrill();
  await stack.on("systemctl kill --signal=KILL --kill-whom=main berth-backup-drill");
  await drillEnded();
  await letGo();
  isOver = true;
  const codes = await visits;
  assert.ok(codes.length > 0 && codes.every((code) => code === 200), codes.join());
  assert.equal(await traces(), "");
  assert.match((await drills()).failed?.why ?? "", /^it was ended before its end \(signal\)$/);

  // A person's restore goes first, and that is no failure of the drill.
  const { at } = (await drills()).failed ?? {};
  await heldDrill();
  const undo = await npmRun(stack, "restore", "--undo", "--yes").ended;
  assert.match(undo.stderr, /there is no restore to undo/);
  await letGo();
  assert.equal(await stack.on("systemctl show -P Result berth-backup-drill"), "success");
  assert.equal(await traces(), "");
  assert.equal((await drills()).failed?.at, at);

  // What a power cut leaves goes with the next boot.
  await stack.on("runuser -u postgres -- mkdir -p /var/lib/postgresql/17/main.drill/data");
  await stack.on("systemctl is-enabled berth-backup-drill-clean && systemctl start berth-backup-drill-clean");
  assert.equal(await traces(), "");
  assert.match((await drills()).failed?.why ?? "", /^the host went down in the middle of it$/);

  await stack.on("fallocate -l $(($(df --output=avail -B1 /var | tail -n 1) - (1 << 30))) /var/fill");
  const full = await npmRun(stack, "backups", "--drill").ended;
  await stack.on("rm /var/fill");
  assert.equal(full.code, 1);
  assert.match(
    full.stdout,
    /FAILED \d+ s ago: the disk has \d+ MiB left: a drill needs \d+ MiB, and \d+ MiB stay free/,
  );
  assert.equal(await traces(), "");
});

test("a drill finds a flipped byte in the log and in the backup, the status says so, and the next backup is a full one", async () => {
  const findings = async () => {
    const { status, findings } = await report();
    const found = findings.filter((one) => one.code === "drill-failed");
    return { status, what: found.map(({ what }) => what).join() };
  };
  const flip = (file: string, at = "16") =>
    `file=$(${file}); size=$(stat -c %s "$file"); cp -p "$file" /root/whole; printf XXXX | dd of="$file" bs=1 seek=$((${at})) conv=notrunc status=none`;
  const pieceOf = async (change: string) => {
    await sql(change);
    const name = await sql("SELECT pg_walfile_name(pg_switch_wal())");
    const file = archived(name);
    await until("the log is archived", async () => (await stack.on(file)) !== "");
    return { name, file };
  };
  const earlier = await pieceOf("CREATE TABLE first (entry int)");
  const newest = await pieceOf("DROP TABLE first");
  const drilled = async (flipped: string, at?: string) => {
    await stack.on(flip(flipped, at));
    const log = await npmRun(stack, "backups", "--drill").ended;
    assert.equal(log.code, 1, log.stderr);
    await stack.on(`cp -p /root/whole "$(${flipped})"`);
    return log.stdout;
  };
  assert.match(
    await drilled(earlier.file),
    new RegExp(`ends before its piece ${newest.name}, which was archived: one is missing or`),
  );
  // Behind its last record, where no recovery would stumble over it.
  assert.match(
    await drilled(newest.file, "size - 64"),
    new RegExp(`the newest piece of the database's log in /srv/backups, ${newest.name}, is damaged: `),
  );

  await backUp(stack);
  const { database } = await listing();
  const made = database?.backups.at(-1);
  assert.ok(made?.full, JSON.stringify(database?.backups));
  await stack.on(
    flip(`find /srv/backups/postgresql/backup -path '*${made.id}/bundle/*' -type f -size +64k | head -n 1`),
  );
  const whole = await npmRun(stack, "backups", "--drill").ended;
  assert.equal(whole.code, 1, whole.stderr);
  assert.match(
    whole.stdout,
    new RegExp(`the backup ${made.id} in /srv/backups cannot be restored: \\[0\\d\\d\\]`),
  );
  const { status, what } = await findings();
  assert.equal(status, 1);
  assert.match(what, /^the last drill failed \d+ s ago: the backup .* cannot be restored/);
  await backUp(stack);
  assert.equal((await listing()).database?.backups.at(-1)?.full, true);
});

test("the database comes back as it was a moment before a DROP TABLE, and uploads as they were; one command undoes it", async () => {
  await sql("CREATE TABLE ledger AS SELECT generate_series(1, 1000) AS entry");
  const page = await (await visitLog(stack)).page();
  const photo = photoOn(page.text);
  assert.notEqual(photo, "");
  const kept = await uploads();
  // Written after the last backup, and so only in the log.
  await sql("INSERT INTO ledger SELECT generate_series(1001, 1500)");
  const at = await moment(stack);
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
  await backUp(stack);
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
  const at = await moment(stack);
  await sql("CREATE TABLE kept AS SELECT 1 AS entry");
  const piece = await sql("SELECT pg_walfile_name(pg_switch_wal())");
  await until("the log is archived", async () => (await stack.on(archived(piece))) !== "");
  await stack.on(`${archived(piece)} -exec mv -t /root {} +`);
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
  await until("the rest of it to be given up", async () => Number(await stack.on(waiting)) <= 6);
  assert.notEqual((await stack.ssh("systemctl start berth-backup.service")).code, 0);
  assert.ok((await codes()).includes("backup-failed"));
  assert.equal((await report()).status, 1);
  assert.match((await npmRun(stack, "backups").ended).stderr, /does not hold this stack's backups/);

  await stack.on("mv /srv/backups.away /srv/backups");
  await sql(switchOften);
  await until("the log arrives again", async () => {
    if ((await stack.on(waiting)) === "0") return true;
    await sql(switchOften);
    return false;
  });
  await backUp(stack);
  assert.deepEqual(await codes(), []);

  // A part that fails holds up neither the others nor their retention: of one day long ago, the last stays, and the oldest of all.
  const restic =
    "restic --quiet --no-cache --repo /srv/backups/files --password-file /etc/berth/backup/passphrase";
  const ofRedis = `--host ${stack.name}-logbook --tag redis`;
  const old = `${restic} snapshots --json ${ofRedis} | grep -o '"time":"2020-01-01T0[123]' | cut -c 20-`;
  await stack.on(`for hour in 1 2 3; do
      echo $hour | ${restic} backup --stdin ${ofRedis} --time "2020-01-01 0$hour:00:00"
    done; mv /srv/logbook/media /srv/logbook/media.away`);
  assert.equal(await stack.on(old), "01\n02\n03");
  assert.notEqual((await stack.ssh("systemctl start berth-backup.service")).code, 0);
  const [{ code, what } = { code: "", what: "" }, ...more] = (await report()).findings.filter((one) =>
    one.code.startsWith("backup"),
  );
  assert.deepEqual([code, more], ["backup-failed", []]);
  assert.match(what, /\/srv\/logbook\/media is not there, and was at the last backup/);
  assert.equal(await stack.on(old), "01\n03");
  await stack.on("mv /srv/logbook/media.away /srv/logbook/media");
  await backUp(stack);
  assert.deepEqual(await codes(), []);

  // The same for a disk that is not mounted: the directory is there, and empty.
  const media = "/srv/logbook/media";
  await stack.on(`set -e
    echo x >${media}/of-a-disk; mv ${media} ${media}.below; mkdir ${media}; mount -t tmpfs disk ${media}
    cp -a ${media}.below/. ${media}/; chown --reference=${media}.below ${media}; chmod --reference=${media}.below ${media}`);
  await backUp(stack);
  await stack.on(`umount ${media}`);
  assert.notEqual((await stack.ssh("systemctl start berth-backup.service")).code, 0);
  const away = (await report()).findings.find((one) => one.code === "backup-failed");
  assert.match(away?.what ?? "", /\/media is on another disk than at the last backup, without the files/);
  // Moved for good, with its files.
  await stack.on(`rmdir ${media}; mv ${media}.below ${media}; rm ${media}/of-a-disk`);
  await backUp(stack);
  assert.deepEqual(await codes(), []);
});

test("another passphrase and the place of another stack are refused by name, and nothing in the place changes", async () => {
  stack.configure({ backup: { passphrase: "one-that-somebody-made-up" } });
  const other = await stack.up();
  assert.notEqual(other.code, 0);
  assert.match(said(other), /the backups in \/srv\/backups were made with another passphrase/);
  assert.doesNotMatch(said(other), /one-that-somebody-made-up/);
  // What was refused is not in force: backups and the archive of the log go on as before.
  await backUp(stack);
  await sql("SELECT pg_switch_wal()");
  await until("the log to be archived", async () => {
    const told = await sql(
      "SELECT failed_count, last_archived_time > now() - interval '1 minute' FROM pg_stat_archiver",
    );
    return told.endsWith("|t");
  });
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

const s3 = await startS3Beside({ after });
const owner = s3.client(s3.owner);
const Bucket = "backups";
const inBucket = () => `${stack.name}-logbook/`;
const keyFindings = async () => {
  return (await report()).findings
    .filter(({ code }) => code.startsWith("backup"))
    .map(({ code, what }) => `${code}: ${what}`)
    .join("\n");
};

test("a bucket with TLS keeps them: what is wrong with it is said, and the database and uploads come back", async () => {
  const refused = async (wrong: Record<string, string | undefined>) => {
    stack.configure({ backup: { place: { ...s3.place, ...wrong } } });
    const run = await stack.up();
    assert.notEqual(run.code, 0);
    assert.doesNotMatch(said(run), new RegExp(s3.owner.secretKey));
    return said(run);
  };
  assert.match(await refused({ secretKey: "wrong-wrong-wrong" }), /refuses the keys/);
  assert.match(await refused({ bucket: "nobodys" }), /there is no such bucket: s3:\/\/nobodys/);
  // A bucket of another stack: its stanza says whose it is.
  const Key = "taken/postgresql/archive/prod-shop/archive.info";
  await owner.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
  assert.match(await refused({ prefix: "taken" }), /holds the backups of 'prod-shop'/);
  stack.configure({ backup: { place: s3.place } });
  const { stdout: deployed } = await npm("start");
  const unversioned =
    /warning: whoever is root on the host can destroy all backups in s3:\S+: the bucket keeps no/;
  assert.match(deployed, unversioned);
  await backUp(stack);
  assert.match((await npm("backups", "--drill")).stdout, /^drill: passed /);

  await (await visitLog(stack)).sign("Grace", "kept in a bucket");
  await sql("CREATE TABLE bucketed AS SELECT generate_series(1, 700) AS entry");
  const upload = (path: string) =>
    stack.on(
      `runuser -u logbook -- sh -euc 'umask 0027; cd /srv/logbook/media; mkdir -p ${dirname(path)}; echo x >${path}'`,
    );
  await upload("nested/2026/x.txt");
  await backUpFiles(stack);
  const rights = () => stack.on("cd /srv/logbook/media && find nested -printf '%p %u:%g %m\\n' | sort");
  const had = await rights();
  const kept = await uploads();
  const at = await moment(stack);
  await sql("DROP TABLE bucketed");
  await stack.on("find /srv/logbook/media -mindepth 1 -delete");
  await npm("restore", "--at", at, "--yes");
  assert.equal(await sql("SELECT count(*) FROM bucketed"), "700");
  assert.equal(await uploads(), kept);
  assert.equal(await rights(), had);
  // Over what is there, too; and nginx reads what comes later.
  await npm("restore", "--at", at, "--only", "media", "--yes");
  assert.equal(await rights(), had);
  await upload("nested/2027/y.txt");
  await stack.on("runuser -u www-data -- cat /srv/logbook/media/nested/2027/y.txt");
  await stack.on("rm -r /srv/logbook/media/nested");
  assert.equal((await listing()).place, `s3://backups/${stack.name}-logbook`);
});

test("a key that could destroy what the bucket keeps is told of; with one that cannot, retention goes on", async () => {
  const VersioningConfiguration = { Status: "Enabled" as const };
  await owner.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  await backUp(stack);
  assert.match(await keyFindings(), /its key has s3:DeleteObjectVersion and s3:PutBucketVersioning/);

  stack.configure({ backup: { place: { ...s3.place, ...(await s3.hostKey()) } } });
  await stack.succeed();
  assert.equal(await keyFindings(), "");
  // The first full backup goes, and with it what was made of it, when there is another.
  const first = (await listing()).database?.backups[0]?.id ?? "";
  const tool = `runuser -u postgres -- pgbackrest --config=/etc/berth/backup/pgbackrest.conf --config-include-path=/etc/berth/backup/pgbackrest.d --stanza=${stack.name}-logbook`;
  await stack.on(`${tool} --type=full backup && ${tool} expire --set=${first}`, { timeout: 180_000 });
  await backUp(stack);
  assert.ok(!(await listing()).database?.backups.some(({ id }) => id.startsWith(first)));
  const { DeleteMarkers = [] } = await owner.send(
    new ListObjectVersionsCommand({ Bucket, Prefix: inBucket() }),
  );
  const deleted = DeleteMarkers.map(({ Key = "" }) => Key.slice(inBucket().length));
  assert.ok(
    deleted.includes(`postgresql/backup/${stack.name}-logbook/${first}/backup.manifest`),
    deleted.join("\n"),
  );
  assert.ok(deleted.some((name) => name.startsWith("files/snapshots/")));
  assert.match((await npm("backups", "--drill")).stdout, /^drill: passed /);
});

test("an intruder with the host's key destroys nothing for good: the owner's rights bring the past back", async () => {
  await (await visitLog(stack)).sign("Mary", "before the intruder came");
  await sql("CREATE TABLE before_intruder AS SELECT generate_series(1, 900) AS entry");
  await backUpFiles(stack);
  const kept = await uploads();
  const at = await moment(stack);
  const piece = await sql("SELECT pg_walfile_name(pg_switch_wal())");
  const archived = async () =>
    (await objects()).some(
      (key) => key.startsWith(`${inBucket()}postgresql/archive/`) && key.includes(`/${piece}-`),
    );
  await until("the log is archived", archived);
  const whole = (await sql("SELECT ceil(extract(epoch FROM clock_timestamp()))")).replace(/\..*/, "");
  const before = new Date(Number(whole) * 1000).toISOString();
  await until("the second to be over", async () => (await stack.on("date +%s")) > whole);

  // As root on the host: its key, and all that it may.
  const key = await stack.on("cat /etc/berth/backup/s3-key");
  const intruder = s3.client({
    accessKey: /aws_access_key_id = (.*)/.exec(key)?.[1] ?? "",
    secretKey: /aws_secret_access_key = (.*)/.exec(key)?.[1] ?? "",
  });
  const refused = { name: "AccessDenied" };
  const all = await objects(intruder);
  assert.ok(all.length > 20, all.join("\n"));
  for (const [index, Key] of all.entries()) {
    // What was written before the bucket kept versions is the version 'null'.
    const { VersionId = "null" } = await intruder.send(new HeadObjectCommand({ Bucket, Key }));
    await assert.rejects(intruder.send(new DeleteObjectCommand({ Bucket, Key, VersionId })), refused);
    if (index % 2 === 0) await intruder.send(new PutObjectCommand({ Bucket, Key, Body: "nothing is left" }));
    if (index % 4 !== 0) await intruder.send(new DeleteObjectCommand({ Bucket, Key }));
  }
  const planted = `${inBucket()}files/snapshots/${"0".repeat(64)}`;
  await intruder.send(new PutObjectCommand({ Bucket, Key: planted, Body: "not a snapshot" }));
  const VersioningConfiguration = { Status: "Suspended" as const };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  const Rules = [
    {
      ID: "all",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    },
  ];
  for (const attempt of [
    () => intruder.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration })),
    () => intruder.send(new PutBucketPolicyCommand({ Bucket, Policy })),
    () => intruder.send(new DeleteBucketPolicyCommand({ Bucket })),
    () => intruder.send(new DeleteBucketCommand({ Bucket })),
  ])
    await assert.rejects(attempt(), refused);
  // This server knows no lifecycle: test/cloud has it refused.
  const LifecycleConfiguration = { Rules };
  await assert.rejects(
    intruder.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration })),
  );
  await sql("DROP TABLE before_intruder");
  await stack.on("cd /srv/logbook/media && find . -type f -exec rm {} +");
  const lost = await npmRun(stack, "restore", "--at", at, "--yes").ended;
  assert.equal(lost.code, 1, lost.stdout);

  // The host's own key brings nothing back either.
  const undelete = (who: { readonly accessKey: string; readonly secretKey: string }) =>
    npmRunIn(
      { AWS_ACCESS_KEY_ID: who.accessKey, AWS_SECRET_ACCESS_KEY: who.secretKey },
      undefined,
      stack,
      ...(["backups", "--undelete", "--at", before, "--yes"] as const),
    ).ended;
  const byHost = await undelete({ accessKey: "host", secretKey: "a-key-that-can-add-and-not-take-away" });
  assert.equal(byHost.code, 1);
  assert.match(byHost.stderr, /refuses these credentials \(AccessDenied\).*not the host's/);
  const back = await undelete(s3.owner);
  assert.equal(back.code, 0, back.stdout + back.stderr);
  assert.match(back.stdout, /\d+ objects deleted since then, to be brought back/);
  assert.match(back.stdout, /\d+ objects overwritten since then, to be brought back/);
  // Again, it finds next to nothing to do: what was sent in parts has another ETag as a copy.
  assert.match(
    (await undelete(s3.owner)).stdout,
    /nothing was done| {2}0 objects deleted since then(?:.|\n)* {2}0 objects written/,
  );

  await npm("restore", "--at", at, "--yes");
  assert.equal(await sql("SELECT count(*) FROM before_intruder"), "900");
  assert.equal(await uploads(), kept);
  await backUp(stack);
  assert.equal(await keyFindings(), "");
});

/** What a bucket shows to a key. */
async function objects(client = owner): Promise<string[]> {
  const { Contents = [], IsTruncated } = await client.send(
    new ListObjectsV2Command({ Bucket, Prefix: inBucket() }),
  );
  assert.equal(IsTruncated, false);
  return Contents.map(({ Key = "" }) => Key);
}

test("without the key all of it goes but what is in the place, and the database needs no restart", async () => {
  const postgres = await stack.on("systemctl show postgresql@17-main -P MainPID");
  stack.configure({ backup: undefined });
  await stack.succeed();
  for (const timer of ["berth-backup.timer", "berth-backup-files.timer", "berth-backup-drill.timer"])
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
