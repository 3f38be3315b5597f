// The simulated AWS by itself, under the real engine, with small programs.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { arch } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type Engine, type Result, withEngine } from "../engine/harness.ts";
import { until } from "../until.ts";
import { machineName } from "./aws/machines.ts";
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
  const engine = await withEngine(t, { env: { ...cloud.env, HERE: cloud.here } });
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

/** An instance with a first boot of its own, reachable by SSH, with a volume and an address. */
const host = (seed: string, more = "") => `
  const userData = ${JSON.stringify(`#cloud-config\nhostname: machine-${seed}\nruncmd:\n  - echo ${seed} >/root/seed\n`)};
  const ami = getAmiOutput({ owners: ["136693071363"], mostRecent: true, filters: [{ name: "name", values: ["debian-13-${machine.name}-*"] }] }).id;
  const role = new iam.Role("role", { name: "host", assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }] }) });
  new iam.RolePolicy("may", { name: "may", role: role.name, policy: JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:ListAllMyBuckets", Resource: "*" }] }) });
  const profile = new iam.InstanceProfile("profile", { name: "host", role: role.name });
  const group = new SecurityGroup("group", { name: "web" });
  const options = { type: "${machine.type}", size: 1, open: true, stop: true, ${more} };
  if (options.open) new SecurityGroupIngressRule("ssh", { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: process.env.HERE });
  const instance = new Instance("web", { ami, instanceType: options.type, vpcSecurityGroupIds: [group.id], iamInstanceProfile: profile.name, userData, userDataReplaceOnChange: true, rootBlockDevice: { volumeSize: 4 } });
  const volume = new Volume("data", { availabilityZone: instance.availabilityZone, size: options.size, encrypted: true }, { ignoreChanges: ["availabilityZone"] });
  const attachment = new VolumeAttachment("attached", { volumeId: volume.id, instanceId: instance.id, deviceName: "/dev/xvdf", stopInstanceBeforeDetaching: options.stop }, { deleteBeforeReplace: true });
  const address = new Eip("address", { domain: "vpc" });
  new EipAssociation("associated", { instanceId: instance.id, allocationId: address.id }, { deleteBeforeReplace: true });
  export const id = instance.id;
  export const publicIp = address.publicIp;
  export const volumeId = volume.id;
`;

const greeting = (address: string, port = 22): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 3000 });
    const end = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => end(`${data}`.slice(0, 4)));
    socket.once("timeout", () => end("silent"));
    socket.once("error", (error) => end(error.message));
  });

const greets = (address: string) =>
  until(`sshd to greet at ${address}`, async () => (await greeting(address)) === "SSH-");

test("an instance, its disk and its address live as EC2's do, from the first boot to nothing left", async (t) => {
  const { cloud, up, succeed, preview, destroy } = await withSmall(t);
  const inside = (command: string) => {
    const result = cloud.inside(command);
    assert.equal(result.code, 0, `${command}: ${result.stderr}`);
    return result.stdout.trim();
  };
  const first = await succeed(host("first"));
  assert.match((await preview(host("first"))).stdout, /\d+ unchanged/);
  assert.doesNotMatch((await preview(host("first"))).stdout, /to (create|update|replace|delete)/);
  const get = (path: string, withToken = true) => fetchInside(cloud, path, withToken);

  await t.test("its user-data is what its first boot does, and what its metadata tell", () => {
    assert.equal(inside("cat /root/seed; hostname"), "first\nmachine-first");
    assert.equal(get("meta-data/instance-id").body, first.id);
    assert.match(get("user-data").body, /^#cloud-config\nhostname: machine-first\n/);
    assert.equal(get("meta-data/instance-id", false).status, 401);
  });

  await t.test("its role's credentials can what the role may, and no more", async () => {
    const found = JSON.parse(get("meta-data/iam/security-credentials/host").body);
    const key = {
      accessKeyId: found.AccessKeyId,
      secretAccessKey: found.SecretAccessKey,
      sessionToken: found.Token,
    };
    const client = new S3Client(cloud.client(key));
    assert.deepEqual((await client.send(new ListBucketsCommand({}))).Buckets ?? [], []);
    await assert.rejects(client.send(new CreateBucketCommand({ Bucket: "no" })), { name: "AccessDenied" });
  });

  await t.test(
    "its address leads to it, to what its security groups let in and to nothing else",
    async () => {
      await greets(`${first.publicIp}`);
      inside("(while echo open | nc -l -p 81 -q 1; do :; done) >/dev/null 2>&1 & true || true");
      assert.equal(await greeting(`${first.publicIp}`, 81), "silent");
      await succeed(host("first", "open: false"));
      assert.equal(await greeting(`${first.publicIp}`), "silent");
      await succeed(host("first"));
    },
  );

  await t.test("a disk is there at once, again after a reboot, and grows; it cannot shrink", async () => {
    inside("mkfs.ext4 -q /dev/xvdf && mount /dev/xvdf /mnt && echo kept >/mnt/row && umount /mnt");
    await succeed(host("first", "size: 2"));
    assert.equal(inside("blockdev --getsize64 /dev/xvdf"), `${2 * 2 ** 30}`);
    const shrunk = await up(host("first", "size: 1"));
    assert.notEqual(shrunk.code, 0);
    assert.match(shrunk.stdout, /New size cannot be smaller than existing size: '2'/);
    inside("touch /run/before; systemctl reboot");
    await until(
      "the instance to be back",
      () => cloud.inside("test ! -e /run/before && systemctl is-active ssh").code === 0,
      () =>
        readFileSync(
          `/var/lib/berth/machines/${machineName(cloud.instance().id, cloud.folder)}/console.log`,
          "utf8",
        ),
    );
    assert.equal(inside("mount /dev/xvdf /mnt && cat /mnt/row && umount /mnt"), "kept");
  });

  await t.test("another type stops it and starts it again, the same machine", async () => {
    inside("touch /root/same /run/before");
    const other = host("first", `size: 2, type: "${machine.other}"`);
    assert.match((await preview(other)).stdout, /~ aws:ec2\/instance:Instance: \(update\)/);
    assert.equal((await succeed(other)).id, first.id);
    assert.equal(
      inside(
        "ls /root/same; test -e /run/before || echo started; mount /dev/xvdf /mnt && cat /mnt/row && umount /mnt",
      ),
      "/root/same\nstarted\nkept",
    );
  });

  await t.test("other user-data makes another one, which takes over the disk and the address", async () => {
    const second = host("second", `size: 2, type: "${machine.other}"`);
    assert.match((await preview(second)).stdout, /\+-aws:ec2\/instance:Instance: \(replace\)/);
    const made = await succeed(second);
    assert.notEqual(made.id, first.id);
    assert.deepEqual([made.publicIp, made.volumeId], [first.publicIp, first.volumeId]);
    assert.equal(
      inside("cat /root/seed; mount /dev/xvdf /mnt && cat /mnt/row && umount /mnt"),
      "second\nkept",
    );
    await greets(`${made.publicIp}`);
  });

  await t.test("nothing is left when it is destroyed", async () => {
    await destroy();
    for (const kind of ["instances", "volumes", "attachments", "addresses", "security-groups", "rules"])
      assert.deepEqual(cloud.things(kind), []);
    await cloud.close();
    assert.deepEqual(cloud.traces(), []);
  });
});

test("what AWS refuses is refused in its words, and leaves nothing", async (t) => {
  const { cloud, up, preview, destroy } = await withSmall(t);
  const refused = async (program: string, why: RegExp) => {
    const result = await up(program);
    assert.notEqual(result.code, 0);
    assert.match(result.stdout + result.stderr, why);
  };
  const image = (name: string) =>
    `getAmiOutput({ mostRecent: true, filters: [{ name: "name", values: ["debian-13-${name}-*"] }] }).id`;
  const other = machine.name === "amd64" ? "arm64" : "amd64";
  await refused(
    `new Instance("a", { ami: "ami-0", instanceType: "${machine.type}" });`,
    /InvalidAMIID\.NotFound/,
  );
  await refused(
    `new Instance("a", { ami: ${image(machine.name)}, instanceType: "t9.huge" });`,
    /Invalid value 't9\.huge' for InstanceType/,
  );
  await refused(
    `new Instance("a", { ami: ${image(other)}, instanceType: "${machine.type}" });`,
    /does not match the architecture/,
  );
  await refused(`new s3.Bucket("a", {});`, /Missing required argument 'bucket'/);
  for (const type of ["aws:rds/instance:Instance", "aws:cloudfront/distribution:Distribution"]) {
    const unknown = await preview(`new pulumi.CustomResource("${type}", "a", {});`);
    assert.ok((unknown.stdout + unknown.stderr).includes(`${type}: not available`), type);
  }
  assert.deepEqual(cloud.things("instances"), []);
  await destroy();
});

test("a volume is attached to one instance at a time, and freed with its attachment", async (t) => {
  const { cloud, up, destroy } = await withSmall(t);
  const ids = ["i-0000000000000000a", "i-0000000000000000b"];
  for (const id of ids) cloud.put("instances", { id, availabilityZone: "eu-central-1a" });
  const result = await up(`
    const volume = new Volume("data", { availabilityZone: "eu-central-1a", size: 1 });
    const attach = (name, instanceId, dependsOn) => new VolumeAttachment(name, { volumeId: volume.id, instanceId, deviceName: "/dev/xvdf" }, { dependsOn });
    attach("second", "${ids[1]}", [attach("first", "${ids[0]}", [])]);
  `);
  assert.notEqual(result.code, 0);
  assert.match(result.stdout, /VolumeInUse: vol-0[0-9a-f]{16} is already attached to an instance/);
  assert.equal(cloud.traces().filter((line) => line.startsWith("/dev/loop")).length, 1);
  await destroy();
  assert.deepEqual(cloud.traces(), [cloud.folder]);
});

/** What an instance's metadata service answers to it. */
function fetchInside(cloud: Cloud, path: string, withToken = true): { status: number; body: string } {
  const program = `
import sys, urllib.request, urllib.error
base = "http://169.254.169.254/latest/"
headers = {}
if ${withToken ? "True" : "False"}:
    asked = urllib.request.Request(base + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    headers["X-aws-ec2-metadata-token"] = urllib.request.urlopen(asked, timeout=10).read().decode()
try:
    answer = urllib.request.urlopen(urllib.request.Request(base + "${path}", headers=headers), timeout=10)
    print(answer.status, answer.read().decode(), sep="\\n", end="")
except urllib.error.HTTPError as error:
    print(error.code, end="\\n")
`;
  const result = cloud.inside(`python3 - <<'END'\n${program}\nEND`);
  assert.equal(result.code, 0, result.stderr);
  const [status = "", ...lines] = result.stdout.split("\n");
  return { status: Number(status), body: lines.join("\n") };
}
