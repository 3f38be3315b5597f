// The contract with readers as a JSON Schema.
import { z } from "zod";
import { outputsSchema } from "../../../outputs.ts";

/** A schema of one output or of all, as far as the contract uses JSON Schema. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  /** Whether the value is a secret: no keyword of JSON Schema, but one that Pulumi's package schemas have. */
  readonly secret?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema;
}

/** The contract as the code has it. */
export function presentSchema(): JsonSchema {
  // Readers ignore outputs that they do not know, so the schema forbids none: hence "input".
  const schema = z.toJSONSchema(outputsSchema, { io: "input" }) as JsonSchema;
  return {
    ...schema,
    description: "The outputs of a stack of Berth. Made from outputs.ts by 'npm run docs'.",
  };
}

/** The version that a schema of the contract is of. */
export const versionOf = (schema: JsonSchema): number => Number(schema.properties?.outputsVersion?.const);

/** As it stands in the file. */
export const schemaText = (schema: JsonSchema): string => `${JSON.stringify(schema, null, 2)}\n`;
