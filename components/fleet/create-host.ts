import type * as pulumi from "@pulumi/pulumi";
import { ExistingHost } from "../host/existing-host.ts";
import type { Host } from "../host/host.ts";
import { LocalHost } from "../host/local-host.ts";
import type { Look } from "../host/look.ts";
import type { HostConfig, OtherHostConfig } from "./schema.ts";

/**
 * The host of the kind that the stack asks for; one on EC2 is a part of the stack's cloud.
 *
 * @param looks how the parts of the stack look at a machine that the user has
 */
export function createHost(
  name: string,
  config: Exclude<HostConfig | OtherHostConfig, { kind: "ec2" }>,
  looks: readonly Look[],
  options: pulumi.ComponentResourceOptions,
): Host {
  return config.kind === "local"
    ? new LocalHost(name, { memory: config.memory, disk: config.disk }, options)
    : new ExistingHost(name, { ...config, looks }, options);
}
