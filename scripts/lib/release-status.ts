// Asks a stack's host for its releases.
import { spawnSync } from "node:child_process";
import type { Status } from "./releases.ts";
import { applicationOf, sshArguments } from "./stack.ts";

/** @throws where the host cannot be asked */
export async function releaseStatus(root: string, stack: string, host: string): Promise<Status> {
  const { name } = applicationOf(root, stack);
  const ask = `sudo -n /usr/local/lib/berth/${name}/berth-release status`;
  const result = spawnSync("ssh", [...(await sshArguments(root, stack, host)), ask], { encoding: "utf8" });
  if (result.status !== 0) {
    throw new Error(`the host of stack '${stack}' cannot be asked for its releases: ${result.stderr.trim()}`);
  }
  return JSON.parse(result.stdout) as Status;
}
