import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";

/**
 * Copies an archive into the home of the account that the engine logs in with. It has no parent, for that would make it
 * wait for what the parent waits for: it needs the host alone, and arrives while the steps before are looked at.
 */
export function copyArchive(
  name: string,
  host: Host,
  archive: { readonly path: pulumi.Input<string> },
  remotePath: pulumi.Input<string>,
): remote.CopyToRemote {
  return new remote.CopyToRemote(
    name,
    {
      connection: host.connection,
      source: pulumi.output(archive.path).apply((path) => new pulumi.asset.FileAsset(path)),
      remotePath,
      // Without it the archive would not be copied to another machine.
      triggers: [host.identity],
    },
    {
      dependsOn: [host.ready],
      additionalSecretOutputs: ["connection"],
      ...(host.deletedWith === undefined ? {} : { deletedWith: host.deletedWith }),
    },
  );
}
