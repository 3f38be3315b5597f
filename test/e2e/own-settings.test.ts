// A Django project that takes nothing of its files from the environment, as 'django-admin startproject' makes them.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const settings = "app/logbook/settings.py";
const said = (run: Run) => run.stdout + run.stderr;
const own = `
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_URL = "media/"
MEDIA_ROOT = os.environ.get("UPLOADS") or BASE_DIR / "media"
STATICFILES_DIRS = [BASE_DIR / "more"] if "MORE" in os.environ else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
`;

test("static files and uploads of a project with places of its own are served, from release to release", async () => {
  edit(stack, settings, (text) => text + own);
  // As Wagtail does, before anything is asked of the project.
  edit(stack, "app/entries/models.py", (text) =>
    text.concat(
      "from django.contrib.staticfiles.storage import staticfiles_storage\n",
      "PLACE = staticfiles_storage.location\n",
    ),
  );
  mkdirSync(join(stack.project, "app/media/photos"), { recursive: true });
  mkdirSync(join(stack.project, "app/more"));
  writeFileSync(join(stack.project, "app/more/new.txt"), "collected by a setting");
  for (const place of ["media", "media/photos"])
    writeFileSync(join(stack.project, "app", place, ".gitkeep"), "");
  await stack.succeed();
  const page = (await stack.fetch("/admin/login/")).text;
  const [style = ""] = /\/static\/admin\/css\/base\.[0-9a-f]{12}\.css/.exec(page) ?? [];
  assert.equal((await stack.fetch(style)).status, 200, style);
  const upload = `from django.core.files.storage import default_storage as s; from django.core.files.base import ContentFile as C; print(s.url(s.save("a.txt", C(b"text"))))`;
  assert.match(await stack.on(`logbook-manage shell -c '${upload}'`), /\/media\/a\.txt$/m);
  edit(stack, "app/notes.txt", () => "another release");
  await stack.succeed();
  assert.equal((await stack.fetch("/media/a.txt")).text, "text");
  assert.equal((await stack.fetch(style)).status, 200);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("a setting decides what is collected, and where uploads lie, of a release that runs already", async () => {
  const { release } = await stack.outputs();
  assert.equal((await stack.fetch("/static/new.txt")).status, 404);
  stack.configure({ app: { env: { MORE: "1" } } });
  await stack.succeed();
  assert.equal((await stack.outputs()).release, release);
  assert.equal((await stack.fetch("/static/new.txt")).text, "collected by a setting");
  const named = await stack.on(
    "logbook-manage shell -c 'from django.templatetags.static import static; print(static(\"new.txt\"))'",
  );
  const url = /\/static\/new\.[0-9a-f]{12}\.txt/.exec(named)?.[0] ?? named;
  assert.equal((await stack.fetch(url)).status, 200, url);
  const style = /\/static\/admin\/css\/base\.[0-9a-f]{12}\.css/;
  assert.equal(
    (await stack.fetch(style.exec((await stack.fetch("/admin/login/")).text)?.[0] ?? "")).status,
    200,
  );

  stack.configure({ app: { env: { MORE: "1", UPLOADS: "/var/www/media" } } });
  assert.match(
    said(await stack.up()),
    /the project's MEDIA_ROOT is \/var\/www\/media, where the application may not/,
  );
  assert.equal((await stack.fetch("/media/a.txt")).text, "text");
  stack.configure({ app: { env: undefined } });
  await stack.succeed();
});

test("a secret from elsewhere: a change there is a setting here, and a command that fails changes nothing", async () => {
  mkdirSync(join(stack.project, "store"), { mode: 0o700 });
  const put = (name: string, value: string) =>
    writeFileSync(join(stack.project, "store", name), `${value}\n`, { mode: 0o600 });
  const instance = async () => await stack.on("readlink /srv/logbook/config/web/current");
  const before = await instance();
  const { release } = await stack.outputs();
  put("pay", "pay-Zr6Kw2Vn9TxQ");
  stack.configure({
    app: {
      secretFrom: { command: "cat store/{name}", names: { PAYMENT_KEY: "pay", MAIL_KEY: "mail" } },
      env: { PAYMENT_URL: "https://${secrets.PAYMENT_KEY}@pay.test" },
    },
  });
  const missing = await stack.up();
  assert.notEqual(missing.code, 0);
  assert.match(
    said(missing),
    /berth:app\.secretFrom: the command `cat store\/\{name\}` gave no value for 1 of 2 names:\n\s*MAIL_KEY \(mail\): ended with status 1\n\s*\| cat: store\/mail: No such file/,
  );
  assert.ok(!said(missing).includes("pay-Zr6Kw2Vn9TxQ"));
  assert.equal(await instance(), before);

  put("mail", "mail-Hd4Lq8Rz1PvM");
  await stack.succeed();
  assert.equal(await given("MAIL_KEY"), "mail-Hd4Lq8Rz1PvM");
  assert.equal(await given("PAYMENT_URL"), "https://pay-Zr6Kw2Vn9TxQ@pay.test");
  const first = await instance();
  assert.notEqual(first, before);

  put("pay", "pay-Xc5Bm3Jt7YsF");
  const preview = await stack.preview("--diff");
  assert.deepEqual(Object.keys(preview.changes).sort(), ["app-live", "app-settings"], said(preview));
  assert.doesNotMatch(said(preview), /pay-\w{12}/);
  await stack.succeed();
  assert.equal(await given("PAYMENT_KEY"), "pay-Xc5Bm3Jt7YsF");
  const running = `systemctl show -p MainPID --value "logbook-web@$(readlink /srv/logbook/config/web/current)"`;
  assert.match(
    await stack.on(`tr '\\0' '\\n' </proc/$(${running})/environ`),
    /^PAYMENT_URL=https:\/\/pay-Xc5Bm3Jt7YsF@pay\.test$/m,
  );
  assert.notEqual(await instance(), first);
  assert.equal((await stack.outputs()).release, release);
});

for (const [what, lines, refused] of [
  [
    "a database in the release",
    'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}\n',
    /the project's database 'default' is SQLite at db\.sqlite3 in the release.* Take DATABASES from DATABASE_URL/s,
  ],
  [
    "a signing key that each process makes up",
    "from django.core.management.utils import get_random_secret_key\nSECRET_KEY = get_random_secret_key()\n",
    /the settings logbook\.settings make up another SECRET_KEY in each process.* below 'from logbook\.settings import \*'/s,
  ],
  [
    "static files under another URL",
    'STATIC_URL = "/assets/"\n',
    /the project's STATIC_URL is \/assets\/, and static files are served under \/static\/\. Take STATIC_URL/,
  ],
  [
    "static files in another place",
    'STATIC_ROOT = "/var/www/static"\n',
    /the project's STATIC_ROOT is \/var\/www\/static, which is neither/,
  ],
  [
    "pages that ask for files where there are none",
    "STATIC_ROOT = None\n",
    /the project sets no STATIC_ROOT, and its storage of static files reads their names there\./,
  ],
  [
    "uploads in another place",
    'MEDIA_ROOT = "/var/www/media"\n',
    /the project's MEDIA_ROOT is \/var\/www\/media, where the application may not write/,
  ],
  [
    "settings that cannot be loaded",
    'NAME = os.environ["NOT_SET"]\n',
    /KeyError: 'NOT_SET'.*the project's settings cannot be loaded\..* needs NOT_SET, which is not set: write it below app\.env\./s,
  ],
] as const)
  test(`${what}: the release is refused before anything goes live, with what to write`, async () => {
    let before = "";
    edit(stack, settings, (text) => {
      before = text;
      return text + lines;
    });
    const { release } = await stack.outputs();
    const run = await stack.up();
    edit(stack, settings, () => before);
    assert.notEqual(run.code, 0);
    assert.match(said(run), refused);
    assert.equal(await stack.on("basename $(readlink /srv/logbook/current)"), release);
  });

test("an error of Django's checks stops the release, unless the stack names other checks or none", async () => {
  const check = `
from django.core.checks import Error, register
@register("tables", deploy=True)
def tables(app_configs, **kwargs):
    return [Error("a table is not there yet")]
`;
  edit(stack, settings, (text) => text + check);
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /a table is not there yet.*Django's check --deploy failed\. .* app\.check says which checks run\./s,
  );
  stack.configure({ app: { check: { tags: ["security", "models"] } } });
  await stack.succeed();
  stack.configure({ app: { check: { enabled: false } } });
  edit(stack, "app/notes.txt", () => "a release without checks");
  await stack.succeed();
  stack.configure({ app: { check: undefined } });
  edit(stack, settings, (text) => text.replace(check, ""));
});

test("a check that reads a table which the release itself makes waits for its migrations", async () => {
  const check = `
from django.core.checks import Error, register
@register(deploy=True)
def ports(app_configs, **kwargs):
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM entries_port")
        return [] if cursor.fetchone() == (0,) else [Error("there are ports already")]
`;
  const files = ["models.py", "migrations/0002_port.py"].map((file) =>
    join(stack.project, "app/entries", file),
  );
  const models = readFileSync(files[0] ?? "", "utf8");
  writeFileSync(
    files[0] ?? "",
    `${models}\n\nclass Port(models.Model):\n    name = models.CharField(max_length=20)\n`,
  );
  writeFileSync(
    files[1] ?? "",
    `from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
    operations = [migrations.CreateModel("Port", [("id", models.BigAutoField(primary_key=True, serialize=False)), ("name", models.CharField(max_length=20))])]
`,
  );
  edit(stack, settings, (text) => text + check);
  await stack.succeed();
  assert.equal((await stack.up("--expect-no-changes")).code, 0);

  // What it finds afterwards stops the release, too.
  await stack.on(
    `logbook-manage shell -c "from entries.models import Port; Port.objects.create(name='Kiel')"`,
  );
  edit(stack, "app/notes.txt", () => "a release with a port");
  assert.match(said(await stack.up()), /there are ports already.*Django's check --deploy failed\. /s);
  edit(stack, settings, (text) => text.replace(check, ""));
  await stack.succeed();
});

/** The value of one of the application's settings. */
const given = async (name: string) => await stack.on(`. /srv/logbook/config/env && printf %s "$${name}"`);

test("a page that the stack names must answer, and its exception is shown though it is in no log", async () => {
  stack.configure({
    app: {
      pages: ["/", { path: "/admin/", status: 302 }],
      generate: ["API_PEPPER", { name: "FERNET_KEY", alphabet: "base64", length: 32 }],
      env: { API_PEPPERS: '{"1": "${secrets.API_PEPPER}"}' },
      build: {
        afterCollectstatic: [
          'test -n "$API_PEPPER" && mkdir staticfiles/CACHE && echo "a {}" >staticfiles/CACHE/all.css',
        ],
      },
    },
  });
  edit(stack, "app/logbook/wsgi.py", (text) =>
    text.concat("import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()\n"),
  );
  const healthy = await stack.succeed();
  const { history } = JSON.parse(await stack.on("/usr/local/lib/berth/logbook/berth-release status"));
  assert.match(
    history.at(-1).notices.join("\n"),
    /^its log has an exception: ZeroDivisionError: division by zero \(logbook\/wsgi\.py, line \d+, in <module>\)(, \d times)?$/,
  );
  assert.equal((await stack.fetch("/static/CACHE/all.css")).text, "a {}\n");
  assert.match(await given("FERNET_KEY"), /^[\w-]{43}=$/);
  const pepper = await given("API_PEPPER");
  assert.match(pepper, /^[A-Za-z0-9]{64}$/);
  assert.equal(await given("API_PEPPERS"), `{"1": "${pepper}"}`);
  assert.ok(!said(healthy).includes(pepper));
  const { release } = await stack.outputs();
  let views = "";
  edit(stack, "app/entries/views.py", (text) => {
    views = text;
    return text.replace(/^def front_page\(request\):$/m, "$&\n    raise LookupError('no such entry')");
  });
  edit(stack, settings, (text) => `${text}LOGGING = {}\n`);
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /entries\/views\.py", line \d+, in front_page[\s\S]*LookupError: no such entry[\s\S]*is unhealthy: the page \/ answers 500, and 200 was expected \(app\.pages\)\. It did not go live\. The previous release, \S+, still serves\./,
  );
  assert.equal(await stack.on("basename $(readlink /srv/logbook/current)"), release);
  edit(stack, "app/entries/views.py", () => views);
});

test("a static file that visitors do not get, and a page that is not let through, are found", async () => {
  const door = "/etc/nginx/snippets/berth-server.conf";
  stack.inside(
    `cp ${door} /root/door && echo 'location ^~ /static/new. { return 403; }' >>${door} && nginx -s reload`,
  );
  mkdirSync(join(stack.project, "app/entries/static"), { recursive: true });
  edit(stack, "app/entries/static/new.css", () => "a { color: #123456 }\n".repeat(30_000));
  const { release } = await stack.outputs();
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /is unhealthy: its static file \/static\/new\.\w+\.css answers 403, and 200 was expected\. It was healthy before the switch\. The previous release, \S+, serves again\./,
  );
  assert.equal(await stack.on("basename $(readlink /srv/logbook/current)"), release);

  await stack.on(`cp /root/door ${door} && echo 'location = / { return 404; }' >>${door} && nginx -s reload`);
  stack.configure({ app: { pages: ["/"] } });
  edit(stack, "app/entries/static/new.css", () => "a {}");
  const hidden = await stack.up();
  assert.notEqual(hidden.code, 0);
  assert.match(
    said(hidden),
    /berth: app-front: visitors do not get what the application answers: the page \/ answers 404, and 200 was expected \(app\.pages\)\./,
  );
  await stack.on(`cp /root/door ${door} && nginx -s reload`);
  const [pepper, key] = [await given("API_PEPPER"), await given("FERNET_KEY")];
  stack.configure({
    app: {
      generate: [
        { name: "API_PEPPER", generation: 2 },
        { name: "FERNET_KEY", alphabet: "base64", length: 32 },
      ],
    },
  });
  await stack.succeed();
  assert.match(await given("API_PEPPER"), /^[A-Za-z0-9]{64}$/);
  assert.notEqual(await given("API_PEPPER"), pepper);
  assert.equal(await given("FERNET_KEY"), key);
});

test("a health path that redirects is told with where it leads, and what to write", async () => {
  stack.configure({ app: { health: "/admin/" } });
  assert.match(
    said(await stack.up()),
    /is unhealthy: \/admin\/ answers 302, and 200 was expected\. It leads to \/admin\/login\/, which answers 200: write app\.health: \/admin\/login\/\./,
  );
  stack.configure({ app: { health: "/health" } });
});

test("files of the source where collected or uploaded ones would go are not lost without a word", async () => {
  mkdirSync(join(stack.project, "app/staticfiles"));
  writeFileSync(join(stack.project, "app/staticfiles/own.css"), "a {}");
  const refused = said(await stack.up());
  assert.match(
    refused,
    /the project's STATIC_ROOT, staticfiles, holds files already.* write STATICFILES_DIRS = \[STATIC_ROOT\]/s,
  );
  assert.doesNotMatch(refused, /ln: /);
  const content =
    'import os\n\nfrom logbook.settings import *\n\nSTATICFILES_DIRS = [STATIC_ROOT]\nSTATIC_ROOT = os.environ["STATIC_ROOT"]\n';
  stack.configure({
    app: {
      build: undefined,
      settings: "logbook.berth_settings",
      files: { "logbook/berth_settings.py": { content } },
    },
  });
  await stack.succeed();
  const ask = `from django.templatetags.static import static; print(static("own.css"))`;
  const own =
    (await stack.on(`logbook-manage shell -c '${ask}'`)).match(/\/static\/own\.\w+\.css/)?.[0] ?? "";
  assert.equal((await stack.fetch(own)).text, "a {}", own);
  rmSync(join(stack.project, "app/staticfiles"), { recursive: true });
  writeFileSync(join(stack.project, "app/media/own.txt"), "mine");
  assert.match(said(await stack.up()), /the project's MEDIA_ROOT, media, holds files already/);
});
