// What random and tls have in common: their real counterparts are Terraform providers behind Pulumi's bridge, and the
// state that such a provider keeps has the bridge's form. A resource here is a table of attributes and a function that
// makes the values.

import {
  type Difference,
  type DifferenceKind,
  type Failure,
  notAvailable,
  type Resource,
} from "./provider.ts";
import {
  equal,
  isObject,
  isUnknown,
  type Properties,
  reveal,
  secret,
  UNKNOWN,
  type Value,
} from "./values.ts";

export interface Attribute {
  readonly type: "string" | "number" | "boolean" | "map" | "list" | "object";
  readonly required?: true;
  readonly default?: Value;
  /** A change does not replace the resource. */
  readonly updates?: true;
  /** What must hold for a value that is known; the answer says what is wrong. */
  readonly valid?: (value: Value) => string | undefined;
  /** Marked as secret whatever the program says. */
  readonly secret?: true;
}

export interface Bridged {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** The outputs, and which of them are secret. */
  readonly outputs: Readonly<Record<string, "plain" | "secret">>;
  /** Version of the state's schema, where the real provider states one. */
  readonly schemaVersion?: number;
  /** Names in the state that the real provider's own schema spells differently, for objects: by attribute. */
  readonly objects?: Readonly<Record<string, { fields: readonly string[]; renamed: Properties }>>;
  /** Attributes that are null in the real provider's state when they are not given, and how it writes that. */
  readonly absent?: Readonly<Record<string, Value>>;
  /** Checks that concern several attributes. */
  readonly valid?: (inputs: Properties) => Failure[];
  /** Fills in attributes that depend on others. */
  readonly normalize?: (inputs: Properties) => Properties;
  /** The outputs, and the id, of a new resource. */
  create(planned: Properties): Promise<{ id: string; outputs: Properties }>;
  /** Outputs that change with time: what the state should say now. */
  refresh?(planned: Properties, state: Properties): Properties;
  /** Outputs whose wanted value is known at preview. */
  known?(planned: Properties): Properties;
  /** An output that has a false (or true) value that replaces the resource when it becomes the other. */
  readonly replacedBy?: string;
  /** A replacement lists its new outputs as changed too. */
  readonly listsOutputs?: boolean;
}

export function bridged(type: string, definition: Bridged): Resource {
  const { attributes, outputs } = definition;

  const plan = (inputs: Properties): Properties => {
    const planned: Properties = {};
    const normal = definition.normalize?.(inputs) ?? inputs;
    for (const [name, attribute] of Object.entries(attributes)) {
      const value = coerce(reveal(normal[name]) ?? attribute.default ?? null, attribute);
      if (value !== null) planned[name] = value;
    }
    return planned;
  };
  const marked = (planned: Properties): Properties =>
    Object.fromEntries(
      Object.entries(planned).map(([name, value]) => [
        name,
        attributes[name]?.secret || outputs[name] === "secret" ? secret(value) : value,
      ]),
    );
  const state = (planned: Properties, made: Properties): Properties => ({
    ...marked({ ...planned, ...made }),
    ...(definition.schemaVersion === undefined
      ? {}
      : { __meta: JSON.stringify({ schema_version: String(definition.schemaVersion) }) }),
    __pulumi_raw_state_delta: delta(definition, planned),
  });

  return {
    async check(news) {
      const inputs: Properties = {};
      for (const [name, value] of Object.entries(news)) {
        if (value !== null) inputs[name] = attributes[name]?.secret ? secret(value) : value;
      }
      const failures = faults(type, news, attributes);
      if (failures.length === 0) failures.push(...(definition.valid?.(reveal(news) as Properties) ?? []));
      return { inputs, failures };
    },

    async diff({ state: olds, news }) {
      const before = reveal(olds) as Properties;
      const planned = plan(news);
      const changes = new Map<string, DifferenceKind>();
      for (const [name, attribute] of Object.entries(attributes)) {
        if (equal(before[name], planned[name])) continue;
        changes.set(name, attribute.updates ? "update" : "updateReplace");
      }
      const current = definition.refresh?.(planned, before) ?? {};
      for (const [name, value] of Object.entries(current)) {
        const replaces = name === definition.replacedBy && value === true;
        if (replaces) changes.set(name, "updateReplace");
        else if (!equal(before[name], value)) changes.set(name, "update");
      }
      if (definition.listsOutputs && [...changes.values()].includes("updateReplace")) {
        for (const name of Object.keys(outputs)) changes.set(name, "update");
      }
      const sorted = [...changes].sort(([left], [right]) => (left < right ? -1 : 1));
      return { changes: new Map(sorted), plain: true } satisfies Difference;
    },

    async create({ inputs, preview }) {
      const planned = plan(inputs);
      if (preview) {
        const unknown = Object.fromEntries(Object.keys(outputs).map((name) => [name, UNKNOWN]));
        return { id: "", state: { ...marked(planned), ...unknown, ...definition.known?.(planned) } };
      }
      const { id, outputs: made } = await definition.create(planned);
      return { id, state: state(planned, made) };
    },

    async update({ state: olds, inputs }) {
      const before = reveal(olds) as Properties;
      const planned = plan(inputs);
      const kept = Object.fromEntries(Object.keys(outputs).map((name) => [name, before[name] ?? null]));
      return state(planned, { ...kept, ...definition.refresh?.(planned, before) });
    },

    async read({ id, state: olds, inputs }) {
      if (Object.keys(olds).length === 0) throw new Error(notAvailable(`${type}: import`));
      const before = reveal(olds) as Properties;
      return { id, state: { ...olds, ...definition.refresh?.(before, before) }, inputs };
    },
  };
}

/** A program may give a number or a boolean as text; the state has its own type. */
function coerce(value: Value, attribute: Attribute): Value {
  if (isUnknown(value) || typeof value !== "string") return value;
  if (attribute.type === "number" && value.trim() !== "" && !Number.isNaN(Number(value)))
    return Number(value);
  if (attribute.type === "boolean" && (value === "true" || value === "false")) return value === "true";
  return value;
}

function faults(type: string, news: Properties, attributes: Bridged["attributes"]): Failure[] {
  const found: Failure[] = [];
  for (const [name, attribute] of Object.entries(attributes)) {
    const given = reveal(news[name]) ?? null;
    if (given === null) {
      if (attribute.required)
        found.push({ property: name, reason: `Missing required property '${name}' of ${type}` });
      continue;
    }
    if (isUnknown(given)) continue;
    const value = coerce(given, attribute);
    const fits =
      attribute.type === "list"
        ? Array.isArray(value)
        : attribute.type === "map" || attribute.type === "object"
          ? isObject(value)
          : typeof value === attribute.type;
    if (!fits) found.push({ property: name, reason: `'${name}' must be a ${attribute.type}` });
    else {
      const fault = attribute.valid?.(value);
      if (fault) found.push({ property: name, reason: `'${name}' ${fault}` });
    }
  }
  return found;
}

/**
 * The bridge's record of how the state differs from Terraform's own: null attributes, which Pulumi leaves out, and
 * which values are maps and lists. The real providers rebuild Terraform's state from it.
 */
function delta(definition: Bridged, planned: Properties): Value {
  const none = (raw: Value) => secret({ replace: { raw } });
  const entries: Properties = {};
  for (const [name, raw] of Object.entries(definition.absent ?? {})) {
    if (planned[name] === undefined) entries[name] = none(raw);
  }
  for (const [name, value] of Object.entries(planned)) {
    const object = definition.objects?.[name];
    if (object && isObject(value)) {
      const inner: Properties = {};
      for (const field of object.fields) {
        if (value[field] === undefined) inner[field] = none(null);
        else if (Array.isArray(value[field])) inner[field] = { arr: {} };
      }
      entries[name] = { plu: { i: { obj: { ps: inner, renamed: object.renamed } } } };
    } else if (Array.isArray(value)) entries[name] = { arr: {} };
    else if (isObject(value)) entries[name] = { map: {} };
  }
  return { obj: Object.keys(entries).length === 0 ? {} : { ps: entries } };
}
