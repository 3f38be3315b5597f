import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import { renderTemplate } from "../host/template.ts";
import type { PackageSet } from "../system/system.ts";
import type { SyslogConfig } from "./schema.ts";

const here = (file: string) => join(import.meta.dirname, file);
const trusted = "/etc/ssl/certs/ca-certificates.crt";
/** What logs to files, as Debian has it: directories below /var/log, which the group adm may read. */
const logged = ["nginx", "postgresql", "redis", "valkey"];
const ownTrusted = "/etc/berth/syslog/ca.pem";

export interface SyslogArgs {
  readonly host: Host;
  readonly config: SyslogConfig;
  /** What the host is called there. */
  readonly label: string;
}

/** Sends a host's journal, and what logs to files there, to a server that takes syslog by TLS. See docs/logs.md. */
export class Syslog extends pulumi.ComponentResource {
  /** What it needs from Debian. */
  static packages(): PackageSet {
    return { packages: ["rsyslog", "rsyslog-openssl"] };
  }

  constructor(name: string, args: SyslogArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:syslog:Syslog", name, {}, options);
    const { host, label } = args;
    const { to, ca, token } = args.config;
    const [server = "", port = ""] = to.split(":");
    // rsyslog takes a backslash in a constant of a template twice for one that quotes what follows.
    const data = token?.replaceAll("\\", "\\\\\\\\").replaceAll('"', '\\"') ?? "-";
    const files = logged.map((tag) => ({ tag, files: `/var/log/${tag}/*.log` }));
    const trusts = ca === undefined ? trusted : ownTrusted;
    const facts = { name: server, port, host: label, ca: trusts, data, files };
    new HostScript(
      `${name}-setup`,
      {
        host,
        script: here("setup.sh"),
        removal: here("removal.sh"),
        slots: { to, authorities: trusts },
        files: {
          ...(ca === undefined ? {} : { [ownTrusted]: { content: ca } }),
          "/etc/systemd/system/berth-syslog.service": {
            content: readFileSync(here("syslog.service"), "utf8"),
          },
          ...logsFile("syslog", { units: ["berth-syslog.service"], files: [] }),
        },
        secretFiles: {
          "/etc/berth/syslog/rsyslog.conf": {
            content: pulumi.secret(renderTemplate(here("rsyslog.conf.liquid"), facts)),
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
