// A Django project that takes nothing of its files from the environment, as 'django-admin startproject' makes them.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
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
MEDIA_ROOT = BASE_DIR / "media"
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

for (const [what, lines, refused] of [
  [
    "a database in the release",
    'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}\n',
    /the project's database 'default' is SQLite at db\.sqlite3 in the release.* Take DATABASES from DATABASE_URL/s,
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
    /^its log has an exception: ZeroDivisionError: division by zero \(logbook\/wsgi\.py, line \d+, in <module>\), \d times$/,
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

test("files of the source where collected or uploaded ones would go are not lost without a word", async () => {
  mkdirSync(join(stack.project, "app/staticfiles"));
  writeFileSync(join(stack.project, "app/staticfiles/own.css"), "a {}");
  assert.match(said(await stack.up()), /the project's STATIC_ROOT, staticfiles, holds files already/);
  rmSync(join(stack.project, "app/staticfiles"), { recursive: true });
  writeFileSync(join(stack.project, "app/media/own.txt"), "mine");
  assert.match(said(await stack.up()), /the project's MEDIA_ROOT, media, holds files already/);
});
