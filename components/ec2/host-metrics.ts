import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { limits, shortName } from "../aws/naming.ts";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { renderTemplate } from "../host/template.ts";
import { dataVolumeRoot } from "./data-volume.ts";
import { pythonProgram } from "./python-program.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** What a host measures of itself and how CloudWatch calls it; host-metrics.py has the same names. */
export const metrics = { disk: "DiskUsed", memory: "MemoryUsed" } as const;

/** Where the disks of a host are mounted, by a name for each. */
export const disks = { root: "/", data: dataVolumeRoot } as const;
export const allDisks = Object.keys(disks) as (keyof typeof disks)[];

/** CloudWatch's namespace for what the hosts of this stack measure; another stack's role cannot write to it. */
export function metricsNamespace(): string {
  const begin = "Berth/";
  const stack = shortName(`${pulumi.getProject()}-${pulumi.getStack()}`, limits.namespace - begin.length);
  return begin + stack;
}

/**
 * What a host's role must be allowed to send what it measures, as an IAM policy in JSON. The action knows no resources;
 * the namespace is what limits it:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
 */
export function metricsPolicy(namespace: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "Metrics",
        Effect: "Allow",
        Action: ["cloudwatch:PutMetricData"],
        Resource: "*",
        Condition: { StringEquals: { "cloudwatch:namespace": namespace } },
      },
    ],
  });
}

/**
 * How full the disks and the memory of an EC2 instance are, told to CloudWatch every minute by a small program of
 * Berth's: AWS sees neither from outside, and its own agent is not in Debian.
 */
export class HostMetrics extends pulumi.ComponentResource {
  constructor(
    name: string,
    args: {
      /** An EC2 instance whose role has {@link metricsPolicy}. */
      readonly host: Host;
      /** Its disks, by their names in {@link disks}. @default all of these */
      readonly disks?: readonly (keyof typeof disks)[] | undefined;
    },
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("berth:ec2:HostMetrics", name, {}, options);
    const directories = (args.disks ?? allDisks).map((disk) => disks[disk]).join(" ");
    new HostScript(
      `${name}-send`,
      {
        host: args.host,
        script: here("host-metrics.sh"),
        removal: here("host-metrics-removal.sh"),
        slots: { directories },
        files: {
          ...pythonProgram("/usr/local/lib/berth/metrics", "host-metrics.py"),
          "/etc/systemd/system/berth-metrics.service": {
            content: renderTemplate(here("host-metrics.service.liquid"), {
              namespace: metricsNamespace(),
              directories,
            }),
          },
          "/etc/systemd/system/berth-metrics.timer": {
            content: readFileSync(here("host-metrics.timer"), "utf8"),
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
