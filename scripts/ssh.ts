// npm run ssh: logs in to a stack's host, or runs a command there.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { firstHost } from "../components/host/host.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { requireStack, say, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.ssh, async ({ stack, host = firstHost, command }) => {
  requireStack(root, stack);
  say(stack, command.length === 0 ? `logging in to host ${host}` : `a command on host ${host}`);
  await ensureEngine(root, lineProgress());
  const args = [
    ...(process.stdin.isTTY ? ["-t"] : []),
    ...(await sshArguments(root, stack, host)),
    ...command,
  ];
  return spawnSync("ssh", args, { stdio: "inherit" }).status ?? 1;
});
