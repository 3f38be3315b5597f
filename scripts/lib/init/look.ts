// What an application is, as its own files show it. Nothing of it is run.
import { join } from "node:path";
import { type Dependencies, type PythonAsked, readDependencies, readPythonVersion } from "./dependencies.ts";
import { type Entry, findBase, readEntry, settingsChain } from "./entry.ts";
import { readEnvironment } from "./environment.ts";
import { flaskSettings } from "./flask-settings.ts";
import { type Built, readBuilt } from "./front-end.ts";
import { type OwnSettings, ownSettings } from "./own-settings.ts";
import { type ProcessesFound, readProcesses } from "./processes.ts";
import { closure, openProject, type Project } from "./project.ts";
import { type Health, readHealth } from "./routes.ts";
import { readServices, type ServicesFound } from "./services.ts";
import { type UploadsFound, uploadsBelow } from "./uploads.ts";
import { type Wanted, wantedOf } from "./wanted.ts";
import { readWrites } from "./writes.ts";

export interface Facts {
  /** The directory to deploy; below the one that was asked about where manage.py is, with the dependencies. */
  readonly directory: string;
  /** The directory in it from which Python imports, where that is not the top. */
  readonly pythonPath: string | undefined;
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

  const own = readDependencies(project.files);
  const dependencies = own.file === undefined && above !== project ? ofAbove(above, own) : own;
  // The whole is a release where the dependencies lie above the application's own directory.
  const pythonPath = dependencies !== own && dependencies.file !== undefined ? base : undefined;
  const version = readPythonVersion(project.files, dependencies.file);
  const python =
    version.because === undefined && above !== project ? readPythonVersion(above.files, undefined) : version;

  const settings = entry.settings === undefined ? [] : settingsChain(project, entry.settings);
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
  const processes = inFolder(readProcesses(project, above, settings, dependencies, entry), pythonPath);
  const wanted = wantedOf(variables, services);
  // Where RQ's own program finds Redis.
  const isRq = processes.processes.some(({ command }) => command?.startsWith("rq worker"));
  const rq = isRq && services.redis ? [["RQ_REDIS_URL", "${redis.url}"] as const] : [];
  const ofFlask =
    entry.framework === "Flask" ? flaskSettings(project, loaded, services, dependencies) : undefined;
  const settled = isDjango
    ? ownSettings(project, entry.settings, settings, services, dependencies)
    : ofFlask?.own;
  const place = (path: string) => (pythonPath === undefined ? path : `${pythonPath}/${path}`);
  const uploads = entry.static === undefined ? undefined : uploadsBelow(project, entry.static);
  return {
    directory: base === "" || pythonPath !== undefined ? directory : join(directory, base),
    pythonPath,
    // With uploads among them the application serves its static files itself.
    entry:
      entry.static === undefined
        ? entry
        : { ...entry, static: uploads === undefined ? place(entry.static) : undefined },
    dependencies,
    python,
    services,
    processes,
    built: readBuilt((pythonPath === undefined ? project : above).files, dependencies.names, isDjango),
    health: readHealth(project, entry.settings),
    wanted: {
      ...wanted,
      env: [
        ...wanted.env.filter(([name]) => name !== rq[0]?.[0]),
        ...rq,
        ...(ofFlask?.env ?? []),
        ...(pythonPath === undefined ? [] : [["PYTHONPATH", pythonPath] as const]),
      ],
    },
    own: settled && { ...settled, path: place(settled.path) },
    uploads: uploads && { ...uploads, path: place(uploads.path) },
    writes: readWrites(project),
    faults: [...new Set([...above.files.faults, ...project.files.faults, ...project.faults])],
  };
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
