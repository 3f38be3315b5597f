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
    /KeyError: 'NOT_SET'.*the project's settings cannot be loaded\..* needs NOT_SET, which is not set: write it below berth:app\.env\./s,
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
    /a table is not there yet.*Django's check --deploy failed\. .* berth:app\.check says which checks run\./s,
  );
  stack.configure({ app: { check: { tags: ["security", "models"] } } });
  await stack.succeed();
  stack.configure({ app: { check: { enabled: false } } });
  edit(stack, "app/notes.txt", () => "a release without checks");
  await stack.succeed();
  stack.configure({ app: { check: undefined } });
  edit(stack, settings, (text) => text.replace(check, ""));
});

test("files of the source where collected or uploaded ones would go are not lost without a word", async () => {
  mkdirSync(join(stack.project, "app/staticfiles"));
  writeFileSync(join(stack.project, "app/staticfiles/own.css"), "a {}");
  assert.match(said(await stack.up()), /the project's STATIC_ROOT, staticfiles, holds files already/);
  rmSync(join(stack.project, "app/staticfiles"), { recursive: true });
  writeFileSync(join(stack.project, "app/media/own.txt"), "mine");
  assert.match(said(await stack.up()), /the project's MEDIA_ROOT, media, holds files already/);
});
