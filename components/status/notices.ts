import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { packDirectory } from "../app/source/archive.ts";
import { copyArchive } from "../host/copy-archive.ts";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { PackageSet } from "../system/system.ts";
import type { NoticesConfig } from "./schema.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => ({ content: readFileSync(here(file), "utf8") });

export interface NoticesArgs {
  readonly host: Host;
  readonly config: NoticesConfig;
  /** Whose host it is: it stands before every message. */
  readonly label: string;
  /** Name of the application. */
  readonly application: string;
  /** How the host asks whether the site is healthy. */
  readonly site: {
    readonly scheme: string;
    readonly domain: pulumi.Input<string>;
    readonly health: string;
  };
  /** Whether it serves the site. */
  readonly first: boolean;
  /** Accounts of people who may do all, without the one that the engine logs in with. */
  readonly people: readonly string[];
  /** What names the stack, and a host that does not serve the site, in the commands of Berth. */
  readonly flags: { readonly stack: string; readonly host: string };
}

/**
 * Watches a host and tells people what needs attention there: what 'npm run status' shows, once when it begins and once
 * when it is over. See docs/notices.md.
 */
export class Notices extends pulumi.ComponentResource {
  /** What it needs from Debian. */
  static packages(): PackageSet {
    return { packages: ["apprise"] };
  }

  constructor(name: string, args: NoticesArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:status:Notices", name, {}, options);
    const { host, config } = args;
    const program = packDirectory(here("program"), join(".berth", "notices-program"));
    const copy = copyArchive(
      `${name}-archive`,
      host,
      program,
      `.berth-notices-${program.sha256.slice(0, 12)}.tar`,
    );
    new HostScript(
      `${name}-setup`,
      {
        host,
        script: here("notices.sh"),
        removal: here("notices-removal.sh"),
        slots: { archive: copy.remotePath, archive_sha256: program.sha256 },
        files: {
          "/etc/berth/notices/plan.json": pulumi
            .output(args.site.domain)
            .apply((domain) => ({ content: planOf(args, domain) })),
          "/etc/systemd/system/berth-notices.service": text("notices.service"),
          "/etc/systemd/system/berth-notices.timer": text("notices.timer"),
          ...logsFile("notices", { units: ["berth-notices.service"], files: [] }),
        },
        secretFiles: {
          "/etc/berth/notices/targets.json": {
            content: pulumi.secret(JSON.stringify(config.targets)),
          },
        },
      },
      { parent: this, dependsOn: [copy] },
    );
    this.registerOutputs({});
  }
}

/** What program/notices/plan.py reads. */
function planOf(
  { application, site, label, first, flags, people, config }: NoticesArgs,
  domain: string,
): string {
  const { scheme, health } = site;
  const told = { name: application, scheme, domain, health, first, flag: flags.stack, host: flags.host };
  const logins = config.logins ? people : [];
  const { ignore, queueOlderThan: queue } = config;
  return JSON.stringify({ label, told, ignore, logins, queue }, null, 2);
}
