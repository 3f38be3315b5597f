import type { Resource, Rule } from "../rule.ts";
import { group, list, type Value, type Values } from "../values.ts";

/** SSH is reachable from named networks only, or through a tunnel. */
export const sshFromAnywhere: Rule = {
  name: "ssh-from-anywhere",
  description: "Port 22 is not open to the whole Internet.",
  comply:
    "name the networks that need SSH (berth:host.sshFrom), or close port 22 and take a tunnel (berth:host.connectEndpoint)",
  check: (resource) =>
    openings(resource).flatMap(({ where, protocol, from, to, networks }) => {
      const world = networks.filter(isWorld);
      return world.length > 0 && holdsSsh(protocol, from, to)
        ? [`${where} lets ${world.join(" and ")} in to port 22`]
        : [];
    }),
};

interface Opening {
  readonly where: string;
  readonly protocol: Value;
  readonly from: Value;
  readonly to: Value;
  readonly networks: readonly Value[];
}

/** What lets traffic in, however it is written. */
function openings({ type, props }: Resource): Opening[] {
  switch (type) {
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
      return [
        {
          where: "it",
          protocol: props.ipProtocol,
          from: props.fromPort,
          to: props.toPort,
          networks: [props.cidrIpv4, props.cidrIpv6],
        },
      ];
    case "aws:ec2/securityGroupRule:SecurityGroupRule":
      return props.type === "ingress" ? [classic("it", props)] : [];
    case "aws:ec2/securityGroup:SecurityGroup":
    case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
      return list(props.ingress).map((rule, index) => classic(`ingress[${index}]`, group(rule)));
    default:
      return [];
  }
}

const classic = (where: string, rule: Values): Opening => ({
  where,
  protocol: rule.protocol,
  from: rule.fromPort,
  to: rule.toPort,
  networks: [...list(rule.cidrBlocks), ...list(rule.ipv6CidrBlocks)],
});

/** No one's own network is this wide; so the world cut in two halves is still the world. */
function isWorld(network: Value): network is string {
  if (typeof network !== "string") return false;
  const bits = Number(network.split("/")[1]);
  return bits < (network.includes(":") ? 16 : 8);
}

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html: -1 is every protocol, or port */
function holdsSsh(protocol: Value, from: Value, to: Value): boolean {
  const name = String(protocol).toLowerCase();
  if (name === "-1" || name === "all") return true;
  if (name !== "tcp" && name !== "6") return false;
  return from === -1 || (Number(from) <= 22 && 22 <= Number(to));
}
