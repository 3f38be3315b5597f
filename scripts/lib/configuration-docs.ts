import { z } from "zod";
import { configSchema } from "../../components/site/rules.ts";

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | false;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The configuration reference, made from the schema that checks the configuration. */
export function configurationPage(): string {
  const schema = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const sections = Object.entries(schema.properties ?? {}).map(([key, part]) => section(key, part));
  return [
    "# Configuration",
    "",
    "<!-- Made from the schemas of the configuration by `npm run docs`; change it there. -->",
    "",
    "You describe a stack in its file, `Pulumi.STACK.yaml`, with keys that begin with `berth:`. Berth reports all mistakes",
    "at once, before it makes anything: each with its key, what it found, and what it expected. A key that is not listed",
    "here is a mistake.",
    "",
    "```yaml",
    "config:",
    "  berth:host:",
    "    kind: local",
    "  berth:app:",
    "    name: shop",
    "    source:",
    "      directory: ../shop",
    "    wsgi: shop.wsgi:application",
    "    settings: shop.settings",
    "```",
    "",
    "To set a secret value, type `npm run pulumi -- config set --secret --path 'berth:app.secrets.NAME' -s STACK`. It asks",
    "for the value and keeps it encrypted in the file.",
    "",
    // A component knows its arguments; a command is given their key.
    ...sections.map((text) =>
      text.replaceAll("--path '", "--path 'berth:").replaceAll("`hosts`", "`berth:hosts`"),
    ),
  ].join("\n");
}

function section(key: string, schema: JsonSchema): string {
  return [`## berth:${key}`, "", schema.description ?? "", "", ...body(schema, "")].join("\n");
}

function body(schema: JsonSchema, prefix: string): string[] {
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) {
    return alternatives.flatMap((alternative) => {
      const kind = alternative.properties?.kind?.const;
      const title = kind === undefined ? [] : [`### kind: ${kind}`, "", alternative.description ?? "", ""];
      return [...title, ...body(alternative, prefix)];
    });
  }
  // A group whose names are the user's: where each may be of several kinds, its description says what is in it.
  if (schema.additionalProperties && schema.properties === undefined) {
    return schema.additionalProperties.properties === undefined
      ? []
      : ["Each has:", "", ...table(schema.additionalProperties, "")];
  }
  if (schema.type === "array" && schema.items?.properties) {
    return ["A list; each entry has:", "", ...table(schema.items, "")];
  }
  return table(schema, prefix);
}

function table(schema: JsonSchema, prefix: string): string[] {
  return ["| key | value | default | meaning |", "|---|---|---|---|", ...rows(schema, prefix), ""];
}

/** @param optional whether none of its keys is required: it may be something else than a group */
function rows(schema: JsonSchema, prefix: string, optional = false): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, part]) => {
    if (part.const !== undefined) return [];
    const name = `${prefix}${key}`;
    const isRequired = !optional && schema.required?.includes(key);
    const fallback = isRequired ? "required" : "default" in part ? code(part.default) : "";
    const row = `| \`${name}\` | ${kindOf(part)} | ${fallback} | ${(part.description ?? "").replaceAll("|", "\\|")} |`;
    return [row, ...nested(name, part)];
  });
}

/** The rows of the keys inside a key: of each kind that it may have, or of the one it has. */
function nested(name: string, schema: JsonSchema): string[] {
  if (schema.additionalProperties) return nested(`${name}.NAME`, schema.additionalProperties);
  if (schema.type === "array") return nested(`${name}[]`, schema.items ?? {});
  const kinds = schema.anyOf ?? schema.oneOf ?? [schema];
  const groups = kinds.filter((group) => group.properties !== undefined);
  const found = groups.flatMap((group) => {
    const kind = group.properties?.kind?.const;
    const title =
      kind === undefined
        ? []
        : [
            `| \`${name}.kind\` | \`${kind}\` |  | ${group.description ?? group.properties?.kind?.description ?? ""} |`,
          ];
    return [...title, ...rows(group, `${name}.`, groups.length < kinds.length)];
  });
  // What several kinds have is there once.
  return [...new Set(found)];
}

function kindOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map(code).join(", ");
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return [...new Set(alternatives.map(kindOf))].join(" or ");
  if (schema.type === "array") {
    const kinds = schema.items?.anyOf ?? schema.items?.oneOf ?? [schema.items ?? {}];
    if (kinds.every((one) => one.enum)) return `list of ${kinds.map(kindOf).join(", ")}`;
    return `list of ${kinds.map((one) => (one.properties ? "groups" : `${kindOf(one)}s`)).join(" or ")}`;
  }
  if (schema.type === "object") {
    return schema.additionalProperties ? `names with ${kindOf(schema.additionalProperties)}` : "keys";
  }
  if (schema.type === "integer") {
    const { minimum, maximum } = schema;
    const lower = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `, ${minimum} or more` : "";
    const upper = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `, ${maximum} at most` : "";
    return `whole number${lower}${upper}`;
  }
  return { string: "text", boolean: "true or false", number: "number" }[schema.type ?? ""] ?? "value";
}

const code = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
