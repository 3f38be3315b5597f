// S3, by the moto server. The inputs have Terraform's names; the calls have AWS's.
import * as aws from "@aws-sdk/client-s3";
import type { Properties, Value } from "../../../engine/plugins/values.ts";
import { orGone, s3 } from "./clients.ts";
import { drop, find, put, settings } from "./cloud.ts";
import { type Behaviour, list, object, requiredName, text } from "./resource.ts";

const objects = (value: Value | undefined) => (Array.isArray(value) ? value.map(object) : []);
const tagSet = (inputs: Properties) => ({
  TagSet: Object.entries(object(inputs.tags)).map(([Key, value]) => ({ Key, Value: text(value) })),
});

/** Names of properties as S3 has them: the first letter large, and what Terraform names in its own way. */
const special: Readonly<Record<string, string>> = {
  sseAlgorithm: "SSEAlgorithm",
  kmsMasterKeyId: "KMSMasterKeyID",
  id: "ID",
  applyServerSideEncryptionByDefault: "ApplyServerSideEncryptionByDefault",
};
function cased(value: Value): unknown {
  if (Array.isArray(value)) return value.map(cased);
  if (typeof value !== "object" || value === null) return value;
  const named = Object.entries(value).map(([name, inner]) => [
    special[name] ?? name.charAt(0).toUpperCase() + name.slice(1),
    cased(inner),
  ]);
  return Object.fromEntries(named);
}

async function empty(Bucket: string): Promise<void> {
  for (;;) {
    const found = await s3().send(new aws.ListObjectVersionsCommand({ Bucket }));
    const every = [...(found.Versions ?? []), ...(found.DeleteMarkers ?? [])];
    if (every.length === 0) return;
    const Objects = every.map(({ Key = "", VersionId }) => ({ Key, ...(VersionId ? { VersionId } : {}) }));
    await s3().send(new aws.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  }
}

export const bucket: Behaviour = {
  defaults: { forceDestroy: false },
  required: ["bucket"],
  valid: requiredName("bucket", /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "name for a bucket"),
  async create(inputs) {
    const Bucket = text(inputs.bucket);
    const { region } = settings();
    if (find("taken-buckets", Bucket)) {
      throw Object.assign(new Error(`CreateBucket: api error BucketAlreadyExists: ${Bucket}`), {
        name: "BucketAlreadyExists",
      });
    }
    const place =
      region === "us-east-1"
        ? {}
        : { CreateBucketConfiguration: { LocationConstraint: region as "eu-central-1" } };
    await s3().send(new aws.CreateBucketCommand({ Bucket, ...place }));
    if (inputs.tags) await s3().send(new aws.PutBucketTaggingCommand({ Bucket, Tagging: tagSet(inputs) }));
    return {
      id: Bucket,
      outputs: {
        arn: `arn:aws:s3:::${Bucket}`,
        bucketDomainName: `${Bucket}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${Bucket}.s3.${region}.amazonaws.com`,
        bucketRegion: region,
        hostedZoneId: "Z21DNDUVLTQW6Q",
      },
    };
  },
  async update(Bucket, inputs) {
    if (inputs.tags) await s3().send(new aws.PutBucketTaggingCommand({ Bucket, Tagging: tagSet(inputs) }));
    else await s3().send(new aws.DeleteBucketTaggingCommand({ Bucket }));
    return {};
  },
  async delete(Bucket, state) {
    if ((await orGone(s3().send(new aws.HeadBucketCommand({ Bucket })))) === undefined) return;
    if (state.forceDestroy === true) await empty(Bucket);
    await s3().send(new aws.DeleteBucketCommand({ Bucket }));
  },
  read: async (Bucket) => ((await orGone(s3().send(new aws.HeadBucketCommand({ Bucket })))) ? {} : undefined),
};

/** A part of a bucket's configuration: one call puts it whole, another takes it away. */
function part(
  put: (Bucket: string, inputs: Properties) => Promise<unknown>,
  remove: (Bucket: string) => Promise<unknown>,
  read: (Bucket: string) => Promise<unknown>,
  more: Pick<Behaviour, "json" | "defaults" | "replaces"> = {},
): Behaviour {
  return {
    ...more,
    async create(inputs) {
      await put(text(inputs.bucket), inputs);
      return { id: text(inputs.bucket), outputs: {} };
    },
    async update(id, inputs) {
      await put(id, inputs);
      return {};
    },
    async delete(id) {
      await orGone(remove(id));
    },
    read: async (id) => ((await orGone(read(id))) === undefined ? undefined : {}),
  };
}

export const publicAccessBlock = part(
  (Bucket, inputs) =>
    s3().send(
      new aws.PutPublicAccessBlockCommand({
        Bucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: inputs.blockPublicAcls === true,
          BlockPublicPolicy: inputs.blockPublicPolicy === true,
          IgnorePublicAcls: inputs.ignorePublicAcls === true,
          RestrictPublicBuckets: inputs.restrictPublicBuckets === true,
        },
      }),
    ),
  (Bucket) => s3().send(new aws.DeletePublicAccessBlockCommand({ Bucket })),
  (Bucket) => s3().send(new aws.GetPublicAccessBlockCommand({ Bucket })),
);

export const ownershipControls = part(
  (Bucket, inputs) =>
    s3().send(
      new aws.PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [cased(object(inputs.rule)) as aws.OwnershipControlsRule] },
      }),
    ),
  (Bucket) => s3().send(new aws.DeleteBucketOwnershipControlsCommand({ Bucket })),
  (Bucket) => s3().send(new aws.GetBucketOwnershipControlsCommand({ Bucket })),
);

export const encryption = part(
  (Bucket, inputs) =>
    s3().send(
      new aws.PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: objects(inputs.rules).map((rule) => cased(rule) as aws.ServerSideEncryptionRule),
        },
      }),
    ),
  (Bucket) => s3().send(new aws.DeleteBucketEncryptionCommand({ Bucket })),
  (Bucket) => s3().send(new aws.GetBucketEncryptionCommand({ Bucket })),
);

const version = (Bucket: string, Status: "Enabled" | "Suspended") =>
  s3().send(new aws.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
export const versioning = part(
  (Bucket, inputs) => version(Bucket, text(object(inputs.versioningConfiguration).status) as "Enabled"),
  // A bucket that had versions once cannot be without; it can stop making new ones.
  (Bucket) => version(Bucket, "Suspended"),
  (Bucket) => s3().send(new aws.GetBucketVersioningCommand({ Bucket })),
);

export const lifecycle = part(
  (Bucket, inputs) =>
    s3().send(
      new aws.PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: objects(inputs.rules).map((rule) => {
            const { id, status, filter, expiration, ...rest } = rule;
            const named = cased(rest) as Record<string, unknown>;
            return {
              ID: text(id),
              Status: text(status),
              Filter: (cased(filter ?? {}) ?? {}) as aws.LifecycleRuleFilter,
              ...(expiration ? { Expiration: cased(expiration) } : {}),
              ...named,
            } as aws.LifecycleRule;
          }),
        },
      }),
    ),
  (Bucket) => s3().send(new aws.DeleteBucketLifecycleCommand({ Bucket })),
  (Bucket) => s3().send(new aws.GetBucketLifecycleConfigurationCommand({ Bucket })),
  { replaces: (name) => name === "bucket" },
);

export const cors = part(
  (Bucket, inputs) =>
    s3().send(
      new aws.PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: {
          CORSRules: objects(inputs.corsRules).map((rule) => ({
            AllowedHeaders: list(rule.allowedHeaders),
            AllowedMethods: list(rule.allowedMethods),
            AllowedOrigins: list(rule.allowedOrigins),
            ExposeHeaders: list(rule.exposeHeaders),
            ...(rule.maxAgeSeconds === undefined ? {} : { MaxAgeSeconds: Number(rule.maxAgeSeconds) }),
          })),
        },
      }),
    ),
  (Bucket) => s3().send(new aws.DeleteBucketCorsCommand({ Bucket })),
  (Bucket) => s3().send(new aws.GetBucketCorsCommand({ Bucket })),
);

/**
 * moto takes no notice of conditions: "deny what does not come by TLS" would deny everything. So the statements with a
 * condition are kept here and not handed on; nothing in the simulated cloud enforces them.
 */
async function putPolicy(Bucket: string, inputs: Properties): Promise<void> {
  const whole = JSON.parse(text(inputs.policy));
  const statements = [whole.Statement].flat() as { Condition?: object }[];
  const enforced = statements.filter((one) => one.Condition === undefined);
  put("bucket-policies", { id: Bucket, policy: text(inputs.policy) });
  if (enforced.length === 0) await orGone(s3().send(new aws.DeleteBucketPolicyCommand({ Bucket })));
  else {
    const Policy = JSON.stringify({ ...whole, Statement: enforced });
    await s3().send(new aws.PutBucketPolicyCommand({ Bucket, Policy }));
  }
}

export const bucketPolicy = part(
  putPolicy,
  async (Bucket) => {
    drop("bucket-policies", Bucket);
    await s3().send(new aws.DeleteBucketPolicyCommand({ Bucket }));
  },
  async (Bucket) => find("bucket-policies", Bucket),
  { json: ["policy"] },
);
