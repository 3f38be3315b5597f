/** The value of a name, or why there is none; never with anything of what was printed. */
export type Value = { readonly value: string } | { readonly fault: string };

/** Finds the value of a name in the store. */
export type Answers = (place: string) => Value;

/** The whole of what a command printed is the value. */
export function plainAnswer(printed: Buffer): Value {
  const text = textOf(printed);
  if (text === undefined) return { fault: notText };
  return checked(text.replace(/\r?\n$/, ""));
}

/** What a command printed has all values. */
export function allAnswers(printed: Buffer, format: "json" | "dotenv"): Answers {
  const text = textOf(printed);
  if (text === undefined) return () => ({ fault: notText });
  return format === "json" ? ofJson(text) : ofDotenv(text);
}

const notText = "printed something else than text in UTF-8";

function textOf(printed: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(printed);
  } catch {
    return undefined;
  }
}

function checked(value: string): Value {
  if (value === "") return { fault: "an empty value was found; a secret was expected" };
  if (value.includes("\0")) return { fault: "a value with a zero byte was found; a text was expected" };
  return { value };
}

function ofJson(text: string): Answers {
  let all: unknown;
  try {
    all = JSON.parse(text);
  } catch {
    // What JSON.parse says has a part of the text in it.
    return () => ({ fault: "the output is not JSON; one object was expected" });
  }
  if (typeof all !== "object" || all === null || Array.isArray(all))
    return () => ({ fault: `the output is ${kindOf(all)}; an object was expected` });
  const found = new Map(Object.entries(all));
  return (place) => {
    if (!found.has(place)) return { fault: `the output has no key '${place}' at its top` };
    const value: unknown = found.get(place);
    if (typeof value === "string") return checked(value);
    // Others lose digits on their way.
    if (typeof value === "boolean" || Number.isSafeInteger(value)) return { value: `${value}` };
    return { fault: `${kindOf(value)} was found; a text was expected` };
  };
}

const kindOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : ({ string: "a text", number: "a number", boolean: "true or false" }[typeof value as string] ??
        "a group");

/** A line, or several where a value in quotes has more: NAME, then the value in single or double quotes, or as it stands. */
const line =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?:'([^']*)'[ \t]*(?:#.*)?|"((?:[^"\\]|\\[\s\S])*)"[ \t]*(?:#.*)?|(.*?))[ \t\r]*$/gm;

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function ofDotenv(text: string): Answers {
  const found = new Map<string, Value>();
  for (const [, name = "", single, double, bare = ""] of text.matchAll(line)) {
    const value = single ?? double?.replaceAll(/\\([nrt"\\$`])/g, (_, sign) => escapes[sign] ?? sign);
    if (found.has(name)) found.set(name, { fault: "it was found twice; one line was expected" });
    else found.set(name, value === undefined ? unquoted(bare) : checked(value));
  }
  return (place) => found.get(place) ?? { fault: `the output has no line '${place}=…'` };
}

/** Programs do not agree on what these mean, and a secret that was cut short is found late. */
function unquoted(value: string): Value {
  if (/^['"]/.test(value)) return { fault: "its quotes do not end where the value ends" };
  if (/^#|\s#/.test(value))
    return { fault: "' #' was found in a value without quotes: write quotes, or print JSON" };
  return checked(value);
}
