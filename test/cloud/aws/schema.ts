// The properties of the types that the simulator carries, taken from the real provider's own schema (aws 7.48.0) by
// ../real-provider.ts. ../conformance.test.ts finds out when the two part.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface ResourceSchema {
  /** Name and type of each input; "object" for a nested one. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly required: readonly string[];
  /** Inputs, and paths in nested ones, whose change makes a new resource. */
  readonly replaces: readonly string[];
  /** Inputs that AWS fills in where they are not given: their absence is no change. */
  readonly computed: readonly string[];
  readonly secrets: readonly string[];
  readonly outputs: readonly string[];
}
export type Schema = Readonly<Record<string, ResourceSchema>>;

const named = (module: string, names: string) =>
  names.split(" ").map((name) => `aws:${module}/${name.charAt(0).toLowerCase()}${name.slice(1)}:${name}`);

/** Every resource type of the simulator; all others are refused by name. */
export const carried: readonly string[] = [
  ...named(
    "ec2",
    "Vpc InternetGateway Subnet RouteTable Route RouteTableAssociation NatGateway SecurityGroup",
  ),
  ...named("ec2", "KeyPair Instance Eip EipAssociation VolumeAttachment"),
  ...named("ec2transitgateway", "InstanceConnectEndpoint InstanceState"),
  ...named("ebs", "Volume"),
  ...named("vpc", "SecurityGroupIngressRule SecurityGroupEgressRule"),
  ...named("s3", "Bucket BucketPublicAccessBlock BucketOwnershipControls BucketVersioning BucketPolicy"),
  ...named(
    "s3",
    "BucketServerSideEncryptionConfiguration BucketLifecycleConfiguration BucketCorsConfiguration",
  ),
  ...named("iam", "Role RolePolicy InstanceProfile User UserPolicy AccessKey"),
  ...named("cloudwatch", "MetricAlarm"),
  ...named("sns", "Topic TopicSubscription"),
  ...named("route53", "Record"),
  ...named("secretsmanager", "Secret SecretVersion"),
  ...named("ssm", "Parameter"),
];

export const schemas = (): Schema =>
  JSON.parse(readFileSync(join(import.meta.dirname, "schema.json"), "utf8"));
