// What becomes of each variable that an application reads: Berth gives it, the stack's file refers to what Berth has, it
// has a default, or somebody has to fill it in.
import type { Variable } from "./environment.ts";

/** What every application is given; docs/deploying-your-application.md says what each is. */
export const given: readonly string[] = [
  ...[
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "CACHE_URL",
    "MONGODB_URL",
    "MONGO_URI",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATA_ROOT",
    "SITE_URL",
  ],
  ...["STATIC_URL", "MEDIA_URL", "STATIC_ROOT", "MEDIA_ROOT", "DJANGO_SETTINGS_MODULE"],
  ...["BERTH_STACK", "BERTH_HOST", "BERTH_RELEASE", "BERTH_RELEASED_AT", "SENTRY_RELEASE"],
  ...["LANG", "PYTHONUNBUFFERED", "PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR"],
];

export interface Wanted {
  readonly given: readonly string[];
  /** Lines of app.env. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly secrets: readonly Variable[];
  readonly required: readonly Variable[];
  /** Read, and without a default that is known. */
  readonly open: readonly Variable[];
  readonly defaults: readonly Variable[];
}

export interface Services {
  readonly postgres: boolean;
  readonly redis: boolean;
  readonly mongodb: boolean;
  /** What a URL of the database has to begin with, where `postgresql` is not enough. */
  readonly scheme: string | undefined;
}

const database = "(DB|DATABASE|POSTGRES|POSTGRESQL|PG|SQL|RDS|PSQL)";
/** What applications call the parts of what Berth has; the first that fits counts. */
const references: readonly (readonly [
  pattern: string,
  service: "postgres" | "redis" | "mongodb" | "site",
  value: string,
])[] = [
  [`${database}_?(HOST|HOSTNAME|SERVER|ADDR|ADDRESS)`, "postgres", "${postgres.host}"],
  [`${database}_?PORT(_NUMBER)?`, "postgres", "${postgres.port}"],
  [`${database}_?(USER|USERNAME|USER_NAME|LOGIN)`, "postgres", "${postgres.user}"],
  [`${database}_?(PASSWORD|PASS|PASSWD|PWD|USER_PASSWORD)`, "postgres", "${postgres.password}"],
  [`${database}_?(NAME|DB|DBNAME|DB_NAME|DATABASE|DATABASE_NAME)`, "postgres", "${postgres.database}"],
  [
    `(${database}_?(URL|URI|DSN|CONNECTION_STRING)|SQLALCHEMY_DATABASE_UR[IL])`,
    "postgres",
    "${postgres.url}",
  ],
  [`CACHE_REDIS_PORT|REDIS_CACHE_PORT`, "redis", "${redis.cachePort}"],
  [`REDIS(_CACHE)?(_SERVER)?_(HOST|HOSTNAME)|REDIS_SERVER`, "redis", "${redis.host}"],
  [`REDIS(_SERVER)?_PORT`, "redis", "${redis.port}"],
  [`REDIS(_CACHE)?(_SERVER)?_(PASSWORD|PASS)`, "redis", "${redis.password}"],
  [
    `(CACHE_REDIS_UR[IL]|REDIS_CACHE_UR[IL]|CACHE_UR[IL]|CACHE_LOCATION|REDIS_CACHE)`,
    "redis",
    "${redis.cacheUrl}",
  ],
  [
    `(\\w*REDIS_UR[IL]|(CELERY_)?BROKER_URL|CELERY_BROKER|(CELERY_)?RESULT_BACKEND(_URL)?|\\w*CHANNEL_(LAYERS_)?URL|HUEY_URL)`,
    "redis",
    "${redis.url}",
  ],
  [`MONGO(DB)?_?(UR[IL]|DSN|CONNECTION(_STRING)?)`, "mongodb", "${mongodb.url}"],
  [`(SITE_DOMAIN|DOMAIN_NAME|DOMAIN|SITE_HOST|SITE_HOSTNAME|FQDN)`, "site", "${site.domain}"],
  [`ALLOWED_HOSTS?`, "site", "${site.domain}"],
  [
    `(SITE_ROOT|SITE_BASE_URL|BASE_URL|PUBLIC_URL|APP_URL|SITE_ADDRESS|WAGTAILADMIN_BASE_URL|FRONTEND_URL|CSRF_TRUSTED_ORIGINS?|CSRF_ORIGINS)`,
    "site",
    "${site.url}",
  ],
  [
    `(MEDIA_DIR|MEDIA_PATH|UPLOAD_(FOLDER|DIR|PATH)|UPLOADS_(DIR|PATH|FOLDER|DEFAULT_DEST))`,
    "site",
    "${paths.media}",
  ],
  [`(LOGS?_(DIR|FOLDER|PATH)|LOGFILES_DIR)`, "site", "${paths.logs}"],
];

/** A prefix of the application's own is allowed: `SHOP_DB_HOST`. `MAILGUN_DOMAIN` is none of the site's. */
const named = (pattern: string, name: string, service = "") =>
  new RegExp(`^(${service === "site" ? "DJANGO_|APP_|FLASK_" : "([A-Z0-9]+_){1,2}"})?(${pattern})$`).test(
    name,
  );
export const ofMongoDb = /(^|_)MONGO(DB)?(_|$)/;
const forOthers =
  /(^|_)(TEST|TESTING|DEV|LOCAL|REPLICA|READ|READONLY|MYSQL|MARIADB|ORACLE|LDAP|AMQP|RABBITMQ|EMAIL|SMTP|IMAP|ELASTICSEARCH|INFLUX\w*|COOKIE|SESSION|STATSD|MEMCACHED?)(_|$)/;
/** Whether a variable's value is nobody's business, as far as its name tells. */
export const isSecret = (name: string) =>
  /(SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE_KEY|API_?KEY|ACCESS_KEY|_DSN$|_KEY$|_SALT$|^SALT$)/.test(
    name,
  ) &&
  !/(_ID|_FILE|_PATH|_NAME|_USER|_TTL|_AGE|LIFETIME|EXPIR\w*|TIMEOUT|_URL|PUBLIC_KEY|SITE_?KEY|CACHE_KEY|_VALIDATORS?|_LENGTH|_HASHERS?)$/.test(
    name,
  );
/** What the computer that it runs on or a library sets by itself, or what switches a developer's help on. */
const ofTheSystem =
  /^(USER|USERNAME|LOGNAME|SHELL|TERM|PWD|HOSTNAME|EDITOR|DISPLAY|CI|TZ|PYTEST\w*|PYTHON[A-Z_]+|VIRTUAL_ENV|GITHUB_\w+|HEROKU_\w+|DYNO|KUBERNETES_\w+|WERKZEUG_\w+|RUN_MAIN|PORT|FLASK_APP|FLASK_ENV|GAE_\w+|K_SERVICE|RENDER|VERCEL\w*|APPDATA|LOCALAPPDATA|COLUMNS)$/;

export function wantedOf(variables: readonly Variable[], services: Services): Wanted {
  const env: [string, string][] = [];
  const lists = {
    given: [] as string[],
    secrets: [] as Variable[],
    required: [] as Variable[],
    open: [] as Variable[],
    defaults: [] as Variable[],
  };
  for (const one of [...variables].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = one;
    if (ofTheSystem.test(name)) continue;
    if (given.includes(name)) {
      // Every program has these.
      if (!/^(LANG|PATH|HOME|TMPDIR|XDG_CACHE_HOME|PYTHONUNBUFFERED)$/.test(name)) lists.given.push(name);
      if (name === "DATABASE_URL" && services.postgres && services.scheme !== undefined)
        env.push([name, databaseUrl(services.scheme)]);
      continue;
    }
    const value = referenceFor(one, services);
    if (value !== undefined) env.push([name, value]);
    else if (isSecret(name) && one.isRequired) lists.secrets.push(one);
    else if (one.isRequired) lists.required.push(one);
    else if (one.default === undefined) lists.open.push(one);
    else lists.defaults.push(one);
    // A key that everybody knows, because it stands in the code, is no key.
    if (
      value === undefined &&
      !one.isRequired &&
      /^([A-Z0-9]+_)?(SECRET_KEY(_BASE)?|COOKIE_SECRET|SESSION_SECRET)$/.test(name) &&
      !/(ACCESS|AWS|STRIPE|S3|CAPTCHA|PAYPAL|OAUTH|MINIO)/.test(name)
    ) {
      lists.secrets.push(one);
      for (const list of [lists.open, lists.defaults]) if (list.at(-1) === one) list.pop();
    }
  }
  // Without a server and an account of its own, the name is that of a file, or a part beside a whole URL.
  const values = env.map(([, value]) => value);
  const isInParts = values.includes("${postgres.host}") || values.includes("${postgres.user}");
  const isPart = (value: string) => /^\$\{postgres\.(port|database|password)\}$/.test(value);
  return { env: env.filter(([, value]) => isInParts || !isPart(value)), ...lists };
}

/** How a switch is off, in the words in which it is on. */
const off: Readonly<Record<string, string>> = { true: "False", 1: "0", yes: "no", on: "off" };

const databaseUrl = (scheme: string) =>
  `${scheme}://\${postgres.user}:\${postgres.password}@\${postgres.host}:\${postgres.port}/\${postgres.database}`;

function referenceFor({ name, default: told, compared }: Variable, services: Services): string | undefined {
  if (services.postgres) {
    // Which database it is to use, of several that it knows.
    const choice = compared.find((text) => /^postgres(ql)?(_psycopg2)?$/i.test(text));
    if (choice !== undefined) return choice;
    if (
      /ENGINE$/.test(name) &&
      (told === undefined || /django\.db\.backends/.test(told)) &&
      named(`${database}_?(ENGINE|BACKEND)|DJANGO_DB_ENGINE`, name)
    )
      return "django.db.backends.postgresql";
  }
  // In development it shows the code's insides to everyone.
  if (/^(DJANGO_|FLASK_|APP_)?DEBUG$/.test(name) && told !== undefined) return off[told.toLowerCase()];
  if (forOthers.test(name)) return undefined;
  const found = references.find(
    ([pattern, service]) => (service === "mongodb") === ofMongoDb.test(name) && named(pattern, name, service),
  );
  if (found === undefined) return undefined;
  const [, service, value] = found;
  if (service !== "site" && !services[service]) return undefined;
  if (value === "${postgres.url}" && services.scheme !== undefined) return databaseUrl(services.scheme);
  // Only the whole of what a switch is called; `DEBUG_SITE_DOMAIN: true` is none of it.
  return told === "True" || told === "False" ? undefined : value;
}
