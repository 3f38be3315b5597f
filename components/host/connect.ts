import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";
import { HostScript } from "./host-script.ts";
import { type Look, lookAt } from "./look.ts";
import { stepVariables } from "./step.ts";

/**
 * The first step on every host. Before it changes anything it waits for the first boot to end, and refuses a machine
 * that is another stack's, that Berth does not know, or that has something in the way. Then it lets sshd take the texts
 * of the other steps, puts down the shell library that they read, and takes the machine for this stack. As the last to
 * go, it lets the machine go.
 *
 * @param looks how the parts of the stack look at a machine that is not made for it; none where it is
 * @returns the host as the other steps see it: ready when this step is done
 */
export function connected(host: Host, parent: pulumi.Resource, looks: readonly Look[] = []): Host {
  const look = lookAt(looks);
  const ready = new HostScript(
    `${host.name}-connect`,
    {
      host,
      check: look.script,
      script: join(import.meta.dirname, "connect.sh"),
      removal: join(import.meta.dirname, "connect-removal.sh"),
      slots: {
        ...look.slots,
        claim: host.claim,
        stack: `${stackName()} as its host '${host.name}'`,
        made: host.deletedWith === undefined ? "" : "yes",
        variables: Object.values(stepVariables).join(" "),
      },
      first: true,
    },
    { parent },
  );
  return { ...host, ready };
}

/** The stack as people know it, for those who find it on a host. */
function stackName(): string {
  const [organization, project] = [pulumi.getOrganization(), pulumi.getProject()];
  // What a backend without organizations says.
  const where = organization === "organization" ? project : `${organization}/${project}`;
  return `the stack '${pulumi.getStack()}' of ${where}`;
}
