// What `npm run init` finds in an application's directory, and writes. The applications are made here, a file at a time.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../config/read.ts";
import { type Facts, look } from "../../scripts/lib/init/look.ts";
import { report } from "../../scripts/lib/init/report.ts";
import { applicationName, stackFile } from "../../scripts/lib/init/stack-file.ts";
import { given } from "../../scripts/lib/init/wanted.ts";

const root = resolve(import.meta.dirname, "../..");
const place = mkdtempSync(join(tmpdir(), "berth-init-"));
after(() => rmSync(place, { recursive: true }));

type Sources = Readonly<Record<string, string | Buffer>>;
let made = 0;

/** The directory of an application with these files. */
function application(files: Sources): string {
  const directory = join(place, `shop${++made}`);
  mkdirSync(directory);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return directory;
}

/** The file that is written, and the configuration that Berth reads in it. */
function written(facts: Facts) {
  const text = stackFile(facts, { stack: "shop", name: "shop", directory: "../shop" });
  const { config } = parse(text) as { config: Record<string, unknown> };
  const values = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)]),
  );
  return { text, config: parseConfig(values, "shop"), last: report(facts, "shop", "Pulumi.shop.yaml") };
}
const init = (files: Sources) => {
  const facts = look(application(files));
  return { facts, ...written(facts) };
};

const django = {
  "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
  "shop/__init__.py": "",
  "shop/wsgi.py":
    'import os\nfrom django.core.wsgi import get_wsgi_application\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\napplication = get_wsgi_application()\n',
  "shop/urls.py": "urlpatterns = []\n",
  "shop/settings.py": `import environ
env = environ.Env()
SECRET_KEY = env("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["django.contrib.admin"]
DATABASES = {"default": env.db()}
`,
  "requirements.txt": "Django==5.2\npsycopg[binary]\n",
} as const;
const flask = {
  "app.py":
    'from flask import Flask\napp = Flask(__name__)\n\n@app.route("/")\ndef home():\n    return "hello"\n',
  "requirements.txt": "Flask==3.1\n",
} as const;
/** Django's settings with more lines. */
const withSettings = (lines: string, more: Sources = {}) =>
  init({ ...django, ...more, "shop/settings.py": `import os\n${django["shop/settings.py"]}${lines}\n` });
const withFlask = (lines: string, more: Sources = {}) =>
  init({ ...flask, ...more, "app.py": `import os\n${flask["app.py"]}${lines}\n` });

test("an application with a client for MongoDB gets it by FerretDB, with PostgreSQL, and is told what that lacks", () => {
  const parts = 'db = MongoClient(os.environ["MONGO_HOST"], password=os.environ["MONGO_PASSWORD"])';
  const found = withFlask('client = MongoClient(os.environ["MONGODB_URI"])', {
    "requirements.txt": "Flask==3.1\npymongo==4.20.1\n",
  });
  assert.deepEqual([found.config.mongodb.enabled, found.config.postgres.enabled], [true, true]);
  assert.equal(found.config.app.env.MONGODB_URI, "${mongodb.url}");
  assert.match(found.last, /services +PostgreSQL, MongoDB by FerretDB/);
  assert.match(found.last, /MongoDB is FerretDB, which has no TTL, text or partial indexes/);
  const apart = withFlask(parts, { "requirements.txt": "Flask==3.1\nmongoengine\n" });
  assert.match(apart.last, /of MONGO_HOST, MONGO_PASSWORD\. Take the whole of it from MONGODB_URL/);
  assert.equal(withFlask(parts).config.mongodb.enabled, false);
});

test("an application that starts containers is told how it gets Docker, and has none until somebody says so", () => {
  for (const code of [
    "import docker\nclient = docker.from_env()\n",
    'import subprocess\nsubprocess.run(["docker", "run", "--rm", "busybox"])\n',
  ]) {
    const found = init({ ...flask, "jobs.py": code });
    assert.equal(found.config.docker.enabled, false);
    assert.match(found.last, /jobs\.py starts containers, .* groups: \[docker\]; see docs\/docker\.md/);
    assert.match(
      found.text,
      /# jobs\.py starts containers[\s\S]*\n {2}# berth:docker:\n {2}# {3}enabled: true\n/,
    );
  }
  assert.doesNotMatch(init({ ...flask, "jobs.py": "DOCKER = None\n" }).last, /containers/);
});

test("settings that read the URL of a cache get a Redis, and are told of the client that they lack", () => {
  const cache = withSettings('CACHES = {"default": {"LOCATION": os.environ["CACHE_URL"]}}');
  assert.equal(cache.config.redis.enabled, true);
  const missing = /no client for it is among the dependencies\. Add redis to them/;
  assert.match(cache.last, missing);
  // A cache in each process is no place for sessions.
  const local = withSettings('CACHES = {"default": env.cache(default="locmemcache://")}');
  assert.equal(local.config.redis.enabled, true);
  assert.match(local.last, missing);
  const client = { "requirements.txt": `${django["requirements.txt"]}redis\n` };
  const ready = withSettings(
    'CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}',
    client,
  );
  assert.doesNotMatch(ready.last, /Left to do/);
  const { "requirements.txt": _, ...code } = django;
  const offered = init({
    ...code,
    "shop/settings.py": `${code["shop/settings.py"]}CACHES = {"default": env.cache(default="locmemcache://")}\n`,
    "uv.lock": "",
    "pyproject.toml":
      '[project]\nname = "shop"\ndependencies = ["django", "psycopg[binary]"]\n[project.optional-dependencies]\nredis = ["redis"]\n',
  });
  assert.equal(offered.config.redis.enabled, true);
  assert.match(offered.last, /extras that are not installed: redis\. Name .* as app\.extras/);
  assert.doesNotMatch(offered.last, missing);
});

test("uploads among Flask's static files stay across releases, and the application serves both", () => {
  const files = { "static/style.css": "p {}\n", "static/uploads/.gitkeep": "" };
  const ways = [
    'app.config["UPLOAD_FOLDER"] = os.path.join(app.root_path, "static", "uploads")',
    'UPLOAD_FOLDER = "static/uploads"',
    'app.config.update(A=1)\nUPLOADS = app.root_path / "static" / "uploads"',
  ];
  for (const way of ways) {
    const { config, text } = withFlask(way, files);
    assert.deepEqual(
      [config.app.static, config.app.shared],
      [undefined, { "static/uploads": "uploads" }],
      way,
    );
    assert.match(text, /# app\.py:\d+ keeps uploads among the static files/);
  }
  const elsewhere = withFlask('UPLOAD_FOLDER = os.environ["UPLOAD_FOLDER"]', files).config.app;
  assert.deepEqual([elsewhere.static, elsewhere.shared], ["static", {}]);
});

test("a Django application with its settings, callable and database is ready to be deployed", () => {
  const { config, last, text } = init(django);
  assert.equal(config.app.wsgi, "shop.wsgi:application");
  assert.equal(config.app.settings, "shop.settings");
  assert.deepEqual(config.app.source, { directory: "../shop" });
  assert.deepEqual([config.postgres.enabled, config.redis.enabled], [true, false]);
  assert.match(text, /# Berth gives it ALLOWED_HOSTS, DATABASE_URL, SECRET_KEY\./);
  assert.match(last, /Next: look through Pulumi\.shop\.yaml, then type: npm start -- -s shop$/);
  assert.doesNotMatch(last, /Left to do/);
});

test("groups and extras for production are written, and others that may be needed are named", () => {
  const { "requirements.txt": _, ...code } = django;
  const poetry = init({
    ...code,
    "poetry.lock": "",
    "pyproject.toml": `[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.11"
django = "*"
[tool.poetry.group.prod.dependencies]
psycopg = { version = "*", extras = ["binary"] }
[tool.poetry.group.dev.dependencies]
pytest = "*"
[tool.poetry.group.reports.dependencies]
weasyprint = "*"
[tool.poetry.extras]
production = ["sentry-sdk"]
`,
  });
  assert.deepEqual([poetry.config.app.groups, poetry.config.app.extras], [["prod"], ["production"]]);
  assert.match(
    poetry.last,
    /Left to do[\s\S]*groups that are not installed: reports\. Name .* as app\.groups/,
  );
  assert.equal(poetry.config.postgres.enabled, true);
  // The driver is in the group, and is not missed.
  assert.doesNotMatch(poetry.last, /psycopg/);

  const uv = init({
    ...code,
    "uv.lock": "",
    "pyproject.toml": `[project]
name = "shop"
dependencies = ["django", "psycopg[binary]"]
[project.optional-dependencies]
s3 = ["django-storages"]
test = ["pytest"]
[dependency-groups]
Deploy = ["gunicorn"]
tasks = ["celery"]
[tool.uv]
default-groups = ["tasks"]
`,
  });
  assert.deepEqual([uv.config.app.groups, uv.config.app.extras], [["Deploy"], []]);
  assert.match(uv.last, /extras that are not installed: s3\. Name .* as app\.extras/);
  assert.doesNotMatch(uv.last, /tasks/);
});

test("a scheduler that each worker process would start is named with the file that starts it", () => {
  const start =
    "from apscheduler.schedulers.background import BackgroundScheduler\n\ndef start():\n    scheduler = BackgroundScheduler()\n    scheduler.start()\n";
  const inside = /jobs\.py starts a scheduler inside the application.*app\.timers; see docs\/processes\.md/;
  const ready =
    "from django.apps import AppConfig\n\nclass Shop(AppConfig):\n    def ready(self):\n        from . import jobs\n        jobs.start()\n";
  assert.match(
    init({ ...django, "shop/apps.py": ready, "shop/jobs.py": start }).last,
    /Left to do[\s\S]*shop\/jobs\.py starts a scheduler/,
  );
  assert.match(
    withFlask(
      "from flask_apscheduler import APScheduler\nscheduler = APScheduler()\nscheduler.init_app(app)\nscheduler.start()\n",
    ).last,
    /app\.py starts a scheduler inside/,
  );
  for (const elsewhere of [
    { "shop/management/commands/jobs.py": start },
    { "clock/jobs.py": start, Procfile: "clock: python clock/jobs.py\n" },
    { "clock/jobs.py": start, Procfile: "clock: python -m clock.jobs\n" },
    { "shop/jobs.py": "# BackgroundScheduler() was here\n" },
  ])
    assert.doesNotMatch(init({ ...django, ...elsewhere }).last, inside);
});

test("of several settings modules those for production are taken, and the others named", () => {
  const production = "from .base import *\nDEBUG = False\n";
  const { "shop/settings.py": base, ...rest } = django;
  const settings = {
    "shop/settings/__init__.py": "",
    "shop/settings/base.py": base,
    "shop/settings/production.py": production,
    "shop/settings/local.py": 'from .base import *\nimport os\nDEBUG = True\nX = os.environ["ONLY_LOCAL"]\n',
  };
  const manage = rest["manage.py"].replace("shop.settings", "shop.settings.local");
  const { config, text, last } = init({ ...rest, ...settings, "manage.py": manage });
  assert.equal(config.app.settings, "shop.settings.production");
  assert.equal(config.app.wsgi, "shop.wsgi:application");
  assert.match(text, /# There are also shop\.settings\.local\./);
  assert.doesNotMatch(last, /ONLY_LOCAL/);
});

test("an application below the directory is deployed from there, and from above with the dependencies that lie there", () => {
  const { "requirements.txt": requirements, ...code } = django;
  const below = Object.fromEntries(Object.entries(code).map(([path, text]) => [`backend/${path}`, text]));
  const whole = look(application({ ...below, "backend/requirements.txt": requirements }));
  assert.match(whole.directory, /\/backend$/);
  assert.equal(whole.dependencies.file, "requirements.txt");
  const worker = { "backend/orders/management/commands/process_orders.py": "while True:\n    pass\n" };
  const { last, config, facts } = init({ ...below, ...worker, "requirements.txt": requirements });
  assert.match(facts.directory, /\/shop\d+$/);
  assert.equal(config.app.env.PYTHONPATH, "backend");
  assert.equal(config.app.wsgi, "shop.wsgi:application");
  assert.doesNotMatch(last, /Left to do/);
  assert.equal(config.postgres.enabled, true);
  const src = init({
    "pyproject.toml": '[project]\nname = "tides"\ndependencies = ["flask"]\n',
    "src/tides/__init__.py": "",
    "src/tides/web.py": flask["app.py"],
    "src/tides/static/a.css": "",
  });
  assert.deepEqual(
    [src.config.app.wsgi, src.config.app.env.PYTHONPATH, src.config.app.static],
    ["tides.web:app", "src", "src/tides/static"],
  );
});

test("modules are called as manage.py calls them, and a folder that it imports from is written", () => {
  const { "manage.py": manage, "requirements.txt": requirements, ...code } = django;
  const inside = (folder: string, files: Sources = code) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
  const inSrc = { "requirements.txt": requirements, ...inside("src") };
  const found = ({ config: { app } }: ReturnType<typeof init>) => [
    app.wsgi,
    app.settings,
    app.env.PYTHONPATH,
  ];
  const ways = [
    'sys.path.insert(0, os.path.join(BASE_DIR, "src"))',
    'sys.path.append(str(Path(__file__).resolve().parent / "src"))',
    'SRC = Path(__file__).parent / "src"\nsys.path.insert(0, str(SRC))',
    'def main():\n    sys.path = [os.path.join(os.path.dirname(__file__), "shop", "..", "src")] + sys.path',
    'site.addsitedir("./src/")',
  ];
  for (const way of ways) {
    const one = init({ ...inSrc, "manage.py": `import sys\n${way}\n${manage}` });
    assert.deepEqual(found(one), ["shop.wsgi:application", "shop.settings", "src"], way);
    assert.match(one.text, / {6}# manage\.py puts src on sys\.path, .*\n {6}PYTHONPATH: src\n/);
    assert.doesNotMatch(one.last, /Left to do/);
  }
  // Installed as a package by its developers.
  const alone = init({ ...inSrc, "manage.py": manage });
  assert.deepEqual(found(alone), ["shop.wsgi:application", "shop.settings", "src"]);
  assert.match(
    alone.text,
    /# manage\.py names shop\.settings, which is in src, so Python imports from there\./,
  );
  // What is not named by another one is called without the folder, and the stack's own file lies next to the settings.
  const { "shop/settings.py": settings } = code;
  const bare = {
    ...code,
    "shop/settings.py": `${settings.replace(/WSGI_.*\n/, "")}DEBUG = True\n`,
    "shop/celery.py": 'from celery import Celery\napp = Celery("shop")\n',
  };
  const own = init({
    ...inside("src", bare),
    "requirements.txt": `${requirements}celery[redis]\n`,
    "manage.py": manage,
  });
  assert.deepEqual(found(own), ["shop.wsgi:application", "shop.berth_settings", "src"]);
  assert.deepEqual(Object.keys(own.config.app.files), ["src/shop/berth_settings.py"]);
  assert.match(own.text, /command: celery -A shop worker/);
  // A package of the top keeps its name, though manage.py has its modules imported without it as well.
  const apps = init({
    ...django,
    "manage.py": `import sys\nsys.path.append(os.path.join(HERE, "shop"))\n${manage}`,
  });
  assert.deepEqual(found(apps), ["shop.wsgi:application", "shop.settings", "shop"]);
  const not = ["sys.path.append(HERE)", 'sys.path.append("/srv/shop")', 'sys.path.append("../src")'];
  for (const way of [...not, 'sys.path.append("missing")'])
    assert.equal(init({ ...django, "manage.py": `${way}\n${manage}` }).config.app.env.PYTHONPATH, undefined);
  // Which of two is meant is not known.
  const two = look(application({ ...inSrc, ...inside("old"), "manage.py": manage }));
  assert.deepEqual(two.importsBecause, []);
  // Below a folder whose dependencies lie above it, both are named from there.
  const below = init({
    ...inside("backend", { ...inside("src"), "manage.py": `${ways[0]}\n${manage}` }),
    "requirements.txt": requirements,
  });
  assert.deepEqual(found(below), ["shop.wsgi:application", "shop.settings", "backend:backend/src"]);
});

test("Flask: an application, a factory, one that needs arguments, what a Procfile serves", () => {
  assert.equal(init(flask).config.app.wsgi, "app:app");
  const factory = "from flask import Flask\ndef create_app(config=None):\n    return Flask(__name__)\n";
  const requirements = flask["requirements.txt"];
  assert.equal(
    init({ "shop/__init__.py": factory, "requirements.txt": requirements }).config.app.wsgi,
    "shop:create_app()",
  );
  const entry = "from shop import create_app\napplication = create_app()\n";
  const both = { "shop/__init__.py": factory, "wsgi.py": entry, "requirements.txt": requirements };
  assert.equal(init(both).config.app.wsgi, "wsgi:application");
  assert.equal(
    init({ ...both, Procfile: "web: gunicorn 'shop:create_app()'\n" }).config.app.wsgi,
    "shop:create_app()",
  );
  const facts = look(
    application({
      "shop/__init__.py": factory.replace("config=None", "config"),
      "requirements.txt": requirements,
    }),
  );
  assert.match(
    report(facts, "shop", "f"),
    /create_app\(config\), which Berth cannot call without an argument\. Write a wsgi\.py/,
  );
});

test("what needs ASGI is served by uvicorn, and nothing else is", () => {
  const served = ({ config: { app }, last }: ReturnType<typeof init>) => {
    assert.doesNotMatch(last, /Left to do/);
    return [app.server, app.asgi, app.wsgi];
  };
  const main = "from fastapi import FastAPI\napp = FastAPI()\n";
  const fastapi = init({ "main.py": main, "requirements.txt": "fastapi\n" });
  assert.deepEqual(served(fastapi), ["uvicorn", "main:app", undefined]);
  assert.match(fastapi.text, /# main\.py makes a FastAPI application, which uvicorn serves by ASGI\./);
  const two = {
    "main.py": main,
    "api.py": main,
    "requirements.txt": "fastapi\n",
    Procfile: "web: uvicorn api:app --port $PORT\n",
  };
  assert.deepEqual(served(init(two)), ["uvicorn", "api:app", undefined]);
  const quart = "from quart import Quart\ndef create_app():\n    return Quart(__name__)\n";
  assert.deepEqual(served(init({ "chat/__init__.py": quart, "requirements.txt": "quart\n" })), [
    ...["uvicorn", "chat:create_app()", undefined],
  ]);

  const asgi = {
    "shop/asgi.py":
      'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\napplication = 1\n',
  };
  const { "shop/wsgi.py": _, ...withoutWsgi } = django;
  assert.deepEqual(served(init({ ...django, ...asgi })), ["gunicorn", undefined, "shop.wsgi:application"]);
  const bare = { ...withoutWsgi, "shop/settings.py": django["shop/settings.py"].replace(/WSGI_.*\n/, "") };
  assert.deepEqual(served(init({ ...bare, ...asgi })), ["uvicorn", "shop.asgi:application", undefined]);
  for (const app of ["channels", "daphne"]) {
    const more = `INSTALLED_APPS = ["${app}", *INSTALLED_APPS]\nASGI_APPLICATION = "shop.routing.live"`;
    const found = withSettings(more, { ...asgi, "shop/routing.py": "live = 1\n" });
    assert.deepEqual(served(found), ["uvicorn", "shop.routing:live", undefined]);
    assert.match(found.text, new RegExp(`# INSTALLED_APPS has ${app}, so uvicorn serves it\\.`));
  }
  const sockets = {
    "shop/asgi.py": `${asgi["shop/asgi.py"]}from channels.routing import ProtocolTypeRouter\n`,
  };
  assert.deepEqual(served(init({ ...django, ...sockets })), ["uvicorn", "shop.asgi:application", undefined]);
});

test("dependencies: which file, which Python, and what Berth does not read", () => {
  const { "requirements.txt": _, ...bare } = flask;
  const file = (files: Sources) => look(application({ ...bare, ...files })).dependencies.file;
  const project = '[project]\nname = "shop"\ndependencies = ["flask"]\n';
  assert.equal(file({ "pyproject.toml": project, "uv.lock": "" }), "uv.lock");
  assert.equal(file({ "pyproject.toml": project }), "pyproject.toml");
  const folder = init({
    ...bare,
    "requirements/base.txt": "flask\n",
    "requirements/production.txt": "-r base.txt\nredis\n",
  });
  assert.equal(folder.config.app.requirements, "requirements/production.txt");
  assert.equal(folder.config.redis.enabled, true);
  assert.match(
    init({ ...bare, Pipfile: '[packages]\nflask = "*"\n' }).last,
    /Pipfile is not a file that Berth installs from.*pipenv requirements/,
  );
  assert.match(
    init({ ...bare, "setup.py": 'setup(install_requires=["flask>=3"])' }).last,
    /stand in setup\.py, where Berth does not read them/,
  );
  assert.match(init(bare).last, /No file names the dependencies/);

  const python = (files: Sources) => init({ ...flask, ...files }).config.app.python;
  const asks = (versions: string) =>
    python({ "pyproject.toml": `[project]\nname = "shop"\nrequires-python = "${versions}"\n` });
  assert.deepEqual([">=3.11", ">=3.9,<3.12", "==3.10.*", "~=3.13.0", ">=3.14"].map(asks), [
    undefined,
    "3.11",
    "3.10",
    undefined,
    "3.14",
  ]);
  // A release of 3.12 comes after 3.12 itself; and what Poetry writes in its own way.
  assert.deepEqual([">3.11,<3.13", ">=3.9.*,<3.12.5", "!=3.13.*", "!=3.13.1"].map(asks), [
    "3.12",
    "3.12",
    "3.14",
    undefined,
  ]);
  const poetry = (versions: string) =>
    python({ "pyproject.toml": `[tool.poetry.dependencies]\npython = "${versions}"\n` });
  assert.deepEqual(["^3.11", "~3.11", "~3", "3.10", "^3.9 || ^3.14", "*", "~3.9 || ~3.12"].map(poetry), [
    undefined,
    "3.11",
    undefined,
    "3.10",
    undefined,
    undefined,
    "3.12",
  ]);
  const pinned = (lines: string) => init({ ...flask, "requirements.txt": lines });
  assert.equal(pinned("Flask==3.0.0\npsycopg2-binary==2.9.9\n").config.app.python, "3.12");
  assert.match(
    pinned("psycopg2-binary==2.9.9\n").text,
    /# psycopg2-binary 2\.9\.9 has no wheel for Debian's own, 3\.13\.\n {4}python: "3\.12"/,
  );
  assert.equal(pinned("numpy==1.24.4\npandas==2.2.3\n").config.app.python, "3.11");
  assert.equal(pinned("greenlet==3.1.1\nPillow>=9\n").config.app.python, undefined);
  assert.equal(python({ ".python-version": "3.12.4\n" }), "3.12");
  assert.equal(python({ "runtime.txt": "python-3.11.9\n" }), "3.11");
  assert.equal(python({ Dockerfile: "FROM python:3.13-slim\n" }), undefined);
  assert.equal(python({ Dockerfile: "FROM python:3.11-slim\n" }), "3.11");
  const newer = init({ ...flask, Dockerfile: "FROM python:3.14-slim\n" });
  assert.equal(newer.config.app.python, undefined);
  assert.match(newer.text, /# Debian's own Python is used, 3\.13; Dockerfile has 3\.14\./);
  assert.match(
    init({ ...flask, "runtime.txt": "python-3.6.1" }).last,
    /asks for Python 3\.6, and Berth brings 3\.9 and later/,
  );
});

test("every way of reading the environment is seen, and what is required is not left out", () => {
  const { last, text } = withFlask(`
from os import environ, getenv
from decouple import config
A = os.environ["A_REQUIRED"]
B = os.environ.get("B_DEFAULT", "blue")
C = os.getenv("C_OPEN")
D = environ["D_REQUIRED"]
E = getenv("E_DEFAULT", "5")
F = config("F_REQUIRED")
G = config("G_DEFAULT", default=True, cast=bool)
def needed(name, fallback=None):
    return os.environ.get(name, fallback)
H = needed("H_DEFAULT", "h")
if os.environ.get("USE_S3"):
    I = os.environ["I_SOMETIMES"]
os.environ["J_SET"] = "1"
K = os.environ["PAYMENT_API_KEY"]
`);
  const required = [...last.matchAll(/Fill in env: (\w+)/g)].map(([, name]) => name);
  assert.deepEqual(required, ["A_REQUIRED", "D_REQUIRED", "F_REQUIRED"]);
  assert.match(text, /B_DEFAULT \(blue\), E_DEFAULT \(5\), G_DEFAULT \(True\), H_DEFAULT \(h\)/);
  assert.match(text, /Read without a default, where it is needed: C_OPEN, I_SOMETIMES, USE_S3\./);
  assert.doesNotMatch(text, /J_SET/);
  assert.match(last, /pulumi -- config set --secret --path 'berth:app\.secrets\.PAYMENT_API_KEY' -s shop/);
  assert.match(text, /TODO: required, and read at app\.py:\d+\.\n {6}# A_REQUIRED:/);

  const environs = withSettings(`
SITE = env.str("SITE_NAME", default="Shop")
PAGES = env.int("PAGES")
other = environ.Env(FLAG=(bool, False))
FLAG = other("FLAG")
`);
  assert.match(environs.last, /Fill in env: PAGES/);
  assert.match(environs.text, /FLAG \(False\), SITE_NAME \(Shop\)/);

  const pydantic = withFlask(`
from pydantic_settings import BaseSettings, SettingsConfigDict
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")
    owner: str
    colour: str = "blue"
`);
  assert.match(pydantic.last, /Fill in env: SHOP_OWNER/);
  assert.match(pydantic.text, /SHOP_COLOUR \(blue\)/);
});

test("a cache in the place of the queue is told, and so is a Redis that is given no password", () => {
  const client = { "requirements.txt": "Django\npsycopg\ncelery[redis]\n" };
  const shared = withSettings(
    'REDIS_URL = os.environ["REDIS_URL"]\nCACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL}}\nCELERY_BROKER_URL = REDIS_URL',
    client,
  );
  assert.match(
    shared.last,
    /CACHES \(shop\/settings\.py:\d+\) and CELERY_BROKER_URL both use REDIS_URL, so cache\.clear/,
  );
  const apart = withSettings(
    'CACHES = {"default": env.cache("CACHE_URL", default="rediscache://")}\nCELERY_BROKER_URL = os.environ["REDIS_URL"]',
    client,
  );
  assert.doesNotMatch(apart.last, /cache\.clear/);
  const open = withSettings('CELERY_BROKER_URL = "redis://localhost:6379/0"', client);
  assert.match(
    open.last,
    /CELERY_BROKER_URL \(shop\/settings\.py:\d+\) names a Redis that asks for no password/,
  );
  const byDefault = withSettings(
    'CELERY_BROKER_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")',
    client,
  );
  assert.doesNotMatch(byDefault.last, /no password/);
  const parts = withSettings(
    'CACHE = os.environ["CACHE_REDIS_HOST"], os.environ["CACHE_REDIS_PORT"]',
    client,
  );
  assert.equal(parts.config.app.env.CACHE_REDIS_PORT, "${redis.cachePort}");
});

test("parts of the database and of Redis are filled in by references", () => {
  const { config, last } = withSettings(
    `
DATABASES = {"default": {
    "ENGINE": os.environ.get("SQL_ENGINE", "django.db.backends.sqlite3"),
    "NAME": os.environ["POSTGRES_DB"], "USER": os.environ["DB_USER"], "PASSWORD": os.environ["SHOP_DB_PASSWORD"],
    "HOST": os.environ.get("PGHOST", "localhost"), "PORT": os.environ.get("DATABASE_PORT", 5432)}}
CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
REDIS = os.environ["REDIS_HOST"], os.environ.get("REDIS_PASSWORD")
DOMAIN = os.environ["SITE_DOMAIN"]
MAIL = os.environ.get("MAILGUN_DOMAIN")
HOSTS = os.environ["DJANGO_ALLOWED_HOSTS"].split(",")
`,
    { "requirements.txt": "Django\npsycopg2-binary\ncelery[redis]\n" },
  );
  assert.deepEqual(config.app.env, {
    CELERY_BROKER_URL: "${redis.url}",
    DATABASE_PORT: "${postgres.port}",
    DB_USER: "${postgres.user}",
    DJANGO_ALLOWED_HOSTS: "${site.domain}",
    PGHOST: "${postgres.host}",
    POSTGRES_DB: "${postgres.database}",
    REDIS_HOST: "${redis.host}",
    REDIS_PASSWORD: "${redis.password}",
    SHOP_DB_PASSWORD: "${postgres.password}",
    SITE_DOMAIN: "${site.domain}",
    SQL_ENGINE: "django.db.backends.postgresql",
  });
  assert.doesNotMatch(last, /Left to do/);

  const debug = withSettings(
    'DEBUG = env.bool("DEBUG", default=True)\nOTHER = env("APP_DEBUG", default="no")\n',
  );
  assert.deepEqual(debug.config.app.env, { DEBUG: "False" });
  const choice = withSettings('DB = os.getenv("DB", "sqlite")\nif DB == "postgres":\n    pass\n');
  assert.equal(choice.config.app.env.DB, "postgres");
  const sqlalchemy = withFlask('URL = os.environ["DATABASE_URL"]\n', {
    "requirements.txt": "Flask\nFlask-SQLAlchemy\npsycopg[binary]\n",
  });
  assert.match(`${sqlalchemy.config.app.env.DATABASE_URL}`, /^postgresql\+psycopg:\/\/\$\{postgres\.user\}:/);
});

test("a key that stands in the code is asked for as a secret", () => {
  const { last } = withSettings('KEY = os.environ.get("DJANGO_SECRET_KEY", "insecure")\n');
  assert.match(
    last,
    /npm run pulumi -- stack init shop\n.*config set --secret --path 'berth:app\.secrets\.DJANGO_SECRET_KEY' -s shop/,
  );
});

test("databases: SQLite and MySQL are said to be in the way, and none is left out", () => {
  const of = (engine: string) =>
    withSettings(
      `DATABASES = {"default": {"ENGINE": "django.db.backends.${engine}"}}\n`.replace(
        "DATABASES",
        "del env\nDATABASES",
      ),
    );
  const { "shop/settings.py": settings } = django;
  const fixed = (engine: string) =>
    init({
      ...django,
      "shop/settings.py": settings.replace(
        "env.db()",
        `{"ENGINE": "django.db.backends.${engine}", "NAME": "x"}`,
      ),
    });
  const moved = fixed("sqlite3");
  assert.match(
    contentOf(moved.config),
    /DATABASES\["default"\] = \{\n {4}"ENGINE": "django\.db\.backends\.postgresql"/,
  );
  assert.deepEqual([moved.config.app.settings, moved.config.postgres.enabled], ["shop.berth_settings", true]);
  assert.doesNotMatch(moved.last, /Left to do/);
  assert.match(fixed("mysql").last, /The settings name MySQL, and Berth brings PostgreSQL alone/);
  assert.doesNotMatch(fixed("postgresql").last, /Left to do/);
  assert.equal(of("postgresql").config.postgres.enabled, true);
  assert.deepEqual([init(flask).config.postgres.enabled, init(flask).config.redis.enabled], [false, false]);
  const kept = init({
    ...django,
    "requirements.txt": "Django\n",
    "shop/settings.py": settings.replace("env.db()", '{"ENGINE": "django.db.backends.sqlite3"}'),
  });
  assert.match(contentOf(kept.config), /"NAME": "\$\{paths\.data\}\/db\.sqlite3"/);
  assert.equal(kept.config.postgres.enabled, false);
  const { last } = init({ ...django, "requirements.txt": "Django\n" });
  assert.match(last, /no driver for it is among the dependencies/);
});

test("extensions and Debian packages that dependencies need are written", () => {
  const vector =
    "from pgvector.django import VectorExtension\noperations = [VectorExtension(), TrigramExtension()]\n";
  const { config } = withSettings(
    'INSTALLED_APPS += ["django.contrib.gis"]\nGIS_APPS = ["django.contrib.gis"]\n',
    {
      "shop/migrations/0001_initial.py": vector,
      "requirements.txt": "Django\npsycopg2==2.9\nweasyprint\npython-ldap\n",
    },
  );
  assert.deepEqual(config.postgres.extensions, ["postgis", "vector"]);
  for (const name of ["libpq-dev", "build-essential", "libpango-1.0-0", "libldap-dev", "gdal-bin"])
    assert.ok(config.app.packages.includes(name), name);
  assert.deepEqual(init(django).config.app.packages, []);
});

test("a driver in a group that is not installed is left to the group, with the packages that it needs", () => {
  const { "requirements.txt": _, ...code } = django;
  const project = (groups: string) =>
    init({
      ...code,
      "uv.lock": "",
      "pyproject.toml": `[project]\nname = "shop"\ndependencies = ["Django"]\n${groups}`,
    });
  const { last, config } = project('[dependency-groups]\npostgres = ["psycopg[c]>=3"]\n');
  assert.match(
    last,
    /groups that are not installed: postgres\. Name those that production needs as app\.groups/,
  );
  assert.doesNotMatch(last, /Add psycopg/);
  assert.ok(config.app.packages.includes("libpq-dev"));
  assert.match(project('[dependency-groups]\ndev = ["psycopg[c]>=3"]\n').last, /Add psycopg\[binary\]/);
});

test("workers: Celery with its beat, huey, RQ, Django's own, and loops without end", () => {
  const commands = ({ config }: ReturnType<typeof init>) =>
    Object.fromEntries(Object.entries(config.app.processes).map(([name, { command }]) => [name, command]));
  const celery = {
    "shop/celery.py": 'from celery import Celery\napp = Celery("shop")\napp.conf.beat_schedule = {}\n',
    "requirements.txt": "Django\npsycopg\ncelery[redis]\n",
  };
  assert.deepEqual(commands(init({ ...django, ...celery })), {
    worker: "celery -A shop worker -l INFO",
    beat: "celery -A shop beat -l INFO",
  });
  const apps = (name: string, requirement: string) =>
    commands(
      withSettings(`LOCAL_APPS = ["${name}"]\n`, { "requirements.txt": `Django\npsycopg\n${requirement}\n` }),
    );
  assert.deepEqual(apps("huey.contrib.djhuey", "huey"), { worker: "python manage.py run_huey" });
  assert.deepEqual(apps("django_q", "django-q2"), { worker: "python manage.py qcluster" });
  assert.deepEqual(apps("django_rq", "django-rq"), { worker: "python manage.py rqworker default" });
  const rq = withFlask('from rq import Queue\nq = Queue("mails")\n', { "requirements.txt": "Flask\nrq\n" });
  assert.deepEqual(commands(rq), { worker: "rq worker mails" });
  assert.equal(rq.config.app.env.RQ_REDIS_URL, "${redis.url}");
  const loop = init({
    ...django,
    "shop/management/commands/send_alerts.py":
      "class Command:\n    def handle(self):\n        while True:\n            pass\n",
  });
  assert.deepEqual(commands(loop), {});
  assert.match(
    loop.text,
    /Perhaps this one: .*\n {4}# {3}send-alerts:\n {4}# {5}command: python manage\.py send_alerts/,
  );
  assert.match(loop.last, /Look at send-alerts/);
  assert.match(
    init({ ...django, ...celery, "requirements.txt": "Django\npsycopg\ncelery\n" }).last,
    /Celery needs a broker/,
  );
});

test("a Procfile is read by Berth itself, so its lines are not repeated; what is in the way in it is told", () => {
  const { config, text } = init({
    ...flask,
    Procfile: "web: gunicorn app:app\nrelease: flask db upgrade\nworker: rq worker\ncss: npm run watch\n",
  });
  assert.deepEqual(
    Object.entries(config.app.processes).map(([name, { count }]) => [name, count]),
    [["css", 0]],
  );
  assert.match(text, /Berth reads the Procfile itself: release, worker\./);
  assert.match(
    init({ ...flask, Procfile: "worker: celery -A shop worker -B\n" }).last,
    /The Procfile's 'worker': expected a worker without beat/,
  );
  assert.match(
    init({ ...flask, Procfile: "Worker_1: celery -A shop worker\n" }).last,
    /The Procfile's 'Worker_1': expected a lower-case letter/,
  );
});

test("Flask's migrations run before a release goes live", () => {
  const { config } = init({
    ...flask,
    Procfile: "web: flask db upgrade && gunicorn app:app\nworker: rq worker\n",
    "migrations/env.py": "",
    "requirements.txt": "Flask\nFlask-Migrate\npsycopg2-binary\n",
  });
  assert.equal(config.app.processes.release?.command, "flask --app app:app db upgrade");
});

test("a file of settings that Flask reads and the source does not have is brought by the stack", () => {
  const needs = { "requirements.txt": "Flask\nFlask-SQLAlchemy\npsycopg[binary]\n" };
  const made = (lines: string, more = "__name__") =>
    `from flask import Flask\ndef create_app():\n    app = Flask(${more})\n${lines}    return app\n`;
  const instance = "__name__, instance_relative_config=True";
  const silent = '    app.config.from_pyfile("config.py", silent=True)\n';

  const byVariable = init({ "shop.py": made('    app.config.from_envvar("SHOP_SETTINGS")\n'), ...needs });
  assert.equal(byVariable.config.app.env.SHOP_SETTINGS, "berth_settings.py");
  assert.equal(
    contentOf(byVariable.config, "berth_settings.py"),
    'import os\n\nSECRET_KEY = os.environ["SECRET_KEY"]\nSQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]\n',
  );
  assert.match(byVariable.last, /shop\.py:4 reads berth_settings\.py, which the source does not have\./);
  assert.match(byVariable.text, /The application reads its settings from this file\./);

  // By the instance folder, which lies next to the outermost package.
  const inPackage = {
    "src/shop/__init__.py": "",
    "src/shop/web/__init__.py": made(silent, instance),
    ...needs,
  };
  const found = look(application(inPackage));
  assert.equal(found.own?.path, "src/instance/config.py");
  assert.deepEqual([found.own?.todos, found.own?.doubts.length], [[], 1]);
  const path = (files: Record<string, string>) => look(application({ ...needs, ...files })).own?.path;
  assert.equal(path({ "app.py": made(silent, instance) }), "instance/config.py");
  assert.equal(path({ "shop/__init__.py": made(silent) }), "shop/config.py");
  assert.equal(path({ "shop/__init__.py": made(silent.replace('"c', '"../c')) }), "config.py");
  // What the source has, what lies elsewhere, and what is computed is the application's own.
  assert.equal(path({ "app.py": made(silent), "config.py": "DEBUG = False\n" }), undefined);
  for (const other of ['"/etc/shop.py"', "PLACE", '"../../x.py"'])
    assert.equal(path({ "app.py": made(`    app.config.from_pyfile(${other})\n`) }), undefined, other);
  assert.equal(path({ "app.py": made(silent, `${instance}, instance_path="/srv/x"`) }), undefined);
  assert.equal(path({ "app.py": made("") }), undefined);
});

test("front ends and translations are built", () => {
  const build = '{"scripts": {"build": "vite build"}}';
  assert.match(init({ ...flask, "package.json": build }).last, /package\.json without a package-lock\.json/);
  assert.match(
    init({ ...flask, "package.json": build, "bun.lock": "" }).last,
    /pinned by bun\.lock, and Berth installs from package-lock\.json/,
  );
  const yarn = init({ ...flask, "package.json": build, "yarn.lock": "# yarn lockfile v1\n" });
  assert.match(yarn.text, /# Berth runs 'yarn install' and 'yarn run build' in each release/);
  assert.doesNotMatch(yarn.last, /Left to do/);
  const top = init({ ...flask, "package.json": build, "package-lock.json": "{}" });
  assert.doesNotMatch(top.last, /Left to do/);
  assert.deepEqual(top.config.app.build.commands, []);
  const below = init({ ...flask, "frontend/package.json": build, "frontend/package-lock.json": "{}" });
  assert.equal(below.config.app.build.frontEnd, "frontend");
  const second = { "admin/package.json": build, "admin/yarn.lock": "" };
  const several = init({
    ...flask,
    ...second,
    "frontend/package.json": build,
    "frontend/package-lock.json": "{}",
  });
  assert.equal(several.config.app.build.frontEnd, ".");
  assert.match(several.text, /# +frontEnd: admin\n +# +frontEnd: frontend\n/);
  const po = init({ ...django, "locale/de/LC_MESSAGES/django.po": "" });
  assert.match(po.config.app.build.commands[0] ?? "", /^django-admin compilemessages/);
  assert.deepEqual(po.config.app.packages, ["gettext"]);
});

test("a front end beside the project is part of what is deployed where the settings read it", () => {
  const under = (folder: string, sources: Sources): Sources =>
    Object.fromEntries(Object.entries(sources).map(([path, text]) => [`${folder}/${path}`, text]));
  const frontEnd = {
    "frontend/package.json": '{"scripts": {"build": "vite build"}}',
    "frontend/package-lock.json": "{}",
  };
  const whole = { ...under("backend", { ...django, "requirements.txt": "django\n" }), ...frontEnd };
  const apart = init(whole);
  assert.match(apart.facts.directory, /\/backend$/);
  const settings = `${django["shop/settings.py"]}\nFRONT_END = BASE_DIR.parent / "frontend" / "dist"\n`;
  const { config, facts } = init({ ...whole, "backend/shop/settings.py": settings });
  assert.doesNotMatch(facts.directory, /backend/);
  assert.deepEqual(
    [config.app.requirements, config.app.env.PYTHONPATH, config.app.build.frontEnd],
    ["backend/requirements.txt", "backend", "frontend"],
  );
});

test("a settings file that the source lacks is written with all that the settings have none of and take from it", () => {
  const { text, last } = init({
    ...django,
    "shop/settings.py": `from .settings_local import *
from .settings_local import LOG_DIR, REDIS_URL, MAP_KEY
INSTALLED_APPS = ["shop"]
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
CELERY_BROKER_URL = REDIS_URL
`,
    "shop/settings_local.prod.py": "DEBUG = False\n",
    "requirements.txt": "django\npsycopg\ncelery[redis]\n",
  });
  for (const line of [
    'SECRET_KEY = os.environ["SECRET_KEY"]',
    '    "PASSWORD": "${postgres.password}",',
    'STATIC_ROOT = os.environ["STATIC_ROOT"]',
    'MEDIA_ROOT = os.environ["MEDIA_ROOT"]',
    'LOG_DIR = "${paths.logs}"',
    'REDIS_URL = "${redis.url}"',
    "# TODO: MAP_KEY = …",
  ])
    assert.ok(text.includes(`          ${line}\n`), `${line} in\n${text}`);
  assert.match(last, /at shop\/settings_local\.prod\.py, which may show what it sets, and fill in MAP_KEY/);
});

test("the path for health is one that the routes have, with its prefix", () => {
  const urls = (text: string, more: Sources = {}) =>
    init({ ...django, ...more, "shop/urls.py": text }).config.app.health;
  assert.equal(urls('urlpatterns = [path("", home), path("healthz/", health)]\n'), "/healthz/");
  assert.equal(urls('urlpatterns = [re_path(r"^up/?$", health)]\n'), "/up");
  assert.equal(urls('urlpatterns = [path("ht/", include("health_check.urls"))]\n'), "/ht/");
  const included = { "api/__init__.py": "", "api/urls.py": 'urlpatterns = [path("health", health)]\n' };
  assert.equal(urls('urlpatterns = [path("api/", include("api.urls"))]\n', included), "/api/health");
  assert.equal(
    urls('inner = [path("health/", x), path("status/", x)]\nurlpatterns = [path("v3/", include(inner))]\n'),
    "/v3/health/",
  );
  assert.equal(
    urls(
      'urlpatterns = [] + [path("api/", include([path("healthz/", x)]))]\nurlpatterns += [path("a", b)]\n',
    ),
    "/api/healthz/",
  );
  assert.equal(urls('urlpatterns = i18n_patterns(path("health/", x))\n'), "/");
  assert.equal(urls('urlpatterns = [path("orders/<int:pk>/status/", x)]\n'), "/");
  assert.equal(
    withFlask('@app.get("/health")\ndef health():\n    return "ok"\n').config.app.health,
    "/health",
  );
  const blueprint =
    'from flask import Blueprint\nops = Blueprint("ops", __name__, url_prefix="/ops")\n@ops.route("/healthz")\ndef ping():\n    return "ok"\n';
  assert.equal(withFlask(blueprint).config.app.health, "/ops/healthz");
  const login = urls(
    'app = [path("login/", x)]\nurlpatterns = [path("", home), path("", include((app, "shop")))]\n',
  );
  assert.equal(login, "/login/");
  assert.equal(urls('urlpatterns = [path("login/", x), path("up", y)]\n'), "/up");
  assert.equal(urls('urlpatterns = [path("logins/", x)]\n'), "/");
  assert.match(init(flask).text, /No path for health was found\. .*\n.*\n {4}health: \/\n/);
});

test("the page that LOGIN_URL names is the path for health where there is no other", () => {
  const health = (line: string, urls = "urlpatterns = []\n") => {
    const { config, text, last } = withSettings(line, { "shop/urls.py": urls });
    return { path: config.app.health, text, last };
  };
  const named = health('LOGIN_URL = "/accounts/login/"');
  assert.equal(named.path, "/accounts/login/");
  assert.match(
    named.text,
    /# No path for health was found\. shop\/settings\.py:\d+ names this page as LOGIN_URL/,
  );
  assert.match(
    named.last,
    /\/accounts\/login\/, which LOGIN_URL names, because no path for health was found/,
  );
  const packaged = 'urlpatterns = [path("accounts/", include("guardian.urls"))]\n';
  assert.equal(health('LOGIN_URL = "/accounts/login/"', packaged).path, "/accounts/login/");
  const both = 'urlpatterns = [path("login/", x), path("enter/", y)]\n';
  assert.equal(health('LOGIN_URL = "/enter/"', both).path, "/enter/");
  assert.equal(
    health('LOGIN_URL = "/enter/"', 'urlpatterns = [path("healthz", x), path("enter/", y)]\n').path,
    "/healthz",
  );
  // No route leads there, it is the name of one, or it is elsewhere.
  assert.equal(health('LOGIN_URL = "/gone/"', both).path, "/login/");
  for (const line of [
    '"login"',
    'reverse_lazy("login")',
    '"https://sso.example.org/"',
    '"//sso.example.org/"',
  ])
    assert.equal(health(`LOGIN_URL = ${line}`).path, "/", line);
});

test("static files of Flask are served from where Flask has them", () => {
  assert.equal(init({ ...flask, "static/site.css": "" }).config.app.static, "static");
  const factory = {
    "shop/__init__.py": "from flask import Flask\ndef create_app():\n    return Flask(__name__)\n",
    "shop/static/a.css": "",
    "requirements.txt": "Flask\n",
  };
  assert.equal(init(factory).config.app.static, "shop/static");
  assert.equal(look(join(root, "examples/flask")).entry.static, "static");
});

test("what Django's settings fix in the code is settled by a file of the stack, and nothing of the project changes", () => {
  const { last, config, text } = withSettings(
    'SECRET_KEY = "abc"\nDEBUG = True\nALLOWED_HOSTS = []\nSTATIC_URL = "/assets/"\nMEDIA_ROOT = "/var/www/media"\nSITE_URL = "http://localhost:8000"\n',
  );
  assert.doesNotMatch(last, /Left to do/);
  assert.equal(config.app.settings, "shop.berth_settings");
  assert.match(last, /settings +shop\/berth_settings\.py, which the stack's file has below files/);
  assert.deepEqual(contentOf(config).split("\n"), [
    "import os",
    "",
    "from shop.settings import *",
    "",
    "# shop/settings.py:10 has it in the code.",
    'SECRET_KEY = os.environ["SECRET_KEY"]',
    "# shop/settings.py:11 sets it to True, which shows the code's insides to visitors.",
    "DEBUG = False",
    "# shop/settings.py:12 names none.",
    'ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")',
    "# shop/settings.py:15 has http://localhost:8000.",
    'SITE_URL = os.environ["SITE_URL"]',
    "# shop/settings.py:13 sets it to /assets/, and nginx serves /static/.",
    'STATIC_URL = "/static/"',
    "# shop/settings.py:14 sets it to /var/www/media, outside of the project.",
    'MEDIA_ROOT = os.environ["MEDIA_ROOT"]',
    "",
  ]);
  assert.match(text, /These settings come after the project's own/);
  assert.equal(init(django).config.app.files["shop/berth_settings.py"], undefined);
});

test("a signing key that is not the same in every process is settled, whatever way it comes about", () => {
  const settings = (lines: string) =>
    init({
      ...django,
      "shop/settings.py": django["shop/settings.py"].replace('SECRET_KEY = env("SECRET_KEY")', lines),
    });
  const told = (lines: string) =>
    /# (.*)\nSECRET_KEY = os\.environ\["SECRET_KEY"\]/.exec(contentOf(settings(lines).config))?.[1];
  const random = /^shop\/settings\.py:\d+ makes up another one in each process\.$/;
  for (const lines of [
    "from django.core.management.utils import get_random_secret_key\nSECRET_KEY = get_random_secret_key()",
    'try:\n    with open(os.path.join("data", "secretkey.txt")) as f:\n        SECRET_KEY = f.read().strip()\nexcept Exception:\n    SECRET_KEY = get_random_secret_key()',
    "SECRET_KEY = ''.join(random.SystemRandom().choice(LETTERS) for _ in range(50))",
    "SECRET_KEY = 'abc'\nif not DEBUG:\n    SECRET_KEY = secrets.token_urlsafe()",
    "def make():\n    # one\n\n    return get_random_string(50)\n\nSECRET_KEY = make()",
  ])
    assert.match(told(lines) ?? "", random, lines);
  assert.match(
    told('SECRET_KEY = open(BASE_DIR / "secret.txt").read()') ?? "",
    /^shop\/settings\.py:\d+ reads it from a file\.$/,
  );
  assert.match(
    told("if not DEBUG:\n    SECRET_KEY = 'abc'\nelse:\n    SECRET_KEY = 'def'") ?? "",
    /has it in the code/,
  );
  // The environment has it, or somebody is asked for it.
  for (const lines of [
    'SECRET_KEY = os.environ.get("SECRET_KEY", get_random_secret_key())',
    'SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()',
    'SECRET_KEY = env("SECRET_KEY")\nif not SECRET_KEY:\n    SECRET_KEY = "abc"',
    'try:\n    SECRET_KEY = os.environ["SHOP_SECRET_KEY"]\nexcept KeyError:\n    SECRET_KEY = get_random_secret_key()',
    'SECRET_KEY = "abc" if DEBUG else os.environ["SECRET_KEY"]',
  ])
    assert.deepEqual(settings(lines).config.app.files, {}, lines);
});

test("django-compressor is kept from writing where no page can write", () => {
  const compressor = (lines: string) => withSettings(`INSTALLED_APPS += ["compressor"]\n${lines}`);
  const after = ({ config }: ReturnType<typeof init>) => config.app.build.afterCollectstatic;
  const told = /shop\/settings\.py:\d+ has compressor, which writes below STATIC_ROOT/;
  const open = compressor("COMPRESS_ENABLED = not DEBUG");
  assert.match(open.last, told);
  assert.match(open.last, /set COMPRESS_ENABLED = False in the settings; or set COMPRESS_OFFLINE = True/);
  assert.deepEqual(after(open), []);
  const offline = compressor("COMPRESS_OFFLINE = True");
  assert.deepEqual(after(offline), ["python manage.py compress"]);
  assert.match(offline.text, told);
  assert.doesNotMatch(offline.last, told);
  const read = compressor('COMPRESS_OFFLINE = env.bool("COMPRESS_OFFLINE", default=False)');
  assert.deepEqual(
    [after(read), read.config.app.env.COMPRESS_OFFLINE],
    [["python manage.py compress"], "True"],
  );
  assert.doesNotMatch(read.text, /have defaults: COMPRESS/);
  const switched = 'COMPRESS_ENABLED = env.bool("COMPRESS_ENABLED", default=True)';
  const off = compressor(switched);
  assert.deepEqual([after(off), off.config.app.env.COMPRESS_ENABLED], [[], "False"]);
  // What compiles Sass writes all the same.
  const compiled = compressor(
    `${switched}\nCOMPRESS_PRECOMPILERS = (("text/x-scss", "django_libsass.SassCompiler"),)`,
  );
  assert.equal(compiled.config.app.env.COMPRESS_ENABLED, undefined);
  assert.match(compiled.last, /cannot write there: set COMPRESS_OFFLINE = True/);
  for (const one of [compressor("COMPRESS_ENABLED = False"), withSettings("COMPRESS_ENABLED = True")])
    assert.doesNotMatch(one.text, /compressor, which/);
});

test("files that nginx is to send are told with the lines that they need", () => {
  const view = (value: string) => ({
    "shop/views.py": `def file(request):\n    response = HttpResponse()\n    response["X-Accel-Redirect"] = ${value}\n    return response\n`,
  });
  /** The lines of site.accel, which are a comment, as YAML without its marks. */
  const accelOf = (text: string) => {
    const lines = / {2}# berth:site:\n(?: {2}# {3}.*\n)+/.exec(text)?.[0].replaceAll(/^ {2}# /gm, "  ") ?? "";
    const { "berth:site": site } = parse(lines) as { "berth:site": { accel?: Record<string, string> } };
    return site.accel;
  };
  const read = withSettings('MEDIA_URL = env("MEDIA_URL", default="/media/")', view("document.file.url"));
  assert.deepEqual(accelOf(read.text), { "/usercontent/": "${paths.media}" });
  const advice =
    /shop\/views\.py:3 answers with X-Accel-Redirect, .*write MEDIA_URL: \/usercontent\/ below app\.env/;
  assert.match(read.last, advice);
  assert.match(read.text.replaceAll(/\n {2}# /g, " "), advice);
  const fixed = withSettings('MEDIA_URL = "/media/"', view("settings.MEDIA_URL + name"));
  assert.match(fixed.last, /set MEDIA_URL = "\/usercontent\/" in the settings/);
  const own = init({ ...django, ...view('quote(f"/secret-files/{name}")') });
  assert.deepEqual(accelOf(own.text), { "/secret-files/": "${paths.media}" });
  assert.doesNotMatch(own.last, /MEDIA_URL/);
  assert.deepEqual(accelOf(withFlask('response.headers["X-Accel-Redirect"] = path').text), {
    "/protected/": "${paths.media}",
  });
  const packages = { "requirements.txt": `${django["requirements.txt"]}django-sendfile2\n` };
  const backend = 'SENDFILE_BACKEND = "django_sendfile.backends.nginx"\n';
  const sendfile = withSettings(`${backend}SENDFILE_URL = "/kept"`, packages);
  assert.deepEqual(accelOf(sendfile.text), { "/kept/": "${paths.media}" });
  assert.match(sendfile.last, /django-sendfile2 answers with X-Accel-Redirect/);
  // Berth has it already, another backend sends the files, or nothing does.
  for (const one of [
    withSettings(`${backend}SENDFILE_URL = "/berth/media"`, packages),
    withSettings('SENDFILE_BACKEND = "django_sendfile.backends.simple"', packages),
    init({ ...django, ...view('quote(f"/berth/media/{name}")') }),
    init({ ...django, "shop/views.py": '# response["X-Accel-Redirect"] = file.url\n' }),
  ]) {
    assert.equal(accelOf(one.text), undefined);
    assert.doesNotMatch(one.last, /X-Accel/);
  }
});

test("uploads that only a developer's server shows are told, with both ways, and are not hidden by a key", () => {
  const media = 'MEDIA_URL = "/media/"\nMEDIA_ROOT = os.environ["MEDIA_ROOT"]\n';
  const withUrls = (urls: string, settings = media) => withSettings(settings, { "shop/urls.py": urls });
  for (const urls of [
    "urlpatterns = []\nif settings.DEBUG:\n    urlpatterns += static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)\n",
    "urlpatterns = [] + static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)\n",
    'urlpatterns = []\nif settings.DEBUG:\n    urlpatterns += [path("media/<path:path>", serve)]\n',
  ]) {
    const { text, last, config } = withUrls(urls);
    assert.match(
      last,
      /To check:\n.*shop\/urls\.py:\d shows uploads with DEBUG alone, so nobody would see them\. Either/,
    );
    assert.equal(config.media.public, undefined, urls);
    assert.match(text, / {2}# berth:media:\n {2}# {3}public: true\n$/);
  }
  assert.match(
    withUrls("urlpatterns = []\n").last,
    /settings\.py:\d+ has MEDIA_URL, and no route of the project shows/,
  );
  for (const shown of [
    withUrls('urlpatterns = [re_path(r"^media/(?P<path>.*)$", serve)]\n'),
    withUrls('urlpatterns = [re_path(r"^%s(.*)$" % settings.MEDIA_URL[1:], view)]\n'),
    withUrls(
      "urlpatterns = []\n",
      `${media}DEFAULT_FILE_STORAGE = "storages.backends.s3boto3.S3Boto3Storage"\n`,
    ),
    withUrls("urlpatterns = []\n", ""),
  ]) {
    assert.equal(shown.config.media.public, false);
    assert.doesNotMatch(shown.last, /uploads/);
  }
});

test("a project that has its collected files in the source has them collected, and none is lost", () => {
  const base = "from pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\n";
  const of = (lines: string, files: Sources = { "static/style.css": "" }) =>
    withSettings(base + lines, files);
  const { config, last } = of('STATIC_ROOT = BASE_DIR / "static"');
  assert.match(
    contentOf(config),
    /# shop\/settings\.py:\d+ has files of the source there, .*\nSTATICFILES_DIRS = \[STATIC_ROOT\]\n# .*\nSTATIC_ROOT = os\.environ\["STATIC_ROOT"\]\n/,
  );
  assert.doesNotMatch(last, /Left to do/);
  const more = of('STATICFILES_DIRS = ["assets"]\nSTATIC_ROOT = os.path.join(BASE_DIR, "static")');
  assert.match(contentOf(more.config), /^STATICFILES_DIRS = \[\*STATICFILES_DIRS, STATIC_ROOT\]$/m);
  assert.deepEqual(of('STATIC_ROOT = BASE_DIR / "static"', { "static/.gitkeep": "" }).config.app.files, {});
});

test("directories of the project that its settings write to outlive releases", () => {
  const base =
    "from pathlib import Path\nBASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n";
  const of = (lines: string, files: Sources = {}) => withSettings(base + lines, files);
  const { config, text } = of(`HUEY = {"filename": os.path.join(BASE_DIR, "data", "tasks.sqlite3")}
FAVICONS = os.path.join(BASE_DIR, "data", "favicons")
DATA_DIR = Path(BASE_DIR) / "data"
INDEX = DATA_DIR / "x"
LOG = os.path.join(BASE_DIR, "var", "log")
MEDIA_ROOT = os.path.join(BASE_DIR, "data", "media")
TEMPLATES = [{"DIRS": [os.path.join(BASE_DIR, "data2", "templates")]}]
VITE_MANIFEST = os.path.join(BASE_DIR, "frontend", "dist", "manifest.json")
`);
  assert.deepEqual(config.app.shared, { data: "data", var: "var" });
  assert.match(
    text,
    /# shop\/settings\.py:\d+ has the application write next to its code \(HUEY, FAVICONS, LOG\)/,
  );
  // A link in its place would be in the way.
  assert.match(
    contentOf(config),
    /has it in data, which outlives releases\.\nMEDIA_ROOT = os\.environ\["MEDIA_ROOT"\]/,
  );
  // What the source has there is read, as far as anybody can tell.
  assert.deepEqual(
    of('X = os.path.join(BASE_DIR, "data", "x")', { "data/x.json": "{}" }).config.app.shared,
    {},
  );
  const deep = of('X = os.path.join(BASE_DIR, "var", "index", "x")', {
    "var/a": "",
    "var/index/.gitkeep": "",
  });
  assert.deepEqual(deep.config.app.shared, { "var/index": "var-index" });
});

test("a signing key that a Flask application makes up is told with where it is", () => {
  for (const line of [
    "app.secret_key = os.urandom(24)",
    'app.config["SECRET_KEY"] = secrets.token_hex()',
    "app.config.update(SECRET_KEY=secrets.token_hex())",
  ])
    assert.match(
      withFlask(line).last,
      /To check:\n.*app\.py:\d+ makes up another signing key in each process/,
      line,
    );
  for (const line of [
    'app.secret_key = os.environ.get("SECRET_KEY") or os.urandom(24)',
    'app.secret_key = "abc"',
    "# app.secret_key = os.urandom(24)",
    "csrf = os.urandom(24)",
  ])
    assert.doesNotMatch(withFlask(line).last, /signing key/, line);
});

/** The one file that the stack has. */
const contentOf = ({ app }: ReturnType<typeof init>["config"], path = Object.keys(app.files)[0]) => {
  assert.deepEqual(Object.keys(app.files), [path]);
  const [file, ...more] = Object.values(app.files);
  assert.ok(file !== undefined && "content" in file && more.length === 0);
  return file.content;
};

test("what is computed from a key or a switch of the code is said to keep its old value", () => {
  const { last } = withSettings('SECRET_KEY = "abc"\nJWT = {"SIGNING_KEY": SECRET_KEY}\n');
  assert.match(last, /The settings use SECRET_KEY in other lines \('JWT = \{"SIGNING_KEY": SECRET_KEY\}'\)/);
});

test("a file that the settings import where it is there is the place for the stack's own", () => {
  const production = (lines: string) =>
    init({
      ...django,
      "shop/settings/__init__.py": "",
      "shop/settings/base.py": 'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = []\n',
      "shop/settings/production.py": `from .base import *\nDEBUG = False\n${lines}`,
    });
  const optional = "try:\n    from .local import *\nexcept ImportError:\n    pass\n";
  const { config, last } = production(optional);
  assert.equal(config.app.settings, "shop.settings.production");
  assert.deepEqual(Object.keys(config.app.files), ["shop/settings/local.py"]);
  assert.match(
    contentOf(config),
    /^import os\n\n# The settings have none\.\nSECRET_KEY = os\.environ\["SECRET_KEY"\]\n/,
  );
  assert.doesNotMatch(last, /Left to do/);

  // What the module sets after it would win.
  const early = production(`${optional}ALLOWED_HOSTS = []\n`);
  assert.equal(early.config.app.settings, "shop.settings.berth_settings");
  // A module of a package, and not of the project.
  assert.deepEqual(
    production("from celery.schedules import crontab\n").config.app.settings,
    "shop.settings.berth_settings",
  );
});

test("a file that the settings cannot do without is written, with what is known of it", () => {
  const { config, text, last } = withSettings("from .local_settings import DATABASES, PAYMENT_KEY\n");
  assert.equal(config.app.settings, "shop.settings");
  assert.deepEqual(Object.keys(config.app.files), ["shop/local_settings.py"]);
  assert.match(contentOf(config), /"PASSWORD": "\$\{postgres\.password\}"/);
  assert.match(text, /# TODO: PAYMENT_KEY = …/);
  assert.match(
    last,
    /shop\/settings\.py:10 imports shop\/local_settings\.py, which the source does not have\. .* and fill in PAYMENT_KEY\./,
  );
});

test("what cannot be read is named, and does not keep the rest from being found", () => {
  const directory = application({
    ...django,
    "old.py": 'import os\nprint "hello"\nexec "x" in y\nX = os.environ["FROM_OLD"]\n',
    "broken.py": 'import os\nX = os.environ.get("FROM_BROKEN")\ndef f(:\n  ((((\n',
    "latin.py": Buffer.from(
      '# -*- coding: latin-1 -*-\nimport os\nX = os.environ.get("FROM_LATIN", "é")\n',
      "latin1",
    ),
    "undeclared.py": Buffer.from('import os\nX = os.environ.get("NOT_SEEN", "é")\n', "latin1"),
    "binary.py": Buffer.from([0, 1, 2, 3, 0]),
    "bom.py": `\uFEFFimport os\nX = os.environ.get("FROM_BOM")\n`,
    "large.py": "#".repeat(1_100_000),
    "naïve 'name'\n.py": 'import os\nX = os.environ.get("FROM_ODD")\n',
    "deep.py": `X = ${"[".repeat(3000)}${"]".repeat(3000)}\nimport os\nos.environ\n`,
    "package.json": "{",
    "pyproject.toml": "= nonsense [",
    ".gitignore": "\\\n[z-a]\n",
  });
  symlinkSync("/proc", join(directory, "loop"));
  symlinkSync(directory, join(directory, "again"));
  symlinkSync("nowhere", join(directory, "dangling.py"));
  writeFileSync(join(place, "outside.py"), 'import os\nX = os.environ.get("FROM_OUTSIDE")\n');
  symlinkSync("../outside.py", join(directory, "outside.py"));
  writeFileSync(join(directory, "kept.txt"), 'import os\nX = os.environ.get("FROM_LINK")\n');
  symlinkSync("kept.txt", join(directory, "link.py"));
  const facts = look(directory);
  const { text, last, config } = written(facts);
  assert.equal(config.app.wsgi, "shop.wsgi:application");
  for (const name of ["FROM_OLD", "FROM_BROKEN", "FROM_LATIN", "FROM_BOM", "FROM_ODD", "FROM_LINK"])
    assert.match(text, new RegExp(name));
  for (const name of ["old.py", "broken.py", "undeclared.py", "binary.py", "large.py"])
    assert.ok(
      facts.faults.some((one) => one.startsWith(name)),
      `${name}: ${facts.faults.join("\n")}`,
    );
  assert.doesNotMatch(text, /FROM_OUTSIDE/);
  assert.match(last, /Could not be read:\n/);
  assert.match(last, /package\.json is not valid JSON/);
});

test("an empty directory, and one with hostile names, give a file that can be read", () => {
  const nothing = look(application({}));
  assert.match(report(nothing, "shop", "f"), /No WSGI callable was found/);
  assert.ok(parse(stackFile(nothing, { stack: "shop", name: "shop", directory: "#[x]: y" })));
  const hostile = withFlask(
    `X = os.environ.get("COLOUR", "a\\nconfig: {}\\n# b: ${"x".repeat(200)}")\nY = os.environ["Y_TOKEN"]\n`,
  );
  assert.equal(hostile.config.app.wsgi, "app:app");
  const odd = init({ ...flask, "x\nberth:evil: 1\n.py": 'import os\nX = os.environ["X_NEEDED"]\n' });
  assert.deepEqual(
    Object.keys((parse(odd.text) as { config: object }).config).filter((key) => /evil/.test(key)),
    [],
  );
  assert.ok(hostile.text.split("\n").every((line) => line.length < 200));
});

test("no password in the code is written into the file or shown", () => {
  const { text, last } = withFlask(
    'A = os.environ.get("API_TOKEN", "hunter2")\nB = os.environ.get("QUEUE", "amqp://me:hunter2@host/")\nC = os.environ.get("APP_SECRET_KEY", "hunter2")\n',
  );
  assert.doesNotMatch(text + last, /hunter2/);
  assert.match(text, /API_TOKEN \(one in the code\), QUEUE \(one in the code\)/);
});

test("what writes into the application's own directory is named", () => {
  const { last } = withFlask('os.mkdir("logs")\nos.makedirs("/var/tmp/x")\n');
  assert.match(last, /Look at app\.py:\d+ \(logs\): nothing can be written in a release/);
});

test("names of directories become names of applications", () => {
  assert.deepEqual(
    ["Shop", "my_shop.v2", "42shop", "postgres", "---", "ä", `${"long-".repeat(8)}`].map(applicationName),
    ["shop", "my-shop-v2", "shop", "postgres-app", "app", "app", "long-long-long-long"],
  );
});

test("what Berth gives is what the documents say it gives", () => {
  const document = readFileSync(join(root, "docs/deploying-your-application.md"), "utf8");
  const table = document.slice(document.indexOf("| variable | what"), document.indexOf("| your own |"));
  const rows = table
    .split("\n")
    .flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name));
  assert.deepEqual([...given].sort(), rows.sort());
});

test("the examples are found to be what their own stacks say", () => {
  const { facts, config } = (() => {
    const facts = look(join(root, "examples/django"));
    return { facts, ...written(facts) };
  })();
  const own = (
    parse(readFileSync(join(root, "Pulumi.local.yaml"), "utf8")) as {
      config: Record<string, Record<string, unknown>>;
    }
  ).config["berth:app"];
  assert.deepEqual(
    [config.app.wsgi, config.app.settings, config.app.health],
    [own?.wsgi, own?.settings, own?.health],
  );
  assert.deepEqual(Object.keys(config.app.processes).sort(), Object.keys(own?.processes as object).sort());
  assert.equal(facts.own, undefined);
});

test("the command writes the file once, and never overwrites one or writes into the application", () => {
  const checkout = join(place, "berth");
  for (const part of ["scripts", "engine", "components", "config", "package.json", "Pulumi.local.yaml"])
    cpSync(join(root, part), join(checkout, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
  const directory = application(django);
  const before = readdirSync(directory, { recursive: true }).sort();
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(checkout, "scripts/init.ts"), ...args], {
      cwd: checkout,
      encoding: "utf8",
      env: { ...process.env, INIT_CWD: place },
    });

  const printed = run(directory, "-s", "shop", "--print");
  assert.equal(printed.status, 0, printed.stderr);
  assert.ok(!existsSync(join(checkout, "Pulumi.shop.yaml")));
  const first = run(directory, "-s", "shop");
  assert.equal(first.status, 0, first.stderr);
  assert.equal(readFileSync(join(checkout, "Pulumi.shop.yaml"), "utf8"), printed.stdout);
  assert.match(first.stderr, /berth: wrote Pulumi\.shop\.yaml/);
  const again = run(directory, "-s", "shop");
  assert.deepEqual([again.status, again.stdout], [2, ""]);
  assert.match(again.stderr, /Pulumi\.shop\.yaml is there already, and is not overwritten/);
  const local = run(directory, "-s", "local");
  assert.match(local.stderr, /Pulumi\.local\.yaml is there already/);
  // A path is meant from where it was typed.
  const relative = run(directory.slice(place.length + 1), "-s", "shop2");
  assert.equal(relative.status, 0, relative.stderr);
  assert.match(readFileSync(join(checkout, "Pulumi.shop2.yaml"), "utf8"), /directory: \.\.\/shop\d+\n/);
  assert.match(run("nowhere").stderr, /DIRECTORY: expected the directory of an application; found none at/);
  assert.equal(run(directory, "-s", "../x").status, 2);
  assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), before);
});
