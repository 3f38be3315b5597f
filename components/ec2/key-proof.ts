import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface KeyArgs {
  /** The machine on which the application runs. */
  readonly host: Host;
  /** The name of the application. */
  readonly app: string;
  /** The key's generation: see {@link IamUserArgs}. */
  readonly generation: number;
}

export interface KeyTurnArgs extends KeyArgs {
  /** The application's directory on the host. */
  readonly root: string;
}

export interface KeyProofArgs extends KeyArgs {
  /** The name of the bucket that the key is for. */
  readonly bucket: pulumi.Input<string>;
  /** The AWS region of the bucket. */
  readonly region: string;
  /** The URL of the S3 service. @default AWS's own in that region */
  readonly endpoint?: string | undefined;
  readonly accessKeyId: pulumi.Input<string>;
  readonly secretAccessKey: pulumi.Input<string>;
  /** What goes on while the key does not work yet. @default "The application keeps its current key." */
  readonly meanwhile?: string;
}

const keysOf = (app: string) => `/var/lib/berth/keys-${app}`;

/**
 * A step before a key is made. It refuses a generation that is not the next after the one which the application holds:
 * the key in use would be deleted to make room, and the application would be without one until it has the new.
 */
export function keyTurn(name: string, args: KeyTurnArgs, options: pulumi.CustomResourceOptions): HostScript {
  return new HostScript(
    name,
    {
      host: args.host,
      script: here("key-turn.sh"),
      slots: {
        generation: args.generation,
        settings: `${args.root}/config/env`,
        keys: keysOf(args.app),
      },
    },
    options,
  );
}

/**
 * A step between a key and the application. What IAM is told arrives everywhere after a while
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency);
 * until S3 takes the new key, the application goes on with the one before. It is asked as the application will ask,
 * from its host, for the list of the bucket's objects.
 */
export function keyProof(
  name: string,
  args: KeyProofArgs,
  options: pulumi.CustomResourceOptions,
): HostScript {
  const { region } = args;
  const endpoint =
    args.endpoint ?? `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  return new HostScript(
    name,
    {
      host: args.host,
      script: here("key-proof.sh"),
      removal: here("key-proof-removal.sh"),
      slots: {
        // The bucket's name in the path: one with a dot in it fits no certificate.
        bucket: pulumi.interpolate`${endpoint.replace(/\/+$/, "")}/${args.bucket}`,
        region,
        generation: args.generation,
        keys: keysOf(args.app),
        meanwhile: args.meanwhile ?? "The application keeps its current key.",
      },
      secrets: { id: args.accessKeyId, key: args.secretAccessKey },
    },
    options,
  );
}
