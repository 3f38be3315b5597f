import { notAvailable } from "./refusal.ts";

/** The options of `runtime:` in Pulumi.yaml, as far as they say how Node is started. */
export interface RuntimeOptions {
  /** Run TypeScript through the SDK's ts-node. @default true, as in every Pulumi project */
  readonly typescript: boolean;
  /** The tsconfig.json for ts-node. @default the one of the program */
  readonly tsconfig?: string;
  /** Arguments for Node itself. @default none */
  readonly nodeargs: readonly string[];
  /** Leave out devDependencies when packages are installed. @default false */
  readonly production: boolean;
}

const isKind = { boolean: "true or false", string: "a text" } as const;

/** Reads the options, and refuses what would be ignored otherwise. */
export function readOptions(given: Readonly<Record<string, unknown>>): RuntimeOptions {
  const read = <Kind extends keyof typeof isKind>(key: string, kind: Kind) => {
    const value = given[key];
    if (value === undefined) return undefined;
    const kinds = { boolean: typeof value === "boolean", string: typeof value === "string" };
    if (!kinds[kind]) {
      throw new Error(
        `Pulumi.yaml: runtime.options.${key} is ${JSON.stringify(value)}; it must be ${isKind[kind]}.`,
      );
    }
    return value as Kind extends "boolean" ? boolean : string;
  };
  const manager = read("packagemanager", "string") ?? "auto";
  if (manager !== "auto" && manager !== "npm") {
    throw notAvailable(`runtime.options.packagemanager: ${manager}`);
  }
  const tsconfig = read("tsconfig", "string");
  return {
    typescript: read("typescript", "boolean") ?? true,
    ...(tsconfig ? { tsconfig } : {}),
    nodeargs: splitWords(read("nodeargs", "string") ?? ""),
    production: read("production", "boolean") ?? false,
  };
}

/** Which of Berth's providers a plugin is: engine/launchers.ts writes it into the PulumiPlugin.yaml of each. */
export function providerOption(given: Readonly<Record<string, unknown>>): string | undefined {
  return typeof given.berthProvider === "string" ? given.berthProvider : undefined;
}

/** The environment that tells the SDK's runner what the options ask for. */
export function optionsEnvironment(options: RuntimeOptions): Record<string, string> {
  return {
    ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    ...(options.tsconfig ? { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig } : {}),
  };
}

/** Splits a command line into words as a shell does: blanks part words, quotes and backslashes hold them together. */
export function splitWords(line: string): string[] {
  const pieces = /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"\\]+)|(\s+)|(['"\\])/gs;
  const words: string[] = [];
  let word: string | undefined;
  for (const [, escaped, single, double, plain, blank, open] of line.matchAll(pieces)) {
    if (open !== undefined)
      throw new Error(`Pulumi.yaml: runtime.options.nodeargs has an unclosed ${open}: ${line}`);
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + (escaped ?? single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? plain ?? "");
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
