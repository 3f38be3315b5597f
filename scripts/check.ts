// npm run check: the static checks, in seconds: style, types, rooms, shell, Python, workflows, documents and their links. They run at the same
// time, and what an earlier run found out is not asked again; see node_modules/.cache/berth-check.
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { staleDocs } from "./lib/docs.ts";
import { brokenLinks } from "./lib/links.ts";
import { checkPipelines } from "./lib/pipelines.ts";
import { checkPython } from "./lib/python-check.ts";
import { checkShell } from "./lib/shell-steps.ts";
import { checkTypes } from "./lib/types.ts";
import { checkWorkflows } from "./lib/workflows.ts";

const root = resolve(import.meta.dirname, "..");
const cache = join(root, "node_modules/.cache/berth-check");

interface Check {
  readonly name: string;
  /** What is wrong, nothing when there is no fault. */
  find(): string | Promise<string>;
}

/** Runs a program of the packages; what it says where it finds something. */
const program = (command: string, ...args: string[]) =>
  new Promise<string>((settle) => {
    const options = { cwd: root, maxBuffer: 2 ** 28 };
    execFile(process.execPath, [join("node_modules", command), ...args], options, (error, stdout, stderr) =>
      settle(error === null ? "" : `${stdout}${stderr}` || `${command}: ${error.message}`),
    );
  });

/** Which file may need which: the rules are in .dependency-cruiser.json. */
const rooms = [
  ...["--output-type", "err", "index.ts", "outputs.ts"],
  ...["components", "config", "engine", "scripts", "policy", "bench", "cloud-init", "packages", "test"],
];

/** In the order in which they are told. */
const checks: readonly Check[] = [
  { name: "style (Biome)", find: () => program("@biomejs/biome/bin/biome", "ci", "--colors=off") },
  {
    name: "types (tsc)",
    find: () => checkTypes(root, cache, (...args) => program("typescript/bin/tsc", ...args)),
  },
  {
    name: "rooms (dependency-cruiser)",
    find: () => program("dependency-cruiser/bin/dependency-cruise.mjs", ...rooms),
  },
  { name: "shell (shellcheck)", find: () => checkShell(root, join(cache, "shell.json")) },
  { name: "Python (ruff, mypy)", find: () => checkPython(root, join(cache, "python.json")) },
  { name: "workflows (actionlint)", find: () => checkWorkflows(root, join(cache, "workflows.json")) },
  {
    name: "pipelines (GitLab's schema)",
    find: () => checkPipelines(root, join(cache, "pipelines.json")),
  },
  { name: "documents are current", find: () => staleDocs(root) },
  { name: "links of documents", find: () => brokenLinks(join(root, "README.md")) },
];

/** Runs all checks at the same time and says what they found, in a fixed order; the names of those that failed. */
export async function runChecks(): Promise<string[]> {
  const running = checks.map(async ({ name, find }) => {
    try {
      return { name, found: await find() };
    } catch (error) {
      return { name, found: (error as Error).message };
    }
  });
  const failed: string[] = [];
  for (const check of running) {
    const { name, found } = await check;
    console.log(`${found === "" ? "ok    " : "FAILED"} ${name}`);
    if (found === "") continue;
    console.log(found.trimEnd());
    failed.push(name);
  }
  return failed;
}

if (import.meta.main) await run(commands.check, async () => ((await runChecks()).length === 0 ? 0 : 1));
