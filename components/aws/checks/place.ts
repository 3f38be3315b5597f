// In which availability zone the hosts are.
import { getInstanceTypeOfferings } from "@pulumi/aws/ec2/getInstanceTypeOfferings.js";
import { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import { getSubnets } from "@pulumi/aws/ec2/getSubnets.js";
import { getVpc } from "@pulumi/aws/ec2/getVpc.js";
import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones.js";
import { configKey } from "../../host/host.ts";
import type { ExistingInstance, ExistingVolume } from "../existing.ts";
import type { NetworkChoice } from "../network.ts";
import { type Answer, type Ask, asked, unclear } from "./answers.ts";
import type { Wanted } from "./wishes.ts";

/** Where the hosts are to be. */
export interface Place {
  /** Undefined where AWS has no subnet for it, or did not say. */
  readonly zone: string | undefined;
  /** Whether the stack could be in another zone as well: it has no data yet, and does not name its subnet. */
  readonly free: boolean;
  /** The zone of the data that there is, if the hosts would not be there. */
  readonly data?: string;
}

/** As `Network` asks. */
const ordinaryZones = {
  state: "available",
  filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
};
export const defaultSubnets = (vpc: string) => [
  { name: "vpc-id", values: [vpc] },
  { name: "default-for-az", values: ["true"] },
];

/** The zones that offer a type: a region does, and yet not each of its zones need have it. */
function zonesWith(instanceType: string, ask: Ask): Promise<Answer<string[]>> {
  const filters = [{ name: "instance-type", values: [instanceType] }];
  return asked(
    getInstanceTypeOfferings({ locationType: "availability-zone", filters }, ask).then(({ locations }) =>
      locations.sort(),
    ),
  );
}

/** Whether a zone offers all types that are wanted. What AWS does not say is no reason against a zone. */
export async function offersOf(wanted: readonly Wanted[], ask: Ask): Promise<(zone: string) => boolean> {
  const types = [...new Set(wanted.map(({ instanceType }) => instanceType))];
  const offers = await Promise.all(types.map((type) => zonesWith(type, ask)));
  return (zone) => offers.every(({ value }) => value === undefined || value.includes(zone));
}

/**
 * A zone is chosen once: for all that the stack has later, data above all, it stays. So the zone of the data decides,
 * and not which default subnets the account has today; without data the first zone that offers all instance types.
 */
export async function placeOf(
  network: NetworkChoice,
  offers: Promise<(zone: string) => boolean>,
  existing: ExistingInstance | undefined,
  volumes: readonly ExistingVolume[],
  from: string | undefined,
  ask: Ask,
): Promise<Place> {
  // One that was made of the wanted snapshot and has no instance yet decides, before the one that it takes the place of.
  const restored = from === undefined ? undefined : volumes.find(({ snapshot }) => snapshot === from);
  const used = (restored ?? volumes.find(({ attached }) => attached))?.zone ?? existing?.zone;
  // Without an answer the check of the network says why.
  const { value: zones = [] } = await asked(zonesOf(network, ask));
  const bound = used !== undefined && !zones.includes(used) ? { data: used } : {};
  if (network.kind === "given") return { zone: zones[0], free: false, ...bound };
  const kept = [used, ...volumes.map(({ zone }) => zone)].find((zone) => zone && zones.includes(zone));
  if (kept !== undefined) return { zone: kept, free: false };
  const every = await offers;
  return { zone: zones.find(every) ?? zones[0], free: used === undefined, ...bound };
}

/** The zones that the hosts can be in, in the order of their names. */
async function zonesOf(network: NetworkChoice, ask: Ask): Promise<string[]> {
  const zoneOf = async (id: string) => (await getSubnet({ id }, ask)).availabilityZone;
  switch (network.kind) {
    case "given":
      return [await zoneOf(network.subnets[0] as string)];
    case "own":
      return (await getAvailabilityZones(ordinaryZones, ask)).names.sort();
    case "default": {
      const vpc = await getVpc({ default: true }, ask);
      const { ids } = await getSubnets({ filters: defaultSubnets(vpc.id) }, ask);
      return (await Promise.all(ids.map(zoneOf))).sort();
    }
  }
}

/** A volume is in one zone for good, and only instances there can have it. */
export function placeFaults(network: NetworkChoice, { zone, data }: Place): string[] {
  // An own network's subnets stay where they are.
  if (data === undefined || zone === undefined || network.kind === "own") return [];
  return network.kind === "given"
    ? [
        `host.network.subnets: expected a first subnet in ${data}, where the stack's data volume is, because a volume stays in its zone; found one in ${zone}. ` +
          `Put a subnet of ${data} first.`,
      ]
    : [
        `host.network: expected a default subnet in ${data}, where the stack's data volume is, because a volume stays in its zone; found none there. ` +
          `Make it: aws ec2 create-default-subnet --availability-zone ${data}`,
      ];
}

export async function offerFaults({ name, instanceType }: Wanted, place: Place, ask: Ask): Promise<string[]> {
  const key = `${configKey(name)}.instanceType`;
  const { value, error } = await zonesWith(instanceType, ask);
  if (value === undefined) return [unclear(key, error)];
  const { zone, free } = place;
  if (zone === undefined || value.includes(zone)) return [];
  return [
    free
      ? `${key}: expected a type that one zone of the network has together with the stack's other types; found "${instanceType}", which is in ${value.join(", ") || "no zone"}. Choose another type.`
      : `${key}: expected a type that ${zone} has, the zone of the host's subnet; found "${instanceType}", which is in ${value.join(", ") || "no zone"}. ` +
        "Choose another type. A new stack can also be in another zone: by a network whose first subnet is there (host.network, kind 'given').",
  ];
}
