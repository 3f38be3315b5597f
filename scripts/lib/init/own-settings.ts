// Settings of a stack's own: a file that the stack puts beside the project's settings, so that no line of the project
// has to be changed.
import type { Dependencies } from "./dependencies.ts";
import { databaseOf, type Line, settledLines, values } from "./django-settings.ts";
import { absolute, type Project } from "./project.ts";
import type { Module } from "./python.ts";
import type { ServicesFound } from "./services.ts";

/** A file of `app.files`. */
export interface OwnSettings {
  /** Its path in the application. */
  readonly path: string;
  readonly content: string;
  /** The settings module to name, where the project does not import the file by itself. */
  readonly settings: string | undefined;
  readonly doubts: readonly string[];
  readonly todos: readonly string[];
}

/** What a project imports from a module that its source does not have, as of `local_settings`. */
interface Hook {
  readonly path: string;
  readonly at: string;
  readonly line: number;
  /** `*` for all. */
  readonly names: readonly string[];
  readonly isRequired: boolean;
}

/** @param chain the settings module, and after it those that it takes all from */
export function ownSettings(
  project: Project,
  settings: string | undefined,
  chain: readonly Module[],
  services: ServicesFound,
  dependencies: Dependencies,
): OwnSettings | undefined {
  const [first] = chain;
  if (settings === undefined || first === undefined) return undefined;
  const text = chain.map(({ path }) => project.files.read(path) ?? "").join("\n");
  const lines = settledLines(project, chain, text, services);
  const hooks = chain.flatMap((module) => hooksOf(project, module, dependencies));
  const required = hooks.find(({ isRequired }) => isRequired);
  // After it nothing in the module may set once more what it has set.
  const last = (name: string) =>
    Math.max(0, ...first.assigns.filter((one) => one.name === name).map(({ line }) => line));
  const own = hooks.findLast(
    ({ at, line, names }) =>
      at.startsWith(`${first.path}:`) &&
      names.includes("*") &&
      lines.every(({ name, isUpon }) => !isUpon && last(name) < line),
  );
  if (required !== undefined && required !== own) return ofRequired(required, services);
  if (own === undefined && lines.length === 0) return undefined;
  const doubts = usesOf(text, lines);
  if (own !== undefined) {
    if (lines.length === 0 && !own.isRequired) return undefined;
    if (!own.isRequired)
      return { path: own.path, content: written(lines), settings: undefined, doubts, todos: [] };
    const named = hooks.filter(({ path }) => path === own.path).flatMap(({ names }) => names);
    return { ...ofAll(project, own, named, lines, text, services), doubts };
  }
  const parts = settings.split(".").slice(0, -1);
  return {
    path: project.pathNextTo(first.path, [...parts, "berth_settings"].join(".")),
    content: written(lines, settings),
    settings: [...parts, "berth_settings"].join("."),
    doubts,
    todos: [],
  };
}

/** A module that the settings cannot do without, and take all from: also what they themselves have none of. */
function ofAll(
  project: Project,
  { path, at }: Hook,
  named: readonly string[],
  lines: readonly Line[],
  text: string,
  services: ServicesFound,
): Omit<OwnSettings, "doubts"> {
  const has = (name: string) => new RegExp(`^\\s*${name}\\b`, "m").test(text);
  const lacking = [
    ...(has("DATABASES") || !(services.postgres || services.isSqlite) ? [] : ["DATABASES"]),
    ...(has("STATIC_URL") && !has("STATIC_ROOT") ? ["STATIC_ROOT"] : []),
    ...(has("MEDIA_URL") && !has("MEDIA_ROOT") ? ["MEDIA_ROOT"] : []),
  ];
  const wanted = [...new Set([...lacking, ...named])].filter(
    (name) => name !== "*" && !lines.some((line) => line.name === name),
  );
  const known = wanted.map((name) => ({ name, because: "", value: standsFor(name, services) }));
  const unknown = known.flatMap(({ name, value }) => (value === undefined ? [name] : []));
  const content = [
    written([
      ...lines,
      ...known.flatMap(({ value, ...one }) => (value === undefined ? [] : { ...one, value })),
    ]),
    ...unknown.map((name) => `# TODO: ${name} = …\n`),
  ].join("");
  const samples = samplesOf(project, path);
  const shown = samples.length === 0 ? "" : `, and at ${samples.join(", ")}, which may show what it sets`;
  const todo = `${at} imports ${path}, which the source does not have. Look at it in the stack's file, below files${shown}${unknown.length === 0 ? "" : `, and fill in ${unknown.join(", ")}`}.`;
  return { path, content, settings: undefined, todos: [todo] };
}

/** Files that are called as if they were samples of another one: `settings_local.prod.py`, `settings_local.py.example`. */
function samplesOf({ files }: Project, path: string): string[] {
  const name = path.replace(/\.py$/, "");
  const sample = /^[._-]?(py[._-])?(prod|production|example|sample|dist|template|default)([._-].*)?$/;
  return files.paths.filter(
    (one) => one.startsWith(name) && one !== path && sample.test(one.slice(name.length)),
  );
}

/** What stands for the name of a setting, where it says by itself what it is. */
function standsFor(name: string, services: ServicesFound): string | undefined {
  if (name === "DATABASES") return `{"default": ${databaseOf(services)}}`;
  if (services.redis && /^(\w+_)?(REDIS|BROKER)_URL$/.test(name)) return '"${redis.url}"';
  if (/^LOGS?(GING)?_?(DIR|DIRECTORY|FOLDER|PATH|ROOT)$/.test(name)) return '"${paths.logs}"';
  return values[name];
}

/** A module that the settings cannot do without, with the names that they take from it. */
function ofRequired({ path, at, names }: Hook, services: ServicesFound): OwnSettings {
  const wanted = names.includes("*") ? ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASES"] : names;
  const lines = wanted.flatMap((name) => {
    const value = standsFor(name, services);
    return value === undefined ? [] : [{ name, because: "", value }];
  });
  const unknown = wanted.filter((name) => standsFor(name, services) === undefined);
  const content = [written(lines), ...unknown.map((name) => `# TODO: ${name} = …\n`)].join("");
  const more = unknown.length === 0 ? "" : ` and fill in ${unknown.join(", ")}`;
  const todo = `${at} imports ${path}, which the source does not have. Look at it in the stack's file, below files,${more || " and add what else it has to set"}.`;
  return { path, content, settings: undefined, doubts: [], todos: [todo] };
}

const likely =
  /(^|[._])(local\w*|\w*local|secrets?|private|production|prod|overrides?|credentials|deploy\w*)$/;

function hooksOf(project: Project, module: Module, { names: packages }: Dependencies): Hook[] {
  return module.imports.flatMap(({ from, names, line, conditional, inside }): Hook[] => {
    if (inside !== undefined || from === "" || names[0]?.[0] === "") return [];
    const target = absolute(from, module.path);
    const [top = ""] = target.split(".");
    const isOwn =
      from.startsWith(".") ||
      (!packages.has(top.replaceAll("_", "-")) &&
        (target.includes(".")
          ? project.code.some(
              (path) => path.startsWith(`${top}/`) || project.moduleOf(path).startsWith(`${top}.`),
            )
          : likely.test(target)));
    const isThere = (one: string) =>
      project.fileOf(one) !== undefined ||
      project.files.paths.some((path) =>
        path.startsWith(`${project.pathNextTo(module.path, one).slice(0, -".py".length)}/`),
      );
    if (target === "" || !isOwn || isThere(target)) return [];
    // `from shop.settings import x` of a module that is there is a name of it.
    const path = project.pathNextTo(module.path, target);
    return [
      {
        path,
        at: `${module.path}:${line}`,
        line,
        names: names.map(([one]) => one),
        isRequired: !conditional,
      },
    ];
  });
}

function written(lines: readonly Line[], from?: string): string {
  const needsOs = lines.some(({ value }) => value.includes("os.environ"));
  return [
    ...(needsOs ? ["import os\n"] : []),
    ...(needsOs && from !== undefined ? ["\n"] : []),
    ...(from === undefined ? [] : [`from ${from} import *\n`]),
    ...(needsOs || from !== undefined ? ["\n"] : []),
    ...lines.flatMap(({ name, because, value }) => {
      const comment = because === "" ? [] : [`# ${because}\n`];
      if (name !== "DATABASES" || value.startsWith('{"default"')) return [...comment, `${name} = ${value}\n`];
      return [
        ...comment,
        from === undefined ? `DATABASES = {"default": ${value}}\n` : `DATABASES["default"] = ${value}\n`,
      ];
    }),
  ].join("");
}

/** What the settings compute from what is settled after them keeps its old value. */
function usesOf(text: string, lines: readonly Line[]): string[] {
  return lines.flatMap(({ name }) => {
    if (name !== "SECRET_KEY" && name !== "DEBUG") return [];
    const uses = [...text.matchAll(new RegExp(`^(?!\\s*#).*\\b${name}\\b.*$`, "gm"))]
      .map(([line]) => line.trim())
      .filter((line) => !new RegExp(`^${name}\\s*(:.*)?=(?!=)`).test(line));
    return uses.length === 0
      ? []
      : [
          `The settings use ${name} in other lines ('${uses[0]?.slice(0, 60)}'), which keep its old value. Set what comes of them below files as well.`,
        ];
  });
}
