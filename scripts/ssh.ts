// npm run ssh -- [-s STACK] [--host NAME] [COMMAND…]: logs in to a stack's host, or runs a command there.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "./lib/progress.ts";
import { chosenHost, chosenStack, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");
try {
  const { stack, rest: words } = chosenStack(process.argv.slice(2));
  const { host, rest } = chosenHost(words);
  await ensureEngine(root, lineProgress());
  const args = await sshArguments(root, stack, host);
  process.exitCode =
    spawnSync("ssh", [...(process.stdin.isTTY ? ["-t"] : []), ...args, ...rest], { stdio: "inherit" })
      .status ?? 1;
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}
