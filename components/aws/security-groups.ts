import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import type { NetworkPort } from "../system/system.ts";
import { type Cidr, parseCidr } from "./cidr.ts";
import { cloudName, limits, tagsOf } from "./naming.ts";

export interface SecurityGroupsArgs {
  /** The VPC that they are in. */
  readonly vpcId: pulumi.Input<string>;
  /** Networks from which SSH is let in to the web group; none closes port 22. */
  readonly sshFrom: readonly string[];
  /** Whether there is a group for services that only the web group reaches. */
  readonly privateServices: boolean;
  /** Whether there is a group for an endpoint by which the web group's SSH is reached. @default false */
  readonly connectEndpoint?: boolean | undefined;
  /**
   * Ports of the web group, by a name for each, that hosts beside it reach; with it there is a group for those hosts.
   * @default no such group
   */
  readonly othersReach?: Readonly<Record<string, number>> | undefined;
  /** Further ports of the web group, and of the hosts beside it, which share a group. @default none */
  readonly webPorts?: readonly NetworkPort[];
  readonly otherPorts?: readonly NetworkPort[];
}

/** Ports, the first and the last. */
type Ports = readonly [first: number, last: number];

/** What the web group may reach in the private one. */
const privateServices: Readonly<Record<string, Ports>> = {
  // From the web host, which is the way in to a private one.
  ssh: [22, 22],
  postgres: [5432, 5432],
  redis: [6379, 6379],
  mongodb: [27017, 27017],
  // Clients' HTTP and the cluster's own ports.
  elasticsearch: [9200, 9400],
};

const http = { http: 80, https: 443 } as const;

const anywhere = { ipv4: { cidrIpv4: "0.0.0.0/0" }, ipv6: { cidrIpv6: "::/0" } } as const;

/**
 * The security groups: one for hosts that serve the web and, where they are asked for, one for hosts beside these that
 * serve nobody, and one for services that only the web group reaches. A group has no rule but those below: with
 * `@pulumi/aws` AWS's own, which lets everything out, is taken away.
 * Each rule is a resource named after what it means, so that a network that is added or removed changes nothing else.
 * What should wait for the rules depends on the component, and not on the groups' ids alone.
 */
export class SecurityGroups extends pulumi.ComponentResource {
  /** Id of the group of hosts that serve the web. */
  readonly webId: pulumi.Output<string>;
  /** Id of the group of hosts beside those of the web group, where it is asked for. */
  readonly othersId: pulumi.Output<string> | undefined = undefined;
  /** Id of the group of private services, where it is asked for. */
  readonly privateId: pulumi.Output<string> | undefined = undefined;
  /** Id of the group of the endpoint for tunnels, where it is asked for. */
  readonly connectId: pulumi.Output<string> | undefined = undefined;

  readonly #name: string;

  constructor(name: string, args: SecurityGroupsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:SecurityGroups", name, {}, options);
    this.#name = name;
    const web = this.#group("web", "Serves the web", args.vpcId);
    this.#letWebIn(web);
    this.#letSshIn("web", web, args.sshFrom);
    this.#letIntoPorts("web", web, args.webPorts ?? []);
    this.#letEverythingOut("web", web);
    this.webId = web.id;
    const others = args.othersReach && this.#group("others", "Hosts beside the web group", args.vpcId);
    if (others !== undefined) {
      this.#letSshIn("others", others, args.sshFrom);
      this.#letIntoPorts("others", others, args.otherPorts ?? []);
      this.#letEverythingOut("others", others);
      this.#letOthersReach(web, others, args.othersReach ?? {});
      this.othersId = others.id;
    }
    if (args.connectEndpoint) {
      const endpoint = this.#group("connect", "Tunnels to SSH of the web group", args.vpcId);
      this.#letTunnelsThrough(endpoint, "web", web);
      if (others !== undefined) this.#letTunnelsThrough(endpoint, "others", others);
      this.connectId = endpoint.id;
    }
    if (args.privateServices) {
      const services = this.#group("private", "Services for the web group only", args.vpcId);
      this.#letServicesIn(services, web);
      this.#letPackagesOut(services);
      this.privateId = services.id;
    }
    this.registerOutputs();
  }

  #letWebIn(group: SecurityGroup): void {
    for (const [what, port] of Object.entries(http)) {
      for (const [family, from] of Object.entries(anywhere)) {
        this.#in(`web-${what}-${family}`, group, `${what} from anywhere`, [port, port], from);
      }
    }
  }

  #letSshIn(part: string, group: SecurityGroup, networks: readonly string[]): void {
    this.#letIn(part, group, "ssh", 22, networks, "sshFrom");
  }

  #letIntoPorts(part: string, group: SecurityGroup, ports: readonly NetworkPort[]): void {
    // Hosts of one group may have the same port, each for other networks.
    for (const port of new Set(ports.map((one) => one.port))) {
      const networks = ports.filter((one) => one.port === port).flatMap(({ from }) => from);
      this.#letIn(part, group, `port-${port}`, port, networks, `port ${port}`);
    }
  }

  /** @param key what gives the networks, for people */
  #letIn(
    part: string,
    group: SecurityGroup,
    what: string,
    port: number,
    networks: readonly string[],
    key: string,
  ): void {
    // Two spellings of one network are one rule; AWS refuses a second.
    const once = new Map(
      networks.map((network) => this.#read(network, key)).map((cidr) => [cidr.text, cidr]),
    );
    for (const { family, text } of once.values()) {
      // The name is part of a URN, in which '::' divides.
      const rule = `${part}-${what}-${text.replaceAll(/[:/]/g, "-")}`;
      const from = family === 4 ? { cidrIpv4: text } : { cidrIpv6: text };
      this.#in(rule, group, `${what} from ${text}`, [port, port], from);
    }
  }

  #letTunnelsThrough(endpoint: SecurityGroup, part: "web" | "others", group: SecurityGroup): void {
    const ssh = { ipProtocol: "tcp", fromPort: 22, toPort: 22 };
    const out = part === "web" ? "connect-out" : `connect-out-${part}`;
    const to = part === "web" ? "ssh to the web group" : "ssh to the hosts beside the web group";
    this.#out(out, endpoint, to, { ...ssh, referencedSecurityGroupId: group.id });
    const from = { referencedSecurityGroupId: endpoint.id };
    this.#in(`${part}-ssh-connect`, group, "ssh from the endpoint for tunnels", [22, 22], from);
  }

  #letOthersReach(web: SecurityGroup, others: SecurityGroup, ports: Readonly<Record<string, number>>): void {
    for (const [what, port] of Object.entries(ports)) {
      const from = { referencedSecurityGroupId: others.id };
      this.#in(`web-${what}-others`, web, `${what} from the hosts beside the web group`, [port, port], from);
    }
  }

  #read(network: string, key: string): Cidr {
    const cidr = parseCidr(network);
    if (cidr === undefined) {
      throw new pulumi.RunError(
        `${this.#name}: ${key}: expected networks, such as 203.0.113.0/24; found '${network}'`,
      );
    }
    return cidr;
  }

  /** To package archives, mail and what else an application calls. */
  #letEverythingOut(part: string, group: SecurityGroup): void {
    for (const [family, to] of Object.entries(anywhere)) {
      this.#out(`${part}-out-${family}`, group, "everything out", { ipProtocol: "-1", ...to });
    }
  }

  #letServicesIn(group: SecurityGroup, web: SecurityGroup): void {
    for (const [what, ports] of Object.entries(privateServices)) {
      const from = { referencedSecurityGroupId: web.id };
      this.#in(`private-${what}`, group, `${what} from the web group`, ports, from);
    }
  }

  /**
   * To package archives only. Names and time come from the VPC itself, past all security groups:
   * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
   */
  #letPackagesOut(group: SecurityGroup): void {
    for (const [what, port] of Object.entries(http)) {
      for (const [family, to] of Object.entries(anywhere)) {
        const packages = { ipProtocol: "tcp", fromPort: port, toPort: port, ...to };
        this.#out(`private-out-${what}-${family}`, group, `${what} out, for packages`, packages);
      }
    }
  }

  /**
   * Descriptions of groups and rules consist of letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`, 255 at most
   * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html).
   */
  #group(part: string, description: string, vpcId: pulumi.Input<string>): SecurityGroup {
    return new SecurityGroup(
      `${this.#name}-${part}`,
      {
        name: cloudName(`${this.#name}-${part}`, limits.securityGroup),
        description,
        vpcId,
        tags: tagsOf("security", part),
      },
      { parent: this },
    );
  }

  #in(
    part: string,
    group: SecurityGroup,
    description: string,
    [fromPort, toPort]: Ports,
    from: { cidrIpv4: string } | { cidrIpv6: string } | { referencedSecurityGroupId: pulumi.Output<string> },
  ): void {
    new SecurityGroupIngressRule(
      `${this.#name}-${part}`,
      {
        securityGroupId: group.id,
        description,
        ipProtocol: "tcp",
        fromPort,
        toPort,
        ...from,
        tags: tagsOf("security", part),
      },
      { parent: this },
    );
  }

  #out(
    part: string,
    group: SecurityGroup,
    description: string,
    what: {
      ipProtocol: string;
      fromPort?: number;
      toPort?: number;
      cidrIpv4?: string;
      cidrIpv6?: string;
      referencedSecurityGroupId?: pulumi.Output<string>;
    },
  ): void {
    new SecurityGroupEgressRule(
      `${this.#name}-${part}`,
      { securityGroupId: group.id, description, ...what, tags: tagsOf("security", part) },
      { parent: this },
    );
  }
}
