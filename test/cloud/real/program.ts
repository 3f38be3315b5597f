// Everything of a stack that is on AWS, as a program of its own: what test/cloud/components.test.ts runs under the
// real engine and the real plugin. What a test changes is in shape.json.
import { readFileSync } from "node:fs";
import { Provider } from "@pulumi/aws/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { Alarms } from "../../../components/aws/alarms.ts";
import { checkCloud } from "../../../components/aws/checks/checks.ts";
import { Dns } from "../../../components/aws/dns.ts";
import { IamUser } from "../../../components/aws/iam-user.ts";
import { InstanceRole } from "../../../components/aws/instance-role.ts";
import { mediaPolicy } from "../../../components/aws/media-access.ts";
import { MediaBucket } from "../../../components/aws/media-bucket.ts";
import { Network, type NetworkChoice } from "../../../components/aws/network.ts";
import { SecretMirror } from "../../../components/aws/secret-mirror.ts";
import { SecurityGroups } from "../../../components/aws/security-groups.ts";
import { Ec2Host } from "../../../components/ec2/ec2-host.ts";
import { HostMetrics, metricsNamespace, metricsPolicy } from "../../../components/ec2/host-metrics.ts";

export interface Shape {
  readonly network: NetworkChoice;
  readonly sshFrom: readonly string[];
  readonly instanceType: string;
  /** None asks for the newest Debian 13. */
  readonly image?: string;
  /** Whether the stack names it: then another one replaces the instances. @default true */
  readonly imagePinned?: boolean;
  readonly dataVolume: number;
  readonly zone: string;
  readonly names: readonly string[];
  /** A name of the bucket's; none makes one up. */
  readonly bucket?: string;
  /** A folder of the bucket that everyone may read. */
  readonly publicFolder?: string;
  readonly oldVersionsDays: number;
  readonly keyGeneration: number;
  readonly secret: string;
  /** More tags for everything. */
  readonly tags: Readonly<Record<string, string>>;
  /** An SSH server that stands in for the instance's, which is none. */
  readonly sshd: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly hostKey: string;
  };
  readonly sshKey: string;
}

const shape: Shape = JSON.parse(readFileSync("shape.json", "utf8"));

// A machine of moto's does not run: the steps on it reach the stand-in, and do nothing there.
function withoutMachine(type: string, props: pulumi.Inputs): pulumi.Inputs {
  const connection = { ...shape.sshd, privateKey: shape.sshKey };
  switch (type) {
    case "command:local:Command":
      return { create: "true", triggers: props.triggers };
    case "command:remote:Command":
      return { connection, create: "true", triggers: props.triggers };
    // moto does not keep an instance's maintenance options, nor the description of a rule from group to group: each
    // refresh would miss them.
    case "aws:ec2/instance:Instance":
      return { ...props, maintenanceOptions: undefined };
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
      return props.referencedSecurityGroupId ? { ...props, description: undefined } : props;
    default:
      return props;
  }
}

pulumi.runtime.registerStackTransformation(({ type, props, opts }) => ({
  props: {
    ...withoutMachine(type, props),
    ...(props.tags ? { tags: { ...props.tags, ...shape.tags } } : {}),
  },
  opts,
}));

const otherType = "t3.micro";
const provider = new Provider("account", { region: "eu-central-1", s3UsePathStyle: true });
const facts = await checkCloud(
  {
    host: {
      region: "eu-central-1",
      instanceType: shape.instanceType,
      image: shape.image,
      dataVolume: shape.dataVolume,
      network: shape.network,
    },
    others: { tasks: { instanceType: otherType, image: shape.image } },
    zone: shape.zone,
    names: shape.names,
    buckets: { "media.bucket": shape.bucket },
  },
  provider,
);

class Everything extends pulumi.ComponentResource {}
const parent = new Everything("berth:test:Everything", "everything", {}, { providers: [provider] });

const { zone } = facts;
const place = shape.network.kind === "given" ? shape.network : { ...shape.network, zone };
const network = new Network("network", place, { parent });
const groups = new SecurityGroups(
  "groups",
  {
    vpcId: network.vpcId,
    sshFrom: shape.sshFrom,
    privateServices: true,
    othersReach: { postgres: 5432, redis: 6380 },
  },
  { parent },
);
const bucket = new MediaBucket(
  "media",
  {
    bucket: shape.bucket,
    origins: shape.names.map((name) => `https://${name}`),
    oldVersionsDays: shape.oldVersionsDays,
    retain: false,
    forceDestroy: true,
    protect: false,
    publicFiles: shape.publicFolder === undefined ? undefined : { folder: shape.publicFolder, by: "s3" },
  },
  { parent },
);
const policy = bucket.arn.apply((arn) => mediaPolicy(arn, true));
const user = new IamUser("user", { policy, generation: shape.keyGeneration }, { parent });
const role = new InstanceRole(
  "role",
  { policies: { media: policy, metrics: metricsPolicy(metricsNamespace()) } },
  { parent },
);
for (const to of ["secrets-manager", "parameter-store"] as const) {
  new SecretMirror(to, { to, secrets: { database: pulumi.secret(shape.secret) } }, { parent });
}
const common = {
  imagePinned: shape.imagePinned ?? true,
  subnetId: network.publicSubnetIds.apply((ids) => ids[0] as string),
  zone: network.zone,
  instanceProfile: role.profileName,
  rootVolume: 12,
  protect: false,
};
const host = new Ec2Host(
  "web",
  {
    ...common,
    instanceType: shape.instanceType,
    image: facts.image,
    existing: facts.existing,
    securityGroupIds: [groups.webId],
    data: { volume: shape.dataVolume, retain: false, directories: ["/srv/data"], services: [] },
  },
  { parent },
);
const other = new Ec2Host(
  "tasks",
  {
    ...common,
    instanceType: otherType,
    image: facts.others.tasks?.image as string,
    existing: facts.others.tasks?.existing,
    securityGroupIds: [groups.othersId as pulumi.Output<string>],
    way: [groups],
  },
  { parent },
);
const measured = new HostMetrics("metrics", { host }, { parent });
const alarms = new Alarms(
  "alarms",
  {
    instanceId: host.instanceId,
    email: "ops@example.org",
    measured: { namespace: metricsNamespace(), by: measured },
  },
  { parent },
);
new Alarms("tasks-alarms", { instanceId: other.instanceId, topicArn: alarms.topicArn }, { parent });
const dns = new Dns("dns", { zone: shape.zone, names: shape.names, address: host.address }, { parent });

export const address = host.address;
export const instanceId = host.instanceId;
export const toDo = dns.toDo;
export const vpc = network.vpcId;
export const webGroup = groups.webId;
export const othersGroup = groups.othersId;
export const otherInstanceId = other.instanceId;
export const privateGroup = groups.privateId;
export const publicSubnets = network.publicSubnetIds;
export const privateSubnets = network.privateSubnetIds;
export const bucketName = bucket.bucketName;
export const accessKeyId = user.accessKeyId;
