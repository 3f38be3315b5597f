// npm run logs -- [-s STACK] [--host NAME] web|WORKER|nginx|postgres|redis|system [-n LINES] [--no-follow]: the log of
// a part of a stack's host, and what comes, until Ctrl-C.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { shellQuote } from "../components/host/quote.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "./lib/progress.ts";
import { applicationOf, chosenHost, chosenStack, hostOf, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

interface Wanted {
  readonly stack: string;
  readonly host: string;
  /** The part whose log is shown; empty where none is named. */
  readonly what: string;
  /** How many lines of before are shown. */
  readonly lines: number;
  readonly follow: boolean;
}

function readWanted(): Wanted {
  const { stack, rest: words } = chosenStack(process.argv.slice(2));
  const { host, rest } = chosenHost(words);
  const late = rest.find((word) => ["-s", "--stack", "--host"].includes(word));
  if (late !== undefined) throw new Error(`${late}: expected first, -s before --host; found later`);
  const { values, positionals } = parseArgs({
    args: [...rest],
    allowPositionals: true,
    options: {
      lines: { type: "string", short: "n", default: "20" },
      "no-follow": { type: "boolean", default: false },
    },
  });
  const [what = "", more] = positionals;
  if (more !== undefined) throw new Error(`expected one part; found '${positionals.join(" ")}'`);
  if (!/^\d{1,6}$/.test(values.lines))
    throw new Error(`-n: expected a number of lines; found '${values.lines}'`);
  return {
    stack,
    host: host ?? hostOf(root, stack, what),
    what,
    lines: Number(values.lines),
    follow: !values["no-follow"],
  };
}

/** Shows the log; the answer is ssh's exit code. */
async function show({ stack, host, what, lines, follow }: Wanted): Promise<number> {
  const script = readFileSync(join(import.meta.dirname, "lib/logs.sh"), "utf8");
  const slots = [applicationOf(root, stack).name, what, `${lines}`, follow ? "yes" : ""];
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
    ssh.once("close", (code) => settle(stopped ? 0 : (code ?? 1)));
  });
}

try {
  const wanted = readWanted();
  await ensureEngine(root, lineProgress());
  process.exitCode = await show(wanted);
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}
