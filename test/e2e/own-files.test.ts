// A Django project that looks for a file beside its code which its source does not have, as so many do:
// 'from .local_settings import *'.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { until } from "../until.ts";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const file = "logbook/local_settings.py";
const template = join(stack.project, "logbook.local_settings.py");
/** The stack's own text of the file. Without its last line the project cannot be loaded. */
const write = (greeting: string, last = "COMPLETE = True\n") =>
  writeFileSync(template, `GREETING = "${greeting}"\nPASSWORD = "\${postgres.password}"\n${last}`);
const files = {
  [file]: { from: "logbook.local_settings.py" },
  ".env": { content: "PLACE=${paths.media}\nVERSION=${release.id}\n" },
};
const env = { NAMED: "logbook@${release.id}", STATIC: "${paths.static}" };
const asked = async () => (await stack.fetch("/greeting")).text;
const managed = () =>
  stack.on(
    "logbook-manage shell -c 'from django.conf import settings; print(settings.GREETING)' | tail -n 1",
  );
/** What the process, under an account of its own, and the timer saw when they started last. */
const seen = (what: "lib/logbook-crier" | "log") =>
  stack.on(
    `cat ${what === "log" ? "/srv/logbook/logs/timer.txt" : `/var/${what}/crier.txt`} 2>/dev/null || true`,
  );
const everywhere = async (greeting: string) => {
  assert.equal(await asked(), greeting);
  assert.equal(await managed(), greeting);
  await until(`the process to see '${greeting}'`, async () => (await seen("lib/logbook-crier")) === greeting);
  await until(`the timer to see '${greeting}'`, async () => (await seen("log")) === greeting);
};

edit(stack, "app/logbook/settings.py", (text) =>
  text.concat(
    "from logbook.local_settings import COMPLETE, GREETING, PASSWORD\n",
    'DATABASES["default"]["PASSWORD"] = PASSWORD\n',
    'environ.Env.read_env(BASE_DIR / ".env")\n',
    'PLACE = os.environ["PLACE"]\n',
    // Wherever they are read: in checks, collectstatic, migrations, the server and commands, of every release.
    'assert os.environ["VERSION"] == os.environ["BERTH_RELEASE"], os.environ["VERSION"]\n',
    'assert os.environ["NAMED"] == "logbook@" + os.environ["BERTH_RELEASE"], os.environ["NAMED"]\n',
    'assert os.environ["STATIC"] == os.environ["STATIC_ROOT"], os.environ["STATIC"]\n',
  ),
);
edit(stack, "app/logbook/urls.py", (text) =>
  text.concat(
    "from django.conf import settings\nfrom django.http import HttpResponse\n",
    'urlpatterns.append(path("greeting", lambda request: HttpResponse(settings.GREETING)))\n',
  ),
);
edit(
  stack,
  "app/crier.py",
  () => `import sys, time
from pathlib import Path
from logbook.local_settings import GREETING
Path(sys.argv[1]).write_text(GREETING)
time.sleep(int(sys.argv[2]))
`,
);
stack.configure({
  app: {
    env,
    files,
    processes: { crier: { command: 'python crier.py "$STATE_DIRECTORY/crier.txt" 9999', account: "crier" } },
    timers: { tell: { command: "python crier.py /srv/logbook/logs/timer.txt 0", at: "*:*:0/4" } },
  },
});

test("the server, processes, timers and commands have the file and the release's id, and checks, migrations and collectstatic had it", async () => {
  write("first");
  await stack.succeed();
  await everywhere("first");
  const place = "from django.conf import settings; print(settings.PLACE)";
  assert.match(await stack.on(`logbook-manage shell -c '${place}'`), /^\/srv\/logbook\/media$/m);
  const { release } = await stack.outputs();
  assert.equal(await stack.on("logbook-run printenv NAMED"), `logbook@${release}`);
  assert.equal(
    await stack.on("cat /srv/logbook/config/web/current/files/.env | tail -n 1"),
    `VERSION=${release}`,
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("no other account reads the file, nor does the owner of the code", async () => {
  const real = `/srv/logbook/config/files/${file}`;
  for (const path of [
    real,
    `/srv/logbook/current/${file}`,
    `/srv/logbook/config/web/current/files/${file}`,
  ]) {
    for (const account of ["nobody", "deployer", "www-data"]) {
      const read = await stack.ssh(`runuser -u ${account} -- cat ${path}`);
      assert.notEqual(read.code, 0, `${account} reads ${path}`);
    }
  }
  assert.equal(await stack.on(`stat -c '%U:%G %a' ${real}`), "root:logbook 640");
  const writable = `find /srv/logbook/config -exec runuser -u logbook -- test -w {} \\; -print`;
  assert.equal(await stack.on(writable), "");
});

test("what the file says is not in the plain state, and a preview shows only what is not secret", async () => {
  const state = readFileSync(join(stack.state, ".pulumi/stacks/berth", `${stack.name}.json`), "utf8");
  assert.doesNotMatch(state, /GREETING/);
  write("unseen");
  stack.configure({
    app: { files: { ...files, ".env": { content: "PLACE=${paths.media}\nMORE=tulips\n" } } },
  });
  const preview = await stack.preview("--diff");
  assert.match(preview.stdout, /\+\s*MORE=tulips/);
  assert.doesNotMatch(said(preview), /unseen/);
  stack.configure({ app: { files } });
});

test("a changed file is a changed setting: the same release, started anew with it", async () => {
  const { release } = await stack.outputs();
  write("second");
  await stack.succeed();
  assert.equal((await stack.outputs()).release, release);
  await everywhere("second");
});

test("a file that breaks the application goes live nowhere, and what runs keeps its own, also when it starts anew", async () => {
  write("third", "");
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(said(run), /cannot import name 'COMPLETE'/);
  await stack.on("systemctl restart 'logbook-web@*.service' 'logbook-crier@*.service'");
  await until("the site to answer", async () => (await stack.fetch("/health")).status === 200);
  await everywhere("second");
  write("first");
  await stack.succeed();
  await everywhere("first");
});

test("a file that the source has is refused by its name, and replaced where the stack says so", async () => {
  writeFileSync(join(stack.project, "app", file), "COMPLETE = GREETING = PASSWORD = 'of the source'\n");
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(
    said(run),
    /logbook\/local_settings\.py is in the release already.*'replace: true' below app\.files\.logbook\/local_settings\.py/s,
  );
  assert.equal(await asked(), "first");
  stack.configure({
    app: { files: { ...files, [file]: { from: "logbook.local_settings.py", replace: true } } },
  });
  await stack.succeed();
  await everywhere("first");
});

test("a file that is taken out is gone from the host, and the source's own is there again", async () => {
  stack.configure({ app: { files: { ".env": files[".env"] } } });
  const password = "from urllib.parse import urlsplit\nCOMPLETE = True\nGREETING = 'of the source'\n";
  writeFileSync(
    join(stack.project, "app", file),
    `import os\n${password}PASSWORD = urlsplit(os.environ["DATABASE_URL"]).password\n`,
  );
  await stack.succeed();
  await everywhere("of the source");
  assert.equal(await stack.on("find /srv/logbook/config/files -type f -printf '%P\\n'"), ".env");
  rmSync(template);
});

const superuser = {
  name: "superuser",
  command: "python manage.py createsuperuser --noinput --username maria --email maria@example.org",
};
const superusers = () =>
  stack.on(
    `logbook-manage shell -c 'from django.contrib.auth import models as m; print([u.check_password("tulips-and-roses") for u in m.User.objects.filter(is_superuser=True)])' | tail -n 1`,
  );

test("the first superuser is made once, for what is live as for every later release", async () => {
  const secrets = { DJANGO_SUPERUSER_PASSWORD: "tulips-and-roses" };
  stack.configure({ app: { once: [superuser], secrets } });
  const preview = await stack.preview("--diff");
  assert.ok(preview.stdout.includes(superuser.command), preview.stdout);
  await stack.succeed();
  assert.equal(await superusers(), "[True]");
  // A second time the command would fail: the name is taken.
  edit(stack, "app/notes.txt", () => "another release");
  await stack.succeed();
  assert.equal(await superusers(), "[True]");
});

test("a command that fails is told by its name, nothing goes live, and it is tried again", async () => {
  const { release } = await stack.outputs();
  const greet = { name: "greet", command: 'echo "its last words"; test -e there; id -un >"$HOME/once"' };
  stack.configure({ app: { once: [superuser, { ...greet, command: `set -e; ${greet.command}` }] } });
  edit(stack, "app/notes.txt", () => "a release that waits for its command");
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(said(run), /its last words/);
  assert.match(said(run), /the command 'greet' of app\.once failed with status 1/);
  assert.equal(await stack.on("basename $(readlink /srv/logbook/current)"), release);
  edit(stack, "app/there", () => "what the command looks for");
  await stack.succeed();
  assert.equal(await stack.on("cat /var/cache/berth-logbook/once"), "logbook");
  assert.equal(await stack.on("ls /var/lib/berth/once-logbook | xargs"), "greet.json superuser.json");
  assert.notEqual((await stack.ssh("runuser -u logbook -- ls /var/lib/berth/once-logbook")).code, 0);
});
