// The outputs as the TypeScript package for readers knows them.
import { type Group, groupName, groupsOf, type Output, outputsOf } from "./groups.ts";
import { type JsonSchema, versionOf } from "./schema.ts";

/** The text of packages/outputs/contract.ts. */
export function typescriptContract(schema: JsonSchema): string {
  const outputs = outputsOf(schema).filter(({ name }) => name !== "outputsVersion");
  const secret = outputs.filter((one) => one.schema.secret).map(({ name }) => JSON.stringify(name));
  return `// Made from the outputs.ts of Berth by 'npm run docs'; change it there.
import type * as pulumi from "@pulumi/pulumi";

/** The version of the outputs that this package reads. */
export const outputsVersion = ${versionOf(schema)};

/** The outputs that are secret. */
${listed("export const secretOutputs: readonly string[] = ", secret)}

${groupsOf(schema).map(group).join("\n")}
/** The outputs of a stack of Berth. */
export abstract class Outputs {
${outputs.map(getter).join("\n")}
  /** An output that is always there. */
  protected abstract always<T>(name: string): pulumi.Output<T>;
  /** An output that may be absent. */
  protected abstract maybe<T>(name: string): pulumi.Output<T | undefined>;
}
`;
}

/** A list as Biome writes it: on a line of its own where it fits (biome.json, lineWidth). */
function listed(start: string, values: readonly string[]): string {
  const line = `${start}[${values.join(", ")}];`;
  return line.length <= 110 ? line : `${start}[\n${values.map((one) => `  ${one},\n`).join("")}];`;
}

function getter(output: Output): string {
  const { name, schema, always } = output;
  const type = typeOf(name, schema);
  return `  /** ${comment(schema)} */
  get ${name}(): pulumi.Output<${always ? type : `${type} | undefined`}> {
    return this.${always ? "always" : "maybe"}("${name}");
  }
`;
}

function group({ name, output, keys }: Group): string {
  const rows = keys.map(
    ({ name: key, schema, always }) =>
      `  /** ${comment(schema)} */\n  readonly ${key}${always ? "" : "?"}: ${typeOf(key, schema)};\n`,
  );
  return `/** One of \`${output}\`. */\nexport interface ${name} {\n${rows.join("")}}\n`;
}

const comment = ({ description = "", secret }: JsonSchema) =>
  `${description}${secret ? " Secret." : ""}`.replaceAll("*/", "*\\/");

function typeOf(name: string, schema: JsonSchema): string {
  if (schema.type === "string") return "string";
  if (schema.type === "array" && schema.items) return `readonly ${typeOf(name, schema.items)}[]`;
  if (schema.properties) return groupName(name);
  if (schema.additionalProperties) {
    return `Readonly<Record<string, ${typeOf(name, schema.additionalProperties)}>>`;
  }
  throw new Error(`scripts/lib/contract knows no type for the output '${name}': ${JSON.stringify(schema)}`);
}
