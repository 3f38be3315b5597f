// Python for the checks and tests: environments with what requirements files pin.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

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
