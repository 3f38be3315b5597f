// What the application's key can and cannot, asked of a server that obeys IAM policies.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListUsersCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DescribeParametersCommand, SSMClient } from "@aws-sdk/client-ssm";
import { backupPolicy } from "../../components/aws/backup-access.ts";
import { mediaPolicy } from "../../components/aws/media-access.ts";
import { withMoto } from "./moto.ts";

const Bucket = "shop-prod-media";
const other = "shop-prod-media-of-others";

const userOf = (t: TestContext, mayDelete: boolean) =>
  userWith(t, mediaPolicy(`arn:aws:s3:::${Bucket}`, mayDelete));

/** Two buckets with a file in each, and the key of a user whose policy is about the first. */
async function userWith(t: TestContext, PolicyDocument: string) {
  const moto = await withMoto(t, { enforceIam: true });
  const owner = new S3Client(moto.client());
  for (const name of [Bucket, other]) {
    await owner.send(
      new CreateBucketCommand({
        Bucket: name,
        CreateBucketConfiguration: { LocationConstraint: moto.region as "eu-central-1" },
      }),
    );
    await owner.send(new PutObjectCommand({ Bucket: name, Key: "photos/there.jpg", Body: "there" }));
  }
  const iam = new IAMClient(moto.client());
  const UserName = "uploader";
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "media", PolicyDocument }));
  const { AccessKey: made } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const key = { accessKeyId: `${made?.AccessKeyId}`, secretAccessKey: `${made?.SecretAccessKey}` };
  return { settings: moto.client(key), s3: new S3Client(moto.client(key)), owner };
}

const read = async (s3: S3Client, Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();

/** AccessDenied; where a service speaks JSON, moto says it in XML all the same, and the SDK makes neither of it. */
function isRefusal(error: Error & { $response?: { statusCode?: number } }): boolean {
  return (
    error.name === "AccessDenied" || (error.name === "SyntaxError" && error.$response?.statusCode === 403)
  );
}

test("the application lists its bucket and reads, creates and updates what is in it", async (t) => {
  const { s3 } = await userOf(t, false);
  const Key = "photos/new.jpg";
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "first" }));
  assert.equal(await read(s3, Key), "first");
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "second" }));
  assert.equal(await read(s3, Key), "second");
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "photos/" }));
  assert.deepEqual(
    Contents?.map((entry) => entry.Key),
    [Key, "photos/there.jpg"],
  );
});

test("the application uploads a large file in parts, and may give it up half way", async (t) => {
  const { s3 } = await userOf(t, false);
  const Key = "films/long.mp4";
  const begin = async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: "all of it" };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    return { UploadId, ETag };
  };
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: (await begin()).UploadId }));
  const { UploadId, ETag } = await begin();
  const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  assert.equal(await read(s3, Key), "all of it");
});

test("the application deletes files only where the stack lets it", async (t) => {
  const file = { Bucket, Key: "photos/there.jpg" };
  const { s3: mayNot } = await userOf(t, false);
  await assert.rejects(mayNot.send(new DeleteObjectCommand(file)), { name: "AccessDenied" });
  assert.equal(await read(mayNot, file.Key), "there");

  const { s3: may } = await userOf(t, true);
  await may.send(new DeleteObjectCommand(file));
  await assert.rejects(may.send(new GetObjectCommand(file)), { name: "NoSuchKey" });
});

for (const mayDelete of [false, true]) {
  const title = mayDelete ? "that may delete" : "that may not delete";
  test(`an application ${title} is refused another bucket, its own bucket's rules and every other service`, async (t) => {
    const { s3, settings } = await userOf(t, mayDelete);
    const file = { Bucket: other, Key: "photos/there.jpg" };
    const open = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: "*" }],
    });
    const attempts: Record<string, () => Promise<unknown>> = {
      "list another bucket": () => s3.send(new ListObjectsV2Command({ Bucket: other })),
      "read from another bucket": () => s3.send(new GetObjectCommand(file)),
      "write to another bucket": () => s3.send(new PutObjectCommand({ ...file, Body: "x" })),
      "delete from another bucket": () => s3.send(new DeleteObjectCommand(file)),
      "see which buckets there are": () => s3.send(new ListBucketsCommand({})),
      "make a bucket": () => s3.send(new CreateBucketCommand({ Bucket: "one-more" })),
      "delete its bucket": () => s3.send(new DeleteBucketCommand({ Bucket })),
      "read its bucket's policy": () => s3.send(new GetBucketPolicyCommand({ Bucket })),
      "open its bucket to everyone": () => s3.send(new PutBucketPolicyCommand({ Bucket, Policy: open })),
      "take its bucket's policy away": () => s3.send(new DeleteBucketPolicyCommand({ Bucket })),
      "see the account's users": () => new IAMClient(settings).send(new ListUsersCommand({})),
      "make itself another key": () =>
        new IAMClient(settings).send(new CreateAccessKeyCommand({ UserName: "uploader" })),
      "see the account's secrets": () => new SecretsManagerClient(settings).send(new ListSecretsCommand({})),
      "see the account's parameters": () => new SSMClient(settings).send(new DescribeParametersCommand({})),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      await assert.rejects(attempt(), isRefusal, `the key could ${what}, or was refused for another reason`);
    }
  });
}

test("the key of a host that makes backups writes, reads and deletes there, and what it deletes stays as a version", async (t) => {
  const { s3, owner } = await userWith(t, backupPolicy(`arn:aws:s3:::${Bucket}`));
  const versioned = (Status: "Enabled" | "Suspended") =>
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } });
  await owner.send(versioned("Enabled"));
  const Key = "prod-shop/files/snapshots/1";
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "kept" }));
  assert.ok(VersionId);
  assert.equal(await read(s3, Key), "kept");
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "garbage" }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const Rules = [
    {
      ID: "all",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    },
  ];
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  const attempts: Record<string, () => Promise<unknown>> = {
    "delete a version": () => s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId })),
    "delete versions at once": () =>
      s3
        .send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId }] } }))
        .then(({ Errors }) => {
          throw Object.assign(new Error(), { name: Errors?.[0]?.Code });
        }),
    "turn versions off": () => s3.send(versioned("Suspended")),
    "let versions go sooner": () =>
      s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } })),
    "take the lifecycle away": () => s3.send(new DeleteBucketLifecycleCommand({ Bucket })),
    "change the bucket's policy": () => s3.send(new PutBucketPolicyCommand({ Bucket, Policy })),
    "take the bucket's policy away": () => s3.send(new DeleteBucketPolicyCommand({ Bucket })),
    "delete the bucket": () => s3.send(new DeleteBucketCommand({ Bucket })),
    "write to another bucket": () => s3.send(new PutObjectCommand({ Bucket: other, Key, Body: "x" })),
  };
  for (const [what, attempt] of Object.entries(attempts))
    await assert.rejects(attempt(), isRefusal, `the key could ${what}, or was refused for another reason`);
  const past = await owner.send(new GetObjectCommand({ Bucket, Key, VersionId }));
  assert.equal(await past.Body?.transformToString(), "kept");
});
