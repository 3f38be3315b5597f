import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";

/** A value of `berth:app.env`, as the engine hands it over. */
export type EnvValue = string | number | boolean;

/** How the engine tells a date of YAML's, whatever it was written like: as Go's time.Time does. */
const date = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$/;

/**
 * `berth:app.env` as text. The engine reads the stack's file as YAML: of `0123` it makes 83, of `3.10` 3.1, of a date
 * a time, and of long numbers others. An application is given what was written.
 *
 * @param file the stack's file
 * @throws {pulumi.RunError} for a value that the file does not show as it was written
 */
export async function asWritten(
  env: Readonly<Record<string, EnvValue>>,
  file: string,
): Promise<Readonly<Record<string, string>>> {
  const isRead = (value: EnvValue) => typeof value !== "string" || date.test(value);
  // Most stacks have none, and need not wait for the library.
  const written = Object.values(env).some(isRead) ? await scalarsOf(file) : {};
  const faults: string[] = [];
  const texts = Object.entries(env).map(([name, value]) => {
    const text = isRead(value) ? written[name] : `${value}`;
    if (text === undefined) faults.push(`berth:app.env.${name}: expected text in quotes; found ${value}`);
    return [name, text ?? ""];
  });
  if (faults.length > 0) {
    throw new pulumi.RunError(
      [
        ...faults,
        `YAML may have changed it, as 0123 to 83, and ${file} does not show how it was written.`,
      ].join("\n  "),
    );
  }
  return Object.fromEntries(texts);
}

/** The values of `berth:app.env` in a stack's file, as they stand there. */
async function scalarsOf(file: string): Promise<Readonly<Record<string, string>>> {
  const { isMap, isScalar, parseDocument } = await import("yaml");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return {};
  }
  const env = parseDocument(text).getIn(["config", "berth:app", "env"]);
  if (!isMap(env)) return {};
  const scalars = env.items.flatMap(({ key, value }) =>
    isScalar(key) && isScalar(value) && value.source !== undefined ? [[`${key.value}`, value.source]] : [],
  );
  return Object.fromEntries(scalars);
}
