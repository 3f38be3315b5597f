import { z } from "zod";
import { didYouMean } from "../service/did-you-mean.ts";
import { otherWord } from "./other-words.ts";

type Issue = z.core.$ZodIssue;

/** What was checked. */
export interface Checked {
  /** What the whole must be; the keys that it knows are what a misspelt one is held against. */
  readonly schema: z.ZodType;
  /** The whole, as it was given. */
  readonly raw: unknown;
  /** What the author writes before each key. */
  readonly prefix: string;
}

/** What is wrong with a configuration, in the words of its author: the key, what was found, what is expected. */
export function describeIssue(issue: Issue, checked: Checked): string[] {
  const { schema, raw, prefix } = checked;
  if (issue.code === "unrecognized_keys") {
    const allowed = keysAt(issue.path, schema, raw);
    return issue.keys.map((key) => {
      const there = allowed.length > 0 ? ` There is: ${allowed.join(", ")}.` : "";
      const hint = otherWord(issue.path, key) || didYouMean(key, allowed);
      return `${keyPath([...issue.path, key], prefix)}: there is no such key.${hint}${there}`;
    });
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    return describeUnion(issue, checked);
  }
  return [`${keyPath(issue.path, prefix)}: ${expectation(issue)}; found ${found(issue)}`];
}

/** Of a union's alternatives the one that the user was nearest to: it has the fewest faults with its keys. */
function describeUnion(issue: Issue & { code: "invalid_union" }, checked: Checked): string[] {
  // One that is a group where the value is, or that is none either, is nearer than any other.
  const weigh = (fault: Issue) => {
    if (fault.code === "unrecognized_keys") return 10 * fault.keys.length;
    return fault.path.length === 0 && ["invalid_type", "invalid_value"].includes(fault.code) ? 1000 : 1;
  };
  const weight = (faults: readonly Issue[]) => faults.reduce((sum, fault) => sum + weigh(fault), 0);
  const nearest = [...issue.errors].sort((a, b) => weight(a) - weight(b))[0] ?? [];
  if (nearest.every((fault) => fault.path.length === 0 && fault.code === "invalid_type")) {
    const kinds = issue.errors.flat().map((fault) => expectation(fault).replace(/^expected /, ""));
    return [
      `${keyPath(issue.path, checked.prefix)}: expected ${[...new Set(kinds)].join(" or ")}; found ${found(issue)}`,
    ];
  }
  return nearest.flatMap((fault) =>
    describeIssue({ ...fault, path: [...issue.path, ...fault.path] } as Issue, checked),
  );
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeName(issue.expected)}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "invalid_union":
      return `expected ${kindsOf(issue)
        .map((kind) => JSON.stringify(kind))
        .join(" or ")}`;
    case "too_small":
      return `expected ${issue.origin === "array" ? `${issue.minimum} or more entries` : `${issue.minimum} or more`}`;
    case "too_big":
      return `expected ${issue.maximum} at most`;
    case "invalid_key":
      return issue.issues[0]?.message ?? "expected another name";
    default:
      return issue.message;
  }
}

function typeName(type: string): string {
  const names: Record<string, string> = {
    string: "a text (put it in quotes)",
    int: "a whole number",
    number: "a number",
    boolean: "true or false",
    array: "a list",
    object: "a group of keys",
    record: "a group of keys",
  };
  return names[type] ?? type;
}

/** Keys with secrets below them. */
const hidden = [
  "secrets",
  "secret",
  "password",
  "privateKey",
  "passphrase",
  "accessKey",
  "secretKey",
  "eab",
  "targets",
  "token",
  "hooks",
];

function found(issue: Issue): string {
  if (issue.path.some((part) => hidden.includes(part as string))) {
    return "a secret of the wrong form";
  }
  // Of a kind that does not exist the issue holds the whole group.
  return described(kindsOf(issue).length > 0 ? property(issue.input, issue.path.at(-1)) : issue.input);
}

/** Where a group's kind decides what else is in it: the kinds there are. */
function kindsOf(issue: Issue): readonly unknown[] {
  return "options" in issue && Array.isArray(issue.options) ? issue.options : [];
}

function property(value: unknown, name: PropertyKey | undefined): unknown {
  return name === undefined ? value : (value as Record<PropertyKey, unknown> | undefined)?.[name];
}

/** A value as an error shows it. What is inside of lists and groups stays there: it may be secret. */
function described(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  }
  if (typeof value === "object" && value !== null) {
    return `a group with ${Object.keys(value).join(", ") || "no keys"}`;
  }
  if (value === undefined) {
    return "nothing: the key is required";
  }
  // A key of a certificate may be among it.
  if (typeof value === "string" && value.includes("-----BEGIN ")) return "a text in PEM";
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

function keyPath(path: readonly PropertyKey[], prefix: string): string {
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return `${prefix}${parts.join("").replace(/^\./, "")}`;
}

/** The keys that the schema knows at a path, for the alternative of a union that the value has chosen. */
function keysAt(path: readonly PropertyKey[], root: z.ZodType, raw: unknown): string[] {
  let schema: z.core.$ZodType | undefined = root;
  let value: unknown = raw;
  for (const part of [...path, undefined]) {
    schema = plain(schema, value);
    if (part === undefined || schema === undefined) {
      break;
    }
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    if (schema instanceof z.ZodObject) {
      schema = (schema.shape as Record<string, z.core.$ZodType>)[String(part)];
    } else if (schema instanceof z.ZodArray) {
      schema = schema.element as z.core.$ZodType;
    } else if (schema instanceof z.ZodRecord) {
      schema = schema.valueType as z.core.$ZodType;
    } else {
      schema = undefined;
    }
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function plain(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return plain(schema.def.innerType, value);
  }
  if (schema instanceof z.ZodUnion || schema instanceof z.ZodDiscriminatedUnion) {
    const keys = new Set(Object.keys((value ?? {}) as object));
    const kind = (value as { kind?: unknown } | undefined)?.kind;
    const groups = schema.options.filter((option) => option instanceof z.ZodObject);
    return groups.find((option) => {
      const literal = option.shape.kind;
      return literal instanceof z.ZodLiteral
        ? literal.value === kind
        : Object.keys(option.shape).some((key) => keys.has(key));
    });
  }
  return schema;
}
