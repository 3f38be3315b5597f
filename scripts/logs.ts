// npm run logs: the log of a part of a stack's host, and what comes, until Ctrl-C.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { shellQuote } from "../components/host/quote.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { applicationOf, hostOf, requireStack, say, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

interface Wanted {
  readonly stack: string;
  readonly host: string;
  /** The part whose log is shown. */
  readonly part: string;
  /** How many lines of before are shown. */
  readonly lines: number;
  readonly follow: boolean;
}

/** How logs.sh ends where the host has no such part. */
const noSuchPart = 64;

/** Shows the log; the answer is ssh's exit code. */
async function show({ stack, host, part, lines, follow }: Wanted): Promise<number> {
  const script = readFileSync(join(import.meta.dirname, "lib/logs.sh"), "utf8");
  const slots = [applicationOf(root, stack).name, part, `${lines}`, follow ? "yes" : ""];
  const command = ["sudo", "-n", "bash", "-c", script, "logs", ...slots].map(shellQuote).join(" ");
  const ssh = spawn("ssh", [...(await sshArguments(root, stack, host)), command], {
    // While its standard input is open, the host follows. It closes with this process, however that ends.
    stdio: [follow ? "pipe" : "ignore", "inherit", "inherit"],
  });
  let stopped = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Asked twice, it does not wait for the host.
      if (stopped) ssh.kill();
      stopped = true;
      ssh.stdin?.end();
    });
  }
  return new Promise((settle, reject) => {
    ssh.once("error", reject);
    ssh.once("close", (code) => settle(stopped ? 0 : code === noSuchPart ? 2 : (code ?? 1)));
  });
}

await run(commands.logs, async ({ stack, part, lines, "no-follow": once, ...line }) => {
  requireStack(root, stack);
  const host = line.host ?? hostOf(root, stack, part);
  say(stack, `the log of ${part} on host ${host}`);
  await ensureEngine(root, lineProgress());
  return await show({ stack, host, part, lines, follow: !once });
});
