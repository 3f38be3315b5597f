import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketCorsConfiguration } from "@pulumi/aws/s3/bucketCorsConfiguration.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random";
import { Delivery } from "./delivery.ts";
import { cloudName, limits, tagsOf } from "./naming.ts";
import { oldVersionRules } from "./old-versions.ts";

export interface MediaBucketArgs {
  /** The bucket's name, unlike any other in the world. @default PROJECT-STACK-media and 8 random hexadecimal digits */
  readonly bucket?: string | undefined;
  /** Origins whose pages may read files by script, such as `https://shop.example.org`; none for none. */
  readonly origins: readonly pulumi.Input<string>[];
  /** How long files that were replaced or deleted can be had back, in days. */
  readonly oldVersionsDays: number;
  /** Whether it stays in AWS when the engine is done with it: its resource is destroyed, or replaced. */
  readonly retain: boolean;
  /** Whether one that does not stay goes with all its files; else only an empty one goes. */
  readonly forceDestroy: boolean;
  /** Whether Pulumi refuses to delete or replace the bucket. */
  readonly protect: boolean;
  /** Files that everyone may read, such as static ones. @default none */
  readonly publicFiles?: PublicFiles | undefined;
}

export interface PublicFiles {
  /** What their names begin with, a folder without slashes at its ends, such as `static`. */
  readonly folder: string;
  /** `s3`: from the bucket itself, which is public there. `cloudfront`: through CloudFront; the bucket stays private. */
  readonly by: "s3" | "cloudfront";
}

/**
 * A private bucket for what visitors upload. Nothing in it is public, but for a folder that the stack names: an
 * application shows a file by a signed URL.
 * The rules follow https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html.
 */
export class MediaBucket extends pulumi.ComponentResource {
  /** Its name. */
  readonly bucketName: pulumi.Output<string>;
  /** Its ARN. */
  readonly arn: pulumi.Output<string>;
  /** Where the public files are, with a slash at the end; absent when there are none. */
  readonly publicUrl: pulumi.Output<string> | undefined;

  readonly #name: string;
  readonly #bucket: Bucket;
  readonly #part: pulumi.CustomResourceOptions;

  constructor(name: string, args: MediaBucketArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:MediaBucket", name, {}, options);
    this.#name = name;
    this.#bucket = this.#make(args);
    // They go with the bucket, and not before it: what cannot be deleted, full as it is, stays private.
    this.#part = { parent: this, deletedWith: this.#bucket };
    const { publicFiles } = args;
    const delivery = publicFiles?.by === "cloudfront" ? this.#deliver() : undefined;
    const blocked = this.#blockPublicAccess(publicFiles?.by === "s3");
    const owned = this.#ownEveryObject(blocked);
    const ruled = this.#rule(owned, publicFiles, delivery);
    const encrypted = this.#encrypt();
    const versioned = this.#keepVersions();
    this.#throwAway(args.oldVersionsDays, versioned);
    if (args.origins.length > 0) this.#admit(args.origins);
    // Whoever learns the name finds all of this in force.
    this.bucketName = pulumi
      .all([this.#bucket.bucket, ruled.id, encrypted.id, versioned.id])
      .apply(([bucket]) => bucket);
    this.arn = this.#bucket.arn;
    const server = delivery?.domain ?? this.#bucket.bucketRegionalDomainName;
    this.publicUrl = publicFiles && pulumi.interpolate`https://${server}/${publicFiles.folder}/`;
    this.registerOutputs();
  }

  #make(args: MediaBucketArgs): Bucket {
    return new Bucket(
      `${this.#name}-bucket`,
      {
        bucket: args.bucket ?? this.#madeUpName(),
        forceDestroy: args.forceDestroy,
        tags: tagsOf("media"),
      },
      { parent: this, protect: args.protect, retainOnDelete: args.retain },
    );
  }

  /** Names of buckets are shared by everyone on AWS. */
  #madeUpName(): pulumi.Output<string> {
    const suffix = new RandomId(`${this.#name}-suffix`, { byteLength: 4 }, { parent: this });
    const begin = cloudName("media", limits.bucket - 1 - 8);
    return pulumi.interpolate`${begin}-${suffix.hex}`;
  }

  #deliver(): Delivery {
    return new Delivery(`${this.#name}-delivery`, { bucket: this.#bucket }, { parent: this });
  }

  /** Access lists make nothing public in any case; a policy does, where the stack says so. */
  #blockPublicAccess(publicByPolicy: boolean): BucketPublicAccessBlock {
    return new BucketPublicAccessBlock(
      `${this.#name}-private`,
      {
        bucket: this.#bucket.bucket,
        blockPublicAcls: true,
        ignorePublicAcls: true,
        blockPublicPolicy: !publicByPolicy,
        restrictPublicBuckets: !publicByPolicy,
      },
      this.#part,
    );
  }

  /** No access lists: policies alone say who may what. One after the other: S3 refuses two changes at a time. */
  #ownEveryObject(after: pulumi.Resource): BucketOwnershipControls {
    return new BucketOwnershipControls(
      `${this.#name}-owner`,
      { bucket: this.#bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { ...this.#part, dependsOn: [after] },
    );
  }

  #rule(
    after: pulumi.Resource,
    publicFiles: PublicFiles | undefined,
    delivery: Delivery | undefined,
  ): BucketPolicy {
    const policy = pulumi
      .all([this.#bucket.arn, delivery?.arn])
      .apply(([arn, distribution]) => bucketPolicy(arn, publicFiles?.folder, distribution));
    return new BucketPolicy(
      `${this.#name}-policy`,
      { bucket: this.#bucket.bucket, policy },
      { ...this.#part, dependsOn: [after] },
    );
  }

  #encrypt(): BucketServerSideEncryptionConfiguration {
    return new BucketServerSideEncryptionConfiguration(
      `${this.#name}-encryption`,
      {
        bucket: this.#bucket.bucket,
        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
      },
      this.#part,
    );
  }

  #keepVersions(): BucketVersioning {
    return new BucketVersioning(
      `${this.#name}-versions`,
      { bucket: this.#bucket.bucket, versioningConfiguration: { status: "Enabled" } },
      this.#part,
    );
  }

  #throwAway(oldVersionsDays: number, after: pulumi.Resource): void {
    new BucketLifecycleConfiguration(
      `${this.#name}-lifecycle`,
      {
        bucket: this.#bucket.bucket,
        rules: oldVersionRules("old-versions", oldVersionsDays),
      },
      { ...this.#part, dependsOn: [after] },
    );
  }

  /** Reading alone: files are uploaded through the site. */
  #admit(origins: MediaBucketArgs["origins"]): void {
    if (origins.length === 0) return;
    new BucketCorsConfiguration(
      `${this.#name}-cors`,
      {
        bucket: this.#bucket.bucket,
        corsRules: [
          {
            allowedOrigins: [...origins],
            allowedMethods: ["GET", "HEAD"],
            exposeHeaders: ["ETag"],
            maxAgeSeconds: 3600,
          },
        ],
      },
      this.#part,
    );
  }
}

/**
 * Nobody comes in over plain HTTP; and everyone may read the public files, or CloudFront for them.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
 */
function bucketPolicy(arn: string, folder: string | undefined, distribution: string | undefined): string {
  const refusePlainHttp = {
    Sid: "RefusePlainHttp",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  const readers =
    distribution === undefined
      ? { Principal: "*" }
      : {
          Principal: { Service: "cloudfront.amazonaws.com" },
          Condition: { StringEquals: { "AWS:SourceArn": distribution } },
        };
  const publicFiles = {
    Sid: "PublicFiles",
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: `${arn}/${folder}/*`,
    ...readers,
  };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: folder === undefined ? [refusePlainHttp] : [refusePlainHttp, publicFiles],
  });
}
