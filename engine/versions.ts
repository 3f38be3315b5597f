import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** What a Pulumi npm package says of itself: its version, and the provider plugin that it talks to. */
interface PackageJson {
  readonly version: string;
  readonly pulumi?: { readonly name?: string; readonly version?: string };
}

const read = (name: string) => load(`${name}/package.json`) as PackageJson;

/** The plugins that Berth's programs use. A plugin's version is the one its npm package asks for, to the digit. */
export const pluginNames = ["aws", "command", "random", "tls"] as const;
export type PluginName = (typeof pluginNames)[number];

export interface Versions {
  /** The Pulumi CLI: the same version as the SDK, so that neither has to allow for the other's age. */
  readonly cli: string;
  readonly plugins: Readonly<Record<PluginName, string>>;
}

/** The versions of every part of the engine. package.json pins them; this reads what npm installed. */
export function engineVersions(): Versions {
  const sdk = read("@pulumi/pulumi").version;
  const cli = read("pulumi").version;
  if (sdk !== cli) {
    throw new Error(
      `package.json pins @pulumi/pulumi ${sdk} but pulumi (the CLI) ${cli}: they must be the same version. ` +
        "Change one of them, run 'npm install', and put the same version into engine/cli/go.mod.",
    );
  }
  const plugin = (name: PluginName) => {
    const found = read(`@pulumi/${name}`);
    return found.pulumi?.version ?? found.version;
  };
  return {
    cli,
    plugins: {
      aws: plugin("aws"),
      command: plugin("command"),
      random: plugin("random"),
      tls: plugin("tls"),
    },
  };
}
