import * as pulumi from "@pulumi/pulumi";

/**
 * The contract with other teams: what a stack of Berth tells a `pulumi.StackReference`. Names and types stay;
 * a change that breaks a reader raises {@link outputsVersion}.
 */
export interface StackOutputs {
  /** Version of this contract. */
  readonly outputsVersion: number;
  /** Where the site answers, with a slash at the end. */
  readonly url: pulumi.Input<string>;
  /** The host's address: an IP address or a domain name. */
  readonly hostAddress: pulumi.Input<string>;
  /** A command that logs in to the host. */
  readonly sshCommand: pulumi.Input<string>;
  /** The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file (sshd(8)). */
  readonly hostKey: pulumi.Input<string>;
  /** The database's URL as the application has it; secret. Absent without a database. */
  readonly databaseUrl?: pulumi.Input<string> | undefined;
  /** Redis's URL as the application has it; secret. Absent without Redis. */
  readonly redisUrl?: pulumi.Input<string> | undefined;
  /** Under which names the stack keeps its data, by the keys of its configuration; a change of one is refused. */
  readonly data: Readonly<Record<string, string>>;
  /** Where uploaded files lie: a directory on the host, or `s3://BUCKET`. */
  readonly media: pulumi.Input<string>;
  /** Where the public files of the bucket are, with a slash at the end. Absent when it has none. */
  readonly publicFiles?: pulumi.Input<string> | undefined;
  /** The stack's other hosts: address, login command, host key and instance of each by its name. Absent without any. */
  readonly otherHosts?: Readonly<Record<string, OtherHost>> | undefined;
  /** The public key to enter at the git server. Absent when the source needs none. */
  readonly deployKey?: pulumi.Input<string> | undefined;
  /** The id of the release that runs. */
  readonly release: pulumi.Input<string>;
  /** The password that the site asks for; secret. Absent when it asks for none. */
  readonly basicAuthPassword?: pulumi.Input<string> | undefined;
  /** The EC2 instance. Absent on hosts of another kind. */
  readonly instanceId?: pulumi.Input<string> | undefined;
  /** The id of a newer Debian image than the one that the instance was made from, or an empty text. */
  readonly imageOffer?: pulumi.Input<string> | undefined;
  /** DNS records to make by hand, such as `shop.example.org A 203.0.113.7`. Absent on hosts of another kind. */
  readonly dns?: pulumi.Input<string[]> | undefined;
  /** Where the stack's secrets are mirrored: the mirror's name of each. Absent without a mirror. */
  readonly mirroredSecrets?: pulumi.Input<Record<string, string>> | undefined;
}

/** What a stack tells of a host beside the one that serves the site. */
export interface OtherHost {
  /** Its address: an IP address or a domain name. */
  readonly address: pulumi.Input<string>;
  /** A command that logs in to it. */
  readonly sshCommand: pulumi.Input<string>;
  /** Its ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file (sshd(8)). */
  readonly hostKey: pulumi.Input<string>;
  /** The EC2 instance. Absent on hosts of another kind. */
  readonly instanceId?: pulumi.Input<string> | undefined;
  /** The id of a newer Debian image than the one that the instance was made from, or an empty text. */
  readonly imageOffer?: pulumi.Input<string> | undefined;
}

/** Raised by a change that breaks a reader of the outputs. */
export const outputsVersion = 1;

/** The outputs of a stack: those that are secret marked so, those that it does not have left out. */
export function stackOutputs(outputs: Omit<StackOutputs, "outputsVersion">): StackOutputs {
  const secret = ["databaseUrl", "redisUrl", "basicAuthPassword"];
  const present = Object.entries(outputs).filter(([, value]) => value !== undefined);
  const marked = present.map(([name, value]) => [name, secret.includes(name) ? pulumi.secret(value) : value]);
  return { outputsVersion, ...Object.fromEntries(marked) };
}
