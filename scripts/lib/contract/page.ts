// The table in docs/outputs.md. The rest of the page is written by hand.
import { outputsOf } from "./groups.ts";
import type { JsonSchema } from "./schema.ts";

const begin = "<!-- Made from outputs.ts by `npm run docs`; change it there. -->";
const end = "<!-- The end of what is made. -->";

/** The page with the table as the schema has it. */
export function outputsPage(schema: JsonSchema, page: string): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`docs/outputs.md needs the two lines '${begin}' and '${end}', around its table.`);
  }
  const table = ["| output | type | meaning |", "|---|---|---|", ...rows(schema, "")].join("\n");
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

function rows(schema: JsonSchema, prefix: string): string[] {
  return outputsOf(schema).flatMap(({ name: key, schema: part, always }) => {
    const name = `${prefix}${key}`;
    const kind = `${kindOf(part)}${part.secret ? ", secret" : ""}${always ? "" : ", may be absent"}`;
    const row = `| \`${name}\` | ${kind} | ${part.description?.replaceAll("|", "\\|")} |`;
    return [row, ...rows(part.additionalProperties ?? {}, `${name}.NAME.`)];
  });
}

function kindOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.type === "array") return `list of ${kindOf(schema.items ?? {})}s`;
  const inside = schema.additionalProperties;
  if (inside) {
    if (inside.type === "array") return "lists by name";
    return inside.properties ? "groups by name" : "names with text";
  }
  return { string: "text", number: "number", boolean: "true or false" }[schema.type ?? ""] ?? "value";
}
