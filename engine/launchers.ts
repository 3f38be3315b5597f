import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readText, writeFile } from "./files.ts";
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

/** Puts the Node providers into a PULUMI_HOME. A provider that Pulumi has downloaded there is left in place. */
export function placePlugins(root: string, home: string, node = process.execPath): void {
  for (const { name, path } of pluginPaths(home)) {
    if (existsSync(path) && !isLauncher(path)) continue;
    writeFile(path, launcherText(node, join(root, "engine/plugins", name, "main.ts")), 0o755);
  }
}

/** Takes the Node providers out again, or Pulumi would take them for those it downloads. */
export function removePlugins(home: string): void {
  for (const { path } of pluginPaths(home)) {
    if (existsSync(path) && isLauncher(path)) rmSync(dirname(path), { recursive: true });
  }
}

/** Whether every provider is there, of either kind. */
export const pluginsInPlace = (home: string) => pluginPaths(home).every(({ path }) => existsSync(path));

function pluginPaths(home: string) {
  const versions = engineVersions().plugins;
  return pluginNames.map((name) => ({ name, path: pluginPath(home, name, versions[name]) }));
}

/** A real provider is a program of many megabytes. */
const isLauncher = (path: string) =>
  statSync(path).size < 10_000 && readText(path)?.startsWith("#!/bin/sh\n# Starts a part of the engine");
