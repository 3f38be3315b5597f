import type { HostConfig, OtherHostConfig } from "../../config.ts";
import { ExistingHost } from "./existing-host.ts";
import type { Host } from "./host.ts";
import { LocalHost } from "./local-host.ts";

/** The host of the kind that the stack asks for; one on EC2 is a part of the stack's cloud. */
export function createHost(
  name: string,
  config: Exclude<HostConfig | OtherHostConfig, { kind: "ec2" }>,
): Host {
  return config.kind === "local"
    ? new LocalHost(name, { memory: config.memory, disk: config.disk })
    : new ExistingHost(name, config);
}
