// What AWS answers to what a stack looks up there.
import type { Surroundings } from "./aws-mocks.ts";

export type Answers = NonNullable<Surroundings["answers"]>;

/** A look-up that fails with this text. */
export const fails = (what: string) => () => {
  throw new Error(what);
};

/** An account that can give all that a stack wants. The texts of failures are those of the provider of AWS. */
export const willing: Answers = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: "123456789012" }),
  "aws:ec2/getInstanceType:getInstanceType": ({ instanceType }) => ({
    defaultVcpus: instanceType.endsWith("2xlarge") ? 8 : 2,
    supportedArchitectures: instanceType.startsWith("t4g") ? ["arm64"] : ["i386", "x86_64"],
  }),
  "aws:ec2/getAmi:getAmi": ({ owners, filters }) => {
    const by = Object.fromEntries(
      filters.map((filter: { name: string; values: string[] }) => [filter.name, filter.values[0]]),
    );
    if (owners === undefined) return { id: by["image-id"], architecture: "x86_64" };
    const offered = ["debian-13-arm64-*", "debian-13-amd64-*"];
    if (owners[0] !== "136693071363" || !offered.includes(by.name))
      fails("* Your query returned no results.")();
    return { id: `newest ${by.name}`, architecture: by.architecture };
  },
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": () => ({
    locations: ["eu-central-1b", "eu-central-1a"],
  }),
  "aws:ec2/getInstances:getInstances": () => ({ ids: [] }),
  "aws:ec2/getSubnet:getSubnet": ({ id }) => ({
    availabilityZone: id === "subnet-1" ? "eu-central-1b" : "eu-central-1a",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    names: ["eu-central-1b", "eu-central-1a"],
  }),
  "aws:ebs/getEbsVolumes:getEbsVolumes": () => ({ ids: [] }),
  "aws:ec2/getVpc:getVpc": ({ id }) => ({ id: id ?? "vpc-default" }),
  "aws:ec2/getSubnets:getSubnets": () => ({ ids: ["subnet-1", "subnet-2"] }),
  "aws:route53/getZone:getZone": () => ({
    zoneId: "Z1",
    arn: "arn:aws:route53:::hostedzone/Z1",
  }),
  "aws:route53/getRecords:getRecords": () => ({ resourceRecordSets: [] }),
  "aws:ec2/getEips:getEips": () => ({ publicIps: [] }),
  "aws:servicequotas/getServiceQuota:getServiceQuota": () => ({ value: 32 }),
  "aws:s3/getBucket:getBucket": fails("* reading S3 Bucket (x): couldn't find resource"),
};
