import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { didYouMean } from "../../service/did-you-mean.ts";

/** What a release has beside its source, or before it. */
export interface Beside {
  /** The application's PYTHONPATH, if it has one. */
  readonly pythonPath?: string | undefined;
  /** The paths of app.files. */
  readonly files?: readonly string[] | undefined;
  /** The path of `app.requirements`, if there is one: a file that names dependencies. */
  readonly requirements?: string | undefined;
  /** Commands that may write files of their own (app.build.commands). */
  readonly commands?: readonly string[] | undefined;
}

/** Modules of Django that make an application of its settings, where a project has no file for that. */
const ofDjango = /^django\.core\.[aw]sgi$/;
const ofDependencies = /^(requirements.*\.txt|requirements|pyproject\.toml|setup\.(py|cfg)|Pipfile)$/;

/**
 * Says what is wrong with `app.wsgi` or `app.asgi`: neither the source, the stack's files nor Django has the module. A
 * dependency may be the application, as pretix or Superset from PyPI are; so the module is missed in a package that the
 * source has, where the source has one that is nearly called so, and where nothing names a dependency.
 */
export function entryFault(
  directory: string,
  { key, module }: { readonly key: string; readonly module: string },
  beside: Beside,
): string | undefined {
  if (ofDjango.test(module) || isThere(directory, module, beside)) return undefined;
  const path = module.replaceAll(".", "/");
  const told = `app.${key}: expected the module '${module}' in '${directory}'; found neither ${path}.py nor ${path}/__init__.py there`;
  const below = foldersIn(directory).find((folder) => isIn(directory, folder, module));
  if (below !== undefined) return `${told}. It is in ${below}/: write PYTHONPATH: ${below} below app.env`;
  const bases = ["", ...pathsOf(beside)].map((folder) => join(directory, folder));
  const top = module.split(".")[0] ?? "";
  if (module === "django" || module.startsWith("django.") || isOwn(bases, top)) return told;
  const near = didYouMean(top, bases.flatMap(importable));
  if (near !== "") return `${told}.${near}`;
  return beside.requirements === undefined &&
    !readdirSync(directory).some((name) => ofDependencies.test(name))
    ? `${told}, and no file names dependencies, one of which could have it`
    : undefined;
}

/**
 * The same of `app.settings`. A dependency may bring the module, so it is missed only in a package that the source has, or
 * where the source has one that is nearly called so.
 */
export function settingsFault(directory: string, module: string, beside: Beside): string | undefined {
  if (isThere(directory, module, beside)) return undefined;
  const [top = "", last = ""] = [module.split(".")[0], module.split(".").at(-1)];
  if (beside.commands?.some((command) => command.includes(last))) return undefined;
  const bases = ["", ...pathsOf(beside)].map((folder) => join(directory, folder));
  const own = isOwn(bases, top);
  const known = bases.flatMap((folder) => settingsModules(folder, own ? top : ""));
  const near = didYouMean(module, known);
  if (!own && near === "") return undefined;
  const path = module.replaceAll(".", "/");
  const there = known.length === 0 ? "" : ` There is: ${known.slice(0, 12).join(", ")}.`;
  return (
    `app.settings: expected the module '${module}' in '${directory}' or in app.files; ` +
    `found neither ${path}.py nor ${path}/__init__.py there.${near}${there}`
  );
}

const pathsOf = ({ pythonPath = "" }: Beside) =>
  pythonPath.split(":").filter((folder) => folder !== "" && !folder.startsWith("/"));

function isThere(directory: string, module: string, beside: Beside): boolean {
  const path = module.replaceAll(".", "/");
  return ["", ...pathsOf(beside)].some((folder) => {
    const begin = folder.replaceAll(/^\.?\/+|\/+$/g, "");
    const names = [`${path}.py`, `${path}/__init__.py`].map((one) =>
      begin === "" ? one : `${begin}/${one}`,
    );
    return isIn(directory, folder, module) || names.some((one) => beside.files?.includes(one));
  });
}

/** Whether the source has the first package of a module. */
const isOwn = (bases: readonly string[], top: string) =>
  bases.some((folder) => existsSync(join(folder, top)) || existsSync(join(folder, `${top}.py`)));

/** What can be imported from a directory, by its first name. */
const importable = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true })
        .filter((one) => (one.isDirectory() ? /^[A-Za-z_]\w*$/ : /^[A-Za-z_]\w*\.py$/).test(one.name))
        .map(({ name }) => name.replace(/\.py$/, ""))
    : [];

function isIn(directory: string, folder: string, module: string): boolean {
  const path = join(directory, folder, module.replaceAll(".", "/"));
  return existsSync(`${path}.py`) || existsSync(join(path, "__init__.py"));
}

const foldersIn = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => name);

/** Modules that are called as settings are, at most three packages deep. */
function settingsModules(directory: string, package_: string): string[] {
  const found: string[] = [];
  const visit = (parts: readonly string[]) => {
    const folder = join(directory, ...parts);
    if (parts.length > 3 || !existsSync(folder)) return;
    for (const one of readdirSync(folder, { withFileTypes: true })) {
      const name = [...parts, one.name.replace(/\.py$/, "")].join(".");
      if (one.isDirectory() && /^[A-Za-z_]\w*$/.test(one.name) && one.name !== "node_modules")
        visit([...parts, one.name]);
      else if (!/^[\w.]+\.py$/.test(one.name) || !/settings|config/i.test(name)) continue;
      else if (one.name !== "__init__.py") found.push(name);
      else if (/settings$/.test(parts.at(-1) ?? "")) found.push(parts.join("."));
    }
  };
  visit(package_ === "" ? [] : [package_]);
  return found.sort();
}
