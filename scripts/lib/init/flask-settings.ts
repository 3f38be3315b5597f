// A Flask application that reads its settings from a file which is not in its source: the stack brings the file.
import { posix } from "node:path";
import type { Dependencies } from "./dependencies.ts";
import type { OwnSettings } from "./own-settings.ts";
import type { Project } from "./project.ts";
import { type Module, textIn } from "./python.ts";
import type { ServicesFound } from "./services.ts";

export interface FlaskSettings {
  readonly own: OwnSettings;
  /** The variable by which the application finds the file, with what to write there. */
  readonly env: readonly (readonly [name: string, value: string])[];
}

interface Hook {
  readonly path: string;
  readonly variable: readonly [name: string, value: string] | undefined;
  readonly at: string;
  readonly isRequired: boolean;
}

/** @param loaded the modules that run as the application starts */
export function flaskSettings(
  project: Project,
  loaded: readonly Module[],
  services: ServicesFound,
  dependencies: Dependencies,
): FlaskSettings | undefined {
  const made = madeIn(project, loaded);
  if (made === undefined) return undefined;
  const hooks = loaded.flatMap((module) => hooksOf(module, made));
  const isThere = ({ path }: Hook) => project.files.paths.includes(path);
  // The last one that is read wins.
  const hook = hooks.find((one) => one.isRequired && !isThere(one)) ?? hooks.findLast((one) => !isThere(one));
  if (hook === undefined) return undefined;
  const hasDatabase = services.postgres && dependencies.names.has("flask-sqlalchemy");
  const content = [
    "import os\n\n",
    'SECRET_KEY = os.environ["SECRET_KEY"]\n',
    ...(hasDatabase ? ['SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]\n'] : []),
  ].join("");
  const todo = `${hook.at} reads ${hook.path}, which the source does not have. Look at it in the stack's file, below files, and add what else it has to set.`;
  const doubts = hook.isRequired ? [] : [todo];
  return {
    own: {
      path: hook.path,
      content,
      settings: undefined,
      doubts,
      todos: hook.isRequired ? [todo] : [],
    },
    env: hook.variable === undefined ? [] : [hook.variable],
  };
}

interface Made {
  /** Where Flask looks for its files. */
  readonly root: string;
  /** Where its instance folder lies; undefined for a place of the application's own. */
  readonly instance: string | undefined;
  readonly readsInstance: boolean;
}

/** Where the application is made, by the call of Flask. */
function madeIn(project: Project, modules: readonly Module[]): Made | undefined {
  for (const { path, calls } of modules) {
    const call = calls.find(({ name }) => /(^|\.)Flask$/.test(name));
    if (call === undefined) continue;
    const root = posix.dirname(path);
    const isPackage = isPackageIn(project, root);
    return {
      root,
      instance: "instance_path" in call.keywords ? undefined : isPackage ? topOf(project, root) : root,
      readsInstance: isTrue(call.keywords.instance_relative_config),
    };
  }
  return undefined;
}

const isPackageIn = (project: Project, directory: string): boolean =>
  directory !== "." && project.files.paths.includes(`${directory}/__init__.py`);

/** The directory that the outermost package of one lies in. */
function topOf(project: Project, directory: string): string {
  const above = posix.dirname(directory);
  return isPackageIn(project, above) ? topOf(project, above) : above;
}

function hooksOf(module: Module, { root, instance, readsInstance }: Made): Hook[] {
  return module.calls.flatMap(({ name, args, keywords, line, conditional }): Hook[] => {
    const told = textIn(args[0] ?? keywords.variable_name ?? keywords.filename);
    const at = `${module.path}:${line}`;
    const isRequired = !conditional && !isTrue(args[1] ?? keywords.silent);
    if (told === undefined || told.startsWith("/")) return [];
    const base = readsInstance ? instance && posix.join(instance, "instance") : root;
    if (base === undefined) return [];
    if (/(^|\.)config\.from_envvar$/.test(name)) {
      const path = posix.join(base, "berth_settings.py");
      return [{ path, variable: [told, "berth_settings.py"], at, isRequired }];
    }
    const path = posix.join(base, told);
    const isFile = /(^|\.)config\.from_pyfile$/.test(name) && !path.startsWith("..");
    return isFile ? [{ path, variable: undefined, at, isRequired }] : [];
  });
}

const isTrue = (one: { readonly kind: string; readonly source?: string } | undefined): boolean =>
  one?.kind === "constant" && one.source === "True";
