// A whole engine in a temporary folder: its own PULUMI_HOME, backend and passphrase, with the language host and
// the providers that a test asks for. Tests that run side by side share nothing but the CLI's file.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { builtCli } from "../../engine/build.ts";
import { engineEnvironment } from "../../engine/environment.ts";
import { copyFile } from "../../engine/files.ts";
import { placeLanguageHost, placePlugins } from "../../engine/launchers.ts";
import { keepNoLogs } from "../../engine/logs.ts";
import { lineProgress } from "../../engine/progress.ts";

export const root = resolve(import.meta.dirname, "../..");

/** What Node has compiled for any test. */
export const compileCache = join(root, "node_modules/.cache/berth-tests");

/** The folder with the real plugins, where this machine has one; the conformance runs need it. */
export const realPlugins = process.env.BERTH_REAL_PLUGINS || undefined;

/** The reason to skip a conformance run, or false; for the `skip` option of a test. */
export const withoutRealPlugins = realPlugins ? false : "BERTH_REAL_PLUGINS is not set: no real plugins here";

export type Origin = "node" | "real";

export interface EngineOptions {
  /** Berth's providers in Node, or the vendor's from BERTH_REAL_PLUGINS. @default "node" */
  readonly plugins?: Origin;
  /** Berth's language host in Node, or the vendor's. @default the same as `plugins` */
  readonly languageHost?: Origin;
  /** Whether Pulumi keeps its own log of every command, which takes a third of its processor time. @default false */
  readonly logs?: boolean;
  /** Further environment for every call. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Result {
  /** The exit code; -1 after a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which the call is killed. @default 120000 */
  readonly timeout?: number;
  readonly stdin?: string;
}

export interface Engine {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs the CLI with these arguments and `--non-interactive`; a failure is a result, not an exception. */
  pulumi(args: readonly string[], options: RunOptions): Promise<Result>;
  /** The same for calls that a test relies on: an exit code other than 0 throws with everything that was said. */
  succeed(args: readonly string[], options: RunOptions): Promise<Result>;
  /**
   * A project in a temporary folder, which can import the packages of this checkout. Pulumi.yaml and
   * package.json are supplied where `files` has none.
   */
  project(files: Readonly<Record<string, string>>): string;
  /** Chooses other providers for the calls that follow, on the same stacks. */
  usePlugins(origin: Origin): void;
  /** Removes everything. Called by itself at the end of the test. */
  close(): void;
}

/**
 * Makes an engine for a test. `scope` is the test's context (`t`); or `{ after }` from node:test for a whole file,
 * which then has to call this at its top level. When the scope ends, everything is removed.
 */
export async function withEngine(
  scope: { after(clean: () => void): void },
  options: EngineOptions = {},
): Promise<Engine> {
  const plugins = options.plugins ?? "node";
  const languageHost = options.languageHost ?? plugins;
  const cli = await builtCli(root, lineProgress());
  const folder = mkdtempSync(join(tmpdir(), "berth-engine-"));
  const home = join(folder, "home");
  const state = join(folder, "state");
  const passphraseFile = join(folder, "passphrase");
  const bin = join(home, "bin");
  mkdirSync(state, { recursive: true });
  writeFileSync(passphraseFile, "a passphrase of the tests\n", { mode: 0o600 });
  copyFile(cli, join(bin, "pulumi"));
  if (languageHost === "node") placeLanguageHost(root, bin);
  else copyFile(join(real(), "bin/pulumi-language-nodejs"), join(bin, "pulumi-language-nodejs"));

  const env: NodeJS.ProcessEnv = {
    ...engineEnvironment({ home, state, passphraseFile, cliDirectory: bin, downloadPlugins: false }),
    // One compile cache for all tests: it holds no state, and each test would otherwise start cold.
    NODE_COMPILE_CACHE: compileCache,
    // The engine's processes live for seconds, and memory is there: most of their garbage need not be collected.
    GOGC: "400",
    ...options.env,
  };

  const usePlugins = (origin: Origin) => {
    rmSync(join(home, "plugins"), { recursive: true, force: true });
    if (origin === "node") {
      placePlugins(root, home, languageHost === "node" ? "language host" : "processes");
    } else placeRealPlugins(home);
  };
  const close = () => rmSync(folder, { recursive: true, force: true });
  scope.after(close);
  usePlugins(plugins);
  if (!options.logs) keepNoLogs(home);

  const pulumi = (args: readonly string[], run: RunOptions) =>
    execute(join(bin, "pulumi"), [...args, "--non-interactive", "--color=never"], {
      cwd: run.cwd,
      env: { ...env, ...run.env },
      timeout: run.timeout ?? 120_000,
      stdin: run.stdin,
    });
  let projects = 0;
  return {
    home,
    env,
    pulumi,
    async succeed(args, run) {
      const result = await pulumi(args, run);
      if (result.code !== 0) {
        throw new Error(`pulumi ${args.join(" ")}: exit ${result.code}\n${result.stdout}\n${result.stderr}`);
      }
      return result;
    },
    project(files) {
      const directory = join(folder, `project-${++projects}`);
      const whole: Record<string, string> = {
        "Pulumi.yaml": `name: trial\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: --import=${join(root, "lean-sdk.ts")}\nmain: index.ts\n`,
        "package.json": `${JSON.stringify({ name: "trial", private: true, type: "module", main: "index.ts" })}\n`,
        ...files,
      };
      for (const [name, text] of Object.entries(whole)) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), text);
      }
      if (!existsSync(join(directory, "node_modules"))) {
        symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
      }
      return directory;
    },
    usePlugins,
    close,
  };
}

function real(): string {
  if (!realPlugins) throw new Error("BERTH_REAL_PLUGINS is not set: skip this test with withoutRealPlugins");
  return realPlugins;
}

function placeRealPlugins(home: string): void {
  for (const name of readdirSync(join(real(), "plugins"))) {
    for (const file of readdirSync(join(real(), "plugins", name))) {
      copyFile(join(real(), "plugins", name, file), join(home, "plugins", name, file));
    }
  }
}

/** Runs a program to its end; a failure is a result. */
export function execute(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** Milliseconds after which it is killed. @default 60000 */
    readonly timeout?: number | undefined;
    readonly stdin?: string | undefined;
  } = {},
): Promise<Result> {
  return new Promise((resolveResult, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      timeout: options.timeout ?? 60_000,
      killSignal: "SIGKILL",
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin.on("error", () => {}).end(options.stdin ?? "");
    child.once("error", reject);
    child.once("close", (code) => resolveResult({ code: code ?? -1, stdout, stderr }));
  });
}
