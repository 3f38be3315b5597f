import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";
import { HostScript, stepVariables } from "./host-script.ts";

/**
 * The first step on every host: it waits for the first boot to end, refuses a machine that Berth does not know
 * before anything is changed on it, lets sshd take the texts of the other steps, puts down the shell library that they
 * read, and writes down which machine it is.
 *
 * @returns the host as the other steps see it: ready when this step is done
 */
export function connected(host: Host, parent: pulumi.Resource): Host {
  const ready = new HostScript(
    `${host.name}-connect`,
    {
      host,
      script: join(import.meta.dirname, "connect.sh"),
      removal: join(import.meta.dirname, "connect-removal.sh"),
      slots: { machine: host.identity, variables: Object.values(stepVariables).join(" ") },
      first: true,
    },
    { parent },
  );
  return { ...host, ready };
}
