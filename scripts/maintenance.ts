// npm run maintenance -- [-s STACK] on|off: shows visitors a page in place of the site, or the site again.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "./lib/progress.ts";
import { applicationOf, chosenStack, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");
try {
  const { stack, rest } = chosenStack(process.argv.slice(2));
  const wanted = rest.join(" ");
  if (wanted !== "on" && wanted !== "off") throw new Error(`expected 'on' or 'off'; found '${wanted}'`);
  await ensureEngine(root, lineProgress());
  const mark = `/etc/berth/${applicationOf(root, stack).name}/maintenance`;
  const command = wanted === "on" ? `sudo touch ${mark}` : `sudo rm -f ${mark}`;
  const result = spawnSync("ssh", [...(await sshArguments(root, stack)), command], { encoding: "utf8" });
  if (result.status !== 0)
    throw new Error(`the host of stack '${stack}' did not take it: ${result.stderr.trim()}`);
  console.log(
    wanted === "on"
      ? `berth: visitors see the maintenance page, until 'npm run maintenance -- -s ${stack} off'; only the health path is answered`
      : "berth: visitors see the site",
  );
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}
