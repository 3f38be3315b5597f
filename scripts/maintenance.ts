// npm run maintenance: shows visitors a page in place of the site, or the site again.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { applicationOf, requireStack, say, sshArguments, stackFlag } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.maintenance, async ({ stack, state }) => {
  requireStack(root, stack);
  say(stack, `turning the maintenance page ${state}`);
  await ensureEngine(root, lineProgress());
  const mark = `/etc/berth/${applicationOf(root, stack).name}/maintenance`;
  const command = state === "on" ? `sudo touch ${mark}` : `sudo rm -f ${mark}`;
  const result = spawnSync("ssh", [...(await sshArguments(root, stack)), command], { encoding: "utf8" });
  if (result.status !== 0)
    throw new Error(`the host of stack '${stack}' did not run the command: ${result.stderr.trim()}`);
  const off = `npm run maintenance -- off${stackFlag(stack)}`;
  console.log(
    state === "on"
      ? `berth: stack ${stack}: visitors see the maintenance page, until '${off}'; only the health path is answered`
      : `berth: stack ${stack}: visitors see the site`,
  );
  return 0;
});
