import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import type { Region } from "@pulumi/aws/types/enums/index.js";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random";
import { backupBucketPolicy, backupPolicy } from "./backup-access.ts";
import { IamUser } from "./iam-user.ts";
import { cloudName, limits, tagsOf } from "./naming.ts";
import { oldVersionRules } from "./old-versions.ts";

export interface BackupBucketArgs {
  /** The bucket's name, unlike any other in the world. @default PROJECT-STACK-backups and 8 random hexadecimal digits */
  readonly bucket?: string | undefined;
  /** Its AWS region. @default the provider's */
  readonly region?: string | undefined;
  /** For how long it keeps what was deleted or overwritten, in days. */
  readonly keepDeletedDays: number;
  /** Whether Pulumi refuses to delete or replace the bucket. */
  readonly protect: boolean;
  /** The generation of the host's key: see IamUserArgs. */
  readonly generation: number;
}

/**
 * A private bucket for backups, and a key for the host that makes them. The key can add and not take away: what it deletes
 * or overwrites stays in the bucket as an older version, for a time that it cannot change. The bucket stays in AWS whatever
 * becomes of the stack.
 */
export class BackupBucket extends pulumi.ComponentResource {
  /** Its name. */
  readonly bucketName: pulumi.Output<string>;
  /** The host's key. */
  readonly accessKeyId: pulumi.Output<string>;
  readonly secretAccessKey: pulumi.Output<string>;

  readonly #name: string;
  readonly #bucket: Bucket;
  readonly #part: pulumi.CustomResourceOptions;
  /** What names the bucket in each of its parts. */
  readonly #of: { readonly bucket: pulumi.Output<string>; readonly region?: Region };

  constructor(name: string, args: BackupBucketArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:BackupBucket", name, {}, options);
    this.#name = name;
    const place = args.region === undefined ? {} : { region: args.region as Region };
    this.#bucket = new Bucket(
      `${name}-bucket`,
      { ...place, bucket: args.bucket ?? this.#madeUpName(), tags: tagsOf("backups") },
      { parent: this, protect: args.protect, retainOnDelete: true },
    );
    this.#of = { ...place, bucket: this.#bucket.bucket };
    // As the bucket, they stay when the stack goes: what is in it is as safe as before.
    this.#part = { parent: this, retainOnDelete: true };
    const user = new IamUser(
      `${name}-user`,
      { policy: this.#bucket.arn.apply(backupPolicy), generation: args.generation },
      { parent: this },
    );
    const ruled = this.#rule(user);
    const encrypted = this.#encrypt();
    const versioned = this.#keepVersions();
    const thrown = this.#throwAway(args.keepDeletedDays, versioned);
    // Whoever learns the name finds all of this in force.
    this.bucketName = pulumi
      .all([this.#bucket.bucket, ruled.id, encrypted.id, versioned.id, thrown.id])
      .apply(([bucket]) => bucket);
    this.accessKeyId = user.accessKeyId;
    this.secretAccessKey = user.secretAccessKey;
    this.registerOutputs();
  }

  /** Names of buckets are shared by everyone on AWS. */
  #madeUpName(): pulumi.Output<string> {
    const suffix = new RandomId(`${this.#name}-suffix`, { byteLength: 4 }, { parent: this });
    const begin = cloudName("backups", limits.bucket - 1 - 8);
    return pulumi.interpolate`${begin}-${suffix.hex}`;
  }

  /** One after the other: S3 refuses two changes at a time. */
  #rule(user: IamUser): BucketPolicy {
    const blocked = new BucketPublicAccessBlock(
      `${this.#name}-private`,
      {
        ...this.#of,
        blockPublicAcls: true,
        ignorePublicAcls: true,
        blockPublicPolicy: true,
        restrictPublicBuckets: true,
      },
      this.#part,
    );
    // No access lists: policies alone say who may what.
    const owned = new BucketOwnershipControls(
      `${this.#name}-owner`,
      { ...this.#of, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { ...this.#part, dependsOn: [blocked] },
    );
    const policy = pulumi
      .all([this.#bucket.arn, user.arn])
      .apply(([bucket, host]) => backupBucketPolicy(bucket, host));
    return new BucketPolicy(
      `${this.#name}-policy`,
      { ...this.#of, policy },
      { ...this.#part, dependsOn: [owned] },
    );
  }

  #encrypt(): BucketServerSideEncryptionConfiguration {
    return new BucketServerSideEncryptionConfiguration(
      `${this.#name}-encryption`,
      { ...this.#of, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      this.#part,
    );
  }

  #keepVersions(): BucketVersioning {
    return new BucketVersioning(
      `${this.#name}-versions`,
      { ...this.#of, versioningConfiguration: { status: "Enabled" } },
      this.#part,
    );
  }

  #throwAway(keepDeletedDays: number, after: pulumi.Resource): BucketLifecycleConfiguration {
    return new BucketLifecycleConfiguration(
      `${this.#name}-lifecycle`,
      {
        ...this.#of,
        rules: oldVersionRules("deleted-and-overwritten", keepDeletedDays),
      },
      { ...this.#part, dependsOn: [after] },
    );
  }
}
