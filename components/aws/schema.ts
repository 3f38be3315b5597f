import { z } from "zod";
import { everyHost } from "../host/schema.ts";
import { address, cidr, port } from "../service/forms.ts";

export const awsRegion = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "expected an AWS region, such as eu-central-1" });
const vpcId = awsId("vpc", "a VPC");
const subnetIds = z.array(awsId("subnet", "a subnet")).min(1);

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
      subnets: subnetIds.describe("Ids of its public subnets; the host is in the first."),
    })
    .describe("A VPC that you have."),
  z
    .strictObject({
      kind: z.literal("own"),
      cidr: cidr
        .default("10.0.0.0/16")
        .describe("Its IPv4 network, /16 to /24; it is divided among the subnets."),
    })
    .describe("A VPC of the stack's own, in two zones."),
]);

const everyInstance = {
  instanceType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, { error: "expected an EC2 instance type, such as t4g.small" })
    .describe("The EC2 instance type; it decides between arm64 and x86_64. A change stops and starts."),
  image: awsId("ami", "a machine image")
    .optional()
    .describe(
      "The Debian 13 image to run; another one replaces the instance. Default: the newest there is when the instance is made; the output `imageOffer` names a newer one.",
    ),
  rootVolume: z
    .int()
    .min(8)
    .default(12)
    .describe("Size of the volume for the system, in GiB. It goes with the instance."),
};
const reach = z
  .strictObject({
    address: address.describe("Where the tunnel begins: an IP address or a name."),
    port: port.describe("Its port."),
  })
  .optional()
  .describe(
    "A tunnel to the instance's port 22, such as one by `connectEndpoint`. Default: its public address.",
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
      .describe("Size of the volume for everything that must survive, in GiB. It can only grow."),
    network: networkSchema.prefault({ kind: "default" }).describe("The network that the instance is in."),
    ...everyHost,
    sshFrom: z
      .array(cidr)
      .default([])
      .describe(
        "Networks from which SSH is let in. None closes port 22; a tunnel is then the way in, see docs/aws.md.",
      ),
    reach,
    connectEndpoint: z
      .boolean()
      .default(false)
      .describe(
        "Whether an EC2 Instance Connect Endpoint is made, by which AWS's CLI opens a tunnel to port 22; see docs/aws.md. A VPC has room for one.",
      ),
    protect: z
      .boolean()
      .default(false)
      .describe(
        "Whether the instance, its data and its address are kept from being deleted or replaced, and so the instances and addresses of `berth:hosts`; see `berth:allow`.",
      ),
    retainDataVolume: z
      .boolean()
      .default(true)
      .describe(
        "Whether the data volume stays in AWS when the stack is destroyed, or another volume takes its place. You pay for it until you delete it. With `false`, deployed before the stack is destroyed, it goes with all that is on it.",
      ),
    alarms: z
      .strictObject({
        email: z.email({ error: "expected an e-mail address" }).optional().describe("Who is told."),
        agent: z
          .boolean()
          .default(false)
          .describe(
            "Whether the host itself measures its disks and its memory, every minute, for alarms on them; see docs/aws.md.",
          ),
      })
      .optional()
      .describe(
        "CloudWatch alarms for the instance and those of `berth:hosts`, and an SNS topic that passes them on. Default: none.",
      ),
  })
  .describe("An EC2 instance.");
/** Region, network, who may reach its SSH, protection and alarms are the stack's, as `berth:host` has them. */
export const otherEc2Host = z
  .strictObject({ kind: z.literal("ec2"), ...everyInstance, ...everyHost, reach })
  .describe("An EC2 instance.");
