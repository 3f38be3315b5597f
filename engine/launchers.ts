import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readText, writeFile } from "./files.ts";
import { engineVersions, type PluginName, pluginNames } from "./versions.ts";

/** How a launcher begins, and every other file that stands for a part of the engine. */
const mark = "Starts a part of the engine that is written for Node.";

const template = () => readFileSync(join(import.meta.dirname, "launcher.sh"), "utf8");

/** Quotes a path for sh. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The text of the launcher that runs the TypeScript file `main` under `node`, with `words` before its arguments. */
export function launcherText(node: string, main: string, words: readonly string[] = []): string {
  return template()
    .replaceAll("BERTH_NODE", () => quote(node))
    .replaceAll("BERTH_MAIN", () => [main, ...words].map(quote).join(" "));
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

/**
 * Who runs Berth's providers: its own language host, in its own process, or a process for each, which any language host
 * can live beside.
 */
export type ProvidersIn = "language host" | "processes";

/** The file that makes the engine hand a plugin over to the language host, where there is no program in its folder. */
const descriptor = (name: PluginName) => `# ${mark} It runs inside Berth's language host.
runtime:
  name: nodejs
  options:
    berthProvider: ${name}
`;

/** Puts the Node providers into a PULUMI_HOME. A provider that Pulumi has downloaded there is left in place. */
export function placePlugins(
  root: string,
  home: string,
  inside: ProvidersIn = "language host",
  node = process.execPath,
): void {
  for (const { name, program, project } of pluginPaths(home)) {
    if (isReal(program)) continue;
    // One of the two is there at any moment; where both are, the engine takes the program.
    if (inside === "language host") {
      writeFile(project, descriptor(name));
      rmSync(program, { force: true });
    } else {
      writeFile(program, launcherText(node, join(root, "engine/plugins", name, "main.ts")), 0o755);
      rmSync(project, { force: true });
    }
  }
}

/** Puts a stand-in where Pulumi downloads its AWS provider to: it is downloaded by `cli` when a stack asks for it. */
export function placeDownload(root: string, home: string, cli: string, node = process.execPath): void {
  const program = pluginPath(home, "aws", engineVersions().plugins.aws);
  if (isReal(program)) return;
  const main = join(root, "engine/plugins/aws/download.ts");
  writeFile(program, launcherText(node, main, [cli, program]), 0o755);
}

/** Takes the Node providers out again, or Pulumi would take them for those it downloads. */
export function removePlugins(home: string): void {
  for (const { program, project } of pluginPaths(home)) {
    if (!isReal(program)) rmSync(dirname(project), { recursive: true, force: true });
  }
}

/** Whether every provider is there, or a real one in its place. */
export const pluginsInPlace = (home: string, inside: ProvidersIn) =>
  pluginPaths(home).every(({ program, project }) =>
    inside === "language host" ? isReal(program) || existsSync(project) : existsSync(program),
  );

function pluginPaths(home: string) {
  const versions = engineVersions().plugins;
  return pluginNames.map((name) => {
    const program = pluginPath(home, name, versions[name]);
    return { name, program, project: join(dirname(program), "PulumiPlugin.yaml") };
  });
}

/** A real provider is a program of many megabytes. */
const isReal = (program: string) => existsSync(program) && !isLauncher(program);

const isLauncher = (path: string) =>
  statSync(path).size < 10_000 && readText(path)?.startsWith(`#!/bin/sh\n# ${mark}`);
