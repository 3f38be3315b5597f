// Whether a bucket can have its name.
import { getBucket } from "@pulumi/aws/s3/getBucket.js";
import { limits } from "../naming.ts";
import { type Ask, asked, unclear } from "./answers.ts";

/** Beginnings and ends that S3 keeps for itself (the page of {@link limits.bucket}). */
const reservedBuckets =
  /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-an)$|^\d+\.\d+\.\d+\.\d+$/;

export async function bucketFaults(key: string, bucket: string | undefined, ask: Ask): Promise<string[]> {
  if (bucket === undefined) return [];
  const rule = bucketRule(bucket);
  if (rule !== undefined) return [`${key}: expected ${rule}; found "${bucket}".`];
  const answer = await asked(getBucket({ bucket }, ask), /couldn't find resource|NoSuchBucket|NotFound/);
  if (answer.error === undefined) {
    // None, or the account's: then it is this stack's, or S3 refuses to make it.
    return [];
  }
  return /StatusCode: (403|301)|Forbidden|AccessDenied|PermanentRedirect/.test(answer.error)
    ? [
        `${key}: expected a name that nobody in the world has taken, or this stack's own bucket; found "${bucket}", which is another account's ` +
          "(or this one may not look at it: s3:ListBucket). Choose another, or none for a generated name.",
      ]
    : [unclear(key, answer.error)];
}

/** What a name of a bucket must be and this one is not; undefined when it is all of it. */
function bucketRule(bucket: string): string | undefined {
  if (bucket.length < 3 || bucket.length > limits.bucket) {
    return `a name of 3 to ${limits.bucket} characters, not ${bucket.length}`;
  }
  if (!/^[a-z0-9][a-z0-9-]*[a-z0-9]$/.test(bucket)) {
    return "a name of lower-case letters, digits and hyphens inside of it (no dots: HTTPS would not reach it)";
  }
  return reservedBuckets.test(bucket)
    ? "a name whose beginning or end S3 does not keep for itself"
    : undefined;
}
