// Releases as people who use the site see them: not at all. Going back, the record, the maintenance page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { quantile } from "../../bench/load.ts";
import { addLoadViews, assertEachKindAnswered, assertNothingLost, loadOn, stopLoads } from "../load.ts";
import { npmRun } from "./checkout.ts";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const current = () => stack.on("basename $(readlink /srv/logbook/current)");
const kept = async () => (await stack.on("ls /srv/logbook/releases")).split("\n");
const record = async () =>
  (await stack.on("cat /var/lib/berth/app-logbook/releases.jsonl"))
    .split("\n")
    .map((line) => JSON.parse(line));
let deployed = "";
const releases: string[] = [];
async function release(text: string): Promise<Run> {
  edit(stack, "app/notes.txt", () => `${text}\n`);
  const run = await stack.succeed();
  releases.push(`${(await stack.outputs()).release}`);
  return run;
}

afterEach(stopLoads);
before(async () => {
  deployed = await current();
  stack.configure({ app: { workers: 4, keep: 3 } });
  addLoadViews(stack);
  await stack.succeed();
  releases.push(`${(await stack.outputs()).release}`);
});

test("four releases and a changed setting in a row: no request fails, no POST is lost or written twice", async (t) => {
  const load = await loadOn(stack, { rate: 8, long: 20 });
  const from = Date.now();
  for (const text of ["one", "two", "three", "four"]) await release(text);
  stack.configure({ app: { env: { SITE_NAME: "Renamed logbook" } } });
  await stack.succeed();
  assert.match((await stack.fetch("/")).text, /Renamed logbook/);
  const result = await load.stop();
  await assertNothingLost(stack, result);
  assertEachKindAnswered(result);
  assert.equal(new Set(releases).size, 5);
  const took = result.times.filter(({ at }) => at >= from).map((one) => one.took);
  t.diagnostic(
    `${result.sent} requests, 0 failed; p50 ${quantile(took, 0.5)} ms, p99 ${quantile(took, 0.99)} ms`,
  );
});

test("dependencies that are the same are not installed again", async () => {
  stack.configure({ app: { workers: 1 } });
  const run = await release("five");
  assert.match(run.stdout, /the dependencies of requirements\.txt are the same as in an earlier release/);
  assert.equal(await stack.on("ls /srv/logbook/venvs | wc -l"), "1");
});

test("three releases are kept, and nothing of the others", async () => {
  assert.deepEqual((await kept()).sort(), releases.slice(-3).sort());
  assert.deepEqual(
    (await stack.on("cd /srv/logbook/static; ls -d *-*")).split("\n").sort(),
    releases.slice(-3).sort(),
  );
});

test("a page of the release before still finds its style sheet, under the name that it has there", async () => {
  const sheet = async () =>
    /href="(\/static\/logbook\/site\.[^"]+\.css)"/.exec((await stack.fetch("/")).text)?.[1] ?? "";
  const old = await sheet();
  edit(stack, "app/entries/static/logbook/site.css", (text) => `${text}\n/* another */\n`);
  await release("another style");
  assert.notEqual(await sheet(), old);
  const answer = await stack.fetch(old);
  assert.equal(answer.status, 200);
  assert.match(`${answer.headers["cache-control"]}`, /immutable/);
  assert.equal((await stack.fetch("/static/logbook/none.css")).status, 404);
});

test("each static file has its compressed forms, which files that stayed the same share with the release before", async () => {
  const odd = await stack.on(`cd -P /srv/logbook/static/current
    find . -name '*.gz' | while read -r one; do cmp -s <(zcat "$one") "\${one%.gz}" || echo "$one"; done
    find . -name '*.br' | while read -r one; do cmp -s <(brotli -dc "$one") "\${one%.br}" || echo "$one"; done`);
  assert.equal(odd, "");
  const links = (file: string) => stack.on(`stat -c %h /srv/logbook/static/current/${file}`);
  assert.ok(Number(await links("admin/css/base.css.gz")) > 1);
  assert.ok(Number(await links("admin/css/base.css.br")) > 1);
  // Changed by the test before.
  assert.equal(await links("logbook/site.css.gz"), "1");
  assert.equal(await links("logbook/site.css.br"), "1");
});

test("a release that is kept is gone back to, with a word about migrations, and no request fails", async () => {
  edit(
    stack,
    "app/entries/migrations/0002_more.py",
    () => `from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
    operations = [migrations.AddField("entry", "more", models.TextField(null=True))]
`,
  );
  const migrated = await release("with a migration");
  assert.match(migrated.stdout, /to migrate: entries\.0002_more/);
  const [back = "", newest = ""] = releases.slice(-2);
  const load = await loadOn(stack, { rate: 8, long: 5 });
  stack.configure({ app: { release: back } });
  const run = await stack.succeed();
  assert.match(
    said(run),
    new RegExp(`release ${newest} has migrations that release ${back} does not know: entries.0002_more`),
  );
  assert.deepEqual(Object.keys(run.changes).sort(), ["app-live", "app-release"]);
  assert.equal(await current(), back);
  assert.equal(JSON.parse((await stack.fetch("/health")).text).release, back);

  stack.configure({ app: { release: undefined } });
  await stack.succeed();
  assert.equal(await current(), newest);
  await assertNothingLost(stack, await load.stop());
});

test("the dump of before a migration brings the database back as it was, and is not made where it is not wanted", async () => {
  const dump = `/var/backups/berth/logbook/${releases.at(-1)}.dump`;
  assert.equal(await stack.on(`stat -c '%U %a' ${dump}`), "root 600");
  const ask = (query: string) => stack.on(`runuser -u postgres -- psql -XAtq logbook -c "${query}"`);
  const columns =
    "SELECT count(*) FROM information_schema.columns WHERE table_name = 'entries_entry' AND column_name";
  await ask(
    "INSERT INTO entries_entry (name, message, photo, hidden, written_at) VALUES ('after', 'the dump', '', false, now())",
  );
  assert.equal(await ask(`${columns} = 'more'`), "1");
  // As docs/releases.md says.
  await ask("CREATE TABLE entries_since (id int)");
  const recipe = /```sh\n(systemctl stop [\s\S]*?)```/.exec(
    readFileSync(join(import.meta.dirname, "../../docs/releases.md"), "utf8"),
  )?.[1];
  const lines = `${recipe}`.replaceAll("NAME", "logbook").replaceAll("ID.dump", `${releases.at(-1)}.dump`);
  await stack.on(lines, { timeout: 120_000 });
  assert.equal(await ask(`${columns} = 'more'`), "0");
  assert.equal(await ask("SELECT count(*) FROM entries_entry WHERE name = 'after'"), "0");
  assert.equal(await ask("SELECT to_regclass('entries_since') IS NULL"), "t");

  // The release that has the migration applies it again; this time nobody wants a dump.
  await stack.on(`rm ${dump}`);
  stack.configure({ app: { dumpBeforeMigrate: false } });
  await release("without a dump");
  assert.equal(await ask(`${columns} = 'more'`), "1");
  assert.equal(
    await stack.on(`ls /var/backups/berth/logbook/${releases.at(-1)}.dump 2>/dev/null || true`),
    "",
  );
  stack.configure({ app: { dumpBeforeMigrate: true } });
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("a release that is not kept is refused, with those that are", async () => {
  stack.configure({ app: { release: releases[0] } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    new RegExp(`has not kept release ${releases[0]} \\(app.release\\); it has: .*${releases.at(-1)}`),
  );
  stack.configure({ app: { release: undefined } });
  await stack.succeed();
  assert.equal(await current(), releases.at(-1));
});

test("the host has a record of every release: when, who, from, to, how long, how it ended", async () => {
  const lines = await record();
  assert.deepEqual([lines[0].from, lines[0].to, lines[0].result], [null, deployed, "release"]);
  assert.deepEqual([lines[1].from, lines[1].to, lines[1].result], [deployed, releases[0], "release"]);
  assert.deepEqual([lines[2].from, lines[2].to, lines[2].who], [releases[0], releases[1], "berth"]);
  assert.ok(lines.every((line) => Date.parse(line.at) > 0 && line.seconds >= 0));
  assert.deepEqual(
    ["settings", "rollback"].map((result) => lines.filter((line) => line.result === result).length),
    [1, 1],
  );
});

test("npm run releases shows what runs and in which state, and the same to programs", async () => {
  const shown = await npmRun(stack, "releases").ended;
  assert.match(shown.stdout, new RegExp(`^${releases.at(-1)}\\.[0-9a-f]{6}: live since `, "m"), shown.stderr);
  assert.match(shown.stdout, /^ {4}logbook-web@\S+: active \(running\)$/m);
  const told = JSON.parse((await npmRun(stack, "releases", "--json").ended).stdout.replace(/^[^{]*/, ""));
  assert.equal(told.live.split(".")[0], releases.at(-1));
  assert.deepEqual(
    told.releases.filter(({ kept }: { kept: boolean }) => kept).length,
    (await kept()).length,
    "those that can be rolled back to",
  );
  assert.equal(told.history.length, (await record()).length);
});

test("the maintenance page is 503 with Retry-After, the health path goes through, and it goes again", async () => {
  const on = await npmRun(stack, "maintenance", "on").ended;
  assert.match(
    on.stdout,
    new RegExp(`^berth: stack ${stack.name}: visitors see the maintenance page`, "m"),
    on.stderr,
  );
  const shut = await stack.fetch("/");
  assert.equal(shut.status, 503);
  assert.equal(shut.headers["retry-after"], "300");
  assert.match(shut.text, /Under maintenance/);
  assert.equal((await stack.fetch("/load/post", { method: "POST", body: "x" })).status, 503);
  assert.equal((await stack.fetch("/health")).status, 200);
  await release("behind the page");
  assert.equal((await npmRun(stack, "maintenance", "off").ended).code, 0);
  assert.equal((await stack.fetch("/")).status, 200);
});
