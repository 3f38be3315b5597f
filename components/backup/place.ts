import { knownHost } from "../host/known-hosts.ts";
import type { BackupConfig } from "./schema.ts";

/** Where a host keeps what it must know to make backups. */
export const settings = "/etc/berth/backup";

/** Where another stack's host keeps it for as long as it reads these backups: see berth-copy.sh. */
export const copySettings = "/run/berth-copy";

/** Where a bucket is asked, as program/bucket.py takes it. */
export interface BucketFacts {
  readonly name: string;
  readonly region: string;
  /** A host, with its port where that is not 443. */
  readonly endpoint: string;
  readonly addressing: "path" | "host";
  /** What the names of this stack's objects begin with. */
  readonly prefix: string;
  /** The file with the authority of its certificate; `null` for those that Debian trusts. */
  readonly ca: string | null;
}

/** What a place is known by, without its key. */
export type PlaceChoice =
  | OfKind<"directory">
  | Omit<OfKind<"s3">, "accessKey" | "secretKey">
  | Omit<OfKind<"sftp">, "privateKey">;

type OfKind<Kind> = Extract<BackupConfig["place"], { kind: Kind }>;

/** A place as both tools know it. */
export interface Place {
  /** As people know it. */
  readonly shown: string;
  /** Its path where it is a directory of the host. */
  readonly directory: string | undefined;
  /** The repository of files, as restic names it, and what restic needs to get there. */
  readonly repository: string;
  readonly options: readonly string[];
  /** The repository of the database, in pgBackRest's own words: https://pgbackrest.org/configuration.html#section-repository */
  readonly pgbackrest: Readonly<Record<string, string | number>>;
  /** The authority of its certificate, in PEM. */
  readonly ca: string | undefined;
  /** `undefined` where it is none. */
  readonly bucket: BucketFacts | undefined;
}

/**
 * @param stanza whose backups they are: what the names of objects begin with where nothing else is said
 * @param folder where the host keeps what it must know of it
 */
export function placeOf(place: PlaceChoice, stanza: string, folder = settings): Place {
  switch (place.kind) {
    case "directory":
      return directoryPlace(place.path.replace(/\/+$/, ""));
    case "s3":
      return bucketPlace(place, place.prefix ?? stanza, folder);
    case "sftp":
      return sftpPlace(place, folder);
  }
}

function directoryPlace(directory: string): Place {
  return {
    shown: directory,
    directory,
    repository: `${directory}/files`,
    options: [],
    pgbackrest: { "repo1-type": "posix", "repo1-path": `${directory}/postgresql` },
    ca: undefined,
    bucket: undefined,
  };
}

function bucketPlace(
  {
    bucket,
    region,
    endpoint = amazonIn(region),
    addressing: asked,
    ca,
  }: Extract<PlaceChoice, { kind: "s3" }>,
  prefix: string,
  folder: string,
): Place {
  const [host = "", port = "443"] = endpoint.split(":");
  // A name below the endpoint's own is Amazon's way; elsewhere there is often no such name.
  const addressing = asked ?? (/\.amazonaws\.com(\.cn)?$/.test(host) ? "host" : "path");
  const caFile = ca === undefined ? "" : `${folder}/ca.pem`;
  return {
    shown: `s3://${bucket}/${prefix}`,
    directory: undefined,
    repository: `s3:https://${endpoint}/${bucket}/${prefix}/files`,
    options: [
      `--option=s3.bucket-lookup=${addressing === "host" ? "dns" : "path"}`,
      `--option=s3.region=${region}`,
      ...(ca === undefined ? [] : [`--cacert=${caFile}`]),
    ],
    pgbackrest: {
      "repo1-type": "s3",
      "repo1-path": `/${prefix}/postgresql`,
      "repo1-s3-bucket": bucket,
      "repo1-s3-region": region,
      "repo1-s3-endpoint": host,
      "repo1-s3-uri-style": addressing,
      "repo1-storage-port": port,
      ...(ca === undefined ? {} : { "repo1-storage-ca-file": caFile }),
    },
    ca,
    bucket: { name: bucket, region, endpoint, addressing, prefix, ca: ca === undefined ? null : caFile },
  };
}

/** What a host knows of an account of SFTP, in the folder of its settings: restic uses ssh (program/sftp.py), and pgBackRest libssh2. */
export const sftpFiles = {
  knownHosts: "known-hosts",
  key: "sftp-key",
  keyOfPostgres: "sftp-key-of-postgres",
};

function sftpPlace(
  { host, port, user, path }: Extract<PlaceChoice, { kind: "sftp" }>,
  folder: string,
): Place {
  const account = `sftp://${user}@${host}:${port}`;
  const directory = path.replace(/\/+$/, "");
  const { knownHosts, keyOfPostgres } = sftpFiles;
  return {
    shown: `${account}${directory}`,
    directory: undefined,
    repository: `${account}/${directory}/files`,
    options: [],
    pgbackrest: {
      "repo1-type": "sftp",
      "repo1-path": `${directory}/postgresql`,
      "repo1-sftp-host": host,
      "repo1-sftp-host-port": port,
      "repo1-sftp-host-user": user,
      "repo1-sftp-private-key-file": `${folder}/${keyOfPostgres}`,
      "repo1-sftp-known-host": `${folder}/${knownHosts}`,
      "repo1-sftp-host-key-check-type": "strict",
      "repo1-sftp-host-key-hash-type": "sha256",
    },
    ca: undefined,
    bucket: undefined,
  };
}

/** All host keys of an account's server, as known_hosts has them. */
export const knownHostsOf = (place: OfKind<"sftp">): string =>
  place.hostKeys.map((key) => `${knownHost(place, key)}\n`).join("");

/** Amazon's in China have a domain of their own. */
const amazonIn = (region: string) => `s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
