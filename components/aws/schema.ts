import { z } from "zod";
import { everyHost } from "../host/schema.ts";
import { address, cidr, port } from "../service/forms.ts";

export const awsRegion = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "expected an AWS region, such as eu-central-1" });
const vpcId = awsId("vpc", "a VPC");
const subnetIds = z.array(awsId("subnet", "a subnet")).min(1);

/** Whether instances of a type have CPU credits: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances.html */
export const isBurstable = (instanceType: string): boolean => /^t\d/.test(instanceType);

/** The id that EC2 gives to a thing of one kind: `PREFIX-` and 8 or 17 hexadecimal digits. */
function awsId(prefix: string, kind: string) {
  return z.string().regex(new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`), {
    error: `expected the id of ${kind}, such as ${prefix}-0123456789abcdef0`,
  });
}

export const networkSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("default") }).describe("The account's default VPC."),
  z
    .strictObject({
      kind: z.literal("given"),
      vpc: vpcId.describe("Id of the VPC."),
      subnets: subnetIds.describe("Ids of its public subnets. The host is in the first one."),
    })
    .describe("A VPC that you have."),
  z
    .strictObject({
      kind: z.literal("own"),
      cidr: cidr
        .default("10.0.0.0/16")
        .describe("Its IPv4 network, /16 to /24. Berth divides it among the subnets."),
    })
    .describe("A VPC of the stack's own, in two zones."),
]);

const everyInstance = {
  instanceType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, { error: "expected an EC2 instance type, such as t4g.small" })
    .describe(
      "The EC2 instance type. It decides between arm64 and x86_64. A change stops and starts the instance.",
    ),
  image: awsId("ami", "a machine image")
    .optional()
    .describe(
      "The Debian 13 image. A change replaces the instance. Default: the newest one when the instance is made. The output `imageOffer` names a newer one.",
    ),
  cpuCredits: z
    .enum(["standard", "unlimited"])
    .optional()
    .describe(
      "What becomes of an instance of a `t` type that has used up its CPU credits. With `unlimited` it stays as fast, and AWS charges for it; with `standard` AWS slows it down. Default: the account's choice, `unlimited` unless you have changed it.",
    ),
  rootVolume: z
    .int()
    .min(8)
    .default(12)
    .describe("Size of the system's volume, in GiB. It is deleted with the instance."),
};
const reach = z
  .strictObject({
    address: address.describe("Where the tunnel begins: an IP address or a name."),
    port: port.describe("Its port."),
  })
  .optional()
  .describe(
    "Where a tunnel to the instance's port 22 begins, for example one through `connectEndpoint`. Default: none; Berth connects to the public address.",
  );

export const ec2Host = z
  .strictObject({
    kind: z.literal("ec2"),
    region: awsRegion.describe("The AWS region."),
    ...everyInstance,
    dataVolume: z
      .int()
      .min(8)
      .default(20)
      .describe(
        "Size of the volume for the database, uploads and other data, in GiB. It can grow but not shrink.",
      ),
    dataVolumeFrom: awsId("snap", "an EBS snapshot")
      .optional()
      .describe(
        "The EBS snapshot that the data volume begins with. On a stack that has a data volume, another snapshot replaces the volume, and the preview says so; see docs/aws.md. Default: a new volume begins empty, and an existing one stays.",
      ),
    network: networkSchema.prefault({ kind: "default" }).describe("The network that the instance is in."),
    ...everyHost,
    sshFrom: z
      .array(cidr)
      .default([])
      .describe(
        "Networks that may connect by SSH. An empty list closes port 22, and you connect through a tunnel; see docs/aws.md.",
      ),
    reach,
    connectEndpoint: z
      .boolean()
      .default(false)
      .describe(
        "Whether to make an EC2 Instance Connect Endpoint, through which AWS's CLI opens a tunnel to port 22; see docs/aws.md. A VPC has room for one.",
      ),
    protect: z
      .boolean()
      .default(false)
      .describe(
        "Whether Berth and AWS refuse to delete or replace the instance, its data and its address, and the instances and addresses of `hosts`. `allow` lifts this for a while.",
      ),
    retainDataVolume: z
      .boolean()
      .default(true)
      .describe(
        "Whether the data volume stays in AWS when you destroy the stack, or when another volume takes its place. You pay for it until you delete it. To have it deleted with all its data, deploy `false` before you destroy the stack.",
      ),
    alarms: z
      .strictObject({
        email: z
          .email({ error: "expected an e-mail address" })
          .optional()
          .describe("An address that gets a message when an alarm begins or ends."),
        agent: z
          .boolean()
          .default(false)
          .describe(
            "Whether the host measures its disks and memory every minute, for alarms on them; see docs/aws.md.",
          ),
      })
      .optional()
      .describe(
        "CloudWatch alarms for the instance and those of `hosts`, with an SNS topic that sends them. Default: none.",
      ),
  })
  .describe("An EC2 instance.");
/** Region, network, who may reach its SSH, protection and alarms are the stack's, as `host` has them. */
export const otherEc2Host = z
  .strictObject({ kind: z.literal("ec2"), ...everyInstance, ...everyHost, reach })
  .describe("An EC2 instance.");
