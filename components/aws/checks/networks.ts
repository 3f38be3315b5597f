// Whether the network that is wanted is there, or can be made.
import { getSubnets } from "@pulumi/aws/ec2/getSubnets.js";
import { getVpc } from "@pulumi/aws/ec2/getVpc.js";
import { parseCidr } from "../cidr.ts";
import type { NetworkChoice } from "../network.ts";
import { type Ask, asked, unclear } from "./answers.ts";
import { defaultSubnets } from "./place.ts";

/** Addresses for private networks (RFC 1918, and RFC 6598 for those that these would clash with). */
const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

export async function networkFaults(network: NetworkChoice, ask: Ask): Promise<string[]> {
  switch (network.kind) {
    case "default":
      return defaultNetworkFaults(ask);
    case "given":
      return givenNetworkFaults(network, ask);
    case "own":
      return ownNetworkFaults(network);
  }
}

async function defaultNetworkFaults(ask: Ask): Promise<string[]> {
  const key = "host.network";
  const next =
    "Make one: aws ec2 create-default-vpc; or choose another network: kind 'own', or 'given' with its ids.";
  const vpc = await asked(getVpc({ default: true }, ask), /no matching/);
  if (vpc.error !== undefined) return [unclear(key, vpc.error)];
  if (vpc.value === undefined) return [`${key}: expected a default VPC in the region; found none. ${next}`];
  const subnets = await asked(getSubnets({ filters: defaultSubnets(vpc.value.id) }, ask));
  if (subnets.value === undefined) return [unclear(key, subnets.error)];
  return subnets.value.ids.length > 0
    ? []
    : [`${key}: expected default subnets in the default VPC ${vpc.value.id}; found none. ${next}`];
}

async function givenNetworkFaults(
  network: Extract<NetworkChoice, { kind: "given" }>,
  ask: Ask,
): Promise<string[]> {
  const vpc = await asked(getVpc({ id: network.vpc }, ask), /no matching|InvalidVpcID/);
  const key = "host.network.vpc";
  if (vpc.error !== undefined) return [unclear(key, vpc.error)];
  if (vpc.value === undefined) {
    return [
      `${key}: expected a VPC of this account in the region; found no ${network.vpc}. All of them: aws ec2 describe-vpcs`,
    ];
  }
  const subnets = await asked(getSubnets({ filters: [{ name: "vpc-id", values: [network.vpc] }] }, ask));
  if (subnets.value === undefined) return [unclear("host.network.subnets", subnets.error)];
  const { ids } = subnets.value;
  return network.subnets
    .filter((id) => !ids.includes(id))
    .map(
      (id) =>
        `host.network.subnets: expected subnets of ${network.vpc}: ${ids.sort().join(", ") || "it has none"}; found ${id}.`,
    );
}

function ownNetworkFaults(network: Extract<NetworkChoice, { kind: "own" }>): string[] {
  const faults: string[] = [];
  const cidr = parseCidr(network.cidr);
  const isPrivate = privateNetworks
    .map((text) => parseCidr(text))
    .some(
      (range) => range && cidr && parseCidr(`${cidr.text.split("/")[0]}/${range.bits}`)?.text === range.text,
    );
  if (cidr?.family !== 4 || !cidr.exact || cidr.bits < 16 || cidr.bits > 24 || !isPrivate) {
    const near = cidr?.family === 4 && !cidr.exact ? ` Did you mean ${cidr.text}?` : "";
    faults.push(
      `host.network.cidr: expected a private IPv4 network of /16 to /24 (in ${privateNetworks.join(", ")}), by its first address, such as 10.20.0.0/16; found "${network.cidr}".${near}`,
    );
  }
  return faults;
}
