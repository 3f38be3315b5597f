// The path that tells whether an application is healthy, as far as its routes show one.

import { settingsChain } from "./entry.ts";
import { absolute, type Project } from "./project.ts";
import { type Expression, type Module, textIn, textsIn } from "./python.ts";

const healthy =
  /^(.*\/)?(_?health|healthz|health[-_]?check|health[-_]?status|up|ping|status|livez?|liveness|ready|readyz|readiness|alive|heartbeat|__heartbeat__|__lbheartbeat__|ht)\/?$/;
/** A word of these alone, and not one that may be anything below another, such as `orders/status`. */
const atTop = /^\/?(api\/)?(v\d\/)?[^/]+\/?$/;

export interface Health {
  readonly path: string | undefined;
  /** Whether something answers at `/`; undefined where that was not found out. */
  readonly root: boolean | undefined;
}

export function readHealth(project: Project, settings: string | undefined): Health {
  const routes = settings === undefined ? flaskRoutes(project) : djangoRoutes(project, settings);
  const good = routes.filter(
    (one) =>
      healthy.test(one) && !/[<([{]/.test(one) && (atTop.test(one) || /health|heartbeat|liv|ready/.test(one)),
  );
  const rank = (path: string) =>
    (/health|ht/.test(path) ? 0 : /heartbeat|live|ready|alive/.test(path) ? 1 : 2) * 10 +
    path.split("/").length;
  const best = good.sort((a, b) => rank(a) - rank(b))[0];
  const root = routes.includes("/") || routes.some((one) => one === "/*");
  return { path: best, root: routes.length === 0 ? undefined : root };
}

function djangoRoutes(project: Project, settings: string): string[] {
  const chain = settingsChain(project, settings);
  const named = chain.flatMap(({ assigns }) =>
    assigns.filter(({ name }) => name === "ROOT_URLCONF").map(({ value }) => textIn(value)),
  );
  const root = named.find((one) => one !== undefined && project.fileOf(one) !== undefined);
  return root === undefined ? [] : routesOf(project, root, "/", 0);
}

function routesOf(project: Project, urlconf: string, prefix: string, depth: number): string[] {
  const path = project.fileOf(urlconf);
  const module = path === undefined ? undefined : project.open(path);
  if (module === undefined) return [];
  // Lists that other routes include by name have the prefix of those.
  const included = new Set(
    module.calls.flatMap(({ name, args }) => (/(^|\.)include$/.test(name) && args[0] ? listOf(args[0]) : [])),
  );
  const listAt = (line: number) =>
    module.assigns.find((one) => included.has(one.name) && one.line <= line && line <= one.lastLine)?.name;
  const ofList = (list: string | undefined, before: string, deep: number): string[] =>
    module.calls.flatMap(({ name, args, line }) => {
      const [route, view] = args;
      if (!/^(\w+\.)?(path|re_path|url)$/.test(name) || listAt(line) !== list || deep > 6) return [];
      const text = textIn(route);
      if (text === undefined || view === undefined) return [];
      const at = before + plain(text, !/(^|\.)path$/.test(name));
      if (view.kind !== "call" || !/(^|\.)include$/.test(view.call.name)) return [at];
      const own = view.call.args[0] === undefined ? [] : listOf(view.call.args[0]);
      if (own[0] !== undefined && module.assigns.some((one) => one.name === own[0]))
        return ofList(own[0], at, deep + 1);
      const target = textsIn(view)[0];
      if (target === "health_check.urls") return [at];
      if (target === undefined) return [`${at}*`];
      const urls = absolute(target, path ?? "");
      // Of a package's own routes it is not known what they are.
      if (project.fileOf(urls) === undefined) return target === "watchman.urls" ? [`${at}ping/`] : [`${at}*`];
      return routesOf(project, urls, at, deep + 1);
    });
  return ofList(undefined, prefix, depth);
}

/** `include(routes)` and `include((routes, "shop"))`. */
const listOf = (one: Expression): string[] =>
  one.kind === "name" ? [one.name] : one.kind === "list" && one.items[0] ? listOf(one.items[0]) : [];

/** A pattern as the path that it stands for. */
function plain(text: string, isPattern: boolean): string {
  if (!isPattern) return text.replace(/^\//, "");
  return text
    .replace(/^\^/, "")
    .replace(/\/\?\$?$/, "")
    .replace(/(\$|\\Z)$/, "")
    .replaceAll("\\", "")
    .replace(/^\//, "");
}

function flaskRoutes(project: Project): string[] {
  const modules = project.having(/\.route\(|\.get\(|add_url_rule|register_blueprint/);
  const prefixes = prefixesOf(modules);
  return modules.flatMap((module) => {
    const decorated = module.functions.flatMap(({ decorators }) =>
      decorators.flatMap((one) =>
        one.kind === "call" && /\.(route|get)$/.test(one.call.name) ? [one.call] : [],
      ),
    );
    const rules = module.calls.filter(({ name }) => name.endsWith(".add_url_rule"));
    return [...decorated, ...rules].flatMap(({ name, args, keywords }) => {
      const text = textIn(args[0] ?? keywords.rule);
      const methods = keywords.methods === undefined ? ["GET"] : textsIn(keywords.methods);
      if (text === undefined || !methods.includes("GET")) return [];
      const receiver = name.split(".").slice(0, -1).join(".");
      return [`${prefixes.get(receiver) ?? ""}/${text.replace(/^\//, "")}`];
    });
  });
}

/** Where blueprints are, by their variables. */
function prefixesOf(modules: readonly Module[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { assigns, calls } of modules) {
    for (const { name, value } of assigns) {
      const prefix =
        value.kind === "call" && /Blueprint$/.test(value.call.name)
          ? textIn(value.call.keywords.url_prefix)
          : undefined;
      if (prefix !== undefined) found.set(name, prefix.replace(/\/$/, ""));
    }
    for (const { name, args, keywords } of calls) {
      if (!name.endsWith("register_blueprint") || args[0]?.kind !== "name") continue;
      const prefix = textIn(keywords.url_prefix);
      const variable = args[0].name.split(".").at(-1) ?? "";
      if (prefix !== undefined) found.set(variable, prefix.replace(/\/$/, ""));
    }
  }
  return found;
}
