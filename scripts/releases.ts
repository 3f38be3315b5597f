// npm run releases -- [-s STACK] [--host NAME] [--json]: what runs on a stack's host and in which state, the releases
// that it keeps, and the record of all that were tried.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "./lib/progress.ts";
import { type Status, statusText } from "./lib/releases.ts";
import { applicationOf, chosenHost, chosenStack, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

try {
  const { stack, rest: words } = chosenStack(process.argv.slice(2));
  const { host, rest } = chosenHost(words);
  const { values } = parseArgs({ args: [...rest], options: { json: { type: "boolean", default: false } } });
  await ensureEngine(root, lineProgress());
  const { name } = applicationOf(root, stack);
  const ask = `sudo -n /usr/local/lib/berth/${name}/berth-release status`;
  const result = spawnSync("ssh", [...(await sshArguments(root, stack, host)), ask], { encoding: "utf8" });
  if (result.status !== 0) {
    throw new Error(`the host of stack '${stack}' does not tell of its releases: ${result.stderr.trim()}`);
  }
  const status = JSON.parse(result.stdout) as Status;
  console.log(values.json ? JSON.stringify(status, null, 2) : statusText(status));
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}
