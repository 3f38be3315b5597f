import { spawnSync } from "node:child_process";
import { firstHost } from "../../components/host/host.ts";
import type { StateResource } from "./removal.ts";
import { applicationOf, hostsOf, sshArgumentsOf, stackFlag } from "./stack.ts";

/** What was stopped on another host: how this program starts it again, and how a person does. */
export interface Stopped {
  readonly start: () => void;
  readonly typed: string;
}

/** Stops what runs of the application on other hosts. */
export function stopElsewhere(root: string, stack: string, resources: readonly StateResource[]): Stopped[] {
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
