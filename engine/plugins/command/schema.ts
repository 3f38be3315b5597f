// The inputs of the command provider's resources: their types, defaults and which are always secret, and the checks
// that follow from these.

import type { Failure } from "../provider.ts";
import {
  isArchive,
  isAsset,
  isObject,
  isUnknown,
  type Properties,
  secret,
  unwrap,
  type Value,
} from "../values.ts";

export interface Field {
  readonly type: "string" | "number" | "boolean" | "list" | "strings" | "map" | "asset" | Fields;
  readonly required?: true;
  readonly default?: Value;
  /** Marked as secret whatever the program says. */
  readonly secret?: true;
}
export type Fields = { readonly [name: string]: Field };

const endpoint: Fields = {
  user: { type: "string", default: "root" },
  password: { type: "string", secret: true },
  host: { type: "string", required: true },
  port: { type: "number", default: 22 },
  privateKey: { type: "string", secret: true },
  privateKeyPassword: { type: "string", secret: true },
  agentSocketPath: { type: "string" },
  dialErrorLimit: { type: "number", default: 10 },
  perDialTimeout: { type: "number", default: 15 },
  hostKey: { type: "string" },
};
const connection: Field = { type: { ...endpoint, proxy: { type: endpoint } }, required: true, secret: true };

const lifecycle: Fields = {
  triggers: { type: "list" },
  create: { type: "string" },
  update: { type: "string" },
  delete: { type: "string" },
  stdin: { type: "string" },
  logging: { type: "string" },
  environment: { type: "map" },
  addPreviousOutputInEnv: { type: "boolean" },
};

export const localCommandFields: Fields = {
  ...lifecycle,
  interpreter: { type: "strings" },
  dir: { type: "string" },
  assetPaths: { type: "strings" },
  archivePaths: { type: "strings" },
};
export const remoteCommandFields: Fields = { ...lifecycle, connection };
export const copyToRemoteFields: Fields = {
  connection,
  triggers: { type: "list" },
  source: { type: "asset", required: true },
  remotePath: { type: "string", required: true },
};

/** The inputs with their defaults and secret marks, or what is wrong with them. */
export function checkInputs(news: Properties, fields: Fields): { inputs: Properties; failures: Failure[] } {
  const failures = faults(news, fields, "");
  // Marks are set even on inputs that are refused: the engine may show them.
  return { inputs: complete(news, fields, failures.length === 0), failures };
}

function complete(given: Properties, fields: Fields, defaults: boolean): Properties {
  const result: Properties = {};
  for (const [name, value] of Object.entries(given)) {
    const field = fields[name];
    const inner = unwrap(value) as Value;
    let completed = value;
    if (field && typeof field.type === "object" && isObject(inner)) {
      completed = complete(inner, field.type, defaults);
      if (inner !== value) completed = secret(completed);
    }
    if (value !== null) result[name] = field?.secret ? secret(completed) : completed;
  }
  if (defaults) {
    for (const [name, field] of Object.entries(fields)) {
      if (field.default !== undefined && result[name] === undefined) result[name] = field.default;
    }
  }
  return result;
}

function faults(given: Properties, fields: Fields, prefix: string): Failure[] {
  const found: Failure[] = [];
  for (const [name, value] of Object.entries(given)) {
    const property = prefix + name;
    const field = fields[name];
    if (value === null || isUnknown(value)) continue;
    if (!field) {
      found.push({
        property,
        reason: `Unrecognized field '${name}'; known: ${Object.keys(fields).join(", ")}`,
      });
      continue;
    }
    const inner = unwrap(value) as Value;
    if (typeof field.type === "object" && isObject(inner))
      found.push(...faults(inner, field.type, `${property}.`));
    else if (!fits(inner, field.type)) {
      const wanted = typeof field.type === "object" ? "object" : NAMES[field.type];
      found.push({
        property,
        reason: `Field '${name}' must be a '${wanted}'; got '${nameOf(inner)}' instead`,
      });
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    if (field.required && (given[name] ?? null) === null) {
      found.push({ property: prefix + name, reason: `Missing required field '${name}'` });
    }
  }
  return found;
}

function fits(value: Value, type: Field["type"]): boolean {
  const strings = (items: Value[]) => items.every((item) => typeof unwrap(item) === "string");
  if (type === "list") return Array.isArray(value);
  if (type === "strings") return Array.isArray(value) && strings(value);
  if (type === "map") return isObject(value) && strings(Object.values(value));
  if (type === "asset") return isAsset(value) || isArchive(value);
  return typeof value === type;
}

const NAMES = {
  string: "string",
  number: "number",
  boolean: "boolean",
  list: "list",
  strings: "list of strings",
  map: "map of strings",
  asset: "asset or archive",
} as const;

function nameOf(value: Value): string {
  return Array.isArray(value) ? "list" : typeof value;
}
