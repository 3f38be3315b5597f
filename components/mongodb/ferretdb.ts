import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** The CPUs of hosts, as `uname -m` says. */
export type Cpu = "x86_64" | "aarch64";

export const ferretVersion = "1.24.2";
const go = "go1.26.8";
const module = "github.com/FerretDB/FerretDB";
/** Of the module's source, as Go's checksum database has it; go.sum in it holds those of all that it needs. */
const sum = "h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw=";

/** For each CPU: how Go is told of it, and the SHA-256 of what it builds, the same on every computer. */
const targets: Readonly<Record<Cpu, { readonly env: NodeJS.ProcessEnv; readonly sha256: string }>> = {
  x86_64: {
    env: { GOARCH: "amd64", GOAMD64: "v1" },
    sha256: "1bfbd1faa6610c4c018b04fc7cd206f7f29abb19c9f758f6864185648d81cbb6",
  },
  aarch64: {
    env: { GOARCH: "arm64", GOARM64: "v8.0" },
    sha256: "02aa4bb8697d52ee0ad81d4cfb083b66194880457bc388cc20eaf2a7eec9a8e4",
  },
};

/** The SHA-256 of FerretDB's program as Berth builds it. */
export const ferretSha256 = (cpu: Cpu): string => targets[cpu].sha256;

/** Where it is kept for every checkout of this user. */
const placeOf = (cpu: Cpu): string => {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const name = [ferretVersion, ferretSha256(cpu).slice(0, 12), cpu].join("-");
  return join(cache, "berth/ferretdb", name);
};

const isWhole = (path: string, sha256: string) =>
  existsSync(path) && createHash("sha256").update(readFileSync(path)).digest("hex") === sha256;

/**
 * The path of FerretDB's program, built from its Go module where this user has none yet: Debian has no package of it.
 * Nothing of the module runs while it is built, and what comes of it is known by its digest before it is used.
 *
 * @param onBuild is called before a build, which takes minutes
 */
export async function ferretProgram(cpu: Cpu, onBuild: () => void = () => {}): Promise<string> {
  const path = placeOf(cpu);
  const { sha256 } = targets[cpu];
  if (isWhole(path, sha256)) return path;
  onBuild();
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  removeAbandoned(folder);
  const work = mkdtempSync(join(folder, ".building-"));
  try {
    const made = await build(cpu, work);
    if (!isWhole(made, sha256)) {
      throw new Error(
        `FerretDB ${ferretVersion}, as Go has built it here, is not the program that was expected, with the SHA-256 ${sha256}. Berth does not use it. Name a copy of the right one as mongodb.program.`,
      );
    }
    renameSync(made, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

/** What builds that were killed have left; none takes a day. */
function removeAbandoned(folder: string): void {
  const dayAgo = Date.now() - 86_400_000;
  for (const name of readdirSync(folder).filter((one) => one.startsWith(".building-"))) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < dayAgo) rmSync(path, { recursive: true, force: true });
  }
}

async function build(cpu: Cpu, work: string): Promise<string> {
  const env = {
    ...process.env,
    ...targets[cpu].env,
    ...{ GOOS: "linux", CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "", GOEXPERIMENT: "", GOFIPS140: "off" },
    // Another compiler would build another program.
    GOTOOLCHAIN: go,
  };
  const run = async (words: readonly string[], cwd: string) => {
    try {
      return (await promisify(execFile)("go", words, { cwd, env, maxBuffer: 2 ** 26 })).stdout;
    } catch (error) {
      throw new Error(advice(error as NodeJS.ErrnoException & { stderr?: string }));
    }
  };
  const told = JSON.parse(await run(["mod", "download", "-json", `${module}@v${ferretVersion}`], work));
  if (told.Sum !== sum) {
    throw new Error(
      `${module} v${ferretVersion} has the sum ${told.Sum}, and ${sum} was expected. Look at what GOPROXY names.`,
    );
  }
  const source = join(work, "source");
  // Files of Go's cache can only be read, and their modes would be those of the copies.
  cpSync(told.Dir, source, { recursive: true });
  await promisify(execFile)("chmod", ["-R", "u+w", source]);
  // FerretDB reads its version from a file that is no part of its module.
  writeFileSync(join(source, "build/version/version.txt"), `v${ferretVersion}\n`);
  const made = join(work, "ferretdb");
  const flags = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w"];
  await run(["build", ...flags, "-o", made, "./cmd/ferretdb"], source);
  return made;
}

function advice(error: NodeJS.ErrnoException & { stderr?: string }): string {
  const instead = "name a copy of the program as mongodb.program; see docs/mongodb.md.";
  if (error.code === "ENOENT") {
    return `mongodb: FerretDB is built from its Go module, and there is no Go on the PATH. Install Go 1.21 or newer, or ${instead}`;
  }
  const said = (error.stderr ?? error.message).trim().split("\n").slice(-5).join("\n");
  return `mongodb: FerretDB ${ferretVersion} could not be built with ${go}:\n${said}\nCheck GOPROXY and the network and run this again, or ${instead}`;
}
