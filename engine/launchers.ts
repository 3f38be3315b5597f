import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFile } from "./files.ts";
import { engineVersions, pluginNames } from "./versions.ts";

const template = () => readFileSync(join(import.meta.dirname, "launcher.sh"), "utf8");

/** Quotes a path for sh. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The text of the launcher that runs the TypeScript file `main` under `node`. */
export function launcherText(node: string, main: string): string {
  return template()
    .replaceAll("BERTH_NODE", () => quote(node))
    .replaceAll("BERTH_MAIN", () => quote(main));
}

/** Where Pulumi looks for a provider: a real folder whose name carries the version to the digit. */
export function pluginPath(home: string, name: string, version: string): string {
  return join(home, "plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`);
}

/** Puts the Node language host beside the CLI that lies in `cliDirectory`. */
export function placeLanguageHost(root: string, cliDirectory: string, node = process.execPath): void {
  const main = join(root, "engine/language-host/main.ts");
  writeFile(join(cliDirectory, "pulumi-language-nodejs"), launcherText(node, main), 0o755);
}

/** Puts the Node providers into a PULUMI_HOME. */
export function placePlugins(root: string, home: string, node = process.execPath): void {
  const versions = engineVersions().plugins;
  for (const name of pluginNames) {
    const path = pluginPath(home, name, versions[name]);
    writeFile(path, launcherText(node, join(root, "engine/plugins", name, "main.ts")), 0o755);
  }
}
