import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { copyArchive } from "../../host/copy-archive.ts";
import type { Host } from "../../host/host.ts";
import { HostScript } from "../../host/host-script.ts";
import { renderTemplate } from "../../host/template.ts";
import { packDirectory } from "../source/archive.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface ReleaseProgramArgs {
  readonly host: Host;
  /** Name of the application. */
  readonly name: string;
  /** The account that owns the application's files. */
  readonly owner: string;
  /** The application's directory on the host. */
  readonly root: string;
  /** Where uploaded files lie. */
  readonly media: string;
  /** Whether the web server runs here. */
  readonly web: boolean;
}

/**
 * Puts the release program on a host: `release/`, as an archive that the step knows by its hash. Its text would be the
 * larger part of a stack's state, once for each host.
 */
export class ReleaseProgram extends HostScript {
  constructor(name: string, args: ReleaseProgramArgs, options: pulumi.CustomResourceOptions) {
    const { host, root, media, owner, web } = args;
    const archive = packDirectory(here("../release"), join(".berth", "program"));
    const copy = copyArchive(
      `${name}-archive`,
      host,
      archive,
      `.berth-program-${archive.sha256.slice(0, 12)}.tar`,
    );
    super(
      name,
      {
        host,
        application: args.name,
        script: ["../processes/units.sh", "program.sh"].map(here),
        removal: here("program-removal.sh"),
        slots: { name: args.name, archive: copy.remotePath, archive_sha256: archive.sha256 },
        files: {
          [`/usr/local/lib/berth/${args.name}/application.json`]: {
            content: JSON.stringify({ name: args.name, owner, root, media, web }, null, 2),
          },
          [`/usr/local/lib/berth/${args.name}/berth-release`]: {
            content: renderTemplate(here("berth-release.py.liquid"), { name: args.name }),
            mode: "0755",
          },
          [`/etc/systemd/system/${args.name}-web-start.service`]: {
            content: renderTemplate(here("start.service.liquid"), { name: args.name, root }),
          },
        },
      },
      pulumi.mergeOptions({ dependsOn: [copy] }, options),
    );
  }
}
