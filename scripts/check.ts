// npm run check: the static checks, in seconds: style, types, shell, documents made from the code.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { staleDocs } from "./lib/configuration-docs.ts";
import { checkShell } from "./lib/shell-steps.ts";

const root = resolve(import.meta.dirname, "..");

interface Check {
  readonly name: string;
  /** What is wrong, nothing when all is well. */
  run(): string;
}

const program = (name: string, command: string, ...args: string[]): Check => ({
  name,
  run() {
    const result = spawnSync(process.execPath, [command, ...args], { cwd: root, encoding: "utf8" });
    return result.status === 0
      ? ""
      : `${result.stdout}${result.stderr}` || `${name} ended with ${result.status}`;
  },
});

const checks: readonly Check[] = [
  program("style (Biome)", "node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off"),
  program("types (tsc)", "node_modules/typescript/bin/tsc", "-p", "."),
  { name: "shell (shellcheck)", run: () => checkShell(root) },
  { name: "documents are current", run: () => staleDocs(root) },
];

/** Runs all checks and says what they found; the names of those that failed. */
export function runChecks(): string[] {
  return checks
    .filter(({ name, run }) => {
      const found = run();
      console.log(`${found === "" ? "ok    " : "FAILED"} ${name}`);
      if (found !== "") console.log(found.trimEnd());
      return found !== "";
    })
    .map(({ name }) => name);
}

if (import.meta.main) process.exitCode = runChecks().length === 0 ? 0 : 1;
