// npm run releases: what runs on a stack's host and in which state, the releases that it keeps, and the record of all that
// were tried.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { firstHost } from "../components/host/host.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { type Status, statusText } from "./lib/releases.ts";
import { applicationOf, requireStack, say, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.releases, async ({ stack, host = firstHost, json }) => {
  requireStack(root, stack);
  const { name } = applicationOf(root, stack);
  say(stack, `the releases of ${name} on host ${host}`);
  await ensureEngine(root, lineProgress());
  const ask = `sudo -n /usr/local/lib/berth/${name}/berth-release status`;
  const result = spawnSync("ssh", [...(await sshArguments(root, stack, host)), ask], { encoding: "utf8" });
  if (result.status !== 0) {
    throw new Error(`the host of stack '${stack}' cannot be asked for its releases: ${result.stderr.trim()}`);
  }
  const status = JSON.parse(result.stdout) as Status;
  console.log(json ? JSON.stringify(status, null, 2) : statusText(status));
  return 0;
});
