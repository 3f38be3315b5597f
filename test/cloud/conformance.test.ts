// The simulated provider against the real one: what it knows of properties, and which changes replace and which update.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Properties } from "../../engine/plugins/values.ts";
import { reveal } from "../../engine/plugins/values.ts";
import { realPlugins, withoutRealPlugins } from "../engine/harness.ts";
import { schemas } from "./aws/schema.ts";
import { type ProviderProcess, realAws, reduced, startProvider } from "./real-provider.ts";

const tags = { project: "berth" };
const policy = (action: string) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: action, Resource: "arn:aws:s3:::b" }],
  });

/** Of each type: inputs as Berth gives them, for each of its properties another value, and what AWS adds to the state. */
const cases: Record<string, { inputs: Properties; changes: Properties; state?: Properties }> = {
  "aws:ec2/vpc:Vpc": {
    inputs: { cidrBlock: "10.0.0.0/16", enableDnsSupport: true, enableDnsHostnames: true, tags },
    changes: { cidrBlock: "10.1.0.0/16", enableDnsHostnames: false, tags: { project: "other" } },
  },
  "aws:ec2/internetGateway:InternetGateway": {
    inputs: { vpcId: "vpc-1", tags },
    changes: { vpcId: "vpc-2" },
  },
  "aws:ec2/subnet:Subnet": {
    inputs: {
      vpcId: "vpc-1",
      cidrBlock: "10.0.0.0/20",
      availabilityZone: "eu-central-1a",
      mapPublicIpOnLaunch: false,
      tags,
    },
    changes: {
      vpcId: "vpc-2",
      cidrBlock: "10.0.16.0/20",
      availabilityZone: "eu-central-1b",
      mapPublicIpOnLaunch: true,
    },
  },
  "aws:ec2/routeTable:RouteTable": {
    inputs: { vpcId: "vpc-1", tags },
    changes: { vpcId: "vpc-2", tags: {} },
  },
  "aws:ec2/route:Route": {
    inputs: { routeTableId: "rtb-1", destinationCidrBlock: "0.0.0.0/0", gatewayId: "igw-1" },
    changes: { routeTableId: "rtb-2", destinationCidrBlock: "10.9.0.0/16", gatewayId: "igw-2" },
  },
  "aws:ec2/routeTableAssociation:RouteTableAssociation": {
    inputs: { routeTableId: "rtb-1", subnetId: "subnet-1" },
    changes: { routeTableId: "rtb-2", subnetId: "subnet-2" },
  },
  "aws:ec2/natGateway:NatGateway": {
    inputs: { subnetId: "subnet-1", allocationId: "eipalloc-1", tags },
    changes: { subnetId: "subnet-2", allocationId: "eipalloc-2", tags: { project: "other" } },
  },
  "aws:ec2/securityGroup:SecurityGroup": {
    inputs: { name: "web", description: "Web", vpcId: "vpc-1", tags },
    changes: { name: "www", description: "Other", vpcId: "vpc-2", tags: { project: "other" } },
  },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
    inputs: {
      securityGroupId: "sg-1",
      ipProtocol: "tcp",
      fromPort: 22,
      toPort: 22,
      cidrIpv4: "192.0.2.0/24",
      description: "SSH",
    },
    changes: {
      securityGroupId: "sg-2",
      fromPort: 21,
      toPort: 23,
      cidrIpv4: "198.51.100.0/24",
      description: "Other",
    },
  },
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
    inputs: { securityGroupId: "sg-1", ipProtocol: "-1", cidrIpv4: "0.0.0.0/0", description: "All" },
    changes: { securityGroupId: "sg-2", cidrIpv4: "198.51.100.0/24", description: "Other" },
  },
  "aws:ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint": {
    inputs: { subnetId: "subnet-1", securityGroupIds: ["sg-1"], preserveClientIp: false, tags },
    changes: {
      subnetId: "subnet-2",
      securityGroupIds: ["sg-2"],
      preserveClientIp: true,
      tags: { project: "other" },
    },
    state: { tagsAll: tags },
  },
  "aws:ec2/keyPair:KeyPair": {
    inputs: { keyName: "web", publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA a", tags },
    changes: {
      keyName: "www",
      publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB a",
      tags: { project: "other" },
    },
  },
  "aws:ec2/instance:Instance": {
    inputs: {
      ami: "ami-1",
      instanceType: "t3.small",
      subnetId: "subnet-1",
      vpcSecurityGroupIds: ["sg-1"],
      iamInstanceProfile: "host",
      keyName: "web",
      userData: "#cloud-config\n",
      userDataReplaceOnChange: true,
      disableApiTermination: false,
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      rootBlockDevice: { volumeSize: 12, volumeType: "gp3", encrypted: true, deleteOnTermination: true },
      maintenanceOptions: { autoRecovery: "default" },
      monitoring: false,
      tags,
    },
    changes: {
      ami: "ami-2",
      subnetId: "subnet-2",
      vpcSecurityGroupIds: ["sg-2"],
      iamInstanceProfile: "other",
      keyName: "www",
      instanceType: "t3.micro",
      userData: "#cloud-config\n{}\n",
      disableApiTermination: true,
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "optional", httpPutResponseHopLimit: 1 },
      rootBlockDevice: { volumeSize: 20, volumeType: "gp3", encrypted: true, deleteOnTermination: true },
      maintenanceOptions: { autoRecovery: "disabled" },
      monitoring: true,
      tags: { project: "other" },
    },
    state: {
      securityGroups: [],
      tagsAll: tags,
      ipv6Addresses: [],
      secondaryPrivateIps: [],
      forceDestroy: false,
      getPasswordData: false,
      rootBlockDevice: {
        volumeSize: 12,
        volumeType: "gp3",
        encrypted: true,
        deleteOnTermination: true,
        deviceName: "/dev/xvda",
        iops: 3000,
        kmsKeyId: "arn:aws:kms:eu-central-1:123456789012:key/one",
        throughput: 125,
        volumeId: "vol-1",
        tags: {},
        tagsAll: {},
      },
    },
  },
  "aws:ec2transitgateway/instanceState:InstanceState": {
    inputs: { instanceId: "i-1", state: "running" },
    changes: { instanceId: "i-2", state: "stopped" },
    state: { force: false },
  },
  "aws:ebs/volume:Volume": {
    inputs: { availabilityZone: "eu-central-1a", size: 20, type: "gp3", encrypted: true, tags },
    changes: {
      availabilityZone: "eu-central-1b",
      size: 30,
      type: "gp2",
      encrypted: false,
      tags: { project: "other" },
    },
  },
  "aws:ec2/volumeAttachment:VolumeAttachment": {
    inputs: {
      volumeId: "vol-1",
      instanceId: "i-1",
      deviceName: "/dev/xvdf",
      stopInstanceBeforeDetaching: true,
    },
    changes: {
      volumeId: "vol-2",
      instanceId: "i-2",
      deviceName: "/dev/xvdg",
      stopInstanceBeforeDetaching: false,
    },
  },
  "aws:ec2/eip:Eip": { inputs: { domain: "vpc", tags }, changes: { tags: { project: "other" } } },
  "aws:ec2/eipAssociation:EipAssociation": {
    inputs: { instanceId: "i-1", allocationId: "eipalloc-1" },
    changes: { instanceId: "i-2", allocationId: "eipalloc-2" },
  },
  "aws:s3/bucket:Bucket": {
    inputs: { bucket: "berth-media", forceDestroy: false, tags },
    changes: { bucket: "berth-other", forceDestroy: true, tags: { project: "other" } },
  },
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
    inputs: {
      bucket: "berth-media",
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    changes: { bucket: "berth-other", blockPublicAcls: false },
  },
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
    inputs: { bucket: "berth-media", rule: { objectOwnership: "BucketOwnerEnforced" } },
    changes: { bucket: "berth-other", rule: { objectOwnership: "ObjectWriter" } },
  },
  "aws:s3/bucketVersioning:BucketVersioning": {
    inputs: { bucket: "berth-media", versioningConfiguration: { status: "Enabled" } },
    changes: { bucket: "berth-other", versioningConfiguration: { status: "Suspended" } },
  },
  "aws:s3/bucketPolicy:BucketPolicy": {
    inputs: { bucket: "berth-media", policy: policy("s3:GetObject") },
    changes: { bucket: "berth-other", policy: policy("s3:PutObject") },
  },
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
    inputs: {
      bucket: "berth-media",
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, bucketKeyEnabled: false }],
    },
    changes: {
      bucket: "berth-other",
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" }, bucketKeyEnabled: true }],
    },
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
    inputs: {
      bucket: "berth-media",
      rules: [
        { id: "old", status: "Enabled", filter: {}, noncurrentVersionExpiration: { noncurrentDays: 30 } },
      ],
    },
    changes: {
      bucket: "berth-other",
      rules: [
        { id: "old", status: "Enabled", filter: {}, noncurrentVersionExpiration: { noncurrentDays: 60 } },
      ],
    },
  },
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": {
    inputs: {
      bucket: "berth-media",
      corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["https://a.example"] }],
    },
    changes: {
      bucket: "berth-other",
      corsRules: [{ allowedMethods: ["GET"], allowedOrigins: ["https://b.example"] }],
    },
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    inputs: {
      name: "cpu",
      comparisonOperator: "GreaterThanThreshold",
      evaluationPeriods: 2,
      metricName: "CPUUtilization",
      namespace: "AWS/EC2",
      period: 300,
      statistic: "Average",
      threshold: 90,
      dimensions: { InstanceId: "i-1" },
      treatMissingData: "missing",
      alarmActions: ["arn:aws:sns:eu-central-1:123456789012:alarms"],
      tags,
    },
    changes: {
      name: "load",
      evaluationPeriods: 3,
      threshold: 80,
      metricName: "DiskUsed",
      namespace: "Berth/shop-prod",
      dimensions: { InstanceId: "i-2", Directory: "/" },
      treatMissingData: "breaching",
      alarmActions: ["arn:aws:sns:eu-central-1:123456789012:other"],
      tags: { project: "other" },
    },
  },
  "aws:sns/topicSubscription:TopicSubscription": {
    inputs: {
      topic: "arn:aws:sns:eu-central-1:123456789012:alarms",
      protocol: "email",
      endpoint: "a@example.org",
    },
    changes: {
      topic: "arn:aws:sns:eu-central-1:123456789012:other",
      protocol: "email-json",
      endpoint: "b@example.org",
    },
  },
  "aws:secretsmanager/secretVersion:SecretVersion": {
    inputs: { secretId: "arn:1", secretString: "hidden" },
    changes: { secretId: "arn:2", secretString: "other" },
  },
  "aws:iam/role:Role": {
    inputs: { name: "host", assumeRolePolicy: policy("sts:AssumeRole"), tags },
    changes: { name: "other", assumeRolePolicy: policy("sts:TagSession"), tags: { project: "other" } },
  },
  "aws:iam/rolePolicy:RolePolicy": {
    inputs: { name: "may", role: "host", policy: policy("s3:GetObject") },
    changes: { name: "can", role: "other", policy: policy("s3:PutObject") },
  },
  "aws:iam/instanceProfile:InstanceProfile": {
    inputs: { name: "host", role: "host", tags },
    changes: { name: "other", role: "other", tags: { project: "other" } },
  },
  "aws:iam/user:User": {
    inputs: { name: "media", tags },
    changes: { name: "other", tags: { project: "other" } },
  },
  "aws:iam/userPolicy:UserPolicy": {
    inputs: { name: "may", user: "media", policy: policy("s3:GetObject") },
    changes: { name: "can", user: "other", policy: policy("s3:PutObject") },
  },
  "aws:iam/accessKey:AccessKey": {
    inputs: { user: "media" },
    changes: { user: "other", status: "Inactive" },
  },
  "aws:sns/topic:Topic": {
    inputs: { name: "alarms", tags },
    changes: { name: "other", tags: { project: "other" } },
  },
  "aws:route53/record:Record": {
    inputs: { zoneId: "Z1", name: "shop.example.org", type: "A", ttl: 300, records: ["192.0.2.1"] },
    changes: { zoneId: "Z2", ttl: 60, records: ["192.0.2.2"] },
  },
  "aws:secretsmanager/secret:Secret": {
    inputs: { name: "berth/one", description: "One", recoveryWindowInDays: 7, tags },
    changes: { name: "berth/two", description: "Two", recoveryWindowInDays: 0, tags: { project: "other" } },
  },
  "aws:ssm/parameter:Parameter": {
    inputs: { name: "/berth/one", type: "SecureString", value: "hidden", description: "One", tags },
    changes: { name: "/berth/two", value: "other", description: "Two", tags: { project: "other" } },
  },
};

let real: ProviderProcess;
let simulated: ProviderProcess;
let folder = "";

before(async () => {
  if (!realPlugins) return;
  folder = mkdtempSync(join(tmpdir(), "berth-cloud-"));
  const moto = { endpoint: "http://127.0.0.1:9", accessKeyId: "x", secretAccessKey: "x" };
  writeFileSync(
    join(folder, "cloud.json"),
    JSON.stringify({ region: "eu-central-1", account: "123456789012", moto }),
  );
  const main = join(import.meta.dirname, "aws/main.ts");
  [real, simulated] = await Promise.all([
    startProvider(realAws(realPlugins)),
    startProvider(process.execPath, [main], { ...process.env, BERTH_CLOUD: folder }),
  ]);
  const offline = {
    skipCredentialsValidation: "true",
    skipRequestingAccountId: "true",
    skipMetadataApiCheck: "true",
  };
  const common = { region: "eu-central-1", accessKey: "x", secretKey: "x", ...offline };
  await Promise.all([real.configure(common), simulated.configure({ region: "eu-central-1" })]);
});

after(() => {
  real?.stop();
  simulated?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

test("the properties it knows are the real provider's", { skip: withoutRealPlugins }, async () => {
  assert.deepEqual(schemas(), reduced(await real.schema()));
});

for (const [type, { inputs, changes, state: added }] of Object.entries(cases)) {
  test(`${type} updates and is replaced by the changes that do so in AWS`, {
    skip: withoutRealPlugins,
  }, async () => {
    const outcome = async (provider: ProviderProcess) => {
      const olds = await provider.check(type, inputs);
      assert.deepEqual(olds.failures, []);
      const state = { ...(reveal(olds.inputs) as Properties), ...added, id: "id-1", region: "eu-central-1" };
      const request = { id: "id-1", state, oldInputs: olds.inputs };
      // The real one's word for a replacement of the whole, where no property alone demands it: of no use where this
      // state, which nothing has made, is reason enough.
      const asItIs = await provider.diff(type, { ...request, news: olds.inputs });
      const whole = asItIs.replaced.includes("__meta") ? [] : ["__meta"];
      const found: Record<string, string> = {};
      for (const [name, value] of Object.entries(changes)) {
        const news = await provider.check(type, { ...inputs, [name]: value }, olds.inputs);
        const { changed, replaced } = await provider.diff(type, { ...request, news: news.inputs });
        found[name] = [name, ...whole].some((one) => replaced.includes(one))
          ? "replaces"
          : changed.includes(name)
            ? "updates"
            : "is no change";
      }
      return found;
    };
    assert.deepEqual(await outcome(simulated), await outcome(real));
  });
}

test("every resource that it carries is compared", () => {
  const missing = Object.keys(schemas()).filter((type) => cases[type] === undefined);
  assert.deepEqual(missing, []);
});
