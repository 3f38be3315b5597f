// The database, Redis, MongoDB and the Debian packages that an application needs.
import type { Dependencies } from "./dependencies.ts";
import type { Variable } from "./environment.ts";
import type { Project } from "./project.ts";
import { type Module, textsIn } from "./python.ts";

export interface ServicesFound {
  readonly postgres: boolean;
  /** Whether Django's settings name SQLite, which the stack then has to settle. */
  readonly isSqlite: boolean;
  readonly extensions: readonly string[];
  readonly redis: boolean;
  readonly mongodb: boolean;
  /** The file that starts containers. */
  readonly docker: string | undefined;
  readonly scheme: string | undefined;
  readonly packages: readonly string[];
  readonly todos: readonly string[];
}

const drivers = [
  "psycopg2",
  "psycopg2-binary",
  "psycopg",
  "psycopg[binary]",
  "psycopg[c]",
  "asyncpg",
  "pg8000",
];
const mongoClients = [
  "pymongo",
  "pymongo[srv]",
  "motor",
  "flask-pymongo",
  "mongoengine",
  "flask-mongoengine",
  "django-mongodb-backend",
  "django-mongoengine",
  "djongo",
  "beanie",
  "odmantic",
];
const build = ["build-essential", "python3-dev"];
/** What dependencies need on Debian beside themselves. release/advice.py has those that a failed build tells of. */
const debianPackages: Readonly<Record<string, readonly string[]>> = {
  psycopg2: [...build, "libpq-dev"],
  "psycopg[c]": [...build, "libpq-dev"],
  mysqlclient: [...build, "pkg-config", "default-libmysqlclient-dev"],
  "python-ldap": [...build, "libldap-dev", "libsasl2-dev"],
  "django-auth-ldap": [...build, "libldap-dev", "libsasl2-dev"],
  xmlsec: [...build, "pkg-config", "libxmlsec1-dev"],
  "python3-saml": [...build, "pkg-config", "libxmlsec1-dev"],
  pysaml2: ["xmlsec1"],
  djangosaml2: ["xmlsec1"],
  pycairo: [...build, "pkg-config", "libcairo2-dev"],
  cairosvg: ["libcairo2"],
  weasyprint: ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"],
  "django-weasyprint": ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"],
  pygraphviz: [...build, "pkg-config", "libgraphviz-dev", "graphviz"],
  uwsgi: build,
  gevent: [],
  "python-magic": ["libmagic1t64"],
  pytesseract: ["tesseract-ocr"],
  pdf2image: ["poppler-utils"],
  "ffmpeg-python": ["ffmpeg"],
  pydub: ["ffmpeg"],
  pyodbc: ["unixodbc"],
};

/** By Docker's library, or by its command. */
const startingContainers =
  /^\s*(import docker\b|from docker\b)|["']docker["'],\s*["'](run|create|exec|build)["']|["']docker (run|create|exec|build) /m;

export function readServices(
  project: Project,
  settings: readonly Module[],
  code: readonly Module[],
  dependencies: Dependencies,
  variables: readonly Variable[],
  isDjango: boolean,
): ServicesFound {
  const { names } = dependencies;
  const has = (...all: readonly string[]) => all.some((name) => names.has(name));
  const isRead = (pattern: RegExp) => variables.some(({ name }) => pattern.test(name));
  const todos: string[] = [];

  const apps = new Set(
    settings.flatMap(({ assigns }) =>
      assigns.filter(({ name }) => /_APPS$/.test(name)).flatMap(({ value }) => textsIn(value)),
    ),
  );
  const engines = settings.flatMap((module) => enginesOf(module));
  const isByUrl = isRead(/DATABASE_UR[IL]$|^DB_UR[IL]$/) || has("dj-database-url");
  const driver = has(...drivers);
  // One of a group that the stack may name: which ones there are is told with the dependencies.
  const isOffered = !driver && drivers.some((name) => dependencies.offered.has(name));
  const database = databaseOf();

  function databaseOf(): "postgres" | "sqlite" | "mysql" | "none" {
    // A dictionary without anything is Django's way to have none.
    const isSet = settings.some(({ assigns }) =>
      assigns.some(
        ({ name, value }) => name === "DATABASES" && !(value.kind === "dict" && value.entries.length === 0),
      ),
    );
    if (isDjango && engines.length === 0 && !isByUrl && !driver && !isSet) return "none";
    if (isByUrl || engines.some((one) => /postg/.test(one))) return "postgres";
    if (engines.some((one) => /mysql|mariadb/.test(one))) return "mysql";
    if (engines.some((one) => /sqlite/.test(one))) return "sqlite";
    if (driver || (isDjango && isSet)) return "postgres";
    const fixed = code.flatMap(({ assigns }) =>
      assigns.filter(({ name }) => /DATABASE_UR[IL]$/.test(name)).flatMap(({ value }) => textsIn(value)),
    );
    const urls = [
      ...fixed,
      ...code.flatMap(({ calls }) =>
        calls.filter(({ name }) => /create_engine$/.test(name)).flatMap(({ args }) => args.flatMap(textsIn)),
      ),
    ];
    if (urls.some((one) => /^mysql/.test(one))) return "mysql";
    if (urls.some((one) => /^sqlite/.test(one))) return "sqlite";
    if (urls.some((one) => /^postgres/.test(one)) || isRead(/^(POSTGRES|PG|DB)_?(HOST|USER|NAME|PASSWORD)/))
      return "postgres";
    return "none";
  }

  const isSqlite = database === "sqlite" && isDjango;
  const postgres = database === "postgres" || (isSqlite && driver);
  if (database === "sqlite" && !isDjango) {
    todos.push(
      "The code names a SQLite file as the database, which the next release would not have. Take its URL from DATABASE_URL, and turn berth:postgres on.",
    );
  }
  if (database === "mysql") {
    todos.push(
      "The settings name MySQL, and Berth brings PostgreSQL alone. Move to that, or use a MySQL that runs elsewhere: its address goes into app.env, its password into app.secrets.",
    );
  }
  if (postgres && database === "postgres" && !driver && !isOffered && dependencies.names.size > 0) {
    todos.push(
      "PostgreSQL is the database, and no driver for it is among the dependencies. Add psycopg[binary].",
    );
  }
  // SQLAlchemy takes `postgresql://` for psycopg2's, unless the code itself says whose it is.
  const isSqlalchemy = has("sqlalchemy", "flask-sqlalchemy", "flask-sqlalchemy-lite", "sqlmodel");
  const isSaid = code.some(({ path }) => /postgresql\+psycopg/.test(project.files.read(path) ?? ""));
  const isNewer = has("psycopg") && !has("psycopg2", "psycopg2-binary");
  const scheme = isSqlalchemy && isNewer && !isSaid && !isDjango ? "postgresql+psycopg" : undefined;

  const everyText = settings.length > 0 ? settings : code;
  const names_redis = has(
    "redis",
    "django-redis",
    "celery[redis]",
    "kombu[redis]",
    "rq",
    "django-rq",
    "flask-rq2",
    "channels-redis",
    "huey[redis]",
    "hiredis",
    "dramatiq[redis]",
    "django-redis-cache",
    "flask-redis",
    "arq",
    "redis-py-cluster",
    "valkey",
  );
  const isNamed = everyText.some(({ path }) =>
    /rediss?:\/\/|RedisCache|REDIS_/.test(project.files.read(path) ?? ""),
  );
  // A default of CACHE_URL is a cache in each process, which loses sessions and limits that are kept in it.
  const isAsked = variables.some(
    ({ name, isRequired }) => (isRequired && name === "REDIS_URL") || name === "CACHE_URL",
  );
  const redis = names_redis || isAsked || (isNamed && names.size === 0);
  const isOfferedRedis = ["redis", "django-redis", "hiredis"].some((name) => dependencies.offered.has(name));
  if (isAsked && !names_redis && !isOfferedRedis && names.size > 0) {
    todos.push(
      "The settings read the URL of Redis, and no client for it is among the dependencies. Add redis to them.",
    );
  }
  const celery = has("celery", "celery[redis]", "django-celery-beat");
  if (celery && !redis) {
    todos.push(
      "Celery needs a broker. Berth's is Redis, for which celery[redis] must be among the dependencies; with another one, its URL goes into app.secrets.",
    );
  }

  const mongodb =
    has(...mongoClients) ||
    variables.some(({ name, isRequired }) => isRequired && /^(MONGODB_URL|MONGO_URI)$/.test(name));
  const parts = variables.filter(({ name }) =>
    /(^|_)MONGO(DB)?_(HOST|HOSTNAME|SERVER|USER|USERNAME|PASSWORD|PASS)$/.test(name),
  );
  if (mongodb && parts.length > 0) {
    todos.push(
      `The code puts the address of MongoDB together, of ${parts.map(({ name }) => name).join(", ")}. Take the whole of it from MONGODB_URL: it also says how to log in.`,
    );
  }

  const docker = project.having(startingContainers)[0]?.path;

  const extensions = [
    ...(engines.some((one) => /postgis/.test(one)) || apps.has("django.contrib.gis") ? ["postgis"] : []),
    ...(has("pgvector") ? ["vector"] : []),
    ...extensionsOf(project),
  ];
  const packages = [
    ...Object.entries(debianPackages).flatMap(([name, all]) =>
      names.has(name) || (isOffered && drivers.includes(name) && dependencies.offered.has(name)) ? all : [],
    ),
    ...(extensions.includes("postgis") ? ["gdal-bin", "binutils"] : []),
  ];
  return {
    postgres,
    isSqlite,
    extensions: postgres ? [...new Set(extensions)] : [],
    redis,
    mongodb,
    docker,
    scheme: postgres ? scheme : undefined,
    packages: [...new Set(packages)],
    todos,
  };
}

/** The ENGINEs of DATABASES. */
function enginesOf({ assigns }: Module): string[] {
  return assigns
    .filter(({ name }) => /^DATABASES?$/.test(name) || /DATABASE|^DB_/.test(name))
    .flatMap(({ value }) => textsIn(value))
    .filter((text) => /backends\.|postgis|sqlite3$|mysql$/.test(text));
}

/** What migrations make that only PostgreSQL's superuser may make. What a database's owner may make stays the migration's. */
function extensionsOf(project: Project): string[] {
  const superusers: Readonly<Record<string, string>> = { VectorExtension: "vector" };
  const trusted = new Set([
    "btree_gin",
    "btree_gist",
    "citext",
    "hstore",
    "pg_trgm",
    "unaccent",
    "pgcrypto",
    "uuid-ossp",
    "fuzzystrmatch",
    "intarray",
    "ltree",
    "tablefunc",
    "cube",
    "dict_int",
    "lo",
    "seg",
    "tsm_system_rows",
    "tsm_system_time",
    "plpgsql",
    "isn",
    "bloom",
  ]);
  return project.files.paths
    .filter((path) => /(^|\/)(migrations|alembic|versions)\/.*\.(py|sql)$/.test(path))
    .flatMap((path) => {
      const text = project.files.read(path) ?? "";
      if (!/Extension\b/i.test(text)) return [];
      const made = [
        ...text.matchAll(
          /(?:CREATE EXTENSION (?:IF NOT EXISTS )?"?|CreateExtension\(\s*(?:name=)?["'])([a-z][\w-]+)/gi,
        ),
      ].map(([, name]) => (name as string).toLowerCase());
      const named = Object.entries(superusers).flatMap(([operation, name]) =>
        text.includes(operation) ? [name] : [],
      );
      return [...made, ...named].filter((name) => !trusted.has(name));
    });
}
