import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { HostScript } from "../../host/host-script.ts";
import type { AppStep } from "../args.ts";
import { dockerGroup, processFiles, processTable, timerFiles, timerTable } from "./processes.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** The units of the processes, and the timers. Which processes run is a release's, as it goes live. */
export function processUnitsStep(step: AppStep, before: HostScript): HostScript {
  const { component, parent, args, isWeb, timers, place } = step;
  const { host, name, owner, root, processes } = args;
  const inDocker = [...processes.map((one) => [one.name, one] as const), ...Object.entries(timers)]
    .filter(([, { groups = [] }]) => groups.includes(dockerGroup))
    .map(([one]) => `'${one}'`);
  if (inDocker.length > 0) {
    const who = `${inDocker.join(" and ")} of the application ${name}`;
    pulumi.log.warn(`${who} may use Docker (groups), which is as much as being root on the host`, parent);
  }
  return new HostScript(
    `${component}-processes`,
    {
      host,
      check: here("timers-check.sh"),
      application: name,
      script: ["units.sh", "process-units.sh"].map(here),
      removal: here("process-units-removal.sh"),
      slots: {
        name,
        owner,
        root,
        web: isWeb ? "yes" : "",
        processes: processTable(name, processes),
        timers: timerTable(name, timers),
      },
      files: { ...processFiles(place, processes), ...timerFiles(place, timers) },
    },
    { parent, dependsOn: [before] },
  );
}
