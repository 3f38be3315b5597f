// What an application depends on, and the Python that it asks for, as its own files say.
import { parse as parseToml } from "smol-toml";
import type { Files } from "./files.ts";
import { allows } from "./specifiers.ts";
import { pythonOfWheels } from "./wheels.ts";

export interface Dependencies {
  /** The file that Berth installs from; undefined where there is none that it reads. */
  readonly file: string | undefined;
  /** Whether the stack has to name it: it is none of those that Berth looks for. */
  readonly named: boolean;
  /** The names of what is asked for, in the form `psycopg2-binary`, and with extras as `celery[redis]`. */
  readonly names: ReadonlySet<string>;
  /** Those of groups and extras that are not installed, unless the stack names them. */
  readonly offered: ReadonlySet<string>;
  /** Groups and extras of the project that production is to have beside its main dependencies. */
  readonly groups: readonly string[];
  readonly extras: readonly string[];
  /** What is in the way, each with what to do. */
  readonly todos: readonly string[];
}

type Table = { readonly [key: string]: unknown };
const table = (value: unknown): Table =>
  typeof value === "object" && value !== null ? (value as Table) : {};
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

export function readDependencies(files: Files): Dependencies {
  const project = readToml(files, "pyproject.toml");
  const isPackage = project.project !== undefined || table(table(project.tool).poetry).name !== undefined;
  const ofProject = projectNames(project);
  const lock = ["uv.lock", "poetry.lock"].find((one) => files.has(one));
  const all = (own: Iterable<string>) => new Set([...own].flatMap(namesOf));
  const none = { groups: [], extras: [], offered: new Set<string>() };
  const { names: ofGroups, offered, ...groups } = askedFor(project, lock);
  const asked = { ...groups, offered: all(offered) };
  if (lock !== undefined && files.has("pyproject.toml")) {
    return { file: lock, named: false, names: all([...ofProject, ...ofGroups]), ...asked };
  }
  if (files.has("requirements.txt")) {
    return {
      file: "requirements.txt",
      named: false,
      names: all(requirements(files, "requirements.txt")),
      ...none,
      todos: [],
    };
  }
  if (ofProject.length > 0)
    return { file: "pyproject.toml", named: false, names: all([...ofProject, ...ofGroups]), ...asked };

  const best = otherRequirements(files)[0];
  if (best !== undefined)
    return { file: best, named: true, names: all(requirements(files, best)), ...none, todos: [] };
  const pipfile = readToml(files, "Pipfile");
  if (files.has("Pipfile")) {
    const todo =
      "Pipfile is not a file that Berth installs from. Write one that is: pipenv requirements > requirements.txt";
    return {
      file: undefined,
      named: false,
      names: all(Object.keys(table(pipfile.packages))),
      ...none,
      todos: [todo],
    };
  }
  const elsewhere = [
    "setup.py",
    "setup.cfg",
    "environment.yml",
    "environment.yaml",
    "requirements.in",
    "pdm.lock",
  ];
  const there =
    elsewhere.find((one) => files.has(one)) ??
    (isPackage || "dependency-groups" in project ? "pyproject.toml" : undefined);
  const group = "dependency-groups" in project && there === "pyproject.toml" ? " --group NAME" : "";
  const todo =
    there === undefined
      ? "No file names the dependencies. Write a uv.lock, poetry.lock, requirements.txt or pyproject.toml, or name another file as app.requirements."
      : `The dependencies stand in ${there}, where Berth does not read them. Write a requirements.txt, such as by: uv pip compile ${there}${group} -o requirements.txt`;
  const ofOthers = Object.entries(table(project["dependency-groups"])).flatMap(([group, names]) =>
    forDevelopment.test(group) ? [] : texts(names),
  );
  const ofSetup = [
    ...(files.read(there ?? "") ?? "").matchAll(/["'\s]([A-Za-z][\w.-]+(\[[\w,]+\])?)\s*[<>=~!]=?/g),
  ];
  return {
    file: undefined,
    named: false,
    names: all([...ofOthers, ...ofSetup.map(([, name]) => name as string)]),
    ...none,
    todos: [todo],
  };
}

const forProduction = /^(prod|production|deploy|deployment|live)$/i;
const forDevelopment =
  /dev|test|lint|doc|typ|format|style|debug|local|bench|coverage|\bci\b|nox|tox|build|release/i;

/** What a project asks for beside its main dependencies: production has what is called so, and may have others. */
function askedFor(project: Table, lock: string | undefined) {
  const poetry = table(table(project.tool).poetry);
  const isPoetrys = lock === "poetry.lock";
  const tables = (value: unknown) =>
    Object.entries(table(value)).map(([name, of]): [string, string[]] => [name, texts(of)]);
  const groups = [
    ...tables(project["dependency-groups"]),
    ...Object.entries(isPoetrys ? table(poetry.group) : {}).map(([name, of]): [string, string[]] => [
      name,
      poetryNames(table(of).dependencies),
    ]),
  ];
  const extras = [
    ...tables(table(project.project)["optional-dependencies"]),
    ...(isPoetrys ? tables(poetry.extras) : []),
  ];
  const taken = (all: typeof groups) => all.filter(([name]) => forProduction.test(name));
  const listed = (all: typeof groups) => [...new Set(all.map(([name]) => name))];
  const left = (key: string, all: typeof groups, isInstalled: (name: string) => boolean) => {
    const others = listed(all).filter(
      (name) => !forProduction.test(name) && !forDevelopment.test(name) && !isInstalled(name),
    );
    return others.length === 0
      ? []
      : [
          `pyproject.toml has ${key} that are not installed: ${others.join(", ")}. Name those that production needs as app.${key}.`,
        ];
  };
  const byDefault = table(table(project.tool).uv)["default-groups"];
  const isDefault = (name: string) => !isPoetrys && (byDefault === "all" || texts(byDefault).includes(name));
  return {
    groups: listed(taken(groups)),
    extras: listed(taken(extras)),
    names: [...taken(groups), ...taken(extras)].flatMap(([, names]) => names),
    offered: [...groups, ...extras].flatMap(([name, names]) =>
      forProduction.test(name) || forDevelopment.test(name) ? [] : names,
    ),
    todos: [...left("groups", groups, isDefault), ...left("extras", extras, () => false)],
  };
}

/** Files of requirements by other names, those for production first. */
function otherRequirements(files: Files): string[] {
  const rank = (path: string) => {
    if (/(dev|test|lint|docs?|ci|local|build)\b/.test(path)) return 9;
    if (/(prod|production|deploy|live|heroku)\b/.test(path)) return 0;
    return /(base|common|main|requirements)\.txt$/.test(path) ? 1 : 2;
  };
  return files.paths
    .filter((path) => /^(requirements\/[^/]+|requirements[\w.-]*|reqs?\/[^/]+)\.txt$/.test(path))
    .filter((path) => rank(path) < 9)
    .sort((a, b) => rank(a) - rank(b));
}

/** The lines of a requirements file and of those that it includes. */
function requirements(files: Files, path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  return (files.read(path) ?? "").split(/\r?\n/).flatMap((line) => {
    const included = /^\s*(?:-r|--requirement)[=\s]\s*(\S+)/.exec(line)?.[1];
    if (included !== undefined) return requirements(files, joined(path, included), seen);
    const egg = /#egg=([\w.-]+)/.exec(line)?.[1];
    return egg !== undefined ? [egg] : /^\s*[A-Za-z0-9]/.test(line) ? [line.trim()] : [];
  });
}

/** A path as a file names it that lies elsewhere. */
function joined(path: string, other: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of other.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** The project's own, without those of its development groups. */
function projectNames(project: Table): string[] {
  const ofPoetry = poetryNames(table(table(project.tool).poetry).dependencies);
  return [...texts(table(project.project).dependencies), ...ofPoetry];
}

function poetryNames(dependencies: unknown): string[] {
  return Object.entries(table(dependencies)).flatMap(([name, value]) => {
    const extras = texts(table(value).extras);
    return name === "python" ? [] : [extras.length > 0 ? `${name}[${extras.join(",")}]` : name];
  });
}

/** `Celery[redis,msgpack]>=5` is `celery`, `celery[redis]` and `celery[msgpack]`. */
function namesOf(requirement: string): string[] {
  const [, name, extras = ""] = /^([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?/.exec(requirement) ?? [];
  if (name === undefined) return [];
  const plain = name.toLowerCase().replaceAll(/[-_.]+/g, "-");
  return [
    plain,
    ...extras
      .split(",")
      .flatMap((extra) => (extra.trim() === "" ? [] : `${plain}[${extra.trim().toLowerCase()}]`)),
  ];
}

function readToml(files: Files, path: string): Table {
  try {
    return table(parseToml(files.read(path) ?? ""));
  } catch {
    return {};
  }
}

export interface PythonAsked {
  /** The version to name in the stack; undefined where Debian's own fits. */
  readonly version: string | undefined;
  /** Why; undefined where nothing asks for one. */
  readonly because: string | undefined;
  /** What is said where the stack names none. */
  readonly note?: string;
  readonly todos: readonly string[];
}

const none: PythonAsked = { version: undefined, because: undefined, todos: [] };

/** Debian 13's. */
const ofDebian = 13;

/**
 * The Python that it asks for, by what says most of what it runs with.
 *
 * @param requirements the file that names the dependencies
 */
export function readPythonVersion(files: Files, requirements: string | undefined): PythonAsked {
  const project = readToml(files, "pyproject.toml");
  const requires =
    table(project.project)["requires-python"] ?? table(table(table(project.tool).poetry).dependencies).python;
  const fits = (minor: number) => typeof requires !== "string" || allows(requires, minor);
  const named = (file: string, pattern: RegExp) => {
    const minor = pattern.exec(files.read(file) ?? "")?.[1];
    return minor === undefined ? [] : [{ file, minor: Number(minor) }];
  };
  const found = [
    ...named(".python-version", /^\s*(?:cpython-|python-)?3\.(\d+)/m),
    ...named("runtime.txt", /^\s*(?:python-)?3\.(\d+)/m),
    ...named("Pipfile", /python_(?:full_)?version\s*=\s*["']3\.(\d+)/),
    ...named("Dockerfile", /^FROM\s+(?:--\S+\s+)?(?:\S+\/)?python:3\.(\d+)/im),
  ].filter(({ minor }) => fits(minor));
  const first = found[0];
  // An image names the newest Python of its day. Debian's own is kept up to date with the host.
  if (first?.file === "Dockerfile" && first.minor > ofDebian && fits(ofDebian)) {
    return { ...none, note: `Debian's own Python is used, 3.${ofDebian}; Dockerfile has 3.${first.minor}.` };
  }
  if (first !== undefined && first.minor < 9) {
    const todo = `${first.file} asks for Python 3.${first.minor}, and Berth brings 3.9 and later: move the application to a newer one.`;
    return { version: undefined, because: undefined, todos: [todo] };
  }
  if (first !== undefined) {
    return {
      version: first.minor === ofDebian ? undefined : `3.${first.minor}`,
      because: `${first.file} asks for it`,
      todos: [],
    };
  }
  if (fits(ofDebian)) {
    const older = requirements === undefined ? undefined : pythonOfWheels(files, requirements);
    const isOlder = older !== undefined && fits(older.minor);
    return {
      version: isOlder ? `3.${older.minor}` : undefined,
      because: isOlder ? older.because : undefined,
      todos: [],
    };
  }
  const newest = [14, 12, 11, 10, 9].find(fits);
  const because = `pyproject.toml asks for ${requires}`;
  if (newest !== undefined) return { version: `3.${newest}`, because, todos: [] };
  const todo = `pyproject.toml asks for Python ${requires}, and Berth brings 3.9 to 3.14: change it, or name one as app.python.`;
  return { version: undefined, because, todos: [todo] };
}
