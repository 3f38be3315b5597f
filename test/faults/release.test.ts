// Releases that go wrong, under load: the one before serves throughout, and the next good one goes through.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { edit, type Run, reboot, tidied, untilWell, withStack } from "../e2e/harness.ts";
import { addLoadViews, assertNothingLost, crashAfterSwitch, loadOn, stopLoads } from "../load.ts";
import { assertWell, atMoment, killEngine, recover, switchOf } from "./faults.ts";

const stack = await withStack({ after }, { deployed: true });
const host = (command: string) => stack.inside(command).stdout.trim();
const current = () => host("basename $(readlink /srv/logbook/current)");
const said = (run: Run) => run.stdout + run.stderr;
let goodApp = "";

before(async () => {
  stack.configure({ app: { workers: 4 } });
  addLoadViews(stack);
  await stack.succeed();
  // How it is logged in to is asked of the engine once, and not in the middle of a run.
  goodApp = await stack.on("cat /srv/logbook/current/logbook/wsgi.py");
});
afterEach(stopLoads);
afterEach(oneServes);

/** Exactly one instance runs, it is the one that boots, and nginx is led to it. */
async function oneServes(): Promise<void> {
  const running = host(
    `${tidied}systemctl list-units --plain --no-legend --state=active,activating,deactivating 'logbook-web@*.service' | cut -d' ' -f1`,
  );
  const live = host("readlink /srv/logbook/config/web/current");
  assert.equal(running, `logbook-web@${live}.service`);
  assert.equal(host("readlink /run/logbook/web.sock"), `web-${live}.sock`);
  assert.equal(host("ls /run/logbook | grep -c sock"), "2", "its socket and the link");
  assert.equal(current(), live.split(".")[0]);
  assert.equal((await stack.fetch("/health")).status, 200);
}

/** A release with this change fails for this reason, and nobody who asks the site notices. */
async function unnoticed(change: () => void, undo: () => void, reason: RegExp, writes = true): Promise<Run> {
  const release = current();
  const load = await loadOn(stack, { rate: 5, long: 5, writes });
  change();
  const run = await stack.up();
  const result = await load.stop();
  undo();
  await assertNothingLost(stack, result);
  assert.notEqual(run.code, 0, run.stdout);
  assert.match(said(run), reason);
  assert.equal(current(), release);
  return run;
}

const wsgi = (text: string) => () => edit(stack, "app/logbook/wsgi.py", () => `${goodApp}\n${text}`);

test("one that does not start is unnoticed, and is not tried again unless told to", async () => {
  await unnoticed(
    wsgi('raise RuntimeError("this cannot start")\n'),
    () => {},
    /this cannot start[\s\S]*release \w+-\w+ is unhealthy: \/health does not answer, and 200 was expected\. It did not go live/,
  );
  const began = host("systemctl show -P NRestarts 'logbook-web@*.service'; ls /srv/logbook/releases");
  const again = await stack.up();
  assert.notEqual(again.code, 0);
  assert.match(
    said(again),
    /this cannot start[\s\S]*release (\S+) has failed before, with the same settings, and is not tried again/,
  );
  assert.equal(host("systemctl show -P NRestarts 'logbook-web@*.service'; ls /srv/logbook/releases"), began);
  const bad = /release (\S+) has failed before/.exec(said(again))?.[1];
  stack.configure({ app: { retry: bad } });
  const told = await stack.up();
  assert.match(said(told), /this cannot start[\s\S]*is unhealthy/);
  stack.configure({ app: { retry: undefined } });
  wsgi("")();
});

test("one whose health path answers 500 is unnoticed", async () => {
  await unnoticed(
    () => edit(stack, "app/logbook/urls.py", (text) => text.replace(", health,", ", lambda request: 1 / 0,")),
    () => edit(stack, "app/logbook/urls.py", (text) => text.replace(", lambda request: 1 / 0,", ", health,")),
    /release \w+-\w+ is unhealthy: \/health answers 500, and 200 was expected/,
  );
});

test("one that crashes right after the switch is gone back from, and no request is lost that has no answer yet", async () => {
  await unnoticed(
    wsgi(crashAfterSwitch("os.getppid()")),
    wsgi(""),
    /is unhealthy: \/health does not answer, and 200 was expected\. It was healthy before the switch\. The previous release, \S+, serves again\./,
    // What the process was working on as it died may be asked again only where it writes nothing.
    false,
  );
});

test("one whose migration fails is unnoticed, and the database was dumped before", async () => {
  const file = "app/entries/migrations/0002_fails.py";
  const run = await unnoticed(
    () =>
      edit(
        stack,
        file,
        () => `from django.db import migrations
def fail(apps, editor):
    raise RuntimeError("this migration cannot be applied")
class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
    operations = [migrations.RunPython(fail)]
`,
      ),
    () => rmSync(join(stack.project, file)),
    /this migration cannot be applied[\s\S]*Django's migrate failed/,
  );
  assert.match(run.stdout, /to migrate: entries\.0002_fails/);
  const dump = host("ls -t /var/backups/berth/logbook/*.dump | head -n 1");
  assert.equal(host(`stat -c '%U %a' /var/backups/berth/logbook ${dump}`), "root 700\nroot 600");
  assert.match(host(`pg_restore --list ${dump}`), /TABLE DATA public entries_entry/);
});

test("one whose migration would wait for a table gives up, and may be run again", async () => {
  const file = "app/entries/migrations/0002_column.py";
  stack.inside(
    `setsid runuser -u postgres -- psql -Xq logbook -c "BEGIN; SELECT 1 FROM entries_entry LIMIT 1; SELECT pg_sleep(300)" </dev/null >/dev/null 2>&1 &`,
  );
  await unnoticed(
    () =>
      edit(
        stack,
        file,
        () => `from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
    operations = [migrations.AddField("entry", "more", models.TextField(null=True))]
`,
      ),
    () => {},
    /migrate waited 5 s for a table that another transaction holds, and gave up/,
  );
  host(
    `runuser -u postgres -- psql -XAtq -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"`,
  );
  await stack.succeed();
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("one whose dependency cannot be installed is unnoticed", async () => {
  let good = "";
  await unnoticed(
    () =>
      edit(stack, "app/requirements.txt", (text) => {
        good = text;
        return text.replace(/asgiref==[\d.]+/, "asgiref==0.0.99");
      }),
    () => edit(stack, "app/requirements.txt", () => good),
    /uv could not install the application's dependencies/,
  );
});

test("one that goes live while the database is away is not marked, and goes through when it is back", async () => {
  const release = current();
  // Between two steps: the lock of the first, once it has begun, is waited for, and held until the database has stopped.
  stack.inside(
    `touch /run/asked; setsid bash -c 'until [ /var/lib/berth/unfinished/app-release -nt /run/asked ]; do sleep 0.01; done; exec 9<>/run/berth.lock; flock 9; systemctl stop postgresql@17-main' </dev/null >/dev/null 2>&1 &`,
  );
  edit(stack, "app/notes.txt", () => "without a database\n");
  const run = await stack.up();
  stack.inside("systemctl start postgresql@17-main");
  assert.notEqual(run.code, 0, run.stdout);
  assert.match(
    said(run),
    /is unhealthy: \/health answers 503, and 200 was expected\. .* But DATABASE_URL names postgresql:\/\/127\.0\.0\.1:5432, which cannot be reached: Connection refused\. That is not the release's fault: the next 'pulumi up' tries it again\./,
  );
  assert.equal(current(), release);
  await stack.succeed();
  assert.notEqual(current(), release);
});

test("the next good one goes through, unnoticed as well", async () => {
  const release = current();
  const load = await loadOn(stack, { rate: 5, long: 5 });
  edit(stack, "app/notes.txt", () => "good again\n");
  await stack.succeed();
  await assertNothingLost(stack, await load.stop());
  assert.notEqual(current(), release);
  await assertWell(stack);
});

/** Moments of a release, and how the host shows that it is there. */
const moments = {
  "while it is prepared": "[ -e /var/lib/berth/unfinished/app-release ]",
  "while it starts beside the one before": '[ "$(ls /run/logbook/web-*.sock | wc -l)" = 2 ]',
  "just after the switch": switchOf("logbook"),
};

test("the engine killed at any moment of a release: nobody notices, and the next run finishes", async () => {
  const load = await loadOn(stack, { rate: 5, long: 5 });
  for (const [moment, there] of Object.entries(moments)) {
    const before = current();
    edit(stack, "app/notes.txt", () => `killed ${moment}\n`);
    const run = stack.startUp();
    await atMoment(stack, there);
    await killEngine(stack, run);
    await recover(stack);
    await stack.succeed();
    assert.notEqual(current(), before, moment);
    await oneServes();
  }
  await assertNothingLost(stack, await load.stop());
  await assertWell(stack);
});

test("the step killed after the switch, and the host rebooted: the release before serves, and the next run finishes", async () => {
  const release = current();
  edit(stack, "app/notes.txt", () => "cut short\n");
  const run = stack.startUp();
  await atMoment(stack, switchOf("logbook"), "pkill -KILL -f '^/bin/bash /dev/shm/berth-app-live'");
  await run.ended;
  assert.equal(
    host("systemctl list-units --plain --no-legend --state=active 'logbook-web@*.service' | wc -l"),
    "2",
  );
  await reboot(stack.machine);
  await untilWell(stack);
  assert.equal(current(), release);
  await oneServes();
  await stack.succeed();
  assert.notEqual(current(), release);
  await assertWell(stack);
});
