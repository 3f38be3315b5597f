// The workflows that teams copy, looked at by actionlint, which is built once for this user from its Go module.
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { digestOf, readKnown, writeKnown } from "./known.ts";

const version = "1.7.12";
const run = promisify(execFile);

/**
 * Checks the workflows of examples/ci.
 *
 * @param known the file that keeps what was clean in earlier runs; the same text is not checked twice
 * @returns what actionlint found, nothing when there is no fault
 */
export async function checkWorkflows(root: string, known: string): Promise<string> {
  const files = globSync("examples/ci/github/*.yml", { cwd: root }).sort();
  const digest = digestOf([version, ...files.map((file) => [file, readFileSync(join(root, file), "utf8")])]);
  if (readKnown(known).has(digest)) return "";
  try {
    // Without shellcheck and pyflakes, which this user may have or not.
    await run(await actionlint(), ["-no-color", "-shellcheck=", "-pyflakes=", ...files], { cwd: root });
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout?: string; stderr?: string };
    return `${stdout ?? ""}${stderr ?? ""}` || message;
  }
  writeKnown(known, [digest]);
  return "";
}

/** The program, building it where this user has none yet: about a minute. */
async function actionlint(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "berth");
  const path = join(cache, `actionlint-${version}`);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".actionlint-"));
  try {
    const words = ["install", "-trimpath", "-ldflags", "-s -w"];
    await run("go", [...words, `github.com/rhysd/actionlint/cmd/actionlint@v${version}`], {
      env: { ...process.env, GOBIN: work, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "" },
    });
    renameSync(join(work, "actionlint"), path);
  } catch (error) {
    // Another run was quicker.
    if (!existsSync(path))
      throw new Error(
        `actionlint ${version} could not be built: ${(error as Error).message}\nIt needs Go and the Go module proxy.`,
      );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}
