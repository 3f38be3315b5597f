// Where an application begins: its framework, the callable that serves it, and Django's settings.

import { absolute, isAside, type Project } from "./project.ts";
import { type Call, textIn, textsIn } from "./python.ts";

export interface Entry {
  readonly framework: string;
  /** MODULE:CALLABLE or MODULE:FACTORY(); undefined where there is none, or where uvicorn is to serve it. */
  readonly wsgi: string | undefined;
  /** The same of what uvicorn is to serve. */
  readonly asgi: string | undefined;
  /** Django's settings module. */
  readonly settings: string | undefined;
  /** Others that there are. */
  readonly otherSettings: readonly string[];
  /** Where nginx finds the static files; for Django it is asked. */
  readonly static: string | undefined;
  readonly notes: readonly string[];
  readonly todos: readonly string[];
}

const wsgiClasses = new Set([
  "Flask",
  "APIFlask",
  "OpenAPI",
  "Eve",
  "Bottle",
  "API",
  "App",
  "FlaskApp",
  "Dash",
]);
const asgiClasses = new Set(["FastAPI", "Starlette", "Quart", "Litestar", "Sanic", "BlackSheep"]);
const isManage = /DJANGO_SETTINGS_MODULE|execute_from_command_line/;
const lastPart = (name: string) => name.split(".").at(-1) ?? name;

/** The directory with manage.py that is the application's own, or where its WSGI module is; `` for the top. */
export function findBase(project: Project): string {
  const folderOf = (path: string) => path.split("/").slice(0, -1).join("/");
  const managers = project.files.paths.filter(
    (path) =>
      /(^|\/)manage\.py$/.test(path) && !isAside(path) && isManage.test(project.files.read(path) ?? ""),
  );
  if (managers[0] !== undefined) return folderOf(managers[0]);
  const { code, files } = project;
  const depth = (path: string) => path.split("/").length;
  const isEntry = (path: string) =>
    /\b(Flask|FastAPI|Starlette|Quart|Bottle|Dash|Litestar|get_wsgi_application)\(/.test(
      files.read(path) ?? "",
    );
  const found = code.filter(isEntry).sort((a, b) => depth(a) - depth(b))[0];
  if (found === undefined || depth(found) === 1) return "";
  // A package is imported from the directory that it is in.
  let folder = folderOf(found);
  while (folder !== "" && (files.has(`${folder}/__init__.py`) || files.has(`${folderOf(folder)}/wsgi.py`)))
    folder = folderOf(folder);
  const isApart =
    /^(src|backend|server|api|app|web|www|site)(\/|$)/.test(folder) ||
    files.has(`${folder}/requirements.txt`) ||
    files.has(`${folder}/pyproject.toml`);
  return isApart ? folder : "";
}

export function readEntry(project: Project): Entry {
  return project.files.has("manage.py") && isManage.test(project.files.read("manage.py") ?? "")
    ? readDjango(project)
    : (readDjangoWithoutManage(project) ?? readOther(project));
}

/** What the file sets DJANGO_SETTINGS_MODULE to. */
function defaultSettings(project: Project, path: string): string | undefined {
  const module = project.open(path);
  if (module === undefined) return undefined;
  const isIt = (text: string | undefined) => text === "DJANGO_SETTINGS_MODULE";
  const calls = module.calls.filter(
    ({ name, args }) => /environ\.setdefault$/.test(name) && isIt(textIn(args[0])),
  );
  const told = calls.map(({ args }) => textIn(args[1])).filter((one) => one !== undefined);
  const set =
    module.assigns.length > 0
      ? /environ\[\s*["']DJANGO_SETTINGS_MODULE["']\s*\]\s*=\s*["']([\w.]+)["']/.exec(
          project.files.read(path) ?? "",
        )?.[1]
      : undefined;
  return told.find((one) => project.fileOf(one)) ?? set ?? told[0];
}

const isProduction = (module: string) => /(^|[._])(production|prod|live|deploy(ment)?|release)$/.test(module);
const isForOthers = (module: string) =>
  /(^|[._])(dev(elopment)?|local\w*|tests?|testing|ci|docker_?dev|staging|debug|build)$|local_settings|test_settings|settings_(dev|test|local)/.test(
    module,
  );

function readDjango(project: Project): Entry {
  const { files } = project;
  const wsgiFiles = files.paths.filter(
    (path) => /(^|[/_])wsgi(\.py|\/__init__\.py)$/.test(path) && !isAside(path),
  );
  const asgiFiles = files.paths.filter(
    (path) => /(^|[/_])asgi(\.py|\/__init__\.py)$/.test(path) && !isAside(path),
  );
  const byManage = defaultSettings(project, "manage.py");
  const byWsgi = [...wsgiFiles, ...asgiFiles]
    .map((path) => defaultSettings(project, path))
    .find((one) => one !== undefined);
  const all = settingsModules(project);
  const given = [byWsgi, byManage].filter(
    (one) => one !== undefined && project.fileOf(one) !== undefined,
  ) as string[];
  const besides = all.filter(
    (one) =>
      given.length === 0 ||
      given.some((other) => folderOf(one) === folderOf(other) || one.startsWith(`${other}.`)),
  );
  // What wsgi.py names is meant for production, unless there is one that is called so.
  const settings =
    given.find(isProduction) ??
    besides.find(isProduction) ??
    given.find((one) => !isForOthers(one)) ??
    given[0] ??
    all.find((one) => !isForOthers(one)) ??
    settingsModules(project, true)[0] ??
    all[0];
  const todos: string[] = [];
  if (settings === undefined) {
    todos.push("No settings module was found. Name it as app.settings, such as shop.settings.");
  }
  const otherSettings = all.filter((one) => one !== settings);
  const wsgi = djangoWsgi(project, settings, wsgiFiles);
  const because = reasonForAsgi(project, settings, asgiFiles);
  const asgi =
    wsgi === undefined || because !== undefined ? djangoAsgi(project, settings, asgiFiles) : undefined;
  if (wsgi === undefined && asgi === undefined) {
    const package_ = settings?.split(".")[0] ?? "shop";
    todos.push(
      `No wsgi.py was found. Write ${package_}/wsgi.py, as 'django-admin startproject' does, and name it as app.wsgi.`,
    );
  }
  const notes = asgi !== undefined && because !== undefined ? [`${because}, so uvicorn serves it.`] : [];
  return {
    framework: "Django",
    ...{ wsgi: asgi === undefined ? wsgi : undefined, asgi, settings, otherSettings, static: undefined },
    ...{ notes, todos },
  };
}

/** Why a Django project must be served by ASGI; undefined where WSGI is enough, as it is for most. */
function reasonForAsgi(
  project: Project,
  settings: string | undefined,
  asgiFiles: readonly string[],
): string | undefined {
  const modules = settings === undefined ? [] : settingsChain(project, settings);
  const apps = modules.flatMap(({ assigns }) =>
    assigns.filter(({ name }) => name.endsWith("_APPS")).flatMap(({ value }) => textsIn(value)),
  );
  const app = apps.find((one) => /^(channels|daphne)(\.|$)/.test(one));
  if (app !== undefined) return `INSTALLED_APPS has ${app}`;
  const file = asgiFiles.find((path) => /ProtocolTypeRouter|websocket/i.test(project.files.read(path) ?? ""));
  return file === undefined ? undefined : `${file} serves WebSockets`;
}

/** Django's ASGI callable, as the settings name it or as it lies next to them. */
function djangoAsgi(
  project: Project,
  settings: string | undefined,
  asgiFiles: readonly string[],
): string | undefined {
  const modules = settings === undefined ? [] : settingsChain(project, settings);
  const told = modules
    .flatMap(({ assigns }) => assigns.filter(({ name }) => name === "ASGI_APPLICATION"))
    .map(({ value }) => textIn(value))
    .find((one) => one !== undefined && project.fileOf(folderOf(one)) !== undefined);
  if (told !== undefined) return `${folderOf(told)}:${lastPart(told)}`;
  const near =
    asgiFiles.find((path) => settings?.startsWith(project.moduleOf(path).split(".")[0] ?? "")) ??
    asgiFiles[0];
  return near === undefined ? undefined : `${project.moduleOf(near)}:application`;
}

/** A Django application without a manage.py of its own, told by its wsgi.py. */
function readDjangoWithoutManage(project: Project): Entry | undefined {
  const isIt = (path: string) =>
    /get_[aw]sgi_application/.test(project.files.read(path) ?? "") &&
    defaultSettings(project, path) !== undefined;
  const found = project.code.find((path) => /(^|\/)[aw]sgi\.py$/.test(path) && isIt(path));
  return found === undefined ? undefined : readDjango(project);
}

const folderOf = (module: string) => module.split(".").slice(0, -1).join(".");

/** @param shared only those that others build on, or only those that can be used */
function settingsModules(project: Project, shared = false): string[] {
  return project.code
    .filter((path) =>
      /(^|\/)([\w-]*settings[\w-]*\.py|[\w-]*settings[\w-]*\/[\w/]+\.py|settings\/[\w]+\.py)$/.test(path),
    )
    .filter((path) =>
      /^(INSTALLED_APPS|ROOT_URLCONF|DATABASES|DEBUG|SECRET_KEY)\b|^from \S+ import \*/m.test(
        project.files.read(path) ?? "",
      ),
    )
    .map(project.moduleOf)
    .filter(
      (module) =>
        /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(module) &&
        shared === /\.(base|common|defaults?|components\..*)$/.test(module) &&
        !/\.(views?|models?|urls|admin|apps|forms|api|serializers|tasks)$/.test(module),
    );
}

function djangoWsgi(
  project: Project,
  settings: string | undefined,
  wsgiFiles: readonly string[],
): string | undefined {
  const callable = (module: string, name: string) =>
    project.fileOf(module) ? `${module}:${name}` : undefined;
  const modules = settings === undefined ? [] : settingsChain(project, settings);
  for (const { assigns } of modules) {
    const told = assigns
      .filter(({ name }) => name === "WSGI_APPLICATION")
      .map(({ value }) => textIn(value))
      .at(-1);
    if (told !== undefined) {
      const found = callable(folderOf(told), lastPart(told));
      if (found !== undefined) return found;
    }
  }
  const near =
    wsgiFiles.find((path) => settings?.startsWith(project.moduleOf(path).split(".")[0] ?? "")) ??
    wsgiFiles[0];
  if (near === undefined) return undefined;
  const named = project
    .open(near)
    ?.assigns.find(({ name, conditional }) => !conditional && /^(application|app|wsgi)$/.test(name));
  return named ? `${project.moduleOf(near)}:${named.name}` : undefined;
}

/** A settings module and what it takes from others with `import *`. */
export function settingsChain(project: Project, settings: string) {
  const found: NonNullable<ReturnType<Project["open"]>>[] = [];
  const queue = [settings];
  const seen = new Set<string>();
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const path = project.fileOf(name);
    if (path === undefined || seen.has(path)) continue;
    seen.add(path);
    const module = project.open(path);
    if (module === undefined) continue;
    found.push(module);
    const root = settings.split(".").slice(0, -1).join(".");
    for (const { from, names } of module.imports) {
      const target = absolute(from, path);
      const isAll = names.some(([one]) => one === "*");
      if (isAll || /settings|config|conf|env/i.test(target))
        queue.push(target, ...names.map(([one]) => `${target}.${one}`));
      else if (root !== "" && target.startsWith(`${root}.`)) queue.push(target);
    }
    // django-split-settings
    for (const { name, args } of module.calls) {
      if (name !== "include") continue;
      const folder = path.split("/").slice(0, -1).join("/");
      queue.push(...args.flatMap(textsIn).map((one) => project.moduleOf(`${folder}/${one}`)));
    }
  }
  return found;
}

interface Candidate {
  readonly wsgi: string;
  readonly kind: "wsgi" | "asgi";
  readonly framework: string;
  readonly rank: number;
  readonly path: string;
  /** The file that makes it, and how. */
  readonly madeIn: string;
  readonly call: Call | undefined;
}

const usual = ["wsgi", "autoapp", "application", "app", "main", "run", "server", "web"];

function readOther(project: Project): Entry {
  const none = {
    ...{ asgi: undefined, settings: undefined, otherSettings: [], static: undefined },
    ...{ notes: [] as string[], todos: [] as string[] },
  };
  const candidates = candidatesOf(project).sort((a, b) => a.rank - b.rank);
  const served = servedBy(project, "wsgi");
  const best =
    candidates.find(({ kind, wsgi }) => kind === "wsgi" && wsgi === served) ??
    candidates.find(({ kind }) => kind === "wsgi");
  const servedByAsgi = servedBy(project, "asgi");
  const asgi =
    candidates.find(({ kind, wsgi }) => kind === "asgi" && wsgi === servedByAsgi) ??
    candidates.find(({ kind }) => kind === "asgi");
  if (asgi !== undefined && (best === undefined || asgi.rank < best.rank)) {
    return {
      ...none,
      framework: asgi.framework,
      wsgi: undefined,
      asgi: asgi.wsgi,
      notes: [`${asgi.path} makes a ${asgi.framework} application, which uvicorn serves by ASGI.`],
    };
  }
  if (best === undefined && served === undefined) {
    const factory = factoriesOf(project)[0];
    const todo =
      factory === undefined
        ? "No WSGI callable was found. Name it as app.wsgi: MODULE:CALLABLE, such as shop.wsgi:application. Where one of the requirements is the application, its documents name it, and its settings module for app.settings."
        : `${factory.path} makes the application in ${factory.name}(${factory.needs.join(", ")}), which Berth cannot call without an argument. Write a wsgi.py with 'app = ${factory.name}(…)', and name it as app.wsgi: wsgi:app.`;
    return { ...none, framework: "Python", wsgi: undefined, todos: [todo] };
  }
  const wsgi = served !== undefined && project.fileOf(served.split(":")[0] ?? "") ? served : best?.wsgi;
  const framework = best?.framework ?? "WSGI";
  return { ...none, framework, wsgi, static: best && staticOf(project, best), todos: [] };
}

/** What a Procfile or a Dockerfile has a server serve. */
function servedBy(project: Project, kind: "wsgi" | "asgi"): string | undefined {
  const isAsgi = (line: string) => /uvicorn|daphne|hypercorn/i.test(line);
  const isServer = (line: string) =>
    kind === "asgi" ? isAsgi(line) : /gunicorn|waitress|uwsgi/.test(line) && !isAsgi(line);
  const named = [
    "Procfile",
    "Dockerfile",
    "docker-entrypoint.sh",
    "entrypoint.sh",
    "boot.sh",
    "start.sh",
    "run.sh",
    "fly.toml",
    "render.yaml",
  ];
  for (const file of named) {
    const text = project.files.read(file) ?? "";
    for (const line of text.split("\n").filter((one) => isServer(one) && !/^\s*(#|RUN\b)/.test(one))) {
      const found = /["'\s]([A-Za-z_][\w.]*:[A-Za-z_]\w*(\(\))?)["'\s,\]]/.exec(`${line} `)?.[1];
      if (found !== undefined && project.fileOf(found.split(":")[0] ?? "")) return found;
    }
  }
  return undefined;
}

function candidatesOf(project: Project): Candidate[] {
  const modules = project.having(
    /Flask|FastAPI|Starlette|Quart|Litestar|Sanic|Bottle|falcon|Dash|create_app|make_app|make_wsgi_app|wsgi/,
  );
  const factories = factoriesOf(project);
  return modules.flatMap((module) => {
    const name = project.moduleOf(module.path);
    const parts = name.split(".");
    const base = parts.length * 10 + (usual.indexOf(parts.at(-1) ?? "") + 1 || 9);
    const found = module.assigns.flatMap((assign): Candidate[] => {
      if (assign.inside !== undefined || assign.name.includes(".")) return [];
      const { value } = assign;
      const make = (kind: "wsgi" | "asgi", framework: string, call?: Call, by = 0): Candidate => ({
        ...{ wsgi: `${name}:${assign.name}`, kind, framework, path: module.path, madeIn: module.path, call },
        rank: base + by + (assign.conditional ? 5 : 0),
      });
      if (
        value.kind === "name" &&
        /(^|\.)server$/.test(value.name) &&
        /Dash\(/.test(project.files.read(module.path) ?? "")
      )
        return [make("wsgi", "Dash")];
      if (value.kind !== "call") return [];
      const last = lastPart(value.call.name);
      if (asgiClasses.has(last)) return [make("asgi", last, value.call)];
      if (last === "Dash") return [];
      if (wsgiClasses.has(last) && isImported(module, value.call.name))
        return [make("wsgi", last === "App" || last === "API" ? "Falcon" : last, value.call)];
      if (/make_wsgi_app$/.test(last)) return [make("wsgi", "Pyramid", value.call)];
      const factory = factories.find((one) => one.name === last);
      if (factory !== undefined)
        return [{ ...make(factory.kind, factory.framework, factory.call, -3), madeIn: factory.path }];
      if (
        /^(create|make|build|get)_(\w*_)?app(lication)?$/.test(last) &&
        /^(app|application|server|wsgi)$/.test(assign.name)
      )
        return [make("wsgi", "WSGI", undefined, 2)];
      return [];
    });
    const own = factories.filter(({ path, needs }) => path === module.path && needs.length === 0);
    const made = own.map(({ name: factory, framework, kind, call }): Candidate => {
      return {
        wsgi: `${name}:${factory}()`,
        kind,
        framework,
        path: module.path,
        madeIn: module.path,
        call,
        rank: base + 6,
      };
    });
    return [...found, ...made];
  });
}

function isImported(
  module: {
    readonly imports: readonly {
      readonly from: string;
      readonly names: readonly (readonly [string, string])[];
    }[];
  },
  name: string,
): boolean {
  const first = name.split(".")[0];
  const from =
    module.imports.find(({ names }) => names.some(([, as]) => as === first))?.from.split(".")[0] ?? "";
  return (
    /^(flask|apiflask|flask_openapi3|eve|bottle|falcon|connexion|dash)$/.test(from) || /Flask$/.test(name)
  );
}

/** The functions that make an application, and what they must be given. */
function factoriesOf(project: Project) {
  return project.having(/\b(Flask|APIFlask|FastAPI|Starlette|Quart|Dash)\(/).flatMap((module) =>
    module.functions.flatMap(({ name, params, inside }) => {
      const call = module.calls.find(
        (one) =>
          one.inside === name && (wsgiClasses.has(lastPart(one.name)) || asgiClasses.has(lastPart(one.name))),
      );
      if (call === undefined || inside !== undefined || params.some((one) => one.name === "self")) return [];
      const kind = asgiClasses.has(lastPart(call.name)) ? ("asgi" as const) : ("wsgi" as const);
      const needs = params.filter((one) => one.default === undefined).map((one) => one.name);
      return [{ name, needs, kind, framework: lastPart(call.name), path: module.path, call }];
    }),
  );
}

/** Flask's directory of static files, where they are asked for under /static/. */
function staticOf(project: Project, { call, madeIn }: Candidate): string | undefined {
  const url = textIn(call?.keywords.static_url_path);
  if (url !== undefined && url.replaceAll("/", "") !== "static") return undefined;
  // Flask takes paths from the directory of the file that makes the application.
  const parts = madeIn.split("/").slice(0, -1);
  const given = call?.keywords.static_folder;
  const ups = given?.kind === "other" ? (given.source.match(/\.parent\b/g)?.length ?? 1) - 1 : 0;
  const named = given === undefined ? "static" : textsIn(given).at(-1);
  if (named === undefined) return undefined;
  for (const part of [...Array<string>(ups).fill(".."), ...named.split("/")]) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  const folder = parts.join("/");
  return project.files.paths.some((file) => file.startsWith(`${folder}/`)) ? folder : undefined;
}
