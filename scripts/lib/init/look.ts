// What an application is, as its own files show it. Nothing of it is run.
import { join } from "node:path";
import { type AccelFound, readAccel } from "./accel.ts";
import { type CompressorFound, readCompressor } from "./compressor.ts";
import { type Dependencies, type PythonAsked, readDependencies, readPythonVersion } from "./dependencies.ts";
import { type Entry, findBase, readEntry, settingsChain } from "./entry.ts";
import { readEnvironment } from "./environment.ts";
import { flaskSettings } from "./flask-settings.ts";
import { type Built, readBuilt } from "./front-end.ts";
import { unseenMedia } from "./media.ts";
import { type OwnSettings, ownSettings } from "./own-settings.ts";
import { type ProcessesFound, readProcesses } from "./processes.ts";
import { closure, openProject, type Project } from "./project.ts";
import { redisDoubts } from "./redis.ts";
import { type Health, readHealth } from "./routes.ts";
import { randomKeyAt } from "./secret-key.ts";
import { readServices, type ServicesFound } from "./services.ts";
import { type UploadsFound, uploadsBelow } from "./uploads.ts";
import { type Wanted, wantedOf } from "./wanted.ts";
import { readWrites, type SharedFound, sharedBelow } from "./writes.ts";

export interface Facts {
  /** The directory to deploy; below the one that was asked about where manage.py is, with the dependencies. */
  readonly directory: string;
  /** Why Python imports from the folders of its PYTHONPATH, as sentences. */
  readonly importsBecause: readonly string[];
  readonly entry: Entry;
  readonly dependencies: Dependencies;
  readonly python: PythonAsked;
  readonly services: ServicesFound;
  readonly processes: ProcessesFound;
  readonly built: Built;
  readonly health: Health;
  readonly wanted: Wanted;
  /** What the stack settles that the project's settings fix. */
  readonly own: OwnSettings | undefined;
  /** Where it keeps uploads among its static files. */
  readonly uploads: UploadsFound | undefined;
  /** Where a signing key is made up that differs in each process. */
  readonly randomKey: string | undefined;
  /** Why nobody would see uploads. */
  readonly unseenMedia: string | undefined;
  /** What settings say of Redis that goes wrong without a word, as sentences. */
  readonly redisDoubts: readonly string[];
  /** What becomes of django-compressor. */
  readonly compressor: CompressorFound | undefined;
  /** The file that runs Django's commands, as seen from the directory to deploy. */
  readonly manage: string;
  /** What has nginx send files. */
  readonly accel: AccelFound | undefined;
  /** Directories that its settings have it write to. */
  readonly shared: readonly SharedFound[];
  /** Where it writes in its own directory. */
  readonly writes: readonly string[];
  /** What could not be read. */
  readonly faults: readonly string[];
}

const reading = /environ|getenv|\benv\b|\bEnv\b|\bconfig\(|BaseSettings|DATABASE_URL/;

export function look(directory: string): Facts {
  const above = openProject(directory);
  const base = findBase(above);
  const project = base === "" ? above : openProject(join(directory, base));
  const entry = readEntry(project);
  const isDjango = entry.framework === "Django";

  const settings = entry.settings === undefined ? [] : settingsChain(project, entry.settings);
  const own = readDependencies(project.files);
  const ofWhole = own.file === undefined && above !== project ? ofAbove(above, own) : own;
  // The whole is a release where the dependencies, or what the settings read, lie above the application's own directory.
  const isBeside = base !== "" && own.file !== undefined && readsFrontEnd(above, base, project, settings);
  const inner = (ofWhole !== own && ofWhole.file !== undefined) || isBeside ? base : undefined;
  const dependencies = isBeside ? { ...own, file: `${base}/${own.file}`, named: true } : ofWhole;
  const version = readPythonVersion(project.files, ofWhole.file);
  const python =
    version.because === undefined && above !== project ? readPythonVersion(above.files, undefined) : version;

  const start = (entry.wsgi ?? entry.asgi)?.split(":")[0];
  const loaded =
    isDjango || start === undefined
      ? settings
      : closure(project, start, (module) => project.fileOf(module) !== undefined);
  const isOtherSettings = (path: string) =>
    entry.otherSettings.some((module) => project.fileOf(module) === path);
  const code = project
    .having(reading)
    .filter(
      ({ path }) =>
        !isOtherSettings(path) && !/(^|\/)(manage|setup|wsgi|asgi|gunicorn\w*|[\w.]*conf)\.py$/.test(path),
    );
  const variables = readEnvironment(loaded, code);
  const services = readServices(project, settings, code, dependencies, variables, isDjango);
  const processes = inFolder(readProcesses(project, above, settings, dependencies, entry), inner);
  const compressor = readCompressor(settings, variables);
  const settledBefore = new Set(compressor?.env.map(([name]) => name));
  const wanted = wantedOf(
    variables.filter(({ name }) => !settledBefore.has(name)),
    services,
  );
  // Where RQ's own program finds Redis.
  const isRq = processes.processes.some(({ command }) => command?.startsWith("rq worker"));
  const rq = isRq && services.redis ? [["RQ_REDIS_URL", "${redis.url}"] as const] : [];
  const ofFlask =
    entry.framework === "Flask" ? flaskSettings(project, loaded, services, dependencies) : undefined;
  const settled = isDjango
    ? ownSettings(project, entry.settings, settings, services, dependencies)
    : ofFlask?.own;
  const place = (path: string) => (inner === undefined ? path : `${inner}/${path}`);
  const imports = [
    ...(inner === undefined ? [] : [inner]),
    ...project.roots.map(({ folder }) => place(folder)),
  ];
  const uploads = entry.static === undefined ? undefined : uploadsBelow(project, entry.static);
  return {
    directory: base === "" || inner !== undefined ? directory : join(directory, base),
    // With uploads among them the application serves its static files itself.
    importsBecause: project.roots.map(({ because }) => because),
    entry:
      entry.static === undefined
        ? entry
        : { ...entry, static: uploads === undefined ? place(entry.static) : undefined },
    dependencies,
    python,
    services,
    processes,
    built: readBuilt((inner === undefined ? project : above).files, dependencies.names, isDjango),
    health: readHealth(project, entry.settings),
    wanted: {
      ...wanted,
      env: [
        ...wanted.env.filter(([name]) => name !== rq[0]?.[0]),
        ...rq,
        ...(ofFlask?.env ?? []),
        ...(compressor?.env ?? []),
        ...(imports.length === 0 ? [] : [["PYTHONPATH", imports.join(":")] as const]),
      ],
    },
    own: settled && { ...settled, path: place(settled.path) },
    uploads: uploads && { ...uploads, path: place(uploads.path) },
    // That of Django's settings is settled.
    randomKey: isDjango ? undefined : randomKeyAt(project, loaded),
    compressor,
    manage: place("manage.py"),
    accel: readAccel(
      project,
      settings,
      dependencies,
      variables.some(({ name }) => name === "MEDIA_URL"),
    ),
    redisDoubts: services.redis ? redisDoubts(settings) : [],
    unseenMedia: isDjango ? unseenMedia(project, settings) : undefined,
    shared: (isDjango ? sharedBelow(project, settings) : []).map((one) => ({
      ...one,
      path: place(one.path),
    })),
    writes: readWrites(project),
    faults: [...new Set([...above.files.faults, ...project.files.faults, ...project.faults])],
  };
}

/** Whether the settings name the directory of a front end that lies beside the application's own. */
function readsFrontEnd(
  above: Project,
  base: string,
  project: Project,
  settings: readonly { path: string }[],
): boolean {
  const texts = settings.map(({ path }) => project.files.read(path) ?? "").join("\n");
  return readBuilt(above.files, new Set(), false).frontEnds.some(
    (folder) =>
      !folder.startsWith(`${base}/`) &&
      new RegExp(`["'/]${folder.replaceAll(/[.]/g, "\\.")}["'/]`).test(texts),
  );
}

/** The dependencies of a directory above the application's own. */
function ofAbove(above: Project, none: Dependencies): Dependencies {
  const found = readDependencies(above.files);
  return found.file !== undefined || found.todos.length > 0 ? found : { ...found, todos: none.todos };
}

/** Processes of an application whose manage.py is in a folder of the release. */
const inFolder = (found: ProcessesFound, folder: string | undefined): ProcessesFound =>
  folder === undefined
    ? found
    : {
        ...found,
        processes: found.processes.map((one) => ({
          ...one,
          ...(one.command === undefined
            ? {}
            : { command: one.command.replace(/(^|\s)manage\.py\b/, `$1${folder}/manage.py`) }),
        })),
      };
