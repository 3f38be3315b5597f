import * as pulumi from "@pulumi/pulumi";
import type { SecretFile } from "../host/host-script.ts";
import { sftpFiles } from "./place.ts";

/** What the host shows to a bucket. */
export interface BucketKey {
  readonly kind: "bucket";
  readonly id: pulumi.Input<string>;
  readonly secret: pulumi.Input<string>;
}

/** What it shows to an account of SFTP, and what the account's server shows to it. */
export interface SshKey {
  readonly kind: "ssh";
  /** In OpenSSH's form, without a passphrase. */
  readonly privateKey: pulumi.Input<string>;
  /** As known_hosts has them. */
  readonly knownHosts: string;
}

export type PlaceKey = BucketKey | SshKey;

/**
 * The files that a host keeps of it, in the folder of its settings.
 *
 * @param hasDatabase whether there is PostgreSQL, whose account shows it as well
 */
export function keyFiles(key: PlaceKey | undefined, hasDatabase: boolean): Record<string, SecretFile> {
  if (key === undefined) return {};
  if (key.kind === "bucket") {
    // As Amazon's own programs read it.
    const content = pulumi.interpolate`[default]\naws_access_key_id = ${key.id}\naws_secret_access_key = ${key.secret}\n`;
    return { "s3-key": { content: pulumi.secret(content) } };
  }
  // What reads a secret from a file takes its last end of line away, and ssh reads no key without.
  const content = pulumi.secret(pulumi.output(key.privateKey).apply((text) => `${text.trimEnd()}\n`));
  return {
    [sftpFiles.key]: { content },
    // ssh takes no key that a group may read.
    ...(hasDatabase ? { [sftpFiles.keyOfPostgres]: { content, owner: "root:postgres", mode: "0640" } } : {}),
    [sftpFiles.knownHosts]: { content: pulumi.secret(key.knownHosts), mode: "0644" },
  };
}

/** The lines of pgBackRest's configuration that are secret. */
export const secretLines = (key: PlaceKey | undefined): pulumi.Output<readonly string[]> =>
  key?.kind === "bucket"
    ? pulumi
        .all([key.id, key.secret])
        .apply(([id, secret]) => [`repo1-s3-key=${id}`, `repo1-s3-key-secret=${secret}`])
    : pulumi.output([]);
