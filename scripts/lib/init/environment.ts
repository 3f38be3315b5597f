// The environment variables that an application reads.
import { type Expression, type Module, textIn, textsIn } from "./python.ts";

export interface Variable {
  readonly name: string;
  /** Without it the application does not start. */
  readonly isRequired: boolean;
  /** What holds without it, as it stands there; undefined for none. */
  readonly default: string | undefined;
  /** Texts that the code compares it with. */
  readonly compared: readonly string[];
  /** Where it is read first, `FILE:LINE`. */
  readonly at: string;
}

interface Read {
  readonly name: string;
  readonly needed: boolean;
  readonly default: string | undefined;
  readonly conditional: boolean;
  readonly inside: string | undefined;
  readonly at: string;
}

const isVariable = (name: string | undefined): name is string =>
  name !== undefined && /^[A-Z][A-Z0-9_]+$/.test(name);

/** What is read where the method names no variable. */
const byMethod: Readonly<Record<string, string>> = {
  "env.db": "DATABASE_URL",
  "env.db_url": "DATABASE_URL",
  "env.dj_db_url": "DATABASE_URL",
  "env.cache": "CACHE_URL",
  "env.cache_url": "CACHE_URL",
  "env.dj_cache_url": "CACHE_URL",
  "env.email": "EMAIL_URL",
  "env.email_url": "EMAIL_URL",
  "env.dj_email_url": "EMAIL_URL",
  "dj_database_url.config": "DATABASE_URL",
  "django_cache_url.config": "CACHE_URL",
  "dj_email_url.config": "EMAIL_URL",
};

/**
 * The variables that these modules read.
 *
 * @param settings those that run as the application starts; what others read is never required
 */
export function readEnvironment(settings: readonly Module[], others: readonly Module[]): Variable[] {
  const all = [...new Set([...settings, ...others])];
  const names = namesOf(all);
  const reads = all.flatMap((module) => {
    const starts = settings.includes(module);
    return readsOf(module, names).map((read) => ({ ...read, starts }));
  });
  const compared = all.flatMap((module) => comparedOf(module, names));
  const found = Map.groupBy(reads, ({ name }) => name);
  return [...found].map(([name, ones]): Variable => {
    const first = ones[0] as Read;
    const told = ones.find((one) => one.default !== undefined)?.default;
    return {
      name,
      isRequired:
        ones.some((one) => one.starts && one.needed && !one.conditional && one.inside === undefined) &&
        told === undefined,
      default: told,
      compared: compared.flatMap(([of, text]) => (of === name ? [text] : [])),
      at: first.at,
    };
  });
}

interface Names {
  /** What stands for os.environ. */
  readonly environ: ReadonlySet<string>;
  /** Objects of django-environ, environs and the like. */
  readonly env: ReadonlySet<string>;
  /** Functions of decouple and starlette. */
  readonly config: ReadonlySet<string>;
  /** Functions of the application's own that read what their argument names. */
  readonly own: ReadonlyMap<
    string,
    {
      readonly at: number;
      readonly defaultAt: number;
      readonly needed: boolean;
      readonly default: string | undefined;
    }
  >;
  /** Defaults of `Env(DEBUG=(bool, False))`. */
  readonly defaults: ReadonlyMap<string, string>;
}

function namesOf(modules: readonly Module[]): Names {
  const environ = new Set(["os.environ"]);
  const env = new Set(["env", "Env"]);
  const config = new Set<string>();
  const defaults = new Map<string, string>();
  const own: Map<string, { at: number; defaultAt: number; needed: boolean; default: string | undefined }> =
    new Map();
  for (const module of modules) {
    for (const { from, names } of module.imports) {
      for (const [name, as] of names) {
        if (from === "decouple" && name === "config") config.add(as);
        // WSGI's own is called so as well.
        if (from === "os" && name === "environ") environ.add(as);
      }
    }
    for (const { name, value } of module.assigns) {
      if (value.kind === "name" && value.name === "os.environ") environ.add(name);
      if (value.kind !== "call") continue;
      const made = value.call.name.split(".").at(-1) ?? "";
      if (/^(FileAware)?Env$/.test(made)) env.add(name);
      if (made === "Config" || made === "AutoConfig") config.add(name);
      if (!/^(FileAware)?Env$/.test(made)) continue;
      for (const [variable, scheme] of Object.entries(value.call.keywords)) {
        if (scheme.kind === "list" && scheme.items[1]) defaults.set(variable, shown(scheme.items[1]));
      }
    }
  }
  const names = { environ, env, config, own, defaults };
  // Twice, for those that call another one of them.
  for (const module of [...modules, ...modules]) {
    for (const one of module.functions) {
      // Those before the last one of a name are overloads, for type checkers.
      const isLast = module.functions.findLast(({ name }) => name === one.name) === one;
      const found = isLast && !own.has(one.name) ? wrapped(module, one.name, names) : undefined;
      const at = one.params.findIndex(({ name }) => name === found?.param);
      if (found === undefined || at < 0) continue;
      const defaultAt = one.params.findIndex(
        ({ name }) => /^(default|fallback)/.test(name) || name === found.fallback,
      );
      const told = one.params[defaultAt]?.default;
      const needed = found.needed && told === undefined;
      own.set(one.name, { at, defaultAt, needed, default: told === "None" ? undefined : told });
    }
  }
  return names;
}

/** The parameter of a function that it reads from the environment. */
function wrapped(module: Module, name: string, names: Names) {
  for (const { inside, of, key } of module.items) {
    if (inside === name && names.environ.has(of) && key.kind === "name")
      return { param: key.name, fallback: undefined, needed: true };
  }
  for (const { inside, name: called, args } of module.calls) {
    const [variable, fallback] = args;
    if (inside !== name || variable?.kind !== "name") continue;
    if (!isReader(called, names) && !names.own.has(called)) continue;
    return {
      param: variable.name,
      fallback: fallback?.kind === "name" ? fallback.name : undefined,
      needed: false,
    };
  }
  return undefined;
}

const isReader = (called: string, { environ }: Names): boolean =>
  /^(os\.)?getenv$/.test(called) || (called.endsWith(".get") && environ.has(called.slice(0, -4)));

function readsOf(module: Module, names: Names): Read[] {
  const { path } = module;
  const items = module.items.flatMap(({ of, key, line, conditional, inside }): Read[] => {
    const name = textIn(key);
    if (!isVariable(name) || !names.environ.has(of)) return [];
    return [{ name, needed: true, default: undefined, conditional, inside, at: `${path}:${line}` }];
  });
  const calls = module.calls.flatMap((call): Read[] => {
    const { name: called, args, keywords, line, conditional, inside } = call;
    const found = calledFor(called, args, keywords, names);
    if (found === undefined) return [];
    const value = names.defaults.get(found.name) ?? found.default;
    return [
      {
        ...found,
        default: value,
        needed: found.needed && value === undefined,
        conditional,
        inside,
        at: `${path}:${line}`,
      },
    ];
  });
  return [...items, ...calls, ...ofPydantic(module)];
}

function calledFor(
  called: string,
  args: readonly Expression[],
  keywords: Readonly<Record<string, Expression>>,
  names: Names,
): { readonly name: string; readonly needed: boolean; readonly default: string | undefined } | undefined {
  const [first, second] = args;
  const variable = textIn(first ?? keywords.env ?? keywords.var ?? keywords.name ?? keywords.key);
  const given = keywords.default ?? second;
  const value = given === undefined ? undefined : shown(given);
  if (isReader(called, names))
    return isVariable(variable)
      ? { name: variable, needed: false, default: value === "None" ? undefined : value }
      : undefined;

  const own = names.own.get(called.split(".").at(-1) ?? "");
  if (own !== undefined) {
    const name = textIn(args[own.at]);
    const told = args[own.defaultAt] ?? keywords.default;
    if (!isVariable(name)) return undefined;
    return { name, needed: own.needed && told === undefined, default: told ? shown(told) : own.default };
  }
  const dot = called.lastIndexOf(".");
  const receiver = dot < 0 ? called : called.slice(0, dot);
  const method = dot < 0 ? "" : called.slice(dot + 1);
  const usual = byMethod[called] ?? byMethod[`env.${names.env.has(receiver) ? method : "-"}`];
  if (usual !== undefined) {
    const name = called.endsWith(".config") ? textIn(keywords.env) : variable;
    const isUrl = called.endsWith(".config");
    return {
      name: isVariable(name) ? name : usual,
      needed: !isUrl && keywords.default === undefined,
      default: keywords.default && shown(keywords.default),
    };
  }
  if (names.env.has(receiver)) {
    if (/^(read_env|prefixed|get_value_from|dump|seal)$/.test(method) || !isVariable(variable))
      return undefined;
    // With environs, and with .get, the second argument is the default; with django-environ's own methods a cast.
    const told =
      keywords.default ?? (method === "" || method === "get" || second?.kind !== "name" ? second : undefined);
    const isCast = told?.kind === "name" && /^(str|int|bool|float|list|tuple|dict|json)$/.test(told.name);
    const none = told === undefined || isCast;
    return { name: variable, needed: none && method !== "get", default: none ? undefined : shown(told) };
  }
  if (names.config.has(called)) {
    return isVariable(variable) ? { name: variable, needed: given === undefined, default: value } : undefined;
  }
  return undefined;
}

/** The fields of settings that pydantic reads from the environment. */
function ofPydantic(module: Module): Read[] {
  return module.classes.flatMap(({ bases, fields, line, name: className }) => {
    if (!bases.some((base) => /(^|\.)BaseSettings$/.test(base))) return [];
    const texts = module.assigns.filter(
      (one) => one.inside === undefined && /^(model_config|env_prefix)$/.test(one.name),
    );
    const prefix = texts.flatMap(({ name, value }) => {
      if (name === "env_prefix") return textIn(value) ?? [];
      return value.kind === "call" ? (textIn(value.call.keywords.env_prefix) ?? []) : [];
    })[0];
    return fields.flatMap(([field, value]): Read[] => {
      const name = `${prefix ?? ""}${field}`.toUpperCase();
      const given =
        value?.kind === "call" && /(^|\.)Field$/.test(value.call.name)
          ? (value.call.keywords.default ?? value.call.args[0])
          : value;
      const isNone = given === undefined || (given.kind === "other" && given.source === "...");
      if (field === "model_config" || className.startsWith("_") || !isVariable(name)) return [];
      return [
        {
          name,
          needed: isNone,
          default: given && !isNone ? shown(given) : undefined,
          conditional: false,
          inside: undefined,
          at: `${module.path}:${line}`,
        },
      ];
    });
  });
}

/** Texts that variables are compared with, also by way of a name: `DB = os.getenv("DB")`, `if DB == "mysql"`. */
function comparedOf(module: Module, names: Names): [variable: string, text: string][] {
  const variableIn = (one: Expression): string | undefined => {
    if (one.kind === "item" && names.environ.has(one.of)) return textIn(one.key);
    if (one.kind === "call") {
      const { name, args, keywords } = one.call;
      const found = calledFor(name, args, keywords, names)?.name;
      // `.lower()` and the like of what was read.
      return found ?? undefined;
    }
    return undefined;
  };
  const aliases = new Map(
    module.assigns.flatMap(({ name, value }) => {
      const variable = variableIn(value);
      return variable === undefined ? [] : [[name, variable] as const];
    }),
  );
  return module.comparisons.flatMap(({ left, right }) =>
    (
      [
        [left, right],
        [right, left],
      ] as const
    ).flatMap(([one, other]): [string, string][] => {
      const variable = one.kind === "name" ? aliases.get(one.name) : variableIn(one);
      return variable === undefined ? [] : textsIn(other).map((text) => [variable, text]);
    }),
  );
}

/** An expression as a comment shows it. */
function shown(one: Expression): string {
  switch (one.kind) {
    case "text":
      return one.value;
    case "name":
      return one.name;
    case "constant":
    case "other":
      return one.source.replaceAll(/\s+/g, " ");
    case "list":
      return `[${one.items.map(shown).join(", ")}]`;
    case "call":
      return `${one.call.name}(…)`;
    default:
      return "…";
  }
}
