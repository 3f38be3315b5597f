import type { HostConfig, OtherHostConfig } from "../../config.ts";
import { ExistingHost } from "./existing-host.ts";
import type { Host } from "./host.ts";
import { LocalHost } from "./local-host.ts";
import type { Look } from "./look.ts";

/**
 * The host of the kind that the stack asks for; one on EC2 is a part of the stack's cloud.
 *
 * @param looks how the parts of the stack look at a machine that the user has
 */
export function createHost(
  name: string,
  config: Exclude<HostConfig | OtherHostConfig, { kind: "ec2" }>,
  looks: readonly Look[],
): Host {
  return config.kind === "local"
    ? new LocalHost(name, { memory: config.memory, disk: config.disk })
    : new ExistingHost(name, { ...config, looks });
}
