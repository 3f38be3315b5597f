/** Stands for a value that a preview does not know yet. */
export const unknown: symbol = Symbol("not known before the update");

/** A property of a resource as rules see it. Secrets come as they are: no message may repeat a value. */
export type Value =
  | symbol
  | undefined
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [key: string]: Value };

export type Values = Readonly<Record<string, Value>>;

/** Turns what the policy SDK hands over, which throws where an unknown value is read, into plain values. */
export function plain(given: unknown): Value {
  if (Array.isArray(given)) return Array.from({ length: given.length }, (_, index) => read(given, index));
  if (typeof given === "object" && given !== null) {
    return Object.fromEntries(Object.keys(given).map((key) => [key, read(given, key)]));
  }
  return given as Value;
}

function read(from: object, key: string | number): Value {
  let value: unknown;
  try {
    value = (from as Record<string | number, unknown>)[key];
  } catch {
    return unknown;
  }
  return plain(value);
}

/** The members of a list; none where it is absent or not known. A single value counts as a list of one. */
export function list(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null || value === unknown ? [] : [value];
}

/** A group of properties; empty where it is absent, not known, or something else. */
export function group(value: Value): Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};
}
