import { spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, sep } from "node:path";
import { builtCli, builtCliPath } from "./build.ts";
import { copyFile, readText, writeFile } from "./files.ts";
import {
  type ProvidersIn,
  placeDownload,
  placeLanguageHost,
  placePlugins,
  pluginsInPlace,
  removePlugins,
} from "./launchers.ts";
import { keepNoLogs } from "./logs.ts";
import type { Progress } from "./progress.ts";
import { engineVersions } from "./versions.ts";

/** The three ways to an engine; see docs/engine.md. */
export type Way = "path" | "npm" | "registry";

/** An engine that is in place. */
export interface Engine {
  readonly way: Way;
  /** The absolute path of the `pulumi` to run. */
  readonly cli: string;
  /** Whether Pulumi downloads its plugins, or finds Berth's own in Node. */
  readonly plugins: "download" | "node";
}

interface Stamp extends Engine {
  /** All that the engine was made from. While it is the same, there is nothing to do. */
  readonly inputs: string;
}

/** Where Berth keeps its PULUMI_HOME. */
export const homeOf = (root: string) => join(root, ".berth/pulumi");
const stampOf = (root: string) => join(homeOf(root), "engine.json");

/** Where npm's package `pulumi` looks for the CLI of its version. */
const cliOf = (home: string) => join(home, "versions", engineVersions().cli, "bin/pulumi");

/** The host that has the CLI and the plugins, and how long it may take to answer, in milliseconds. */
const downloads = "https://get.pulumi.com";
const patience = 4_000;

/** The engine that `ensureEngine` put in place. */
export function readEngine(root: string): Engine {
  const stamp = readStamp(root);
  if (!stamp)
    throw new Error(`There is no engine in ${homeOf(root)} yet: run 'npm run pulumi -- version' first.`);
  return stamp;
}

/**
 * Sees to it that there is an engine, and says which. In this order: a fitting `pulumi` on the PATH; the
 * download by npm's package `pulumi`; a build from Go modules with Berth's own language host and providers. When
 * an earlier call has done all that, this takes a few milliseconds. BERTH_ENGINE=path|npm|registry allows one
 * way only.
 */
export async function ensureEngine(root: string, progress: Progress): Promise<Engine> {
  const only = wayFrom(process.env.BERTH_ENGINE);
  keepNoLogs(homeOf(root));
  const onPath = only === undefined || only === "path" ? findOnPath(root) : undefined;
  const inputs = JSON.stringify({
    only,
    root,
    node: process.execPath,
    versions: engineVersions(),
    onPath: identity(onPath),
  });
  const stamp = readStamp(root);
  if (stamp?.inputs === inputs && isInPlace(root, stamp)) return stamp;

  const engine = await acquire(root, progress, only, onPath, stamp?.way);
  const { plugins } = engine;
  if (plugins === "node") placePlugins(root, homeOf(root), providersIn(engine));
  else {
    removePlugins(homeOf(root));
    placeDownload(root, homeOf(root), engine.cli);
  }
  writeFile(stampOf(root), `${JSON.stringify({ ...engine, inputs } satisfies Stamp, null, 2)}\n`);
  return engine;
}

async function acquire(
  root: string,
  progress: Progress,
  only: Way | undefined,
  onPath: string | undefined,
  before: Way | undefined,
): Promise<Engine> {
  // Asked at once, so that the answer is there when it is needed.
  const reachable = only === "registry" ? Promise.resolve(false) : canDownload();
  if (onPath) {
    const misfit = whyNotFit(onPath, homeOf(root));
    if (misfit === undefined) {
      const plugins = (await reachable) ? "download" : "node";
      progress.note(
        `using ${onPath}${plugins === "node" ? "; its plugins cannot be downloaded here, Berth's own take their place" : ""}`,
      );
      return { way: "path", cli: onPath, plugins };
    }
    progress.note(`not using ${onPath}: ${misfit}`);
  }
  if (only === "path") {
    throw new Error(
      `BERTH_ENGINE=path, but there is no 'pulumi' on the PATH that fits: it must be version ${engineVersions().cli} ` +
        "or a later 3.x, with pulumi-language-nodejs beside it. Install it, or unset BERTH_ENGINE.",
    );
  }
  if (only !== "registry") {
    if (await reachable) {
      try {
        return await download(root, progress, before);
      } catch (error) {
        if (only === "npm") throw error;
        progress.note(`the download of Pulumi failed (${(error as Error).message}); building it instead`);
      }
    } else if (only === "npm") {
      throw new Error(
        `BERTH_ENGINE=npm, but ${downloads} does not answer within ${patience / 1000} s. Unset BERTH_ENGINE to build the CLI.`,
      );
    } else {
      progress.note(
        "Pulumi's download cannot be reached from here; its CLI comes from the Go modules instead",
      );
    }
  }
  const cli = cliOf(homeOf(root));
  copyFile(await builtCli(root, progress), cli);
  placeLanguageHost(root, dirname(cli));
  writeFile(join(dirname(cli), "built-as"), `${builtCliPath(root)}\n`);
  return { way: "registry", cli, plugins: "node" };
}

/** Lets npm's package `pulumi` download the CLI, into a folder that takes its place only when it is whole. */
async function download(root: string, progress: Progress, before: Way | undefined): Promise<Engine> {
  const home = homeOf(root);
  const cli = cliOf(home);
  const engine: Engine = { way: "npm", cli, plugins: "download" };
  if (before === "npm" && existsSync(cli)) return engine;

  const version = engineVersions().cli;
  const step = progress.step(`Downloading Pulumi ${version}`);
  const temporary = join(home, `.download-${process.pid}`);
  try {
    await runPackage({
      ...process.env,
      PULUMI_HOME: temporary,
      PULUMI_VERSION: version,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    const place = join(home, "versions", version);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(dirname(place), { recursive: true });
    renameSync(join(temporary, "versions", version), place);
    step.done();
    return engine;
  } catch (error) {
    step.failed();
    throw error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function runPackage(env: NodeJS.ProcessEnv): Promise<void> {
  const run = createRequire(import.meta.url).resolve("pulumi/run.js");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [run, "version"], { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2_000);
    });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(said.trim() || `exit code ${code}`)),
    );
  });
}

/** Whether the CLI can be downloaded, found out within seconds: both the script and the archive that it gets. */
async function canDownload(): Promise<boolean> {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const archive = `/releases/sdk/pulumi-v${engineVersions().cli}-${process.platform}-${architecture}.tar.gz`;
  const answers = ["/install.sh", archive].map(async (path) => {
    const response = await fetch(downloads + path, { method: "HEAD", signal: AbortSignal.timeout(patience) });
    return response.ok;
  });
  try {
    return (await Promise.all(answers)).every(Boolean);
  } catch {
    return false;
  }
}

/** The first `pulumi` on the PATH that is the user's: not npm's package in this checkout, nor Berth's own. */
function findOnPath(root: string): string | undefined {
  const own = [join(root, "node_modules"), join(root, ".berth")].map((folder) => folder + sep);
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(Boolean)) {
    const candidate = join(folder, "pulumi");
    try {
      accessSync(candidate, constants.X_OK);
      const real = realpathSync(candidate);
      if (
        statSync(real).isFile() &&
        !own.some((prefix) => real.startsWith(prefix) || candidate.startsWith(prefix))
      )
        return real;
    } catch {
      // Not there, or not to be run by this user: look on.
    }
  }
  return undefined;
}

/** A file's path, size and time: another `pulumi` at the same place is another one. */
function identity(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}

/**
 * Why a `pulumi` cannot run Berth, or undefined when it can. It fits when it is of the same major version as the
 * SDK and not older, which is what Pulumi itself supports, and when its Node language host is beside it or on
 * the PATH.
 */
function whyNotFit(cli: string, home: string): string | undefined {
  const needed = engineVersions().cli;
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const answer = spawnSync(cli, ["version"], { encoding: "utf8", timeout: 10_000, env });
  const found = /^v?(\d+\.\d+\.\d+)/.exec(answer.stdout ?? "")?.[1];
  if (!found) return "it does not say its version";
  if (!fits(found, needed))
    return `it is version ${found}, and Berth needs ${needed} or a later ${needed.split(".")[0]}.x`;
  const folders = [dirname(cli), ...(process.env.PATH ?? "").split(delimiter)];
  if (!folders.some((folder) => existsSync(join(folder, "pulumi-language-nodejs")))) {
    return "there is no pulumi-language-nodejs beside it";
  }
  return undefined;
}

/**
 * Whether a CLI of version `found` can run a program whose SDK is `needed`. Both are three numbers: the library semver would
 * take longer to load than to write this.
 */
export function fits(found: string, needed: string): boolean {
  const [a = [], b = []] = [found, needed].map((version) => version.split(".").map(Number));
  if (a[0] !== b[0]) return false;
  return found.localeCompare(needed, "en", { numeric: true }) >= 0;
}

function wayFrom(given: string | undefined): Way | undefined {
  if (given === undefined || given === "") return undefined;
  if (given === "path" || given === "npm" || given === "registry") return given;
  throw new Error(
    `BERTH_ENGINE is '${given}'; it must be 'path', 'npm' or 'registry', or unset to try them in this order.`,
  );
}

/** Only Berth's own language host has the providers inside. */
const providersIn = ({ way }: Engine): ProvidersIn => (way === "registry" ? "language host" : "processes");

function readStamp(root: string): Stamp | undefined {
  try {
    return JSON.parse(readText(stampOf(root)) ?? "") as Stamp;
  } catch {
    return undefined;
  }
}

function isInPlace(root: string, engine: Engine): boolean {
  if (!existsSync(engine.cli)) return false;
  if (engine.way === "registry") {
    if (!existsSync(join(dirname(engine.cli), "pulumi-language-nodejs"))) return false;
    // A change of engine/cli is another CLI. Its cached file may be gone, which harms nobody.
    if (readText(join(dirname(engine.cli), "built-as"))?.trim() !== builtCliPath(root)) return false;
  }
  return engine.plugins === "download" || pluginsInPlace(homeOf(root), providersIn(engine));
}
