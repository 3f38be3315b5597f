import type { Finding, Rule, StackResource } from "../rule.ts";
import { group, list, unknown } from "../values.ts";

/** Buckets say how they are encrypted, so that it is seen in review and kept. */
export const bucketEncrypted: Rule = {
  name: "bucket-encrypted",
  description: "Every bucket is encrypted.",
  comply: "add a s3.BucketServerSideEncryptionConfiguration for the bucket, with AES256 or aws:kms",
  checkStack: (resources) =>
    eachBucket(resources, (bucket) => {
      const settings = settingsOf(bucket, resources, [
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
      ]);
      const encrypts = settings.some(
        ({ props }) =>
          props.rules === unknown ||
          list(props.rules).some((rule) => group(rule).applyServerSideEncryptionByDefault !== undefined),
      );
      return encrypts ? [] : ["no encryption is set for it"];
    }),
};

const blocks = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/** Nothing in a bucket is public, whatever a later policy or access list says. */
export const bucketPrivate: Rule = {
  name: "bucket-private",
  description: "Every bucket blocks all public access.",
  comply: `add a s3.BucketPublicAccessBlock for the bucket, with ${blocks.join(", ")} all true`,
  checkStack: (resources) =>
    eachBucket(resources, (bucket) => {
      const settings = settingsOf(bucket, resources, [
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
      ]);
      if (settings.length === 0) return ["no public access block is set for it"];
      return settings.flatMap(({ name, props }) => {
        const open = blocks.filter((block) => props[block] !== true && props[block] !== unknown);
        return open.length === 0 ? [] : [`${name} leaves ${open.join(", ")} off`];
      });
    }),
};

function eachBucket(
  resources: readonly StackResource[],
  faults: (bucket: StackResource) => string[],
): Finding[] {
  return resources
    .filter(({ type }) => ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"].includes(type))
    .flatMap((resource) => faults(resource).map((fault) => ({ resource, fault })));
}

/**
 * The settings of one bucket. Where both names are known, they tell. Before a bucket is made its name may not be, and
 * what tells then is from which resource the settings take it.
 */
function settingsOf(bucket: StackResource, resources: readonly StackResource[], types: readonly string[]) {
  const names = [bucket.props.bucket, bucket.props.id].filter((name) => typeof name === "string");
  return resources.filter(({ type, props, madeFrom }) => {
    if (!types.includes(type)) return false;
    if (typeof props.bucket === "string" && names.length > 0) return names.includes(props.bucket);
    return madeFrom.bucket?.includes(bucket.urn) ?? false;
  });
}
