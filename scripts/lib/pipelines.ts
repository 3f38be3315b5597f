// The pipelines for GitLab that teams copy, looked at by GitLab's own schema of them, which check-jsonschema carries.
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, readKnown, writeKnown } from "./known.ts";
import { pythonWith } from "./python.ts";

/**
 * Checks the pipelines of examples/ci.
 *
 * @param known the file that keeps what was clean in earlier runs; the same text is not checked twice
 * @returns what was found, nothing when there is no fault
 */
export async function checkPipelines(root: string, known: string): Promise<string> {
  const requirements = join(import.meta.dirname, "../gitlab-requirements.txt");
  const files = globSync("examples/ci/gitlab/.gitlab-ci.yml", { cwd: root }).sort();
  if (files.length === 0) return `${root} has no examples/ci/gitlab/.gitlab-ci.yml to check\n`;
  const read = (path: string) => [path, readFileSync(path, "utf8")];
  const digest = digestOf([requirements, ...files.map((file) => join(root, file))].map(read));
  if (readKnown(known).has(digest)) return "";
  const program = join(await pythonWith(requirements, "gitlab-schema"), "python");
  const words = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", "--color", "never"];
  const found = await new Promise<string>((settle) =>
    execFile(
      program,
      ["-m", "check_jsonschema", ...words, ...files],
      { cwd: root },
      (error, stdout, stderr) => settle(error === null ? "" : `${stdout}${stderr}` || error.message),
    ),
  );
  writeKnown(known, found === "" ? [digest] : []);
  return found;
}
