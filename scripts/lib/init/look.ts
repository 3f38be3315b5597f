// What an application is, as its own files show it. Nothing of it is run.
import { join, relative } from "node:path";
import { shellWord } from "../../../components/host/quote.ts";
import { type Dependencies, type PythonAsked, readDependencies, readPythonVersion } from "./dependencies.ts";
import { type Entry, findBase, readEntry, settingsChain } from "./entry.ts";
import { readEnvironment } from "./environment.ts";
import { type Built, readBuilt } from "./front-end.ts";
import { type OwnSettings, ownSettings } from "./own-settings.ts";
import { type ProcessesFound, readProcesses } from "./processes.ts";
import { closure, openProject, type Project } from "./project.ts";
import { type Health, readHealth } from "./routes.ts";
import { readServices, type ServicesFound } from "./services.ts";
import { type Wanted, wantedOf } from "./wanted.ts";
import { readWrites } from "./writes.ts";

export interface Facts {
  /** The directory to deploy; below the one that was asked about where manage.py is. */
  readonly directory: string;
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
  const dependencies = own.file === undefined && above !== project ? ofAbove(project, above, own) : own;
  const version = readPythonVersion(project.files, dependencies.file);
  const python =
    version.because === undefined && above !== project ? readPythonVersion(above.files, undefined) : version;

  const settings = entry.settings === undefined ? [] : settingsChain(project, entry.settings);
  const start = entry.wsgi?.split(":")[0];
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
  const processes = readProcesses(project, above, settings, dependencies, entry);
  const wanted = wantedOf(variables, services);
  // Where RQ's own program finds Redis.
  const isRq = processes.processes.some(({ command }) => command?.startsWith("rq worker"));
  const rq = isRq && services.redis ? [["RQ_REDIS_URL", "${redis.url}"] as const] : [];
  return {
    directory: base === "" ? directory : join(directory, base),
    entry,
    dependencies,
    python,
    services,
    processes,
    built: readBuilt(project.files, dependencies.names, isDjango),
    health: readHealth(project, entry.settings),
    wanted: { ...wanted, env: [...wanted.env.filter(([name]) => name !== rq[0]?.[0]), ...rq] },
    own: isDjango ? ownSettings(project, entry.settings, settings, services, dependencies) : undefined,
    writes: readWrites(project),
    faults: [...new Set([...above.files.faults, ...project.files.faults, ...project.faults])],
  };
}

/** A release is what lies in the directory with manage.py; what is above is not shipped. */
function ofAbove(project: Project, above: Project, none: Dependencies): Dependencies {
  const found = readDependencies(above.files);
  if (found.file === undefined) return { ...found, todos: found.todos.length > 0 ? found.todos : none.todos };
  const below = relative(above.files.directory, project.files.directory);
  const todo =
    `The application is in ${below}/, and ${found.file} lies above it. A release has the files of ${below}/ alone: ` +
    `put the dependencies there, such as by: ${found.file === "uv.lock" ? `uv export --no-dev -o ${shellWord(`${below}/requirements.txt`)}` : `cp ${found.file} ${shellWord(`${below}/`)}`}`;
  return { ...found, file: undefined, named: false, todos: [todo] };
}
