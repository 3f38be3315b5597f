import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { configKey, type Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import { renderTemplate } from "../host/template.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface RebootsArgs {
  readonly host: Host;
  /** When the host may reboot: a calendar event of systemd.time(7), in its own time zone. */
  readonly at: string;
  /** Name of the application. */
  readonly application: string;
  /** How the host asks whether the site is healthy; none where it does not serve it. */
  readonly site?: {
    /** What nginx itself listens for. */
    readonly scheme: "http" | "https";
    readonly domain: pulumi.Input<string>;
    readonly health: string;
  };
}

/**
 * Reboots a host where an upgrade needs it, at times that the stack names. What the application has begun ends first, behind
 * the maintenance page, which goes when the site is healthy again.
 */
export class Reboots extends pulumi.ComponentResource {
  constructor(name: string, args: RebootsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:reboots:Reboots", name, {}, options);
    const { host, at, application, site } = args;
    const plan = pulumi.output(site?.domain).apply((domain) => ({
      application,
      scheme: site?.scheme ?? null,
      domain: domain ?? null,
      health: site?.health ?? null,
    }));
    new HostScript(
      `${name}-setup`,
      {
        host,
        check: here("check.sh"),
        script: here("setup.sh"),
        removal: here("removal.sh"),
        slots: { at, named: `${configKey(host.name)}.rebootAt` },
        files: {
          "/usr/local/lib/berth/reboot": { content: text("reboot.py"), mode: "0755" },
          "/etc/berth/reboots.json": plan.apply((facts) => ({ content: JSON.stringify(facts, null, 2) })),
          "/etc/systemd/system/berth-reboot.service": { content: text("reboot.service") },
          "/etc/systemd/system/berth-reboot.timer": {
            content: renderTemplate(here("reboot.timer.liquid"), { at }),
          },
          "/etc/systemd/system/berth-rebooted.service": { content: text("afterwards.service") },
          ...logsFile("reboot", { units: ["berth-reboot.service", "berth-rebooted.service"], files: [] }),
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
