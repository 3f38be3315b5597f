import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

interface Parameterization {
  readonly name: string;
  readonly version: string;
  readonly value: string;
}

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
    readonly parameterization?: Parameterization;
  };
}

/** A provider plugin that a program needs, as its npm package names it. */
export interface RequiredPlugin {
  readonly name: string;
  readonly version: string;
  /** Where the vendor of a third party keeps its plugin; empty for Pulumi's own. */
  readonly server: string;
  readonly parameterization?: Parameterization;
}

/** @param word a word without which the file is of no interest, and is not parsed */
export function readPackageJson(folder: string, word = ""): PackageJson | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, "package.json"), "utf8");
  } catch {
    return undefined;
  }
  if (!text.includes(word)) return undefined;
  try {
    return JSON.parse(text) as PackageJson;
  } catch (error) {
    throw new Error(`${join(folder, "package.json")} is not valid JSON: ${(error as Error).message}`);
  }
}

/**
 * The plugins of all npm packages under a program's folder. A policy pack's are left out: they are its own, not
 * the program's. So are folders whose name begins with a dot, where no package of a program lies.
 */
export function requiredPlugins(program: string): RequiredPlugin[] {
  const found = new Map<string, RequiredPlugin>();
  const visited = new Set<string>();

  const folders = (folder: string) => {
    const real = realpathSync(folder);
    if (visited.has(real)) return [];
    visited.add(real);
    return readdirSync(real, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith(".") && isFolder(entry))
      .map((entry) => ({ name: entry.name, path: join(real, entry.name) }));
  };
  const takePackage = (folder: string) => {
    const plugin = pluginOf(readPackageJson(folder, '"pulumi"'), folder);
    if (plugin) found.set(JSON.stringify(plugin), plugin);
    const nested = join(folder, "node_modules");
    if (existsSync(nested)) takeModules(nested);
  };
  const takeModules = (modules: string) => {
    for (const { name, path } of folders(modules)) {
      if (name.startsWith("@")) for (const scoped of folders(path)) takePackage(scoped.path);
      else takePackage(path);
    }
  };
  const walk = (folder: string) => {
    for (const { name, path } of folders(folder)) {
      if (name === "node_modules") takeModules(path);
      else if (!isPolicyPack(path)) walk(path);
    }
  };
  walk(program);
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** Whether an entry is a folder, or a link to one; a link that leads nowhere is none. */
function isFolder(entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const isPolicyPack = (folder: string) =>
  ["yaml", "yml", "json"].some((extension) => existsSync(join(folder, `PulumiPolicy.${extension}`)));

function pluginOf(json: PackageJson | undefined, folder: string): RequiredPlugin | undefined {
  const pulumi = json?.pulumi;
  if (!pulumi?.resource) return undefined;
  const scoped = json?.name?.startsWith("@pulumi/") ? json.name.slice("@pulumi/".length) : undefined;
  const name = pulumi.name || scoped;
  const version = pulumi.version || json?.version;
  if (!name || !version) {
    throw new Error(
      `${join(folder, "package.json")}: 'pulumi.resource' is set without a plugin's name and version.`,
    );
  }
  return {
    name,
    version: version.startsWith("v") ? version : `v${version}`,
    server: pulumi.server ?? "",
    ...(pulumi.parameterization ? { parameterization: pulumi.parameterization } : {}),
  };
}

/** The npm packages of a program with their installed versions: those it names, or all that are installed. */
export function programDependencies(
  program: string,
  transitive: boolean,
): { name: string; version: string }[] {
  if (transitive) {
    const lock = join(program, "node_modules/.package-lock.json");
    if (!existsSync(lock)) throw new Error(`${lock} is missing: run 'npm install' in ${program} first.`);
    const all = JSON.parse(readFileSync(lock, "utf8")) as { packages: Record<string, { version?: string }> };
    return Object.entries(all.packages).map(([path, entry]) => ({
      name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version: entry.version ?? "",
    }));
  }
  const json = readPackageJson(program);
  return Object.keys({ ...json?.dependencies, ...json?.devDependencies }).map((name) => ({
    name,
    version: readPackageJson(join(program, "node_modules", name))?.version ?? "",
  }));
}
