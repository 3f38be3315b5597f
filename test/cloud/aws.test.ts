// The simulated AWS by itself, under the real engine, with small programs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type Engine, type Result, withEngine } from "../engine/harness.ts";
import { type Cloud, withCloud } from "./harness.ts";

interface Small {
  readonly cloud: Cloud;
  readonly engine: Engine;
  /** `pulumi up` of this program text; a failure is a result. */
  up(program: string): Promise<Result>;
  succeed(program: string): Promise<Record<string, string>>;
  preview(program: string): Promise<Result>;
  destroy(): Promise<void>;
}

async function withSmall(t: TestContext): Promise<Small> {
  let closeCloud = async () => {};
  const cloud = await withCloud({ after: (clean) => (closeCloud = clean) });
  const engine = await withEngine(t, { env: cloud.env });
  cloud.placeProvider(engine.home);
  t.after(() => closeCloud());
  const cwd = engine.project({ "index.ts": "" });
  const write = (program: string) => writeFileSync(join(cwd, "index.ts"), imports + program);
  const imports = `
    import * as pulumi from "@pulumi/pulumi";
    import { Instance } from "@pulumi/aws/ec2/instance.js";
    import { Eip } from "@pulumi/aws/ec2/eip.js";
    import { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
    import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
    import { Volume } from "@pulumi/aws/ebs/volume.js";
    import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
    import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
    import { getAmiOutput } from "@pulumi/aws/ec2/getAmi.js";
    import * as iam from "@pulumi/aws/iam/index.js";
    import * as s3 from "@pulumi/aws/s3/index.js";
  `;
  await engine.succeed(["stack", "init", "small"], { cwd });
  const up = (program: string) => {
    write(program);
    return engine.pulumi(["up", "--yes", "--skip-preview"], { cwd, timeout: 300_000 });
  };
  return {
    cloud,
    engine,
    up,
    async succeed(program) {
      const result = await up(program);
      assert.equal(result.code, 0, result.stdout + result.stderr);
      return JSON.parse(
        (await engine.succeed(["stack", "output", "--json", "--show-secrets"], { cwd })).stdout,
      );
    },
    preview(program) {
      write(program);
      return engine.pulumi(["preview", "--diff"], { cwd });
    },
    async destroy() {
      await engine.succeed(["destroy", "--yes", "--skip-preview"], { cwd, timeout: 300_000 });
    },
  };
}

const machine =
  arch() === "arm64"
    ? { type: "t4g.micro", other: "t4g.small", name: "arm64" }
    : { type: "t3.micro", other: "t3.small", name: "amd64" };

test("an IAM user's key writes its own bucket, and neither reads it nor sees another", async (t) => {
  const { cloud, succeed, destroy } = await withSmall(t);
  const program = `
    const buckets = ["own", "other"].map((name) => new s3.Bucket(name, { bucket: "berth-trial-" + name, forceDestroy: true }));
    new s3.BucketPublicAccessBlock("block", { bucket: buckets[0].bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true });
    new s3.BucketVersioning("versions", { bucket: buckets[0].bucket, versioningConfiguration: { status: "Enabled" } });
    const deny = { Effect: "Deny", Principal: "*", Action: "s3:*", Condition: { Bool: { "aws:SecureTransport": "false" } } };
    new s3.BucketPolicy("tls", { bucket: buckets[0].bucket, policy: buckets[0].arn.apply((arn) => JSON.stringify({ Version: "2012-10-17", Statement: [{ ...deny, Resource: [arn, arn + "/*"] }] })) });
    const user = new iam.User("user", { name: "writer" });
    new iam.UserPolicy("may", { name: "may", user: user.name, policy: buckets[0].arn.apply((arn) => JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:PutObject", Resource: arn + "/*" }] })) });
    const key = new iam.AccessKey("key", { user: user.name });
    export const accessKeyId = key.id;
    export const secretAccessKey = key.secret;
  `;
  const { accessKeyId = "", secretAccessKey = "" } = await succeed(program);
  const client = new S3Client(cloud.client({ accessKeyId, secretAccessKey }));
  const refused = { name: "AccessDenied" };
  await client.send(new PutObjectCommand({ Bucket: "berth-trial-own", Key: "a", Body: "text" }));
  await assert.rejects(client.send(new GetObjectCommand({ Bucket: "berth-trial-own", Key: "a" })), refused);
  await assert.rejects(
    client.send(new PutObjectCommand({ Bucket: "berth-trial-other", Key: "a", Body: "" })),
    refused,
  );
  const again = await succeed(program);
  assert.equal(again.accessKeyId, accessKeyId);
  await destroy();
  const left = await new S3Client(cloud.client()).send(new ListBucketsCommand({}));
  assert.deepEqual(left.Buckets ?? [], []);
});
