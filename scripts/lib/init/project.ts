// The Python of an application: its files as modules.
import { type Files, openFiles } from "./files.ts";
import { type ImportRoot, importRoots } from "./import-roots.ts";
import { type Module, readPython } from "./python.ts";

export interface Project {
  readonly files: Files;
  /** Every Python file that can be part of what runs in production. */
  readonly code: readonly string[];
  /** A file as a module. */
  open(path: string): Module | undefined;
  /** Folders from which Python imports, beside the top. */
  readonly roots: readonly ImportRoot[];
  /** The file of a module, by the name that Python imports. */
  fileOf(module: string): string | undefined;
  /** The name by which Python imports a file. */
  moduleOf(path: string): string;
  /** Where the file of a module would be, next to that of another one. */
  pathNextTo(file: string, module: string): string;
  /** The modules of `code` whose text has it. */
  having(pattern: RegExp): Module[];
  /** What Python 3 does not read. */
  readonly faults: readonly string[];
}

const aside =
  /(^|\/)(tests?|testing|test_[^/]*|[^/]*_tests?|e2e|conftest\.py|migrations|alembic|docs?|examples?|samples?|node_modules|site-packages|dist|\.github|hooks|noxfile\.py|fabfile\.py|setup\.py|gulpfile\.py|tasks\/__pycache__)(\/|$|\.py$)/;

/** What is for tests, documents and packaging says nothing of production. */
export const isAside = (path: string): boolean => aside.test(path);

export function openProject(directory: string): Project {
  const files = openFiles(directory);
  const modules = new Map<string, Module | undefined>();
  const faults: string[] = [];
  const code = files.paths.filter((path) => path.endsWith(".py") && !isAside(path));
  const open = (path: string) => {
    if (!modules.has(path)) {
      const text = files.read(path);
      const module = text === undefined ? undefined : understood(path, text, faults);
      modules.set(path, module);
      if (module?.faultAt !== undefined) {
        faults.push(
          `${path}: line ${module.faultAt} could not be understood, and what depends on it may be missing here`,
        );
      }
    }
    return modules.get(path);
  };
  const roots = importRoots(files, open("manage.py"), (path) => !isAside(path));
  const folders = ["", ...roots.map(({ folder }) => `${folder}/`)];
  const nameless = roots.filter((one) => one.isNameless).map(({ folder }) => `${folder}/`);
  const rootOf = (path: string) => nameless.find((folder) => path.startsWith(folder)) ?? "";
  return {
    files,
    code,
    open,
    faults,
    roots,
    fileOf: (module) => {
      const path = module.replaceAll(".", "/");
      return folders
        .flatMap((folder) => [`${folder}${path}.py`, `${folder}${path}/__init__.py`])
        .find((one) => files.has(one));
    },
    moduleOf: (path) => moduleOf(path.slice(rootOf(path).length)),
    pathNextTo: (file, module) => {
      const path = `${module.replaceAll(".", "/")}.py`;
      return path.startsWith(rootOf(file)) ? path : `${rootOf(file)}${path}`;
    },
    having: (pattern) =>
      code.flatMap((path) => (pattern.test(files.read(path) ?? "") ? (open(path) ?? []) : [])),
  };
}

/** What is nested thousands deep, as data now and then is, is no code that says anything here. */
function understood(path: string, text: string, faults: string[]): Module | undefined {
  try {
    return readPython(path, text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    faults.push(`${path}: is nested too deeply to be understood`);
    return undefined;
  }
}

/** How Python imports a file from the top. */
const moduleOf = (path: string): string =>
  path
    .replace(/\.py$/, "")
    .replace(/\/__init__$/, "")
    .replaceAll("/", ".");

/** A name that a module imports by dots, as an absolute one. */
export function absolute(from: string, path: string): string {
  const dots = /^\.*/.exec(from)?.[0].length ?? 0;
  if (dots === 0) return from;
  const parts = path.split("/").slice(0, -1);
  const base = parts.slice(0, parts.length - (dots - 1));
  return [...base, ...from.slice(dots).split(".")].filter((part) => part !== "").join(".");
}

/** A module and those of the application that it imports, the nearest first. */
export function closure(project: Project, start: string, only: (module: string) => boolean): Module[] {
  const found = new Map<string, Module>();
  const queue = [start];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const path = project.fileOf(name);
    if (path === undefined || found.has(path)) continue;
    const module = project.open(path);
    if (module === undefined) continue;
    found.set(path, module);
    for (const { from, names } of module.imports) {
      const target = absolute(from, path);
      const inner = names.map(([one]) => (target === "" ? one : `${target}.${one}`));
      queue.push(...[target, ...inner].filter((one) => only(one)));
    }
  }
  return [...found.values()];
}
