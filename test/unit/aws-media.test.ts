import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { BackupBucket, type BackupBucketArgs } from "../../components/aws/backup-bucket.ts";
import { MediaBucket, type MediaBucketArgs } from "../../components/aws/media-bucket.ts";
import { known, record } from "./aws-mocks.ts";

const usual: MediaBucketArgs = {
  origins: ["https://shop.example.org"],
  oldVersionsDays: 30,
  retain: true,
  forceDestroy: false,
  protect: true,
};
const media = (args: Partial<MediaBucketArgs> = {}, stack = "prod") =>
  record(() => new MediaBucket("media", { ...usual, ...args }), { stack });
const statements = (policy: string) => JSON.parse(policy).Statement;
const arn = "arn:aws:mock:eu-central-1:123456789012:media-bucket";

test("the media bucket refuses plain HTTP, to the bucket and to every object", async () => {
  const { inputs } = (await media()).only("BucketPolicy");
  assert.deepEqual(statements(inputs.policy), [
    {
      Sid: "RefusePlainHttp",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [arn, `${arn}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ]);
});

test("nothing in the media bucket can be made public", async () => {
  const made = await media();
  const { bucket, ...blocks } = made.only("BucketPublicAccessBlock").inputs;
  assert.equal(bucket, made.only("s3/bucket:Bucket").inputs.bucket);
  assert.deepEqual(blocks, {
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  });
  assert.deepEqual(made.only("BucketOwnershipControls").inputs.rule, {
    objectOwnership: "BucketOwnerEnforced",
  });
  for (const { inputs } of made.resources) assert.equal(inputs.acl, undefined);
});

const addresses = {
  "aws:s3/bucket:Bucket": ({ bucket }: { bucket?: string }) => ({
    bucketRegionalDomainName: `${bucket}.s3.eu-central-1.amazonaws.com`,
  }),
  "aws:cloudfront/distribution:Distribution": () => ({ domainName: "d111111abcdef8.cloudfront.net" }),
};
const withPublic = (by: "s3" | "cloudfront") =>
  record(() => new MediaBucket("media", { ...usual, publicFiles: { folder: "static", by } }), {
    outputs: addresses,
  });

test("there are no public files unless the stack names a folder", async () => {
  const { result, all } = await media();
  assert.equal(result.publicUrl, undefined);
  assert.deepEqual(all("Distribution"), []);
});

test("public files from the bucket itself: everyone may read that folder, and nothing else", async () => {
  const made = await withPublic("s3");
  const [refused, open, ...more] = statements(made.only("BucketPolicy").inputs.policy);
  assert.equal(refused.Sid, "RefusePlainHttp");
  assert.deepEqual(open, {
    Sid: "PublicFiles",
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: `${arn}/static/*`,
    Principal: "*",
  });
  assert.deepEqual(more, []);
  const { blockPublicAcls, ignorePublicAcls } = made.only("BucketPublicAccessBlock").inputs;
  assert.deepEqual([blockPublicAcls, ignorePublicAcls], [true, true]);
  assert.equal(
    await known(made.result.publicUrl ?? ""),
    "https://shop-prod-media-0badcafe.s3.eu-central-1.amazonaws.com/static/",
  );
});

test("public files through CloudFront: the bucket stays private, and this one distribution reads that folder", async () => {
  const made = await withPublic("cloudfront");
  const [, open] = statements(made.only("BucketPolicy").inputs.policy);
  assert.deepEqual(open.Principal, { Service: "cloudfront.amazonaws.com" });
  assert.deepEqual(open.Condition, {
    StringEquals: { "AWS:SourceArn": `${arn.replace(/[^:]*$/, "")}media-delivery-distribution` },
  });
  assert.equal(open.Resource, `${arn}/static/*`);
  const { blockPublicPolicy, restrictPublicBuckets } = made.only("BucketPublicAccessBlock").inputs;
  assert.deepEqual([blockPublicPolicy, restrictPublicBuckets], [true, true]);
  const { inputs } = made.only("Distribution");
  assert.equal(inputs.defaultCacheBehavior.viewerProtocolPolicy, "redirect-to-https");
  assert.deepEqual(inputs.defaultCacheBehavior.allowedMethods, ["GET", "HEAD"]);
  // Pages of other origins may load fonts and scripts from there.
  assert.equal(inputs.defaultCacheBehavior.responseHeadersPolicyId, "60669652-455b-4ae9-85a4-c4c02393f86c");
  assert.equal(inputs.tags.component, "media");
  assert.equal(made.only("OriginAccessControl").inputs.signingBehavior, "always");
  assert.equal(inputs.origins[0].originAccessControlId, "media-delivery-access-id");
  assert.equal(await known(made.result.publicUrl ?? ""), "https://d111111abcdef8.cloudfront.net/static/");
});

test("the media bucket is encrypted and keeps what was replaced or deleted for as long as asked", async () => {
  const made = await media({ oldVersionsDays: 14 });
  const [encryption] = made.only("BucketServerSideEncryptionConfiguration").inputs.rules;
  assert.equal(encryption.applyServerSideEncryptionByDefault.sseAlgorithm, "AES256");
  assert.equal(made.only("BucketVersioning").inputs.versioningConfiguration.status, "Enabled");
  const rules = made.only("BucketLifecycleConfiguration").inputs.rules;
  assert.ok(rules.every((rule: { status: string }) => rule.status === "Enabled"));
  assert.ok(
    rules.every((rule: { filter: { prefix: string } }) => rule.filter.prefix === ""),
    "for all files",
  );
  assert.equal(rules[0].noncurrentVersionExpiration.noncurrentDays, 14);
  assert.equal(rules[0].expiration.expiredObjectDeleteMarker, true);
  assert.equal(rules[0].expiration.days, undefined, "a file that is in use never expires");
});

test("an upload that was never finished is thrown away after a week", async () => {
  const { inputs } = (await media()).only("BucketLifecycleConfiguration");
  assert.equal(inputs.rules[1].abortIncompleteMultipartUpload.daysAfterInitiation, 7);
});

test("scripts of the site's own pages may read files, and none may change any", async () => {
  const { inputs } = (await media()).only("BucketCorsConfiguration");
  assert.equal(inputs.corsRules.length, 1);
  assert.deepEqual(inputs.corsRules[0].allowedOrigins, ["https://shop.example.org"]);
  assert.deepEqual(inputs.corsRules[0].allowedMethods, ["GET", "HEAD"]);
  assert.deepEqual((await media({ origins: [] })).all("BucketCorsConfiguration"), []);
});

test("a media bucket that holds files goes only where the stack says so, and a protected one not at all", async () => {
  const prod = (await media()).only("s3/bucket:Bucket");
  assert.deepEqual([prod.inputs.forceDestroy, prod.protect], [false, true]);
  const staging = (await media({ forceDestroy: true, protect: false })).only("s3/bucket:Bucket");
  assert.deepEqual([staging.inputs.forceDestroy, staging.protect], [true, false]);
  assert.equal(staging.retainOnDelete, true);
  assert.equal((await media({ retain: false })).only("s3/bucket:Bucket").retainOnDelete, false);
});

test("the rules of a media bucket last as long as the bucket", async () => {
  const made = await media();
  const rules = made.resources.filter(({ type }) => /:s3\/bucket[A-Z]/.test(type));
  assert.equal(rules.length, 7);
  for (const rule of rules) assert.equal(rule.deletedWith, "media-bucket", rule.name);
});

test("a media bucket's name fits S3 and is the stack's own, unless one is given", async () => {
  const { result } = await media();
  assert.equal(await known(result.bucketName), "shop-prod-media-0badcafe");
  const long = await media({}, `Feature_${"x".repeat(90)}`);
  assert.match(await known(long.result.bucketName), /^[a-z0-9](-?[a-z0-9])*-0badcafe$/);
  assert.ok((await known(long.result.bucketName)).length <= 63);
  const given = await media({ bucket: "our-photos" });
  assert.equal(await known(given.result.bucketName), "our-photos");
  assert.deepEqual(given.all("RandomId"), []);
});

test("the media bucket is tagged with project, stack and component", async () => {
  assert.deepEqual((await media()).only("s3/bucket:Bucket").inputs.tags, {
    project: "shop",
    stack: "prod",
    component: "media",
    Name: "shop-prod-media",
  });
});

const backups = (args: Partial<BackupBucketArgs> = {}) =>
  record(
    () => new BackupBucket("backup-bucket", { keepDeletedDays: 30, protect: true, generation: 1, ...args }),
  );

test("the host's key adds to the backups' bucket and takes nothing away, whatever policy its user may get one day", async () => {
  const made = await backups();
  const own = statements(made.only("UserPolicy").inputs.policy);
  const allowed = own.flatMap(({ Action }: { Action: string[] }) => Action);
  const may = ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"];
  assert.deepEqual(allowed, may);
  const [plain, host, ...more] = statements(made.only("BucketPolicy").inputs.policy);
  assert.equal(plain.Sid, "RefusePlainHttp");
  const bucketArn = "arn:aws:mock:eu-central-1:123456789012:backup-bucket-bucket";
  assert.deepEqual(host, {
    Sid: "HostTakesNothingAway",
    Effect: "Deny",
    Principal: "*",
    NotAction: may,
    Resource: [bucketArn, `${bucketArn}/*`],
    Condition: {
      ArnEquals: { "aws:PrincipalArn": "arn:aws:mock:eu-central-1:123456789012:backup-bucket-user-user" },
    },
  });
  assert.deepEqual(more, []);
  assert.equal(await pulumi.isSecret(made.result.secretAccessKey), true);
});

test("the backups' bucket is private and encrypted, keeps what is deleted, and stays with its rules when the stack goes", async () => {
  const made = await backups({ keepDeletedDays: 14 });
  const { bucket, ...blocks } = made.only("BucketPublicAccessBlock").inputs;
  assert.equal(bucket, "shop-prod-backups-0badcafe");
  assert.ok(Object.values(blocks).every((block) => block === true) && Object.keys(blocks).length === 4);
  assert.equal(made.only("BucketVersioning").inputs.versioningConfiguration.status, "Enabled");
  assert.equal(made.all("BucketServerSideEncryptionConfiguration").length, 1);
  const [deleted, unfinished] = made.only("BucketLifecycleConfiguration").inputs.rules;
  assert.equal(deleted.noncurrentVersionExpiration.noncurrentDays, 14);
  assert.deepEqual(deleted.expiration, { expiredObjectDeleteMarker: true }, "what is in use never expires");
  assert.equal(unfinished.abortIncompleteMultipartUpload.daysAfterInitiation, 7);
  const parts = made.resources.filter(({ type }) => /:s3\/bucket/.test(type));
  assert.equal(parts.length, 7);
  for (const part of parts) assert.equal(part.retainOnDelete, true, part.name);
  const itself = made.only("s3/bucket:Bucket");
  assert.equal(itself.protect, true);
  assert.deepEqual(itself.inputs.tags.component, "backups");
  assert.notEqual(itself.inputs.forceDestroy, true);
});

test("the backups' bucket may be in another region than the rest, with all its rules", async () => {
  const made = await backups({ region: "eu-west-1" });
  for (const { type, inputs } of made.resources.filter(({ type }) => /:s3\/bucket/.test(type)))
    assert.equal(inputs.region, "eu-west-1", type);
  for (const { inputs } of (await backups()).resources) assert.equal(inputs.region, undefined);
});
