import { spawnSync } from "node:child_process";
import { firstHost } from "../../components/host/host.ts";
import type { StateResource } from "./removal.ts";
import { applicationOf, hostsOf, sshArgumentsOf, stackFlag } from "./stack.ts";

/** The connection to a host is gone: what was begun goes on there, and nobody knows how it ends. */
export class LostConnection extends Error {}

/**
 * Does something with the data of a stack while nothing of the application runs on its other hosts, where it would write
 * into what is being replaced. All of it is started again; where the connection is lost, the error says how.
 */
export async function alone<Result>(
  root: string,
  stack: string,
  resources: readonly StateResource[],
  act: () => Promise<Result>,
): Promise<Result> {
  const stopped = stopElsewhere(root, stack, resources);
  const again = () => {
    for (const { start } of stopped) start();
  };
  try {
    const result = await act();
    again();
    return result;
  } catch (fault) {
    if (!(fault instanceof LostConnection)) {
      again();
      throw fault;
    }
    const later = stopped.map(({ typed }) => `Start what was stopped, when that has ended: ${typed}`);
    throw new Error([fault.message, ...later].join("\n"));
  }
}

/** What was stopped on another host: how this program starts it again, and how a person does. */
interface Stopped {
  readonly start: () => void;
  readonly typed: string;
}

function stopElsewhere(root: string, stack: string, resources: readonly StateResource[]): Stopped[] {
  const { name } = applicationOf(root, stack);
  return hostsOf(resources)
    .filter((host) => host !== firstHost)
    .flatMap((host): Stopped[] => {
      const ssh = sshArgumentsOf(root, stack, host, resources);
      const on = (command: string) => {
        const done = spawnSync("ssh", [...ssh, command], { encoding: "utf8" });
        if (done.status !== 0) throw new Error(`host ${host}: ${done.stderr.trim()}`);
        return done.stdout;
      };
      const states = "--plain --no-legend --state=active,activating,reloading";
      const units = on(`systemctl list-units ${states} '${name}-*@*.service' '${name}-*.timer'`)
        .split("\n")
        .flatMap((line) => line.split(" ")[0] || []);
      if (units.length === 0) return [];
      on(`sudo -n systemctl stop ${units.join(" ")}`);
      const start = `systemctl start ${units.join(" ")}`;
      return [
        {
          start: () => on(`sudo -n ${start}`),
          typed: `npm run ssh --${stackFlag(stack)} --host ${host} sudo ${start}`,
        },
      ];
    });
}
