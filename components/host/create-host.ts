import * as pulumi from "@pulumi/pulumi";
import type { HostConfig } from "../../config.ts";
import { ExistingHost } from "./existing-host.ts";
import type { Host } from "./host.ts";
import { LocalHost } from "./local-host.ts";

/** The host of the kind that the stack asks for. */
export function createHost(name: string, config: HostConfig): Host {
  switch (config.kind) {
    case "local":
      return new LocalHost(name, { memory: config.memory, disk: config.disk });
    case "existing":
      return new ExistingHost(name, config);
    case "ec2":
      throw new pulumi.RunError(
        "berth:host.kind: expected 'local' or 'existing'; found 'ec2', which this version of Berth cannot make yet. " +
          "Make the instance yourself and name it as an existing host, or try the stack on this computer: pulumi up -s local",
      );
  }
}
