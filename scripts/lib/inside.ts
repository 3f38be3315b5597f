import { spawnSync } from "node:child_process";
import { hostname, userInfo } from "node:os";
import { shellQuote } from "../../components/host/quote.ts";
import { ensureEngine } from "../../engine/acquire.ts";
import { lineProgress } from "../../engine/progress.ts";
import { applicationOf, requireStack, say, sshArguments } from "./stack.ts";

/**
 * Runs a command in the live release of a stack's application, with its settings and as its account, and at a terminal
 * where this is one. The answer is the command's exit code.
 */
export async function runInside(
  root: string,
  stack: string,
  commandOf: (root: string, stack: string) => readonly string[],
): Promise<number> {
  requireStack(root, stack);
  const { name } = applicationOf(root, stack);
  say(stack, `a command as ${name}, in its live release`);
  await ensureEngine(root, lineProgress());
  const by = `${userInfo().username} at ${hostname()}`;
  const words = [`/usr/local/bin/${name}-run`, "--by", by, ...commandOf(root, stack)]
    .map(shellQuote)
    .join(" ");
  const terminal = process.stdin.isTTY ? ["-t"] : [];
  const ssh = [...terminal, ...(await sshArguments(root, stack)), words];
  return spawnSync("ssh", ssh, { stdio: "inherit" }).status ?? 1;
}
