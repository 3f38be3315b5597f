import { Eip } from "@pulumi/aws/ec2/eip.js";
import { getSubnetOutput } from "@pulumi/aws/ec2/getSubnet.js";
import { getSubnetsOutput } from "@pulumi/aws/ec2/getSubnets.js";
import { getVpcOutput } from "@pulumi/aws/ec2/getVpc.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import { getAvailabilityZonesOutput } from "@pulumi/aws/getAvailabilityZones.js";
import * as pulumi from "@pulumi/pulumi";
import { type Cidr, parseCidr, partOf } from "./cidr.ts";
import { tagsOf } from "./naming.ts";

/** Which network things are in. */
export type NetworkChoice =
  /** The account's default VPC, with its default subnets. */
  | {
      readonly kind: "default";
      /** The availability zone whose subnet is the first. @default the first by name */
      readonly zone?: string | undefined;
    }
  | {
      readonly kind: "given";
      /** Id of a VPC. */
      readonly vpc: string;
      /** Ids of its public subnets, the one to prefer first. */
      readonly subnets: readonly string[];
      /** Ids of its private subnets. @default none */
      readonly privateSubnets?: readonly string[] | undefined;
    }
  | {
      readonly kind: "own";
      /** The addresses of the VPC: a private IPv4 network, /16 to /24. */
      readonly cidr: string;
      /** The availability zone of a new first subnet. @default the first by name */
      readonly zone?: string | undefined;
      /** Whether it has subnets that the internet does not reach. @default false */
      readonly privateSubnets?: boolean;
      /** Whether the private subnets reach the internet. A NAT gateway is paid by the hour. @default false */
      readonly natGateway?: boolean;
    };

/** Subnets of an own VPC are in two zones: what is offered to several zones (RDS, load balancers) asks for two. */
const zones = [1, 2] as const;

/** An own VPC is cut into sixteen parts; the public subnets take the first ones, the private ones the ninth and tenth. */
const cuts = 4;

interface Found {
  readonly vpcId: pulumi.Output<string>;
  readonly publicSubnetIds: pulumi.Output<string[]>;
  readonly privateSubnetIds: pulumi.Output<string[]>;
  readonly zone: pulumi.Output<string>;
}

/** A VPC with subnets: the account's default one, a given one, or one of its own. */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  /** Subnets with a route to the internet. What is in one of an own VPC waits until it has it. */
  readonly publicSubnetIds: pulumi.Output<string[]>;
  /** Subnets that the internet does not reach; none where there are none. */
  readonly privateSubnetIds: pulumi.Output<string[]>;
  /** The availability zone of the first public subnet. */
  readonly zone: pulumi.Output<string>;

  readonly #name: string;

  constructor(name: string, choice: NetworkChoice, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:Network", name, {}, options);
    this.#name = name;
    const found = this.#found(choice);
    this.vpcId = found.vpcId;
    this.publicSubnetIds = found.publicSubnetIds;
    this.privateSubnetIds = found.privateSubnetIds;
    this.zone = found.zone;
    this.registerOutputs();
  }

  #found(choice: NetworkChoice): Found {
    switch (choice.kind) {
      case "default":
        return this.#default(choice.zone);
      case "given":
        return this.#given(choice);
      case "own":
        return this.#own(choice);
    }
  }

  /** https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html */
  #default(zone: string | undefined): Found {
    const vpcId = getVpcOutput({ default: true }, { parent: this }).id;
    const ids = getSubnetsOutput(
      {
        filters: [
          { name: "vpc-id", values: [vpcId] },
          { name: "default-for-az", values: ["true"] },
        ],
      },
      { parent: this },
    ).ids;
    // EC2 lists them in any order, and the account gets new ones: another first one would be another place for instance
    // and data.
    const subnets = ids
      .apply((all) => pulumi.all(all.map((id) => getSubnetOutput({ id }, { parent: this }))))
      .apply((all) => {
        const ordered = inOrder(
          all.map(({ availabilityZone }) => availabilityZone),
          zone,
        );
        return all.sort(
          (left, right) => ordered.indexOf(left.availabilityZone) - ordered.indexOf(right.availabilityZone),
        );
      });
    return {
      vpcId,
      publicSubnetIds: subnets.apply((all) => all.map(({ id }) => id)),
      privateSubnetIds: pulumi.output<string[]>([]),
      zone: subnets.apply((all) => all[0]?.availabilityZone as string),
    };
  }

  #given(choice: Extract<NetworkChoice, { kind: "given" }>): Found {
    return {
      vpcId: pulumi.output(choice.vpc),
      publicSubnetIds: pulumi.output([...choice.subnets]),
      privateSubnetIds: pulumi.output([...(choice.privateSubnets ?? [])]),
      zone: getSubnetOutput({ id: choice.subnets[0] as string }, { parent: this }).availabilityZone,
    };
  }

  #own(choice: Extract<NetworkChoice, { kind: "own" }>): Found {
    const network = parseCidr(choice.cidr);
    if (network?.family !== 4) {
      throw new pulumi.RunError(
        `${this.#name}: cidr: expected an IPv4 network, such as 10.0.0.0/16; found '${choice.cidr}'`,
      );
    }
    const vpc = this.#vpc(network);
    const gateway = this.#internetGateway(vpc);
    const names = this.#zoneNames(choice.zone);
    const internet = this.#routeTable("public", vpc);
    const way = this.#way("public", internet, { gatewayId: gateway.id });
    const publicSubnets = zones.map((zone) =>
      this.#subnet(`public-${zone}`, vpc, partOf(network, cuts, zone - 1), names[zone - 1]),
    );
    const publicWays = publicSubnets.map((subnet, index) =>
      this.#associate(`public-${index + 1}`, subnet, internet),
    );
    return {
      vpcId: vpc.id,
      publicSubnetIds: reached(publicSubnets, [way, ...publicWays]),
      privateSubnetIds: choice.privateSubnets
        ? this.#privateSubnets(network, vpc, names, choice.natGateway ? publicSubnets[0] : undefined, way)
        : pulumi.output<string[]>([]),
      zone: (publicSubnets[0] as Subnet).availabilityZone,
    };
  }

  #privateSubnets(
    network: Cidr,
    vpc: Vpc,
    names: readonly pulumi.Output<string>[],
    nat: Subnet | undefined,
    internet: Route,
  ): pulumi.Output<string[]> {
    const table = this.#routeTable("private", vpc);
    const outside =
      nat === undefined
        ? []
        : [this.#way("private", table, { natGatewayId: this.#natGateway(nat, internet).id })];
    const subnets = zones.map((zone) =>
      this.#subnet(
        `private-${zone}`,
        vpc,
        partOf(network, cuts, 2 ** (cuts - 1) + zone - 1),
        names[zone - 1],
      ),
    );
    const ways = subnets.map((subnet, index) => this.#associate(`private-${index + 1}`, subnet, table));
    return reached(subnets, [...outside, ...ways]);
  }

  #vpc(network: Cidr): Vpc {
    return new Vpc(
      `${this.#name}-vpc`,
      {
        cidrBlock: network.text,
        enableDnsSupport: true,
        enableDnsHostnames: true,
        tags: tagsOf("network"),
      },
      { parent: this },
    );
  }

  /** Zones that every account has; no Local Zones or such, which do not offer everything. */
  #zoneNames(first: string | undefined): pulumi.Output<string>[] {
    const { names } = getAvailabilityZonesOutput(
      { state: "available", filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] },
      { parent: this },
    );
    return zones.map((zone) => names.apply((all) => inOrder(all, first)[zone - 1] as string));
  }

  #subnet(part: string, vpc: Vpc, cidrBlock: string, zone: pulumi.Output<string> | undefined): Subnet {
    return new Subnet(
      `${this.#name}-${part}`,
      {
        vpcId: vpc.id,
        cidrBlock,
        availabilityZone: zone,
        // Nothing is on the internet because of where it is: a host has an Elastic IP.
        mapPublicIpOnLaunch: false,
        tags: tagsOf("network", part),
      },
      // It stays where it is when AWS opens or closes a zone.
      { parent: this, ignoreChanges: ["availabilityZone"] },
    );
  }

  #internetGateway(vpc: Vpc): InternetGateway {
    return new InternetGateway(
      `${this.#name}-internet`,
      { vpcId: vpc.id, tags: tagsOf("network", "internet") },
      { parent: this },
    );
  }

  #natGateway(subnet: Subnet, internet: Route): NatGateway {
    const address = new Eip(
      `${this.#name}-nat`,
      { domain: "vpc", tags: tagsOf("network", "nat") },
      // It can be given only where the internet is reached, and must go before that ends.
      { parent: this, dependsOn: [internet] },
    );
    return new NatGateway(
      `${this.#name}-nat`,
      { subnetId: subnet.id, allocationId: address.allocationId, tags: tagsOf("network", "nat") },
      { parent: this, dependsOn: [internet] },
    );
  }

  #routeTable(part: string, vpc: Vpc): RouteTable {
    return new RouteTable(
      `${this.#name}-${part}`,
      { vpcId: vpc.id, tags: tagsOf("network", part) },
      { parent: this },
    );
  }

  #way(
    part: string,
    table: RouteTable,
    by: { gatewayId: pulumi.Output<string> } | { natGatewayId: pulumi.Output<string> },
  ): Route {
    return new Route(
      `${this.#name}-${part}`,
      { routeTableId: table.id, destinationCidrBlock: "0.0.0.0/0", ...by },
      { parent: this },
    );
  }

  #associate(part: string, subnet: Subnet, table: RouteTable): RouteTableAssociation {
    return new RouteTableAssociation(
      `${this.#name}-${part}`,
      { subnetId: subnet.id, routeTableId: table.id },
      { parent: this },
    );
  }
}

/** Zones by their names, but one of them before all others. */
function inOrder(zoneNames: readonly string[], first: string | undefined): string[] {
  const sorted = [...zoneNames].sort();
  return first !== undefined && sorted.includes(first)
    ? [first, ...sorted.filter((zone) => zone !== first)]
    : sorted;
}

/** The subnets' ids, once the ways to them are there; what uses them is taken away before the ways are. */
function reached(
  subnets: readonly Subnet[],
  ways: readonly pulumi.CustomResource[],
): pulumi.Output<string[]> {
  return pulumi
    .all([pulumi.all(subnets.map(({ id }) => id)), pulumi.all(ways.map(({ id }) => id))])
    .apply(([ids]) => ids);
}
