// A bucket with the rights of the person who runs the command, not those of the host.
import { Agent } from "node:https";
import type { S3Client } from "@aws-sdk/client-s3";
import type { BucketFacts } from "../../../components/backup/place.ts";
import { UsageError } from "../command-line.ts";
import { type Act, timeOfId, type Version } from "./versions.ts";

/** Where the backups of a stack are, as its state has it; see components/backup/backup.ts. */
export interface BucketPlace extends Omit<BucketFacts, "ca"> {
  /** The authority of its certificate, in PEM. */
  readonly ca: string | null;
}

/** How many requests are under way at a time. */
const atOnce = 16;

const rights =
  "s3:ListBucketVersions, s3:GetObject, s3:GetObjectVersion, s3:PutObject, s3:DeleteObject and s3:DeleteObjectVersion";

export class VersionedBucket {
  readonly #place: BucketPlace;
  readonly #client: S3Client;
  readonly #sdk: typeof import("@aws-sdk/client-s3");

  /** Asks with the credentials that AWS's own programs would find: environment, profile, single sign-on. */
  static async open(place: BucketPlace): Promise<VersionedBucket> {
    const sdk = await import("@aws-sdk/client-s3");
    return new VersionedBucket(place, sdk);
  }

  private constructor(place: BucketPlace, sdk: typeof import("@aws-sdk/client-s3")) {
    this.#place = place;
    this.#sdk = sdk;
    const agent = new Agent({
      keepAlive: true,
      maxSockets: atOnce,
      ...(place.ca === null ? {} : { ca: place.ca }),
    });
    this.#client = new sdk.S3Client({
      region: place.region,
      endpoint: `https://${place.endpoint}`,
      forcePathStyle: place.addressing === "path",
      requestHandler: { httpsAgent: agent },
      // Other services than Amazon's do not all know what newer SDKs add.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  }

  /** All versions of all objects whose names begin with the stack's prefix, by the object's name. */
  async versions(): Promise<Map<string, Version[]>> {
    const found = new Map<string, Version[]>();
    const asked = {
      Bucket: this.#place.name,
      Prefix: `${this.#place.prefix}/`,
      EncodingType: "url" as const,
    };
    let from: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
    for (;;) {
      const told = await this.#try(() =>
        this.#client.send(new this.#sdk.ListObjectVersionsCommand({ ...asked, ...from })),
      );
      // A name may hold what XML cannot, so it is encoded.
      const name = (text: string | undefined) =>
        told.EncodingType === "url" ? decodeURIComponent((text ?? "").replaceAll("+", " ")) : (text ?? "");
      const add = ({ Key, VersionId, IsLatest, LastModified }: VersionFacts, content: Version["content"]) => {
        const key = name(Key);
        const id = VersionId ?? "null";
        // Amazon tells whole seconds; others tell more of some and not of all.
        const at = timeOfId(id) ?? Math.floor((LastModified?.getTime() ?? 0) / 1000);
        const version = { key, id, at, latest: IsLatest ?? false };
        const known = found.get(key) ?? [];
        found.set(key, [...known, content === undefined ? version : { ...version, content }]);
      };
      for (const one of told.Versions ?? []) add(one, { etag: one.ETag ?? "", size: one.Size ?? 0 });
      for (const one of told.DeleteMarkers ?? []) add(one, undefined);
      if (told.IsTruncated !== true) return withoutLateNulls(found);
      from = { KeyMarker: name(told.NextKeyMarker), VersionIdMarker: told.NextVersionIdMarker };
    }
  }

  /** Does it all, some at a time. What was done stays done where one fails, and is not done again by another run. */
  async carryOut(acts: readonly Act[], tell: (done: number) => void): Promise<void> {
    const left = [...acts];
    let done = 0;
    const work = async () => {
      for (let act = left.pop(); act !== undefined; act = left.pop()) {
        await this.#do(act).catch(unlessGone);
        done += 1;
        tell(done);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  async #do(act: Act): Promise<void> {
    const [Bucket, Key] = [this.#place.name, act.key];
    const { CopyObjectCommand, DeleteObjectCommand } = this.#sdk;
    switch (act.act) {
      case "hide":
        await this.#try(() => this.#client.send(new DeleteObjectCommand({ Bucket, Key })));
        return;
      case "uncover":
        return this.#deleteMarks(act.key, act.marks);
      case "copy": {
        await this.#deleteMarks(act.key, act.marks);
        const path = Key.split("/").map(encodeURIComponent).join("/");
        const CopySource = `${Bucket}/${path}?versionId=${encodeURIComponent(act.id)}`;
        await this.#try(() => this.#client.send(new CopyObjectCommand({ Bucket, Key, CopySource })));
      }
    }
  }

  async #deleteMarks(Key: string, marks: readonly string[]): Promise<void> {
    const Bucket = this.#place.name;
    for (const VersionId of marks)
      await this.#try(() => this.#client.send(new this.#sdk.DeleteObjectCommand({ Bucket, Key, VersionId })));
  }

  async #try<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (fault) {
      throw explained(fault, this.#place.name);
    }
  }
}

/** A version that goes meanwhile, or gets another place where a mark on it is deleted, is found by looking again. */
function unlessGone(fault: Error): void {
  if ((fault.cause as Error | undefined)?.name !== "NoSuchVersion") throw fault;
}

/** Where ids tell the time, the version 'null' is from before the bucket kept any: see timeOfId. */
function withoutLateNulls(found: Map<string, Version[]>): Map<string, Version[]> {
  const all = [...found.values()].flat();
  if (!all.some(({ id }) => timeOfId(id) !== undefined)) return found;
  const early = (one: Version) => (one.id === "null" ? { ...one, at: 0 } : one);
  return new Map([...found].map(([key, versions]) => [key, versions.map(early)]));
}

interface VersionFacts {
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly LastModified?: Date | undefined;
}

function explained(fault: unknown, bucket: string): Error {
  const { name, message } = fault as Error;
  const own =
    "Give the credentials of the bucket's owner, not the host's, as AWS's programs take them: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
  if (name === "CredentialsProviderError") return new UsageError(`there are no AWS credentials here. ${own}`);
  if (/AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken/.test(name))
    return new Error(`the bucket ${bucket} refuses these credentials (${name}). ${own} They need ${rights}.`);
  return new Error(`the bucket ${bucket} cannot be asked: ${name}: ${message}`, { cause: fault });
}
