// Production's data in staging: the backups of one stack become the data of another one, scrubbed.
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "../until.ts";
import { backUp } from "./backups.ts";
import { bringInto, npmRun } from "./checkout.ts";
import { edit, psql, type Stack, untilWell, withStack } from "./harness.ts";
import { startS3Beside } from "./s3-server.ts";
import { photoOn, visitLog } from "./visitor.ts";

const s3 = await startS3Beside({ after });
const prod = await withStack({ after }, { deployed: true });
const staging = await withStack({ after }, { name: prod.name.concat("s") });
const sql = (stack: Stack, query: string) =>
  stack.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -v ON_ERROR_STOP=1 -c "${query}"`);
const entries = (stack: Stack) =>
  sql(stack, "SELECT coalesce(string_agg(name || ': ' || message, ', ' ORDER BY id), '') FROM entries_entry");
const uploads = (stack: Stack) =>
  stack.on(
    "cd /srv/logbook/media && find . -path ./.berth-copy -prune -o -type f -exec sha256sum {} + | sort",
  );
/** Asked elsewhere: for a moment nobody is let in there. */
const databases = (stack: Stack) =>
  stack.on(
    `runuser -u postgres -- ${psql} -XAtq -d postgres -c "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'logbook%'"`,
  );

/** What of a stack another one's data must not change, and what it has. */
const facts = async (stack: Stack) => ({
  roles: await sql(
    stack,
    "SELECT string_agg(rolname || coalesce(rolpassword, ''), ' ' ORDER BY 1) FROM pg_authid",
  ),
  cluster: await sql(stack, "SELECT system_identifier FROM pg_control_system()"),
  units: await stack.on(
    "systemctl list-units --plain --no-legend --state=active 'logbook-*' | awk '{ print $1 }'",
  ),
  entries: await entries(stack),
  uploads: await uploads(stack),
  page: (await stack.fetch("/")).status,
});

/** What one that has ended must not leave on the host. */
const traces = (stack: Stack) =>
  stack.on(
    `ls -d /var/lib/postgresql/17/main.copy /run/berth-copy /var/lib/berth/copy/* /var/lib/berth/import-logbook \
      /var/lib/berth/import-logbook.stopped /srv/logbook/*/.berth-copy/a* /etc/berth/logbook/maintenance 2>/dev/null || true
    systemctl list-units --plain --no-legend 'berth-copy*' 'berth-logbook-release*' | grep -v failed || true`,
  );

/** What there is in the place, but for the log of the database that lives. */
const inPlace = () =>
  readdirSync(s3.bucket, { recursive: true, encoding: "utf8" })
    .filter((path) => !/postgresql\/archive\/.*\/[0-9A-F]{16}/.test(path))
    .map((path) => [path, statSync(join(s3.bucket, path))] as const)
    .filter(([, one]) => one.isFile())
    .map(([path, { size, mtimeMs }]) => `${path} ${size} ${mtimeMs}`)
    .sort();

const mode = (name: string) => staging.on(`echo ${name} >/srv/scrub-mode`);
async function restore(...words: string[]) {
  const done = await npmRun(prod, "restore", "--to", staging.name, ...words, "--yes").ended;
  return { ...done, said: done.stdout + done.stderr };
}

let had: Awaited<ReturnType<typeof facts>>;
let place: readonly string[] = [];

before(async () => {
  // Nothing is backed up by itself meanwhile.
  const time = `${`${(new Date().getUTCHours() + 12) % 24}`.padStart(2, "0")}:00`;
  prod.configure({ backup: { place: s3.place, time, uploads: "daily", drill: { every: "never" } } });
  edit(staging, "scrub.sql", () => "UPDATE entries_entry SET message = 'nothing to read';\n");
  edit(
    staging,
    "app/scrub.py",
    () => `import pathlib, signal, socket, sys
import django
django.setup()
from django.conf import settings
from entries.models import Entry

def unix(path):
    socket.socket(socket.AF_UNIX).connect(path)

tries = {
    "place": lambda: socket.create_connection(("10.219.83.1", ${s3.place.endpoint?.split(":")[1]}), 2),
    "redis": lambda: socket.create_connection(("127.0.0.1", 6379), 2),
    "site": lambda: socket.create_connection(("127.0.0.1", 80), 2),
    "database": lambda: unix("/run/postgresql/.s.PGSQL.5432"),
    "bus": lambda: unix("/run/dbus/system_bus_socket"),
    "secrets": lambda: open("/run/berth-copy/passphrase"),
    "code": lambda: open("scrub.py", "a"),
    "scratch": lambda: socket.create_connection(("127.0.0.1", 5432), 2),
}

def does(attempt):
    try:
        attempt()
        return True
    except OSError:
        return False

mode = pathlib.Path("/srv/scrub-mode").read_text().strip()
Entry.objects.update(name="Somebody")
if mode == "reach":
    sys.exit("reached: " + " ".join(name for name, attempt in tries.items() if does(attempt)))
if mode == "fail":
    sys.exit("there is no scrubbing today")
if mode == "wait":
    signal.pause()
photos = list(pathlib.Path(settings.MEDIA_ROOT).glob("photos/*"))
pathlib.Path(settings.MEDIA_ROOT, "scrubbed.txt").write_text(f"{len(photos)} photos")
`,
  );
  staging.configure({ copy: { scrub: "python scrub.py", sql: "scrub.sql" } });
  await Promise.all([prod.succeed(), staging.succeed()]);
  assert.equal((await (await visitLog(prod)).sign("Ada Lovelace", "a word of hers")).status, 302);
  assert.equal((await (await visitLog(staging)).sign("Tester", "of staging")).status, 302);
  await prod.on(
    `runuser -u logbook -- sh -euc '
    cd /srv/logbook/media && echo of production >kept.txt && ln -s /etc/passwd link'
    runuser -u logbook -- sh -c 'echo private >/srv/logbook/data/private.txt'`,
  );
  await backUp(prod);
  bringInto(prod, staging);
  had = await facts(staging);
  place = inPlace();
});

test("what does not fit, is not meant, or fails in its scrub changes nothing, and nothing of the other stack stays", async () => {
  const itself = await npmRun(prod, "restore", "--to", prod.name, "--latest", "--yes").ended;
  assert.equal(itself.code, 2);
  assert.match(itself.stderr, /is the stack whose backups are read/);
  const back = await npmRun(staging, "restore", "--to", staging.name, "--undo", "--yes").ended;
  assert.match(back.stdout + back.stderr, /there is no import to take back/);
  const queue = await restore("--latest", "--only", "redis");
  assert.match(queue.said, /--only redis: Redis's data stays in its stack/);
  const early = await restore("--at", "2020-01-01 00:00:00");
  assert.match(early.said, /there is no backup of the database from before 2020-01-01/);

  await mode("reach");
  const reached = await restore("--latest");
  assert.equal(reached.code, 1, reached.said);
  assert.match(reached.said, /copy\.scrub ended with 1: reached: scratch\. Nothing was changed/);
  assert.deepEqual(await facts(staging), had);
  assert.equal(await traces(staging), "");

  await mode("wait");
  const running = npmRun(prod, "restore", "--to", staging.name, "--latest", "--yes");
  await until("the scrub to be at work", async () =>
    running.said().includes("running 'python scrub.py' on it"),
  );
  assert.equal(await staging.on("stat -c '%U %a' /var/lib/postgresql/17/main.copy"), "postgres 700");
  assert.equal(
    await staging.on("stat -c '%U:%G %a' /run/berth-copy/passphrase /run/berth-copy/pgbackrest.d/*"),
    "root:root 600\nroot:postgres 640",
  );
  const second = await restore("--latest");
  assert.match(second.said, /another stack's data is being restored on this host/);
  await staging.on("systemctl kill --signal=KILL berth-copy.service");
  assert.notEqual((await running.ended).code, 0);
  await until("it to be gone", async () => (await traces(staging)) === "");
  assert.deepEqual(await facts(staging), had);
  assert.deepEqual(inPlace(), place);
});

test("it comes scrubbed, with its uploads; the other stack and its place are only read, and one command takes it back", async () => {
  await mode("on");
  const before = await facts(prod);
  // Killed once it has taken the place of what was there, while it is migrated.
  const site = "/srv/logbook/current/.venv/lib/python3*/site-packages";
  await staging.on(`cd ${site} && echo 'import probe' >probe.pth && cat >probe.py <<END
import os, signal, sys
if os.path.exists("/run/hold-up") and "migrate" in sys.orig_argv:
    signal.pause()
END
    touch /run/hold-up`);
  const cut = npmRun(prod, "restore", "--to", staging.name, "--latest", "--yes");
  await until(
    "it to be migrated in its place",
    async () =>
      cut.said().includes("stopped\n") &&
      (await databases(staging)).includes("aside") &&
      (await staging.ssh("pgrep -u logbook -f '[d]jango migrate'")).code === 0,
  );
  assert.equal((await staging.fetch("/")).status, 503);
  await staging.on("systemctl kill --signal=KILL berth-copy.service");
  assert.notEqual((await cut.ended).code, 0);
  await until("what was there to be there again", async () => (await traces(staging)) === "");
  await staging.on(`rm /run/hold-up ${site}/probe.*`);
  await untilWell(staging);
  assert.deepEqual(await facts(staging), had);
  assert.equal(await databases(staging), "logbook");

  const done = await restore("--latest");
  assert.equal(done.code, 0, done.said);
  assert.match(done.said, /\d+ files for \/srv\/logbook\/media/);
  assert.match(done.said, /\d+ rows in \d+ tables/);
  assert.match(done.said, /the site is healthy; what was there before is kept/);
  const has = await facts(staging);
  assert.deepEqual({ ...has, entries: "", uploads: "" }, { ...had, entries: "", uploads: "" });
  assert.equal(has.entries, "Somebody: nothing to read");
  for (const line of (await uploads(prod)).split("\n")) assert.ok(has.uploads.includes(line), has.uploads);
  assert.equal(
    await staging.on("cat /srv/logbook/media/scrubbed.txt /srv/logbook/data/private.txt"),
    "1 photosprivate",
  );
  assert.equal(await staging.on("find /srv/logbook/media /srv/logbook/data ! -type f ! -type d"), "");
  const page = await (await visitLog(staging)).page();
  assert.match(page.text, /Somebody/);
  assert.equal((await staging.fetch(photoOn(page.text))).status, 200);
  assert.equal((await staging.fetch("/media/.berth-copy/before/kept.txt")).status >= 400, true);
  assert.equal(await traces(staging), "");
  const { stdout: passphrase } = await npmRun(prod, "backups", "--show-passphrase").ended;
  const search = "grep -rlF -f - /etc /run /var/lib/berth /var/log /tmp /var/tmp";
  assert.equal((await staging.ssh(search, { stdin: passphrase })).stdout, "");
  assert.equal((await staging.up("--expect-no-changes")).code, 0);

  assert.deepEqual(await facts(prod), before);
  assert.deepEqual(inPlace(), place);
  await backUp(prod);

  const undone = await restore("--undo");
  assert.equal(undone.code, 0, undone.said);
  assert.deepEqual(await facts(staging), had);
  assert.equal(await databases(staging), "logbook");
  assert.match((await restore("--undo")).said, /there is no import to take back/);
});
