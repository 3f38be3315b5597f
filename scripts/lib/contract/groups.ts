// What the generated files for readers have in common.
import type { JsonSchema } from "./schema.ts";

/** An output of the contract. */
export interface Output {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly always: boolean;
}

/** The outputs of a schema, or the keys of a group in it. */
export const outputsOf = (schema: JsonSchema): Output[] =>
  Object.entries(schema.properties ?? {}).map(([name, part]) => ({
    name,
    schema: part,
    always: schema.required?.includes(name) ?? false,
  }));

/** A group of keys, which gets a type of its own. */
export interface Group {
  readonly name: string;
  /** The output that it is in. */
  readonly output: string;
  readonly keys: readonly Output[];
}

/** The groups in the outputs: of `otherHosts` it is `OtherHost`. */
export const groupsOf = (schema: JsonSchema): Group[] =>
  outputsOf(schema).flatMap(({ name, schema: { additionalProperties: group } }) =>
    group?.properties ? [{ name: groupName(name), output: name, keys: outputsOf(group) }] : [],
  );

export const groupName = (output: string): string =>
  `${output.charAt(0).toUpperCase()}${output.slice(1)}`.replace(/s$/, "");
