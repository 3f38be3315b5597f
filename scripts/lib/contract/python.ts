// The outputs as the Python package for readers knows them.
import { type Group, groupName, groupsOf, type Output, outputsOf } from "./groups.ts";
import { type JsonSchema, versionOf } from "./schema.ts";

/** The text of packages/outputs-python/berth_outputs/contract.py. */
export function pythonContract(schema: JsonSchema): string {
  const outputs = outputsOf(schema).filter(({ name }) => name !== "outputsVersion");
  const secret = outputs.filter((one) => one.schema.secret).map(({ name }) => JSON.stringify(name));
  const lines = [
    '"""Made from the outputs.ts of Berth by \'npm run docs\'; change it there."""',
    "",
    "from __future__ import annotations",
    "",
    "from abc import ABC, abstractmethod",
    "from collections.abc import Mapping, Sequence",
    "from typing import Any, Literal, NotRequired, TypedDict, overload",
    "",
    "import pulumi",
    "",
    "# The version of the outputs that this package reads.",
    `OUTPUTS_VERSION = ${versionOf(schema)}`,
    "",
    "# The outputs that are secret.",
    `SECRET_OUTPUTS = frozenset({${secret.join(", ")}})`,
    "",
    "# The names of the outputs in the stack, by those of the properties.",
    "NAMES = {",
    ...outputs.map(({ name }) => `    "${snake(name)}": "${name}",`),
    "}",
    "",
    ...groupsOf(schema).flatMap(group),
    "",
    "",
    "class Outputs(ABC):",
    '    """The outputs of a stack of Berth."""',
    "",
    ...outputs.flatMap(property),
    ...byType(outputs).flatMap(([type, names]) => ["    @overload", ...overload(type, names)]),
    "    def require(self, name: str) -> pulumi.Output[Any]:",
    '        """The output of that name, such as "database_url"; an error says what to do if the stack has none."""',
    "        if name not in NAMES:",
    "            raise pulumi.RunError(f\"berth-outputs knows no output '{name}'. It knows: {', '.join(NAMES)}.\")",
    "        return self._always(NAMES[name])",
    "",
    "    @abstractmethod",
    "    def _always(self, name: str) -> pulumi.Output[Any]: ...",
    "",
    "    @abstractmethod",
    "    def _maybe(self, name: str) -> pulumi.Output[Any]: ...",
  ];
  return `${lines.join("\n")}\n`;
}

/** As Python writes it: `database_url` of `databaseUrl`. */
export const snake = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function property({ name, schema, always }: Output): string[] {
  const type = typeOf(name, schema);
  return [
    "    @property",
    `    def ${snake(name)}(self) -> pulumi.Output[${always ? type : `${type} | None`}]:`,
    ...docstring(`${schema.description}${schema.secret ? " Secret." : ""}`, "        "),
    `        return self.${always ? "_always" : "_maybe"}("${name}")`,
    "",
  ];
}

function group({ name, output, keys }: Group): string[] {
  return [
    "",
    `class ${name}(TypedDict):`,
    `    """One of \`${output}\`."""`,
    "",
    ...keys.flatMap(({ name: key, schema, always }) => [
      ...wrapped(schema.description ?? "", 110).map((line) => `    # ${line}`),
      `    ${key}: ${always ? typeOf(key, schema) : `NotRequired[${typeOf(key, schema)}]`}`,
    ]),
  ];
}

/** As ruff lays it out. */
function overload(type: string, names: readonly string[]): string[] {
  const line = `    def require(self, name: Literal[${names.join(", ")}]) -> pulumi.Output[${type}]: ...`;
  if (line.length <= 120) return [line];
  return [
    "    def require(",
    "        self,",
    "        name: Literal[",
    ...names.map((name) => `            ${name},`),
    "        ],",
    `    ) -> pulumi.Output[${type}]: ...`,
  ];
}

/** The properties by their types, for those who require one. */
function byType(outputs: readonly Output[]): [string, string[]][] {
  const types = new Map<string, string[]>();
  for (const { name, schema } of outputs) {
    const type = typeOf(name, schema);
    types.set(type, [...(types.get(type) ?? []), JSON.stringify(snake(name))]);
  }
  return [...types];
}

function docstring(text: string, indent: string): string[] {
  const lines = wrapped(text, 100);
  if (lines.length === 1) return [`${indent}"""${lines[0]}"""`];
  return [`${indent}"""${lines[0]}`, ...lines.slice(1).map((line) => `${indent}${line}`), `${indent}"""`];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function typeOf(name: string, schema: JsonSchema): string {
  if (schema.type === "string") return "str";
  if (schema.type === "array" && schema.items) return `Sequence[${typeOf(name, schema.items)}]`;
  if (schema.properties) return groupName(name);
  if (schema.additionalProperties) return `Mapping[str, ${typeOf(name, schema.additionalProperties)}]`;
  throw new Error(`scripts/lib/contract knows no type for the output '${name}': ${JSON.stringify(schema)}`);
}
