// A host in trouble: another package manager at work, an installation cut short, a full disk, a step killed, two runs
// at once. One stack for all of them: each begins with a host that is well and must leave it well.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { edit, withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell, said, unfinished, watchSite } from "./faults.ts";

const stack = await withStack({ after }, { deployed: true });
const packages: string[] = [];
/** One more package to install: small, without a service, and on every Debian mirror. */
function wantPackage(name: string): void {
  packages.push(name);
  stack.configure({ app: { packages: [...packages] } });
}
/** Runs a shell command as root on the host, in the background. */
const background = (command: string) =>
  stack.inside(`setsid bash -c '${command}' </dev/null >/dev/null 2>&1 &`);
const freeDisk = () => stack.inside("rm -f /var/fill");
/** Leaves nothing of the disk, not even what is set aside, by Berth or for root. */
const fillDisk =
  "rm -rf /var/lib/berth/reserve; fallocate -l $(($(df --output=avail -k /var | tail -n 1) - 600))K /var/fill; dd if=/dev/zero of=/var/fill oflag=append conv=notrunc bs=64k status=none";
/**
 * PostgreSQL ends where the disk is too full for a checkpoint, which it makes every five minutes when there was work, or
 * for the next file of its log. Both are made now, so that neither falls into the seconds that follow.
 */
const checkpoint = () =>
  assert.equal(
    stack.inside("runuser -u postgres -- psql -qtc 'SELECT pg_switch_wal()' -c CHECKPOINT").code,
    0,
    "a checkpoint",
  );
const fullDisk =
  /the disk is full(: (\/\w* has )?\d+ KiB left|, or was a moment ago: '.*No space left on device.*')\. Free some space on the host or give it a larger disk, then run 'pulumi up' again/;

/** From now on a step that has nginx read its configuration waits there until it may go on. */
const holdNginx = () =>
  stack.inside(
    "rm -f /run/go-on; printf '#!/bin/sh\\nuntil [ -e /run/go-on ]; do sleep 0.1; done\\nexec /usr/sbin/nginx \"$@\"\\n' >/usr/local/sbin/nginx; chmod +x /usr/local/sbin/nginx",
  );
/** The same, when a step tells nginx of its new files. */
const holdReload = () =>
  stack.inside(
    'rm -f /run/go-on; printf \'#!/bin/sh\\ncase "$*" in "reload nginx.service") until [ -e /run/go-on ]; do sleep 0.1; done;; esac\\nexec /usr/bin/systemctl "$@"\\n\' >/usr/local/sbin/systemctl; chmod +x /usr/local/sbin/systemctl',
  );
const letNginxGo = () =>
  stack.inside("touch /run/go-on; rm -f /usr/local/sbin/nginx /usr/local/sbin/systemctl");

afterEach(() => {
  freeDisk();
  letNginxGo();
});

test("another package manager holds its locks for 30 s: the step waits, says so, and finishes", async () => {
  background(
    `python3 -c "import fcntl, time
files = [open(path, \\"w\\") for path in (\\"/var/lib/dpkg/lock-frontend\\", \\"/var/lib/dpkg/lock\\", \\"/var/lib/apt/lists/lock\\", \\"/var/cache/apt/archives/lock\\")]
for file in files: fcntl.lockf(file, fcntl.LOCK_EX)
open(\\"/run/held\\", \\"w\\")
time.sleep(30)"`,
  );
  await until("the locks to be held", () => stack.inside("test -e /run/held").code === 0);
  wantPackage("tree");
  const began = Date.now();
  const run = await stack.succeed();
  assert.match(
    run.stdout,
    /system-packages: waiting for another package manager to finish on this host, up to 10 minutes/,
  );
  assert.ok(Date.now() - began > 25_000);
  assert.equal(stack.inside("command -v tree").code, 0);
  await assertWell(stack);
});

test("dpkg is killed in the middle: the error says so, and the next run mends the installation", async () => {
  // dpkg's own hook ends it, once, between unpacking and configuring; see --pre-invoke in dpkg(1).
  stack.inside(`cat >/usr/local/bin/end-dpkg <<'END'
#!/bin/sh
[ "$DPKG_HOOK_ACTION" = configure ] || exit 0
rm -f /etc/dpkg/dpkg.cfg.d/end-dpkg
pkill -KILL -x dpkg
END
chmod +x /usr/local/bin/end-dpkg
echo pre-invoke=/usr/local/bin/end-dpkg >/etc/dpkg/dpkg.cfg.d/end-dpkg`);
  wantPackage("jq");
  const run = await stack.up();
  assert.notEqual(run.code, 0, run.stdout);
  assert.match(run.stdout, /berth: system-packages: apt-get could not install the packages\./);
  assert.deepEqual(unfinished(stack), ["system-packages"]);
  await stack.succeed();
  assert.equal(stack.inside("jq --version").code, 0);
  await assertWell(stack);
});

test("a full disk before packages are installed: one clear line; with space again the next run finishes", async () => {
  checkpoint();
  stack.inside(fillDisk);
  wantPackage("moreutils");
  const run = await stack.up();
  assert.notEqual(run.code, 0, run.stdout);
  assert.match(run.stdout, fullDisk);
  freeDisk();
  await stack.succeed();
  await assertWell(stack);
});

/** A release with this change must fail for this reason, while the one before serves without a gap. */
async function failingRelease(change: () => void, undo: () => void, reason: RegExp): Promise<void> {
  const { release } = await stack.outputs();
  change();
  const site = watchSite(stack);
  const run = await stack.up();
  assert.deepEqual(Object.keys(await site.stop()), ["200"]);
  assert.notEqual(run.code, 0, run.stdout);
  assert.match(run.stdout, reason);
  assert.equal(stack.inside("basename $(readlink /srv/*/current)").stdout.trim(), release);
  undo();
}

/** A full disk stops the release; with space again the next run finishes it. */
async function fullDiskStops(change: () => void): Promise<void> {
  const { release } = await stack.outputs();
  checkpoint();
  await failingRelease(change, freeDisk, fullDisk);
  await stack.succeed();
  assert.notEqual((await stack.outputs()).release, release);
  await assertWell(stack);
}

test("a full disk before a release is made: one clear line, and the site goes on with the release before", () =>
  fullDiskStops(() => {
    stack.inside(fillDisk);
    edit(stack, "app/notes.txt", () => "full\n");
  }));

test("a disk that is full when a release goes live: the site goes on with the release before", () =>
  fullDiskStops(() => {
    // Between two steps: the lock of the first is waited for, and held until the disk is full.
    background(
      `until [ -e /var/lib/berth/unfinished/app-release ]; do sleep 0.01; done; exec 9<>/run/berth.lock; flock 9; ${fillDisk}`,
    );
    edit(stack, "app/notes.txt", () => "full later\n");
  }));

test("a release whose migrate fails does not go live", async () => {
  const migration = `from django.db import migrations

def fail(apps, editor):
    raise RuntimeError("this migration cannot be applied")

class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
    operations = [migrations.RunPython(fail)]
`;
  const file = "app/entries/migrations/0002_fails.py";
  await failingRelease(
    () => edit(stack, file, () => migration),
    () => rmSync(join(stack.project, file)),
    /this migration cannot be applied[\s\S]*berth: app-live: Django's migrate failed\. Its last lines are above\. The site still runs the previous release\./,
  );
});

test("a release whose health path answers 500 does not go live", async () => {
  await failingRelease(
    () => edit(stack, "app/logbook/urls.py", (text) => text.replace(", health,", ", lambda request: 1 / 0,")),
    () => edit(stack, "app/logbook/urls.py", (text) => text.replace(", lambda request: 1 / 0,", ", health,")),
    /berth: app-live: release \w+-\w+ is unhealthy: \/health answers 500, and 200 was expected\. It did not go live\. The previous release, \w+-\w+, still serves\./,
  );
});

test("a release that crashes as it starts does not go live, and the next good one does", async () => {
  await failingRelease(
    () => edit(stack, "app/logbook/wsgi.py", (text) => `${text}\nraise RuntimeError("this cannot start")\n`),
    () => edit(stack, "app/logbook/wsgi.py", (text) => text.replace(/\nraise .*\n$/, "")),
    /this cannot start[\s\S]*berth: app-live: release \w+-\w+ is unhealthy: \/health does not answer, and 200 was expected\. It did not go live\./,
  );
  edit(stack, "app/notes.txt", () => "good again\n");
  const { release } = await stack.outputs();
  await stack.succeed();
  assert.notEqual((await stack.outputs()).release, release);
  await assertWell(stack);
});

test("a step killed between its file and the reload: the next run reloads, though the file is there already", async () => {
  holdReload();
  stack.configure({ site: { maxBody: 7 } });
  const run = stack.startUp();
  const site = "/etc/nginx/sites-available/logbook.conf";
  await until("the new file", () => stack.inside(`grep -q 'client_max_body_size 7m' ${site}`).code === 0);
  stack.inside("pkill -KILL -f '^/bin/bash /dev/shm/berth-nginx-site'");
  const result = await run.ended;
  letNginxGo();
  assert.notEqual(result.code, 0);
  assert.deepEqual(unfinished(stack), ["nginx-site"]);
  const upload = () => stack.fetch("/", { method: "POST", body: "x".repeat(8 << 20) });
  assert.notEqual((await upload()).status, 413, "the old setting is in force");
  await stack.succeed();
  assert.equal((await upload()).status, 413, "the new one is");
  await assertWell(stack);
});

test("two runs on one stack: the second ends at once and says who is at work", async () => {
  holdNginx();
  stack.configure({ site: { maxBody: 8 } });
  const first = stack.startUp();
  await until("the first to be at work on the host", () => unfinished(stack).length > 0);
  const second = await stack.up();
  assert.notEqual(second.code, 0);
  assert.match(second.stderr, new RegExp(`the stack is currently locked by 1 lock.*pid ${first.pid}`, "s"));
  letNginxGo();
  assert.equal((await first.ended).code, 0);
  await assertWell(stack);
});

test("another stack on a host that is at work waits and says so, and is then refused by the name of the one it belongs to", async (t) => {
  const address = await stack.address();
  const other = await withStack(t, {
    config: {
      host: {
        kind: "existing",
        disk: undefined,
        address,
        user: "berth",
        hostKey: `${(await stack.resource("web-host-key")).outputs.publicKeyOpenssh}`.trim(),
        privateKey: `${(await stack.resource("web-login")).outputs.privateKeyOpenssh}`,
      },
    },
  });
  holdNginx();
  stack.configure({ site: { maxBody: 9 } });
  const first = stack.startUp();
  await until("the first to be at work on the host", () => unfinished(stack).includes("nginx-site"));
  const second = other.startUp();
  await said(second, /waiting for another run of Berth on this host \(step 'nginx-site'\), up to 20 minutes/);
  letNginxGo();
  const [one, two] = await Promise.all([first.ended, second.ended]);
  assert.equal(one.code, 0, one.stdout + one.stderr);
  assert.notEqual(two.code, 0, two.stdout);
  assert.match(
    two.stdout,
    new RegExp(`this host belongs to the stack '${stack.name}' of berth as its host 'web'`),
  );
  assert.deepEqual(unfinished(stack), []);
  assert.equal(stack.inside("systemctl list-units --failed --plain --no-legend").stdout, "");
});
