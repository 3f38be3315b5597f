// What a release migrates, in which of a project's databases: as Django itself answers, on files of SQLite.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { pythonWith } from "../../scripts/lib/python.ts";

const root = resolve(import.meta.dirname, "../..");
const program = join(root, "components/app/release/application/django_release.py");
const place = mkdtempSync(join(tmpdir(), "berth-databases-"));
after(() => rmSync(place, { recursive: true }));

const model = `from django.db import models

class Thing(models.Model):
    id = models.AutoField(primary_key=True)
`;
const migration = `from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True))])]
`;
const settings = `import os
SECRET_KEY = "of the test"
INSTALLED_APPS = ["shop", "audit"]
STATIC_URL = "/static/"

def at(name):
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{os.environ['DATA']}/{name}"}

away = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": 1, "NAME": "x"}
DATABASES = {
    "quiet": at("quiet"), "audit": at("audit"), "twin": at("default"), "default": at("default"),
    # One that routers keep from migrations, one that they do not speak of, and a copy.
    "legacy": away, "silent": away, "copy": {**at("copy"), "TEST": {"MIRROR": "default"}},
}
DATABASE_ROUTERS = ["conf.Router"]

class Router:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if db in ("quiet", "silent"):
            return None
        if app_label == "audit":
            return db == "audit"
        return db in ("default", "copy")
`;

let python = "";
before(async () => {
  python = join(await pythonWith(join(root, "examples/django/requirements.txt"), "logbook"), "python");
  const files = { "conf.py": settings, "data/.keep": "" };
  for (const app of ["shop", "audit"])
    Object.assign(files, {
      [`${app}/__init__.py`]: "",
      [`${app}/models.py`]: model,
      [`${app}/migrations/__init__.py`]: "",
      [`${app}/migrations/0001_initial.py`]: migration,
    });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  }
});

function run(...args: string[]) {
  return runWith({}, ...args);
}
function runWith(more: Readonly<Record<string, string>>, ...args: string[]) {
  const env = { PATH: process.env.PATH, DATA: join(place, "data"), DJANGO_SETTINGS_MODULE: "conf", ...more };
  const done = spawnSync(python, ["-B", ...args], { cwd: place, env, maxBuffer: 1 << 24 });
  assert.equal(done.status, 0, `${done.stderr}`);
  return done.stdout;
}
const toMigrate = () =>
  `${run(program, "migrations")}`.split("\n").filter((line) => line.startsWith("to mig"));
const migrate = (...args: string[]) => run("-m", "django", "migrate", "--verbosity=0", ...args);

test("each database is counted by what routers want in it, the default one first, and once", () => {
  assert.deepEqual(toMigrate(), [
    "to migrate: audit.0001_initial",
    "to migrate: shop.0001_initial",
    "to migrate in audit: audit.0001_initial",
  ]);
  migrate();
  assert.deepEqual(toMigrate(), ["to migrate in audit: audit.0001_initial"]);
  migrate("--database=audit");
  assert.deepEqual(toMigrate(), []);
});

test("one that no router speaks of is migrated where somebody has begun to", () => {
  migrate("--database=quiet", "shop");
  assert.deepEqual(toMigrate(), ["to migrate in quiet: audit.0001_initial"]);
});

test("each can be dumped by its name", () => {
  assert.equal(run(program, "dump:audit").subarray(0, 15).toString(), "SQLite format 3");
});

test("files of SQLite in the release are told of each database, but for one that is only read", () => {
  const told = `${run(program, "project")}`.split("the project's settings: ")[1] ?? "";
  assert.deepEqual((JSON.parse(told) as { sqlite: object }).sqlite, {
    quiet: "data/quiet",
    audit: "data/audit",
    twin: "data/default",
    default: "data/default",
    copy: "data/copy",
  });
  writeFileSync(
    join(place, "conf.py"),
    settings.replace('"copy": {**at("copy"),', '"copy": {**at("copy"), "NAME": "file:words.db?mode=ro",'),
  );
  assert.doesNotMatch(`${run(program, "project")}`, /words\.db/);
});

test("a signing key that each process makes up is told from one that stays", () => {
  const modules = {
    made: "from conf import *\nfrom django.core.management.utils import get_random_secret_key as made\nprint('loaded')\nSECRET_KEY = made()\n",
    read: "from conf import *\nfrom django.core.management.utils import get_random_secret_key as made\nSECRET_KEY = os.environ.get('SHOP_KEY') or made()\n",
  };
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(place, `${name}.py`), text);
  const told = (module: string, more: Readonly<Record<string, string>> = {}) => {
    const lines = `${runWith({ DJANGO_SETTINGS_MODULE: module, ...more }, program, "project")}`.split("\n");
    const line = lines.find((one) => one.startsWith("the project's settings: ")) ?? "";
    return JSON.parse(line.slice(line.indexOf("{"))).random_key_of;
  };
  assert.equal(told("conf"), null);
  assert.equal(told("made"), "made");
  assert.equal(told("read"), "read");
  assert.equal(told("read", { SHOP_KEY: "stays" }), null);
});
