// What all simulated resources share: inputs checked by the real provider's schema, changes told apart by it, and the
// form of their state. A resource adds what AWS does.
import { createHash } from "node:crypto";
import {
  type Context,
  type Difference,
  type DifferenceKind,
  type Failure,
  notAvailable,
  type Resource,
} from "../../../engine/plugins/provider.ts";
import {
  equal,
  isObject,
  isUnknown,
  type Properties,
  reveal,
  secret,
  UNKNOWN,
  type Value,
} from "../../../engine/plugins/values.ts";
import { type ResourceSchema, schemas } from "./schema.ts";

export interface Made {
  readonly id: string;
  /** Outputs that are not the inputs. */
  readonly outputs: Properties;
}

export interface Behaviour {
  /** Inputs that are given to those which have none, as the real provider does. */
  readonly defaults?: Properties;
  /** Required, though the schema does not say so: AWS needs them, and this simulator invents no names. */
  readonly required?: readonly string[];
  /** Changes that replace, beside the schema's. */
  readonly replaces?: (name: string, before: Properties, after: Properties) => boolean;
  /** What is wrong with known inputs. */
  readonly valid?: (inputs: Properties) => Failure[];
  /** JSON texts: a difference in spelling is none. */
  readonly json?: readonly string[];
  /** Whether a change is impossible: the message; shown at preview as the real one does. */
  readonly refuses?: (before: Properties, after: Properties) => string | undefined;
  create(inputs: Properties, context: Context): Promise<Made>;
  /** The outputs that change. */
  update?(id: string, inputs: Properties, before: Properties, context: Context): Promise<Properties>;
  delete(id: string, state: Properties, context: Context): Promise<void>;
  /** Properties as they are now; undefined when the thing is gone. @default as the state has it */
  read?(id: string, state: Properties): Promise<Properties | undefined>;
}

/** The configuration of this process's provider. */
export const configuration: { value: Properties } = { value: {} };

function defaultTags(): Properties {
  const given = configuration.value.defaultTags;
  const parsed = typeof given === "string" ? JSON.parse(given) : given;
  return (isObject(parsed) && isObject(parsed.tags) ? parsed.tags : {}) as Properties;
}

export function resource(type: string, behaviour: Behaviour): Resource {
  const schema = schemas()[type] as ResourceSchema;
  const required = [...new Set([...schema.required, ...(behaviour.required ?? [])])];

  /** The state: all inputs, all outputs, and the tags with the defaults' among them. */
  const state = (inputs: Properties, outputs: Properties): Properties => {
    const whole: Properties = { ...inputs, ...outputs };
    if (schema.outputs.includes("tagsAll")) whole.tagsAll = inputs.tags ?? {};
    if (schema.outputs.includes("region")) whole.region ??= configuration.value.region ?? "";
    for (const name of schema.secrets)
      if (whole[name] !== undefined) whole[name] = secret(whole[name] as Value);
    return whole;
  };

  return {
    async check(news) {
      const inputs: Properties = { ...behaviour.defaults };
      const failures: Failure[] = [];
      for (const [name, value] of Object.entries(news)) {
        if (value === null || name.startsWith("__")) continue;
        if (schema.inputs[name] === undefined) {
          failures.push({
            property: name,
            reason: `Invalid or unknown key: ${type} has no property '${name}'`,
          });
        }
        inputs[name] = schema.secrets.includes(name) ? secret(value) : value;
      }
      for (const name of required) {
        if (inputs[name] === undefined) {
          failures.push({ property: name, reason: `Missing required argument '${name}' of ${type}` });
        }
      }
      const tags = { ...defaultTags(), ...((reveal(inputs.tags) ?? {}) as Properties) };
      if (schema.inputs.tags && Object.keys(tags).length > 0) inputs.tags = tags;
      if (failures.length === 0) failures.push(...(behaviour.valid?.(reveal(inputs) as Properties) ?? []));
      return { inputs, failures };
    },

    async diff({ state: olds, news, oldInputs }) {
      const before = reveal(olds) as Properties;
      const after = reveal(news) as Properties;
      const given = reveal(oldInputs) as Properties;
      const changes = new Map<string, DifferenceKind>();
      for (const name of Object.keys(schema.inputs)) {
        const [old, wanted] = [before[name] ?? null, after[name] ?? null];
        if (wanted === null && (given[name] ?? null) === null) continue;
        if (wanted === null && schema.computed.includes(name)) continue;
        if (behaviour.json?.includes(name) ? sameJson(old, wanted) : same(old, wanted, given[name])) continue;
        const replaces =
          schema.replaces.includes(name) ||
          schema.replaces.some(
            (path) => path.startsWith(`${name}.`) && differsAt(path.split("."), before, after, given),
          ) ||
          behaviour.replaces?.(name, before, after);
        const kind = old === null ? "add" : wanted === null ? "delete" : "update";
        changes.set(name, replaces ? `${kind}Replace` : kind);
      }
      const refused = [...changes.values()].some((kind) => kind.endsWith("Replace"))
        ? undefined
        : behaviour.refuses?.(before, after);
      if (refused) throw new Error(refused);
      return { changes } satisfies Difference;
    },

    async create({ inputs, preview }, context) {
      if (preview) {
        const unknown = Object.fromEntries(
          schema.outputs.filter((name) => inputs[name] === undefined).map((name) => [name, UNKNOWN]),
        );
        return { id: "", state: { ...state(inputs, unknown), tagsAll: inputs.tags ?? {} } };
      }
      const { id, outputs } = await behaviour.create(reveal(inputs) as Properties, context);
      return { id, state: state(inputs, outputs) };
    },

    async update({ id, state: olds, inputs, preview }, context) {
      const before = reveal(olds) as Properties;
      const kept = Object.fromEntries(
        Object.entries(before).filter(
          ([name]) => schema.inputs[name] === undefined || schema.computed.includes(name),
        ),
      );
      const whole = { ...kept, ...inputs };
      if (preview) return state(whole, {});
      if (!behaviour.update) throw new Error(`${type} has no property that can be updated in place`);
      const outputs = await behaviour.update(id, reveal(inputs) as Properties, before, context);
      return state(whole, outputs);
    },

    async delete({ id, state: olds }, context) {
      await behaviour.delete(id, reveal(olds) as Properties, context);
    },

    async read({ id, state: olds, inputs }) {
      if (Object.keys(olds).length === 0) throw new Error(notAvailable(`${type}: import`));
      const before = reveal(olds) as Properties;
      const now = behaviour.read ? await behaviour.read(id, before) : before;
      if (now === undefined) return { id: "", state: {}, inputs: {} };
      const whole = state({ ...before, ...now }, {});
      // What was given follows what is, so that a refresh shows what was changed by hand.
      const seen = Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [
          name,
          name.startsWith("__") || same(reveal(value) ?? null, (reveal(whole[name]) ?? null) as Value)
            ? value
            : (whole[name] ?? value),
        ]),
      );
      return { id, state: whole, inputs: seen };
    },
  };
}

/**
 * Whether what is wanted is there already. AWS adds properties to nested values, so one that is not wanted is a change
 * only where it was given before; and it knows no order of plain lists.
 */
function same(old: Value, wanted: Value, given?: Value): boolean {
  if (wanted === null) return old === null || (given ?? null) === null;
  if (isUnknown(wanted)) return false;
  if (Array.isArray(old) && Array.isArray(wanted)) {
    if (old.length !== wanted.length) return false;
    const plain = [...old, ...wanted].every((item) => typeof item !== "object");
    const [left, right] = plain ? [[...old].sort(), [...wanted].sort()] : [old, wanted];
    return right.every((item, index) =>
      same(left[index] as Value, item, Array.isArray(given) ? given[index] : old),
    );
  }
  if (isObject(old) && isObject(wanted)) {
    const before = isObject(given) ? given : old;
    return (
      Object.entries(wanted).every(([name, value]) => same(old[name] ?? null, value, before[name])) &&
      Object.keys(before).every((name) => (wanted[name] ?? null) !== null)
    );
  }
  return equal(old, wanted) || (typeof old !== typeof wanted && `${old}` === `${wanted}`);
}

function sameJson(old: Value, wanted: Value): boolean {
  try {
    return equal(JSON.parse(`${old}`), JSON.parse(`${wanted}`));
  } catch {
    return old === wanted;
  }
}

/** Whether a property inside nested ones is another; lists are gone through. */
function differsAt(
  path: readonly string[],
  before: Value | undefined,
  after: Value | undefined,
  given: Value | undefined,
): boolean {
  const [name, ...rest] = path;
  if (name === undefined) return !same(before ?? null, after ?? null, given);
  if (Array.isArray(before) || Array.isArray(after)) {
    const at = (value: Value | undefined, index: number) => (Array.isArray(value) ? value[index] : undefined);
    const longest = Math.max(...[before, after].map((value) => (Array.isArray(value) ? value.length : 0)));
    return Array.from({ length: longest }, (_, index) => index).some((index) =>
      differsAt(path, at(before, index), at(after, index), at(given, index)),
    );
  }
  const inner = (value: Value | undefined) => (isObject(value) ? value[name] : undefined);
  return differsAt(rest, inner(before), inner(after), inner(given));
}

/** A text of inputs; the schema's check has seen to its presence where it is required. */
export const text = (value: Value | undefined): string =>
  typeof value === "string" ? value : `${value ?? ""}`;
export const list = (value: Value | undefined): string[] => (Array.isArray(value) ? value.map(text) : []);
export const object = (value: Value | undefined): Properties => (isObject(value) ? value : {});

/** An id of the form Terraform gives to things that have none of AWS's. */
export const hashed = (prefix: string, ...parts: string[]) =>
  `${prefix}-${createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 10)}`;

/** A name that AWS needs; the simulator makes none up. */
export const requiredName =
  (name: string, pattern: RegExp, what: string) =>
  (inputs: Properties): Failure[] => {
    const value = inputs[name];
    if (value === undefined || isUnknown(value) || pattern.test(text(value))) return [];
    return [{ property: name, reason: `'${text(value)}' is no ${what}: expected ${pattern.source}` }];
  };
