// The text of a stack's file, from what an application is. What is certain is written; what is not is a comment. It is put
// together by lines, and its values by the library yaml: that has comments, and none that stand for keys.
import { stringify } from "yaml";
import { accelAdvice } from "./accel.ts";
import type { Variable } from "./environment.ts";
import type { Facts } from "./look.ts";
import { isSecret, ofMongoDb } from "./wanted.ts";

export interface StackWanted {
  readonly stack: string;
  /** Name of the application. */
  readonly name: string;
  /** Its directory, as seen from Pulumi.yaml. */
  readonly directory: string;
}

/** A value as YAML has it, on one line. */
const yaml = (value: unknown): string =>
  stringify(value, {
    lineWidth: 0,
    singleQuote: false,
    doubleQuotedAsJSON: true,
    ...(typeof value === "object"
      ? { collectionStyle: "flow" as const, flowCollectionPadding: false }
      : { blockQuote: false }),
  }).trimEnd();

const width = 110;

/** Lines of a comment, at an indent. */
function comment(indent: number, text: string): string[] {
  const start = `${" ".repeat(indent)}#`;
  const lines = [start];
  for (const word of text.split(/[\p{C}\s]+/u)) {
    const line = lines.at(-1) as string;
    if (line !== start && line.length + 1 + word.length > width) lines.push(`${start} ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** A name for accounts, units and databases of what a directory is called. */
export function applicationName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 20)
    .replace(/-+$/, "");
  // Accounts that Debian or Berth has already.
  const taken = [
    "root",
    "deployer",
    "postgres",
    "redis",
    ...["mongodb", "ferretdb", "docker", "service", "services"],
    "nginx",
    "www-data",
    "backup",
    "news",
    "mail",
    "games",
    "daemon",
    "bin",
    "sys",
    "man",
    "proxy",
    "list",
    ...["irc", "lp", "nobody", "operator", "sync", "uucp"],
    "berth",
    "web",
  ];
  return name === "" ? "app" : taken.includes(name) ? `${name}-app` : name;
}

export function stackFile(facts: Facts, { stack, name, directory }: StackWanted): string {
  const { entry, services, python, dependencies } = facts;
  const lines: string[] = [
    ...comment(0, `Written by 'npm run init' from what it found in ${directory}. It is yours to change.`),
    ...comment(0, "docs/configuration.md has every key."),
    "config:",
    ...comment(
      2,
      "A Debian 13 machine on this computer, to try it on. For one that you have, or one on EC2, see",
    ),
    ...comment(2, "docs/deploying-your-application.md and docs/aws.md."),
    "  berth:host:",
    "    kind: local",
    ...comment(
      2,
      "Without a domain the site answers at the host's address. 'tls: acme' gets a certificate from Let's Encrypt; see docs/certificates.md.",
    ),
    ...(facts.accel === undefined ? [] : comment(2, accelAdvice(facts.accel))),
    "  # berth:site:",
    `  #   domain: ${name}.example.org`,
    "  #   tls: acme",
    ...(facts.accel === undefined ? [] : ["  #   accel:", `  #     ${facts.accel.path}: \${paths.media}`]),
    "  berth:app:",
    `    name: ${yaml(name)}`,
    "    source:",
    `      directory: ${yaml(directory)}`,
    ...entry.notes.flatMap((note) => comment(4, note)),
    ...callableLines(facts),
    ...settingsLines(facts),
    ...(entry.static === undefined
      ? []
      : [...comment(4, "nginx serves it under /static/."), `    static: ${yaml(entry.static)}`]),
    ...sharedLines(facts),
    ...(python.version === undefined
      ? python.note === undefined
        ? []
        : comment(4, python.note)
      : [...comment(4, `${python.because}.`), `    python: ${JSON.stringify(python.version)}`]),
    ...(dependencies.named ? [`    requirements: ${yaml(dependencies.file)}`] : []),
    ...askedLines(facts),
    ...packagesLines(facts),
    ...buildLines(facts),
    ...healthLines(facts),
    ...processLines(facts),
    ...environmentLines(facts),
    ...fileLines(facts),
    ...secretLines(facts, stack),
    ...(services.postgres
      ? services.extensions.length > 0
        ? ["  berth:postgres:", `    extensions: ${yaml(services.extensions)}`]
        : []
      : services.mongodb
        ? []
        : [
            ...comment(2, "Nothing was found that needs PostgreSQL."),
            "  berth:postgres:",
            "    enabled: false",
          ]),
    ...(services.redis
      ? []
      : [...comment(2, "Nothing was found that needs Redis."), "  berth:redis:", "    enabled: false"]),
    ...(services.mongodb
      ? [
          ...comment(
            2,
            "MongoDB's protocol, by FerretDB on PostgreSQL; docs/mongodb.md has what it does not do.",
          ),
          "  berth:mongodb:",
          "    enabled: true",
        ]
      : []),
    ...(services.docker === undefined
      ? []
      : [
          ...comment(
            2,
            `${services.docker} starts containers. Docker comes by these lines, and who may use it is root's equal: docs/docker.md.`,
          ),
          "  # berth:docker:",
          "  #   enabled: true",
        ]),
    ...mediaLines(facts),
  ];
  return `${lines.join("\n")}\n`;
}

/** Directories that keep their content across releases. */
function sharedLines({ uploads, shared }: Facts): string[] {
  const ofUploads = uploads && [
    ...comment(
      4,
      `${uploads.at} keeps uploads among the static files. They stay across releases; the application serves both.`,
    ),
    "    shared:",
    `      ${yaml(uploads.path)}: uploads`,
  ];
  const [first] = shared;
  if (first === undefined) return ofUploads ?? [];
  const names = [...new Set(shared.flatMap(({ settings }) => settings))].slice(0, 6).join(", ");
  return [
    ...(ofUploads ?? []),
    ...comment(
      4,
      `${first.at} has the application write next to its code (${names}). What lies there stays.`,
    ),
    ...(ofUploads === undefined ? ["    shared:"] : []),
    // Two of one name would be one directory.
    ...shared.map(({ path }) => `      ${yaml(path)}: ${yaml(path.replaceAll("/", "-"))}`),
  ];
}

function mediaLines({ unseenMedia }: Facts): string[] {
  if (unseenMedia === undefined)
    return [
      ...comment(
        2,
        "Whether everyone may see uploaded files. Otherwise requests for them reach the application.",
      ),
      "  berth:media:",
      "    public: false",
    ];
  return [
    ...comment(
      2,
      `${unseenMedia}. 'true' has nginx serve them to everyone. 'false' is right once a view of the application shows them.`,
    ),
    "  # berth:media:",
    "  #   public: true",
  ];
}

/** The file that settles what the project's settings fix. */
function fileLines({ own, entry }: Facts): string[] {
  if (own === undefined) return [];
  const why =
    entry.framework === "Flask"
      ? "The application reads its settings from this file. It is the place for what else it needs."
      : own.settings === undefined
        ? "The project's settings import this file where it is there. It is the place for what else the site needs."
        : "These settings come after the project's own. They are the place for what else the site needs.";
  return [
    ...comment(4, why),
    "    files:",
    `      ${own.path}:`,
    "        content: |",
    ...own.content
      .split("\n")
      .map((line) => (line === "" ? "" : `          ${line}`))
      .slice(0, -1),
  ];
}

function callableLines({ entry: { wsgi, asgi } }: Facts): string[] {
  if (asgi !== undefined) return ["    server: uvicorn", `    asgi: ${yaml(asgi)}`];
  return wsgi === undefined
    ? [...comment(4, "TODO: the WSGI callable, MODULE:CALLABLE."), "    # wsgi: shop.wsgi:application"]
    : [`    wsgi: ${yaml(wsgi)}`];
}

function settingsLines({ entry, own }: Facts): string[] {
  if (entry.framework !== "Django") return [];
  const others =
    entry.otherSettings.length === 0
      ? []
      : comment(4, `There are also ${entry.otherSettings.slice(0, 12).join(", ")}.`);
  return [
    ...others,
    entry.settings === undefined
      ? "    # settings: shop.settings"
      : `    settings: ${yaml(own?.settings ?? entry.settings)}`,
  ];
}

function askedLines({ dependencies: { groups, extras } }: Facts): string[] {
  if (groups.length + extras.length === 0) return [];
  return [
    ...comment(4, "What pyproject.toml has for production beside its main dependencies."),
    ...(groups.length === 0 ? [] : [`    groups: ${yaml(groups)}`]),
    ...(extras.length === 0 ? [] : [`    extras: ${yaml(extras)}`]),
  ];
}

function packagesLines({ services, built }: Facts): string[] {
  const all = [...new Set([...services.packages, ...built.packages])];
  return all.length === 0
    ? []
    : [
        ...comment(4, "Debian packages that dependencies or commands below need."),
        `    packages: ${yaml(all)}`,
      ];
}

function buildLines({ built, compressor, manage }: Facts): string[] {
  const { commands, frontEnds } = built;
  const [frontEnd, ...others] = frontEnds;
  const isOne = frontEnd !== undefined && others.length === 0;
  return [
    ...built.notes.flatMap((note) => comment(4, note)),
    ...(compressor === undefined ? [] : comment(4, compressor.note)),
    ...(isOne || commands.length > 0 || compressor?.isOffline ? ["    build:"] : []),
    ...(isOne
      ? [
          ...comment(
            6,
            "Each release builds it on the host. 'false' ships what you have built here, if .berthignore takes it back from git's ignored files.",
          ),
          `      frontEnd: ${yaml(frontEnd)}`,
        ]
      : []),
    ...(compressor?.isOffline
      ? ["      afterCollectstatic:", `        - ${yaml(`python ${manage} compress`)}`]
      : []),
    ...(commands.length === 0
      ? []
      : ["      commands:", ...commands.map((command) => `        - ${yaml(command)}`)]),
    ...(others.length === 0
      ? []
      : [
          ...comment(4, "There are several front ends. Below 'build', name the one of this application:"),
          ...frontEnds.map((folder) => `    #   frontEnd: ${yaml(folder)}`),
        ]),
  ];
}

function healthLines({ health }: Facts): string[] {
  if (health.path !== undefined)
    return [
      ...(health.isLogin
        ? comment(
            4,
            health.loginAt === undefined
              ? "No path for health was found. This page answers 200 to everyone; one of its own is better."
              : `No path for health was found. ${health.loginAt} names this page as LOGIN_URL: it should answer 200 to everyone, where / may ask for a login. A path of its own is better.`,
          )
        : []),
      `    health: ${yaml(health.path)}`,
    ];
  return [
    ...comment(
      4,
      "No path for health was found. This one must answer 200 to everyone, without a login or a redirect; one",
    ),
    ...comment(4, "that asks the database is better."),
    "    health: /",
  ];
}

function processLines({ processes }: Facts): string[] {
  const certain = processes.processes.filter(({ doubt }) => doubt === undefined);
  const doubtful = processes.processes.filter(({ doubt }) => doubt !== undefined);
  const entryOf = (command: string | undefined) =>
    command === undefined ? "count: 0" : `command: ${yaml(command)}`;
  return [
    ...(processes.procfile.length === 0
      ? []
      : comment(4, `Berth reads the Procfile itself: ${processes.procfile.join(", ")}.`)),
    ...(certain.length === 0 ? [] : ["    processes:"]),
    ...certain.flatMap(({ name, command }) => [
      ...(command === undefined
        ? comment(6, "A line of the Procfile for development, which is left out.")
        : []),
      `      ${yaml(name)}:`,
      `        ${entryOf(command)}`,
    ]),
    ...(doubtful.length > 0 && certain.length === 0 ? ["    # processes:"] : []),
    ...doubtful.flatMap(({ name, command, doubt }) => [
      ...comment(4, `Perhaps this one: ${doubt}.`),
      `    #   ${yaml(name)}:`,
      `    #     ${entryOf(command)}`,
    ]),
  ];
}

const listed = (all: readonly Variable[], show: (one: Variable) => string, most = 40): string => {
  const more = all.length > most ? `, and ${all.length - most} more` : "";
  return `${all.slice(0, most).map(show).join(", ")}${more}`;
};

/** A default may be long, or have what a comment cannot have; and a password stays where it is. */
function defaultOf({ name, default: told = "" }: Variable): string {
  const line = told.replaceAll(/[\p{C}\s]+/gu, " ").trim();
  if (line === "") return '""';
  if (isSecret(name) || /:\/\/[^/]*:[^/]*@/.test(line)) return "one in the code";
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

function environmentLines({ wanted, services, importsBecause }: Facts): string[] {
  const { given, env, required, open, defaults } = wanted;
  // What it is not given either: the stack has no such service.
  const has = given.filter((name) =>
    name === "DATABASE_URL"
      ? services.postgres
      : /^(REDIS|CACHE)_URL$/.test(name)
        ? services.redis
        : ofMongoDb.test(name)
          ? services.mongodb
          : true,
  );
  const filled = env.flatMap(([name, value]) => [
    ...(name === "PYTHONPATH" ? importsBecause.flatMap((one) => comment(6, one)) : []),
    `      ${name}: ${yaml(value)}`,
  ]);
  const told = [
    ...required.flatMap((one) => [
      ...comment(6, `TODO: required, and read at ${one.at}.`),
      `      # ${one.name}:`,
    ]),
    ...(open.length === 0
      ? []
      : comment(6, `Read without a default, where it is needed: ${listed(open, ({ name }) => name)}.`)),
    ...(defaults.length === 0
      ? []
      : comment(6, `These have defaults: ${listed(defaults, (one) => `${one.name} (${defaultOf(one)})`)}.`)),
  ];
  return [
    ...(has.length === 0 ? [] : comment(4, `Berth gives it ${has.join(", ")}.`)),
    ...(filled.length > 0 ? ["    env:"] : told.length > 0 ? ["    # env:"] : []),
    ...filled,
    ...told,
  ];
}

function secretLines({ wanted }: Facts, stack: string): string[] {
  if (wanted.secrets.length === 0) return [];
  return [
    ...comment(4, "TODO: secrets. Each command asks for the value, and writes it into this file, encrypted:"),
    ...wanted.secrets.map((one) => `    #   ${secretCommand(one.name, stack)}`),
  ];
}

export const secretCommand = (name: string, stack: string): string =>
  `npm run pulumi -- config set --secret --path 'berth:app.secrets.${name}' -s ${stack}`;
