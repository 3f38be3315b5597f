// Moving in: the database and the uploads of a site that ran elsewhere, as its own tools dump them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { shellQuote } from "../../components/host/quote.ts";
import { root } from "../engine/harness.ts";
import { npmRun } from "./checkout.ts";
import { psql, withStack } from "./harness.ts";
import { visitLog } from "./visitor.ts";

const stack = await withStack({ after }, { deployed: true });
const sql = (query: string, database = "logbook") =>
  stack.on(`runuser -u postgres -- ${psql} -XAtq -d ${database} -v ON_ERROR_STOP=1 -c "${query}"`);
const databases = () =>
  sql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'logbook%'");
const dumps = join(stack.project, "dumps");
const entries = async () => Number(await sql("SELECT count(*) FROM entries_entry"));

/** What a command on the host prints, as a file of this computer. */
async function bring(name: string, command: string): Promise<string> {
  const path = join(dumps, name);
  writeFileSync(path, Buffer.from(await stack.on(`${command} | base64 -w0`, { timeout: 60_000 }), "base64"));
  return path;
}
async function imports(...words: string[]) {
  const done = await npmRun(stack, "import", ...words, "--yes").ended;
  return { ...done, said: done.stdout + done.stderr };
}

/** How many entries the old site has. */
let moved = 0;

before(async () => {
  mkdirSync(dumps);
  const visitor = await visitLog(stack);
  assert.equal((await visitor.sign("Ada", "written here before the move")).status, 302);
  // The old site: the same tables, owned and granted by the accounts of its own server, with names that ask for quotes.
  await stack.on(`runuser -u postgres -- sh -euc '
    createuser keeper
    createuser reader
    createdb --owner keeper old
    pg_dump --no-owner --no-privileges logbook | ${psql} -Xq -o /dev/null -d old
  '`);
  await sql(
    `ALTER TABLE entries_entry OWNER TO keeper; GRANT SELECT ON entries_entry TO reader;
     INSERT INTO entries_entry (name, message, photo, written_at, hidden)
       SELECT 'Grace ' || n, E'line one\\n\\\\\\\\connect logbook\\n\\\\\\\\.', '', now(), false FROM generate_series(1, 300) n;
     CREATE SCHEMA \\"Old Books\\"; CREATE TABLE \\"Old Books\\".\\"A (page)\\" AS SELECT generate_series(1, 7) AS line;
     COMMENT ON EXTENSION plpgsql IS 'of the old server';
     CREATE SCHEMA heroku_ext; CREATE EXTENSION dblink SCHEMA heroku_ext;
     CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
     CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch();`,
    "old",
  );
  // As 'postgres.extensions' makes it.
  await sql("CREATE SCHEMA extensions; CREATE EXTENSION dblink SCHEMA extensions");
  moved = (await entries()) + 300;
});

test("a custom dump takes the place of the database while the site goes on, as the application's own, and an undo brings it back", async () => {
  const dump = await bring("old.dump", "runuser -u postgres -- pg_dump --format=custom old");
  const done = await imports(dump);
  assert.equal(done.code, 0, done.said);
  assert.match(done.said, /loading it into a database of its own; the site goes on meanwhile/);
  assert.match(done.said, /\d+ rows in \d+ tables/);
  assert.equal(await entries(), moved);
  assert.equal(await sql('SELECT count(*) FROM \\"Old Books\\".\\"A (page)\\"'), "7");
  assert.equal(
    await sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'Old Books')"),
    "logbook",
  );
  assert.match((await (await visitLog(stack)).page()).text, /Grace 300/);
  assert.equal(await databases(), "logbook logbook_before_import");
  assert.equal((await stack.ssh("test -e /etc/berth/logbook/maintenance")).code, 1);
  assert.equal((await stack.ssh("test -e /var/lib/berth/import-logbook")).code, 1, "the dump is gone");
  assert.equal((await stack.up("--expect-no-changes")).code, 0);

  const undone = await imports("--undo");
  assert.equal(undone.code, 0, undone.said);
  assert.equal(await entries(), moved - 300);
  assert.equal(await databases(), "logbook");
  assert.equal((await stack.fetch("/")).status, 200);
  const again = await imports("--undo");
  assert.equal(again.code, 1);
  assert.match(again.said, /there is no import to take back/);
});

test("SQL with owners and grants of another server does as well, and so does a directory of pg_dump", async () => {
  await bring("old.sql.gz", "runuser -u postgres -- pg_dump old | gzip");
  await stack.on("runuser -u postgres -- sh -c 'pg_dump --format=directory --file=/tmp/old.dir old'");
  const packed = await bring("old.dir.tar", "tar -C /tmp -c old.dir");
  execFileSync("tar", ["-xf", packed, "-C", dumps]);
  const plain = await imports(join(dumps, "old.sql.gz"));
  assert.equal(plain.code, 0, plain.said);
  assert.match(plain.said, /statements about accounts of its own server have no effect here/);
  assert.equal(await entries(), moved);
  assert.equal(
    await sql("SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'dblink'"),
    "extensions",
    "where sessions of the application look for it",
  );
  await sql("DELETE FROM entries_entry");
  const directory = await imports(join(dumps, "old.dir"));
  assert.equal(directory.code, 0, directory.said);
  assert.equal(await entries(), moved);
});

test("a dump that cannot be loaded, or with which the site is unhealthy, leaves all as it was and says why", async () => {
  const wrong = {
    "cut.dump": "runuser -u postgres -- pg_dump --format=custom old | head -c 20000",
    "into.sql": "runuser -u postgres -- pg_dump --create old | sed 's/^\\\\connect old/\\\\connect logbook/'",
    "sneaky.sql": "sh -c \"runuser -u postgres -- pg_dump old; printf '%s\\\\n' 'SELECT 1 \\\\c logbook'\"",
    "faulty.sql":
      "sh -c \"runuser -u postgres -- pg_dump old; echo 'CREATE TABLE public.twice (a int); CREATE TABLE public.twice (a int);'\"",
    "unknown.dump":
      "runuser -u postgres -- pg_dump --format=custom --exclude-table-data=django_migrations old",
  };
  const reasons: Record<string, RegExp> = {
    "cut.dump": /pg_restore: error: .*\n.*pg_restore cannot read the dump/,
    "into.sql": /line \d+ of the dump connects to a database of its own/,
    "sneaky.sql": /backslash commands are restricted/,
    "faulty.sql": /line \d+: relation "twice" already exists/,
    "unknown.dump": /putting back what was there before[\s\S]*could not be migrated/,
  };
  for (const [name, command] of Object.entries(wrong)) {
    const done = await imports(await bring(name, command));
    assert.equal(done.code, 1, `${name}: ${done.said}`);
    assert.match(done.said, reasons[name] ?? /never/, name);
    assert.equal(await entries(), moved, name);
    // The last one that went well can still be taken back.
    assert.equal(await databases(), "logbook logbook_before_import", name);
    assert.equal((await stack.fetch("/")).status, 200, name);
    assert.equal((await stack.ssh("test -e /etc/berth/logbook/maintenance")).code, 1, name);
  }
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("uploaded files arrive as the application's own, and none that is there is overwritten", async () => {
  const media = join(dumps, "media");
  mkdirSync(join(media, "photos"), { recursive: true });
  writeFileSync(join(media, "photos", "a ship.jpg"), "from elsewhere");
  writeFileSync(join(media, "kept.txt"), "from elsewhere", { mode: 0o666 });
  await stack.on("runuser -u logbook -- sh -c 'echo from here >/srv/logbook/media/kept.txt'");
  const done = await imports("--media", media);
  assert.equal(done.code, 0, done.said);
  assert.match(done.said, /1 uploaded files are new; \d+ are there now/);
  assert.equal(
    await stack.on("cd /srv/logbook/media && cat kept.txt && stat -c '%U:%G %a' 'photos/a ship.jpg'"),
    "from here\nlogbook:www-data 640",
  );
  // Cut off in the middle of a file.
  const script = readFileSync(join(root, "scripts/lib/uploads-arrival.sh"), "utf8");
  writeFileSync(join(media, "large.bin"), randomBytes(300_000));
  const cut = execFileSync("tar", ["-cf", "-", "-C", media, "large.bin"]).subarray(0, 200_000);
  const arrival = await stack.ssh(`base64 -d | logbook-run sh -c ${shellQuote(script)}`, {
    stdin: cut.toString("base64"),
  });
  assert.notEqual(arrival.code, 0);
  assert.equal(await stack.on("find /srv/logbook/media -name '*large*' -o -name '.berth*'"), "");
});
