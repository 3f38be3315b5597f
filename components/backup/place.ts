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
  | Extract<Configured, { kind: "directory" }>
  | Omit<Extract<Configured, { kind: "s3" }>, "accessKey" | "secretKey">;

type Configured = BackupConfig["place"];

/** A place as both tools know it. */
export interface Place {
  /** As people know it. */
  readonly shown: string;
  /** Its path where it is a directory of the host. */
  readonly directory: string | undefined;
  /** The repository of files, as restic names it, and what restic needs to get there. */
  readonly repository: string;
  readonly options: readonly string[];
  /** The slots of pgbackrest.conf.liquid. */
  readonly pgbackrest: Readonly<
    Record<"bucket" | "region" | "endpoint" | "port" | "style" | "ca" | "path", string>
  >;
  /** The authority of its certificate, in PEM. */
  readonly ca: string | undefined;
  /** `undefined` where it is a directory. */
  readonly bucket: BucketFacts | undefined;
}

/**
 * @param stanza whose backups they are: what the names of objects begin with where nothing else is said
 * @param folder where the host keeps what it must know of it
 */
export function placeOf(place: PlaceChoice, stanza: string, folder = settings): Place {
  if (place.kind === "directory") {
    const directory = place.path.replace(/\/+$/, "");
    return {
      shown: directory,
      directory,
      repository: `${directory}/files`,
      options: [],
      pgbackrest: {
        ...{ bucket: "", region: "", endpoint: "", port: "", style: "", ca: "" },
        path: `${directory}/postgresql`,
      },
      ca: undefined,
      bucket: undefined,
    };
  }
  const { bucket, region, endpoint = amazonIn(region), prefix = stanza, ca } = place;
  const [host = "", port = "443"] = endpoint.split(":");
  // A name below the endpoint's own is Amazon's way; elsewhere there is often no such name.
  const addressing = place.addressing ?? (/\.amazonaws\.com(\.cn)?$/.test(host) ? "host" : "path");
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
      ...{ bucket, region, endpoint: host, port, style: addressing, ca: caFile },
      path: `/${prefix}/postgresql`,
    },
    ca,
    bucket: { name: bucket, region, endpoint, addressing, prefix, ca: ca === undefined ? null : caFile },
  };
}

/** Amazon's in China have a domain of their own. */
const amazonIn = (region: string) => `s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
