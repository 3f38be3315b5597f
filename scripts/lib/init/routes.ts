// The path that tells whether an application is healthy, as far as its routes show one.

import { settingsChain } from "./entry.ts";
import { absolute, type Project } from "./project.ts";
import { type Expression, type Module, textIn, textsIn } from "./python.ts";

const healthy =
  /^(.*\/)?(_?health|healthz|health[-_]?check|health[-_]?status|up|ping|status|livez?|liveness|ready|readyz|readiness|alive|heartbeat|__heartbeat__|__lbheartbeat__|ht)\/?$/;
/** Of the words that mean health only at the top: below something else, `status` is that of an order. */
const atTop = /^\/?[^/]+\/?$/;

export interface Health {
  readonly path: string | undefined;
  /** Whether it is the page where people log in: that answers 200 to everyone, and `/` may lead there. */
  readonly isLogin: boolean;
  /** Where the settings name that page, `FILE:LINE`; undefined where the routes alone show it. */
  readonly loginAt: string | undefined;
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
  const login = /^\/((admin|accounts?|auth|users?)\/)?(login|log-in|sign-?in)\/?$/;
  const logins = routes.filter((one) => login.test(one)).sort((a, b) => a.length - b.length);
  const isKnown = routes.length > 0 && !routes.includes("/*");
  const named = settings === undefined ? undefined : loginUrl(project, settings);
  // A route with a part that varies may be it, and so may those of a package.
  const mayAnswer = (path: string) =>
    routes.length === 0 || routes.some((one) => one === path || /[*<([{]/.test(one));
  const set = named !== undefined && mayAnswer(named.path) ? named : undefined;
  const page = set?.path ?? logins[0];
  return {
    path: best ?? page,
    isLogin: best === undefined && page !== undefined,
    loginAt: best === undefined ? set?.at : undefined,
    root: isKnown ? routes.includes("/") : undefined,
  };
}

/** The page where people log in, as the settings name it by its path. Names of routes are left out. */
function loginUrl(project: Project, settings: string) {
  for (const { path: file, assigns } of settingsChain(project, settings)) {
    const last = assigns.findLast(({ name }) => name === "LOGIN_URL");
    if (last === undefined) continue;
    const path = textIn(last.value);
    return path !== undefined && /^\/[\w/.~-]+$/.test(path) && !path.startsWith("//")
      ? { path, at: `${file}:${last.line}` }
      : undefined;
  }
  return undefined;
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
  const lists = (name: string) => module.assigns.filter((one) => one.name === name).map(({ value }) => value);
  const routesIn = (one: Expression, before: string, deep: number): string[] => {
    if (deep > 8) return [];
    if (one.kind === "list") return one.items.flatMap((item) => routesIn(item, before, deep + 1));
    if (one.kind === "name") return lists(one.name).flatMap((list) => routesIn(list, before, deep + 1));
    if (one.kind !== "call") return [];
    const { name, args } = one.call;
    const [route, view] = args;
    const text = textIn(route);
    if (!/^(\w+\.)?(path|re_path|url)$/.test(name) || text === undefined || view === undefined) return [];
    const at = before + plain(text, !/(^|\.)path$/.test(name));
    if (view.kind !== "call" || !/(^|\.)include$/.test(view.call.name)) return [at];
    const [target] = view.call.args;
    const urls = textIn(target) ?? textIn(target?.kind === "list" ? target.items[0] : undefined);
    if (urls === undefined) {
      const inner = target === undefined ? [] : routesIn(target, at, deep + 1);
      return inner.length > 0 ? inner : [`${at}*`];
    }
    if (urls === "health_check.urls") return [at];
    const module = absolute(urls, path ?? "");
    // Of a package's own routes it is not known what they are.
    if (project.fileOf(module) === undefined) return urls === "watchman.urls" ? [`${at}ping/`] : [`${at}*`];
    return routesOf(project, module, at, deep + 1);
  };
  const found = lists("urlpatterns").flatMap((one) => routesIn(one, prefix, depth));
  // What else there is, such as i18n_patterns, which redirect, is not known.
  return module.calls.some(({ name }) => /^(i18n_patterns|static)$/.test(name))
    ? [...found, `${prefix}*`]
    : found;
}

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
