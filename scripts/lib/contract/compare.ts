// What of a change of the contract breaks a reader: a program that was written for the schema of before, and gets what
// the schema of after allows.
import { isDeepStrictEqual } from "node:util";
import type { JsonSchema } from "./schema.ts";

/**
 * The faults that a reader of `before` has with `after`, a line each; none when it can read on. A new output, a new text of
 * a description, an output that is always there from now on, and one value fewer of an enumeration break nobody.
 */
export function breakingChanges(before: JsonSchema, after: JsonSchema): string[] {
  return compare("", before, after);
}

function compare(name: string, before: JsonSchema, after: JsonSchema): string[] {
  if (before.type !== after.type) {
    // Every whole number is a number.
    if (!(before.type === "number" && after.type === "integer")) {
      return [`${named(name)} was ${kind(before)} and is ${kind(after)}.`];
    }
  }
  return [
    ...secrecy(name, before, after),
    ...values(name, before, after),
    ...keys(name, before, after),
    ...inside(`${name}[]`, before.items, after.items),
    ...inside(join(name, "NAME"), before.additionalProperties, after.additionalProperties),
    ...others(name, before, after),
  ];
}

function secrecy(name: string, before: JsonSchema, after: JsonSchema): string[] {
  if (Boolean(before.secret) === Boolean(after.secret)) return [];
  return after.secret
    ? [`${named(name)} was no secret and is one: 'getOutputValue' refuses it, and the CLI shows it no more.`]
    : [`${named(name)} was a secret and is none: its readers would show it.`];
}

/** A reader knows the values that were possible, and no others. */
function values(name: string, before: JsonSchema, after: JsonSchema): string[] {
  const [known, possible] = [valuesOf(before), valuesOf(after)];
  if (known === undefined) return [];
  if (possible === undefined) return [`${named(name)} was one of ${list(known)} and may be anything.`];
  const fresh = possible.filter((value) => !known.some((one) => isDeepStrictEqual(one, value)));
  return fresh.length === 0
    ? []
    : [`${named(name)} was one of ${list(known)} and may be ${list(fresh)} as well.`];
}

function keys(name: string, before: JsonSchema, after: JsonSchema): string[] {
  return Object.entries(before.properties ?? {}).flatMap(([key, was]) => {
    const path = join(name, key);
    const is = after.properties?.[key];
    if (is === undefined) return [`${named(path)} is gone.`];
    const wasAlways = before.required?.includes(key);
    const lost = wasAlways && !after.required?.includes(key);
    return [
      ...(lost ? [`${named(path)} was always there and may be absent.`] : []),
      ...compare(path, was, is),
    ];
  });
}

function inside(name: string, before: JsonSchema | undefined, after: JsonSchema | undefined): string[] {
  if (before === undefined) return [];
  return after === undefined ? [`${named(name)} may be anything.`] : compare(name, before, after);
}

/** Keywords that are compared above, or that change nothing. */
const known = new Set([
  ...["type", "secret", "const", "enum", "properties", "required", "items", "additionalProperties"],
  ...["$schema", "$id", "$comment", "title", "description", "examples", "deprecated"],
]);

/** A keyword of which nothing is known here counts as breaking: a person has to look. */
function others(name: string, before: JsonSchema, after: JsonSchema): string[] {
  const [was, is] = [before, after] as Record<string, unknown>[];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((keyword) => !known.has(keyword) && !isDeepStrictEqual(was?.[keyword], is?.[keyword]))
    .map(
      (keyword) =>
        `${named(name)} had ${value(keyword, was?.[keyword])} and has ${value(keyword, is?.[keyword])}.`,
    );
}

const valuesOf = ({ const: only, enum: several }: JsonSchema) => (only === undefined ? several : [only]);
const list = (values: readonly unknown[]) => values.map((one) => JSON.stringify(one)).join(", ");
const value = (keyword: string, one: unknown) =>
  one === undefined ? `no '${keyword}'` : `'${keyword}: ${JSON.stringify(one)}'`;
const join = (name: string, key: string) => (name === "" ? key : `${name}.${key}`);
const named = (name: string) => (name === "" ? "The whole" : `'${name}'`);
const kind = ({ type }: JsonSchema) =>
  ({
    string: "a text",
    object: "a group",
    array: "a list",
    integer: "a whole number",
    boolean: "true or false",
  })[type ?? ""] ?? `a ${type ?? "value of any type"}`;
