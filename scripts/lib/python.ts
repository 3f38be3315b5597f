// Python for the checks and tests: environments with what requirements files pin, and what checks Berth's own Python.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { digestOf, readKnown, writeKnown } from "./known.ts";

/**
 * The folder with the programs of an environment that has what a requirements file pins, made once for this user. A
 * newer file makes another.
 *
 * @param name what it is called in the cache
 */
export async function pythonWith(requirements: string, name: string): Promise<string> {
  const text = readFileSync(requirements, "utf8");
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "berth");
  const folder = join(cache, `${name}-${hash}`);
  if (existsSync(join(folder, "bin/python"))) return join(folder, "bin");

  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, `.${name}-`));
  try {
    const run = promisify(execFile);
    await run("python3", ["-m", "venv", work]);
    // The file names all that is wanted.
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await run(join(work, "bin/python"), [...install, "--require-hashes", "-r", requirements]);
    renameSync(work, folder);
  } catch (error) {
    // Another run was quicker, and its folder is as good.
    if (!existsSync(join(folder, "bin/python"))) {
      throw new Error(
        `${name} could not be installed from ${requirements}: ${error instanceof Error ? error.message : error} ` +
          "It needs python3 (3.11 or newer) with venv and pip, and a package index.",
      );
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(folder, "bin");
}

/** Where Berth's own Python lies. */
const places = [
  "bench/contenders",
  "components/app/release",
  "components/backup/program",
  "components/nginx/certificate/program",
  "components/system",
  "scripts/lib/status",
  "test/program",
];

/**
 * Checks Berth's own Python with ruff, for style and faults, and with mypy, for types.
 *
 * @param known the file that keeps what was clean in earlier runs; the same text is not checked twice
 * @returns what they found, nothing when all is well
 */
export async function checkPython(root: string, known: string): Promise<string> {
  const pinned = "scripts/python-requirements.txt";
  const files = globSync(
    places.map((place) => `${place}/**/*.py`),
    { cwd: root },
  ).sort();
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const digest = digestOf(["pyproject.toml", pinned, ...files].map((path) => [path, read(path)]));
  if (readKnown(known).has(digest)) return "";
  const programs = await pythonWith(join(root, pinned), "python-tools");
  const calls = [
    ["ruff", "format", "--no-cache", "--diff", "--quiet", ...places],
    ["ruff", "check", "--no-cache", "--quiet", "--output-format=concise", ...places],
    ["mypy", "--no-error-summary", `--cache-dir=${join(dirname(known), "mypy")}`],
  ];
  const found = await Promise.all(
    calls.map(([name = "", ...args]) => said(root, join(programs, "python"), ["-m", name, ...args])),
  );
  writeKnown(known, found.every((one) => one === "") ? [digest] : []);
  return found.join("");
}

/** What a program says where it finds something; nothing where it does not. */
function said(root: string, program: string, args: readonly string[]): Promise<string> {
  return new Promise((settle, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => settle(code === 0 ? "" : text || `${program} ended with ${code}\n`));
  });
}
