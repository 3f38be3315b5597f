import { referenceFaults, secretNamesIn } from "../app/settings/references.ts";
import { keyFault, originOf } from "./archive.ts";
import type { OwnServiceConfig, OwnServices } from "./schema.ts";
import { fileText } from "./service.ts";

/** What the services of a team's own may not collide with. */
export interface Surroundings {
  /** Ports of the host that are taken, and by what. */
  readonly ports: ReadonlyMap<number, string>;
  /** Names of processes and timers. */
  readonly names: readonly string[];
  /** Settings of the application, by what gives them. */
  readonly settings: Readonly<Record<string, readonly string[]>>;
  /** All names that may be referred to. */
  readonly references: readonly string[];
}

export interface OwnServiceFault {
  /** Below `services`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly found: unknown;
}

/** What `npm run logs` and `npm run backups` call something else. */
const reserved = new Set([
  ...[
    "web",
    "release",
    "system",
    "media",
    "all",
    "database",
    "backup",
    "backups",
    "notices",
    "hooks",
    "syslog",
    "metrics",
    "reboot",
    "before-restore",
  ],
  ...["nginx", "postgres", "postgresql", "redis", "valkey", "mongodb", "ferretdb", "docker"],
]);

/** What does not hold among the services of a team's own, and between them and the rest of the stack. */
export function ownServiceFaults(all: OwnServices, around: Surroundings): OwnServiceFault[] {
  const ports = new Map(around.ports);
  const settings = new Map(
    Object.entries(around.settings).flatMap(([by, names]) => names.map((name) => [name, by] as const)),
  );
  const archives = new Map<string, string>();
  const earlier: string[] = [];
  return Object.entries(all).flatMap(([name, config]) => {
    earlier.push(name);
    return [
      ...ofName(name, around.names),
      ...once(ports, config.port, name, ["port"], (by) => `expected a port that is free: ${by} has this one`),
      ...Object.keys(config.settings).flatMap((setting) =>
        once(
          settings,
          setting,
          name,
          ["settings"],
          (by) => `expected a setting that is not given by ${by}, too: take it out of one of them`,
        ),
      ),
      ...ofArchive(archives, name, config),
      ...ofTexts(name, config, known(around.references, earlier)),
      ...(config.packages.length > 0 && config.archive !== undefined
        ? config.packages.flatMap((one, index) =>
            config.archive?.packages.includes(one)
              ? [
                  {
                    path: [name, "packages", index],
                    message: "expected a package that 'archive.packages' does not have, too",
                    found: one,
                  },
                ]
              : [],
          )
        : []),
    ];
  });
}

function ofName(name: string, taken: readonly string[]): OwnServiceFault[] {
  const isBerths = reserved.has(name) || name.startsWith("berth-");
  if (!isBerths && !taken.includes(name)) return [];
  const other = isBerths ? "part of Berth" : "process or timer of the application";
  const message = `expected a name that no ${other} has: 'npm run logs' and 'npm run backups' take it`;
  return [{ path: [name], message, found: name }];
}

/** Notes that a service has something, which may be only once. */
function once<Key>(
  taken: Map<Key, string>,
  key: Key,
  name: string,
  path: readonly string[],
  expected: (by: string) => string,
): OwnServiceFault[] {
  const by = taken.get(key);
  if (by === undefined) {
    taken.set(key, `services.${name}`);
    return [];
  }
  return [{ path: [name, ...path], message: expected(by), found: key }];
}

function ofArchive(
  archives: Map<string, string>,
  name: string,
  { archive }: OwnServiceConfig,
): OwnServiceFault[] {
  if (archive === undefined) return [];
  const fault = keyFault(archive);
  return [
    ...(fault === undefined ? [] : [{ path: [name, "archive", "key"], message: fault[0], found: fault[1] }]),
    ...once(
      archives,
      // As apt tells them apart.
      originOf(archive),
      name,
      ["archive", "url"],
      (by) => `expected the host of an archive that ${by} does not name: write its packages there`,
    ),
  ];
}

/** What a service may refer to: itself, those before it, and all else. */
const known = (references: readonly string[], services: readonly string[]) =>
  references.filter((one) => {
    const [, name] = /^services\.([^.]+)\./.exec(one) ?? [];
    return name === undefined || services.includes(name);
  });

function ofTexts(name: string, config: OwnServiceConfig, names: readonly string[]): OwnServiceFault[] {
  const faults: OwnServiceFault[] = [];
  const check = (path: readonly string[], text: string, where = "") => {
    for (const [, message, found] of referenceFaults({ text }, names))
      faults.push({ path: [name, ...path], message: `${where}${message}`, found });
  };
  check(["command"], config.command);
  const [secret] = secretNamesIn(config.command);
  if (secret !== undefined) {
    faults.push({
      path: [name, "command"],
      message:
        "expected no secret, which every account of the host could read there: put it into 'env' or 'files'",
      found: `\${${secret}}`,
    });
  }
  for (const [key, text] of Object.entries(config.env)) check(["env", key], `${text}`);
  for (const [key, text] of Object.entries(config.settings)) check(["settings", key], text);
  const paths = Object.keys(config.files);
  for (const [path, file] of Object.entries(config.files)) {
    const inside = paths.find((other) => other.startsWith(`${path}/`));
    if (inside !== undefined)
      faults.push({
        path: [name, "files", path],
        message: `expected a directory, for '${inside}' is in it`,
        found: "a file",
      });
    try {
      for (const [index, line] of fileText(file).split("\n").entries())
        check(["files", path], line, `line ${index + 1}: `);
    } catch (error) {
      const message = `expected a text file, from ${process.cwd()} (${(error as Error).message})`;
      faults.push({ path: [name, "files", path], message, found: "from" in file ? file.from : "" });
    }
  }
  return faults;
}
