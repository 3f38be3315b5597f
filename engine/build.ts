import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { constants, homedir, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { readText } from "./files.ts";
import type { Progress } from "./progress.ts";
import { engineVersions } from "./versions.ts";

const commandPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const versionVariable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/** The flags that make the build the same wherever it is made: no paths of this machine, no debug tables. */
const buildFlags = (version: string) => ["-trimpath", "-ldflags", `-s -w -X ${versionVariable}=v${version}`];

/**
 * Where the built CLI is kept for every checkout of this user. The name holds a hash of all that goes into it,
 * so a change of version, of a dependency or of a flag is another file, and no file is ever out of date.
 */
export function builtCliPath(root: string, environment: NodeJS.ProcessEnv = process.env): string {
  const version = engineVersions().cli;
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(root, "engine/cli", file)));
  hash.update([...buildFlags(version), "CGO_ENABLED=0", process.platform, process.arch].join("\n"));
  const cache = environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), ".cache");
  return join(cache, "berth/engine", `${version}-${hash.digest("hex").slice(0, 16)}`, "pulumi");
}

/** The lowest Go that can build the CLI, as engine/cli/go.mod says. */
function goNeeded(root: string): string {
  const found = /^go (\S+)$/m.exec(readText(join(root, "engine/cli/go.mod")) ?? "")?.[1];
  if (!found) throw new Error("engine/cli/go.mod has no line 'go VERSION'; restore the file from git.");
  return found;
}

const older = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true }) < 0;

function checkGo(root: string, environment: NodeJS.ProcessEnv): void {
  const needed = goNeeded(root);
  const advice =
    `Install Go ${needed} or newer and run this again, or install Pulumi ${engineVersions().cli} itself; then ` +
    "nothing is built.";
  const answer = spawnSync("go", ["env", "GOVERSION", "GOTOOLCHAIN"], { encoding: "utf8", env: environment });
  if (answer.error || answer.status !== 0) {
    throw new Error(
      "Pulumi's download cannot be reached from here, so its CLI has to be built from Go modules, and there is " +
        `no Go on the PATH. ${advice}`,
    );
  }
  const [version = "", toolchain = ""] = answer.stdout.trim().split("\n");
  const found = version.replace(/^go/, "");
  // Since 1.21 Go gets a newer one of itself as a module, unless it is told to stay local.
  const canGetNewer = !older(found, "1.21") && !toolchain.startsWith("local");
  if (older(found, needed) && !canGetNewer) {
    throw new Error(
      `The Pulumi CLI has to be built here with Go ${needed} or newer, and the PATH has ${found}. ${advice}`,
    );
  }
}

/**
 * The path of a CLI built from Go modules, building it where this user has none yet: about three minutes on two
 * cores. A build that is killed leaves nothing that a later one would take for whole.
 */
export async function builtCli(root: string, progress: Progress, environment = process.env): Promise<string> {
  const path = builtCliPath(root, environment);
  if (existsSync(path)) return path;
  checkGo(root, environment);

  const version = engineVersions().cli;
  const temporary = `${path}.${process.pid}.new`;
  mkdirSync(dirname(path), { recursive: true });
  removeAbandoned(path);
  const go = {
    ...collectingLess(),
    ...environment,
    GOWORK: "off",
    GOFLAGS: "-mod=readonly -buildvcs=false",
    CGO_ENABLED: "0",
  };
  try {
    await runGo(root, go, ["mod", "download"], progress.step("Getting the Go modules of the Pulumi CLI"));
    const build = ["build", ...buildFlags(version), "-o", temporary, commandPackage];
    await runGo(
      root,
      go,
      build,
      progress.step(`Building the Pulumi CLI ${version}: once, about three minutes on two cores`),
    );
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return path;
}

/** The compiler is done sooner where it may leave its garbage until there is much. See GOGC and GOMEMLIMIT of package runtime. */
const collectingLess = (): NodeJS.ProcessEnv =>
  totalmem() >= 8 * 2 ** 30 ? { GOGC: "off", GOMEMLIMIT: "2GiB" } : {};

/** Removes what builds that were killed have left: large files beside `path` whose process is no more. */
function removeAbandoned(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const pid = name.startsWith(`${basename(path)}.`) ? Number(/\.(\d+)\.new$/.exec(name)?.[1]) : Number.NaN;
    if (pid > 0 && !existsSync(`/proc/${pid}`)) rmSync(join(dirname(path), name), { force: true });
  }
}

function runGo(root: string, env: NodeJS.ProcessEnv, args: string[], step: { done(): void; failed(): void }) {
  return new Promise<void>((resolve, reject) => {
    const child = spawn("go", args, {
      cwd: join(root, "engine/cli"),
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    // A compiler left behind would keep both cores busy for minutes after its owner has gone.
    const end = () => child.kill("SIGTERM");
    const stop = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    process.once("exit", end);
    for (const signal of signals) process.once(signal, stop);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("exit", end);
      for (const signal of signals) process.off(signal, stop);
      if (code === 0) {
        step.done();
        return resolve();
      }
      step.failed();
      const advice =
        "If a module could not be fetched, check GOPROXY and the network, then run this again: what was fetched is kept.";
      reject(
        new Error(
          `'go ${args[0]}' of the Pulumi CLI ended with ${signal ?? `code ${code}`}:\n${said.trim()}\n${advice}`,
        ),
      );
    });
  });
}
