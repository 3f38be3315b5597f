import type { Rule } from "../rule.ts";
import { group, unknown, type Value } from "../values.ts";

const required = ["project", "stack", "component"];

/** Resources that Berth makes and that can carry tags. */
const taggable = new Set([
  "aws:ec2/vpc:Vpc",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/keyPair:KeyPair",
  "aws:ec2/instance:Instance",
  "aws:ec2/eip:Eip",
  "aws:ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint",
  "aws:ebs/volume:Volume",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:s3/bucket:Bucket",
  "aws:iam/role:Role",
  "aws:iam/instanceProfile:InstanceProfile",
  "aws:iam/user:User",
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:sns/topic:Topic",
  "aws:secretsmanager/secret:Secret",
  "aws:ssm/parameter:Parameter",
  "aws:cloudfront/distribution:Distribution",
]);

/** What costs money or opens a door can be traced to the stack that made it. */
export const tagged: Rule = {
  name: "tags",
  description: `Resources carry the tags ${required.join(", ")}.`,
  comply: "give the resource tags: tagsOf(COMPONENT) (components/aws/naming.ts), or its provider defaultTags",
  check({ type, props, provider }) {
    if (!taggable.has(type)) return [];
    const given = [props.tags, props.tagsAll, group(decoded(provider.defaultTags)).tags];
    if (given.includes(unknown)) return [];
    const missing = required.filter((tag) => !given.some((tags) => Object.hasOwn(group(tags), tag)));
    return missing.length === 0 ? [] : [`it has no tag ${missing.join(", ")}`];
  },
};

/** A provider's nested settings come as JSON. */
function decoded(value: Value): Value {
  return typeof value === "string" ? (JSON.parse(value) as Value) : value;
}
