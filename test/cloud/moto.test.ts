import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type Moto, withMoto } from "./moto.ts";

async function userKey(moto: Moto, statement: object) {
  const iam = new IAMClient(moto.client());
  const UserName = "media";
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "own", PolicyDocument }));
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: `${key?.AccessKeyId}`, secretAccessKey: `${key?.SecretAccessKey}` };
}

test("with IAM enforced, a user's key can what its policy says and nothing else", async (t) => {
  const moto = await withMoto(t, { enforceIam: true });
  const owner = new S3Client(moto.client());
  for (const Bucket of ["mine", "other"])
    await owner.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } }),
    );
  const key = await userKey(moto, {
    Effect: "Allow",
    Action: ["s3:PutObject"],
    Resource: "arn:aws:s3:::mine/*",
  });
  const user = new S3Client(moto.client(key));
  const refused = { name: "AccessDenied" };

  await user.send(new PutObjectCommand({ Bucket: "mine", Key: "a", Body: "text" }));
  await assert.rejects(user.send(new GetObjectCommand({ Bucket: "mine", Key: "a" })), refused);
  await assert.rejects(user.send(new PutObjectCommand({ Bucket: "other", Key: "a", Body: "text" })), refused);
  await assert.rejects(
    new IAMClient(moto.client(key)).send(new CreateUserCommand({ UserName: "x" })),
    refused,
  );
  const unknown = new STSClient(moto.client({ accessKeyId: "AKIAUNKNOWN", secretAccessKey: "x" }));
  await assert.rejects(unknown.send(new GetCallerIdentityCommand({})), { name: "InvalidClientTokenId" });
  const wrong = new STSClient(moto.client({ ...key, secretAccessKey: "wrong" }));
  await assert.rejects(wrong.send(new GetCallerIdentityCommand({})), { name: "SignatureDoesNotMatch" });
});

test("a moto server ends with the process that started it, even when that one is killed", async () => {
  const program = `
    import { startMoto } from ${JSON.stringify(new URL("moto.ts", import.meta.url).href)};
    console.log((await startMoto()).port);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(parent.stdout.setEncoding("utf8"), "data");
  const address = `http://127.0.0.1:${`${port}`.trim()}/moto-api/`;
  assert.ok((await fetch(address)).ok);
  const child = execFileSync("ps", ["-o", "pid=", "--ppid", `${parent.pid}`], { encoding: "utf8" }).trim();
  assert.notEqual(child, "");
  parent.kill("SIGKILL");
  await once(parent, "exit");
  const alive = () => {
    try {
      process.kill(Number(child), 0);
      return true;
    } catch {
      return false;
    }
  };
  while (alive()) await new Promise((resolve) => setTimeout(resolve, 50));
});

/** A signed URL (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html). */
function signed(moto: Moto, path: string, made: Date, seconds: number): string {
  const { host } = new URL(moto.endpoint);
  const time = `${made.toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  const scope = `${time.slice(0, 8)}/${moto.region}/s3/aws4_request`;
  const query = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encodeURIComponent(`${moto.admin.accessKeyId}/${scope}`)}`,
    `X-Amz-Date=${time}`,
    `X-Amz-Expires=${seconds}`,
    "X-Amz-SignedHeaders=host",
  ].join("&");
  const request = ["GET", path, query, `host:${host}\n`, "host", "UNSIGNED-PAYLOAD"].join("\n");
  const hash = createHash("sha256").update(request).digest("hex");
  const hmac = (key: Buffer | string, text: string) => createHmac("sha256", key).update(text).digest();
  const key = scope.split("/").reduce(hmac, Buffer.from(`AWS4${moto.admin.secretAccessKey}`));
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope, hash].join("\n")).toString("hex");
  return `${moto.endpoint}${path}?${query}&X-Amz-Signature=${signature}`;
}

test("a signed link opens one private object, while it is good", async (t) => {
  const moto = await withMoto(t, { enforceIam: true });
  const s3 = new S3Client(moto.client());
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
  await s3.send(new CreateBucketCommand({ Bucket: "mine", CreateBucketConfiguration }));
  for (const Key of ["a", "b"]) await s3.send(new PutObjectCommand({ Bucket: "mine", Key, Body: Key }));
  const now = signed(moto, "/mine/a", new Date(), 60);
  assert.equal(await (await fetch(now)).text(), "a");
  const status = async (url: string) => (await fetch(url)).status;
  assert.equal(await status(now.replace("/mine/a", "/mine/b")), 403);
  assert.equal(await status(signed(moto, "/mine/a", new Date(Date.now() - 120_000), 60)), 403);
  assert.equal(await status(`${moto.endpoint}/mine/a`), 403);
});

test("a visitor without a key reads what a bucket's policy opens to everyone, unless the bucket blocks that", async (t) => {
  const moto = await withMoto(t, { enforceIam: true });
  const s3 = new S3Client(moto.client());
  const Bucket = "mine";
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  for (const Key of ["static/a", "b"]) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const status = async (path: string, method = "GET") =>
    (await fetch(`${moto.endpoint}/mine${path}`, { method })).status;
  assert.equal(await status("/static/a"), 403);
  const open = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::mine/static/*",
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [open] });
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  assert.equal(await (await fetch(`${moto.endpoint}/mine/static/a`)).text(), "static/a");
  assert.deepEqual(
    [await status("/b"), await status("/"), await status("/static/a", "PUT")],
    [403, 403, 403],
  );
  const PublicAccessBlockConfiguration = { RestrictPublicBuckets: true };
  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
  assert.equal(await status("/static/a"), 403);
});
