import * as pulumi from "@pulumi/pulumi";
import type { StackOutputs } from "../../outputs.ts";
import type { Cloud } from "../aws/cloud.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { firstHost } from "../host/host.ts";
import type { Nginx } from "../nginx/nginx.ts";
import type { Secrets } from "../secrets/secrets.ts";
import type { Application } from "./application.ts";
import type { DataNames } from "./data.ts";
import type { Services } from "./services.ts";

/** The parts of a site. */
export interface SiteParts {
  readonly fleet: Fleet;
  readonly services: Services;
  readonly application: Application;
  readonly nginx: Nginx;
  readonly cloud: Cloud | undefined;
  readonly secrets: Secrets;
  /** Under which names its data is kept. */
  readonly data: DataNames;
  /** Where each host's exporters are read; none where there are none. */
  readonly targets: Readonly<Record<string, pulumi.Output<string[]>>>;
  /** Where the secrets are mirrored. */
  readonly mirrored: pulumi.Output<Record<string, string>> | undefined;
}

/** What a site tells of its parts. */
export function outputsOf(parts: SiteParts): Omit<StackOutputs, "outputsVersion"> {
  const { fleet, services, application, nginx, cloud, secrets, mirrored, targets, data } = parts;
  const { first } = application;
  const bucket = cloud?.bucket;
  return {
    url: nginx.url,
    hostAddress: fleet.first.address,
    sshCommand: fleet.first.sshCommand,
    hostKey: fleet.first.hostKey,
    ...services.urlsBy("output"),
    data,
    media: bucket ? pulumi.interpolate`s3://${bucket.bucketName}` : first.mediaRoot,
    publicFiles: bucket?.publicUrl,
    otherHosts:
      fleet.others.length === 0
        ? undefined
        : Object.fromEntries(
            fleet.others.map(({ name, address, sshCommand, hostKey }) => [
              name,
              { address, sshCommand, hostKey, ...cloud?.outputsOf(name) },
            ]),
          ),
    deployKey: first.deployKey,
    release: first.release,
    basicAuthPassword: secrets.basicAuth,
    ...cloud?.outputsOf(firstHost),
    dns: cloud?.dns,
    mirroredSecrets: mirrored,
    metrics: Object.keys(targets).length === 0 ? undefined : targets,
  };
}
