import type * as pulumi from "@pulumi/pulumi";
import { firstHost, type Host } from "../host/host.ts";
import type { Look } from "../host/look.ts";
import { otherPort } from "../host/schema.ts";
import type { PlannedService } from "../services.ts";
import {
  type Administrator,
  type ApplicationAccount,
  type NetworkPort,
  type PackageSet,
  System,
} from "../system/system.ts";
import { createHost } from "./create-host.ts";
import type { HostConfig, OtherHostConfig } from "./schema.ts";

export interface FleetArgs {
  /** The host that serves the site. */
  readonly host: HostConfig;
  /** More hosts by their names. */
  readonly hosts: Readonly<Record<string, OtherHostConfig>>;
  /** Those of them that are instances on EC2, by their names: the cloud has made them. */
  readonly instances: Readonly<Record<string, Host>>;
  /** The site's domain name, which is the first host's name as well. @default a name below `internal` */
  readonly domain?: string | undefined;
  /** The last part of the names that hosts without a domain have. */
  readonly internal: string;
  readonly admins: readonly Administrator[];
  /** The account that owns the application's files. */
  readonly owner: string;
  /** SSH public keys that may log in as it. */
  readonly ownerKeys: readonly string[];
  /** The accounts that are made, and the keys of the configuration that name them. */
  readonly accounts: Readonly<Record<string, string>>;
  /** The application's accounts on the first host. */
  readonly ofApplication: readonly ApplicationAccount[];
  /** The services on the first host. */
  readonly services: readonly PlannedService[];
  /** What every host needs from Debian, and what the first one needs as well. */
  readonly packages: { readonly all: readonly PackageSet[]; readonly first: readonly PackageSet[] };
  /** Ports that some networks reach, by the name of the host. */
  readonly networkPorts: Readonly<Record<string, readonly NetworkPort[]>>;
  /** The networks whose visitors reach the first host. @default all */
  readonly visitorsFrom?: readonly string[] | undefined;
  /** How the first host is looked at by what is no service, where it is a machine that the user has. */
  readonly looks: readonly Look[];
}

/** TCP ports of the first host that visitors ask. */
const openPorts = [80, 443];

const anywhere = ["0.0.0.0/0", "::/0"];

/**
 * The hosts of a stack, each with its system, and the order of what is done on each: one thing after the other, hosts
 * beside each other.
 */
export class Fleet {
  /** The host that serves the site, and that the services run on. */
  readonly first: Host;
  /** The hosts beside it. Each is ready when it has its system. */
  readonly others: readonly Host[];

  readonly #args: FleetArgs;
  readonly #options: pulumi.ComponentResourceOptions;
  readonly #last = new Map<string, pulumi.Resource>();

  /** @param options of every host and every system */
  constructor(args: FleetArgs, options: pulumi.ComponentResourceOptions) {
    this.#args = args;
    this.#options = options;
    this.first = this.#host(firstHost, args.host, [
      System.look(openPorts, args.accounts),
      ...args.looks,
      ...args.services.flatMap(({ plan }) => (plan.server === undefined ? [] : [plan.server.look])),
      lookAtPorts(firstHost, args.host),
    ]);
    // More hosts come first, for the first one's firewall lets them in by their addresses.
    this.others = Object.entries(args.hosts).map(([name, config]) => {
      const host = this.#host(name, config, [System.look([], args.accounts), lookAtPorts(name, config)]);
      return { ...host, ready: this.#system(`${name}-system`, host, config) };
    });
    this.#firstSystem();
  }

  /**
   * Makes what comes next on a host: it depends on what came last there.
   *
   * @param make is given the options
   * @param also hosts on which it does something as well, once they are ready
   */
  next<Made extends pulumi.Resource>(
    host: Host,
    make: (options: pulumi.ComponentResourceOptions) => Made,
    also: readonly Host[] = [],
  ): Made {
    const last = this.last(host);
    const made = make({ ...this.#options, dependsOn: [last] });
    for (const one of [host, ...also]) this.#last.set(one.name, made);
    return made;
  }

  /** What was made last on a host. */
  last(host: Host): pulumi.Resource {
    return this.#last.get(host.name) ?? host.ready;
  }

  /** Tells of something on a host that it is what was made last there. */
  follows(host: Host, made: pulumi.Resource): void {
    this.#last.set(host.name, made);
  }

  #host(name: string, config: HostConfig | OtherHostConfig, looks: readonly Look[]): Host {
    if (config.kind !== "ec2") return createHost(name, config, looks, this.#options);
    const instance = this.#args.instances[name];
    if (instance === undefined) throw new Error(`${name}: the cloud has made no such instance`);
    return instance;
  }

  #firstSystem(): void {
    const { host: config, domain, internal, services, packages } = this.#args;
    const servers = services.flatMap(({ plan }) => plan.server ?? []);
    this.#system("system", this.first, config, {
      fqdn: domain ?? `${firstHost}.${internal}`,
      openPorts,
      openTo: this.#args.visitorsFrom,
      packages: [
        ...packages.first,
        ...packages.all,
        ...services.flatMap(({ plan }) => plan.server?.packages ?? plan.clients ?? []),
      ],
      privately: {
        ports: servers.flatMap(({ privatePorts }) => Object.values(privatePorts ?? {})),
        to: this.others,
      },
      listeners: servers.flatMap(({ listener }) => listener ?? []),
      accounts: this.#args.ofApplication,
    });
  }

  #system(
    name: string,
    host: Host,
    config: HostConfig | OtherHostConfig,
    own: Partial<ConstructorParameters<typeof System>[1]> = {},
  ): System {
    const { admins, owner, ownerKeys, internal, services, packages } = this.#args;
    const args = {
      host,
      timezone: config.timezone,
      locale: config.locale,
      admins,
      owner,
      ownerKeys,
      ssh: {
        port: config.kind === "existing" ? config.port : 22,
        // In front of an EC2 host the security group says from where; its own firewall also lets tunnels in.
        from: config.kind === "ec2" ? anywhere : config.sshFrom,
        asRoot: config.kind === "existing" && config.user === "root",
      },
      ownMachine: config.kind !== "existing",
      fqdn: `${host.name}.${internal}`,
      openPorts: [],
      otherPorts: config.kind === "existing" ? (config.openPorts ?? []).map(otherPort) : [],
      networkPorts: this.#args.networkPorts[host.name] ?? [],
      packages: [...packages.all, ...services.flatMap(({ plan }) => plan.clients ?? [])],
      ...own,
    };
    return this.next(host, (options) => new System(name, args, { ...options, dependsOn: [] }));
  }
}

const lookAtPorts = (name: string, config: HostConfig | OtherHostConfig): Look =>
  System.lookAtPorts(name, config.kind === "existing" && config.openPorts !== undefined);
