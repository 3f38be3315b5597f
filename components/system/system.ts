import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { configKey, type Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import type { Look } from "../host/look.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import { alone } from "../peers/address.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

/** What a service needs from Debian; all packages of a host are installed in one transaction. */
export interface PackageSet {
  /** Names of Debian packages. */
  readonly packages: readonly string[];
  /** Files that must be in place before the packages are configured. @default none */
  readonly files?: Readonly<Record<string, StepFile>>;
  /** An archive other than Debian's that is among these files: its key in the configuration, and its host. @default none */
  readonly archive?: { readonly key: string; readonly host: string };
  /** Packages whose own units must never run, and the key of the configuration that asks for them. @default none */
  readonly ownUnitsOf?: { readonly key: string; readonly packages: readonly string[] };
}

/** What of a service must survive its machine, where a host keeps such things on a volume of their own. */
export interface ServiceData {
  /** Absolute paths of directories. */
  readonly directories: readonly string[];
  /** The systemd units that do not start without them. */
  readonly services: readonly string[];
}

/** Ports of a service on its own host, which no account but its own may answer. */
export interface Listener {
  /** The service's account, which its packages make. */
  readonly account: string;
  /** The key of the configuration that asks for the account, where Berth makes it. @default its packages make it */
  readonly madeFor?: string;
  /** TCP ports. */
  readonly ports: readonly number[];
  /** The account of another service that this one may take the place of; it answers there until then. @default none */
  readonly inPlaceOf?: string;
  /**
   * Whether the ports are for root, and for the accounts of the application and of services that Berth makes, alone: no
   * other account, and so no build of a release, gets a connection. @default false: it asks for a password
   */
  readonly forApplication?: boolean;
}

/** An account of the application, which is made when a service's rules need to know it. */
export interface ApplicationAccount {
  readonly name: string;
  readonly home: string;
  /** The key of the configuration that asks for it. */
  readonly key: string;
}

export interface Administrator {
  /** Name of the account. */
  readonly name: string;
  /** SSH public keys that may log in. */
  readonly keys: readonly string[];
}

/** A port of something else on the machine. */
export interface OtherPort {
  readonly protocol: "tcp" | "udp";
  readonly number: number;
}

/** A TCP port that is open to these networks alone. */
export interface NetworkPort {
  readonly port: number;
  readonly from: readonly string[];
}

export interface SystemArgs {
  readonly host: Host;
  /** What the services on this host need from Debian. */
  readonly packages: readonly PackageSet[];
  /** The host's fully qualified name. */
  readonly fqdn: string;
  /** A name of the tz database. @default it stays as it is */
  readonly timezone?: string | undefined;
  /** A UTF-8 locale. */
  readonly locale: string;
  /** People with an account and sudo. */
  readonly admins: readonly Administrator[];
  /** The account that owns the application's files. */
  readonly owner: string;
  /** SSH public keys that may log in as it. */
  readonly ownerKeys: readonly string[];
  /** The port and the networks of SSH, and whether the engine itself logs in as root. */
  readonly ssh: { readonly port: number; readonly from: readonly string[]; readonly asRoot: boolean };
  /**
   * Whether nothing but the stack uses the machine, as on those that Berth makes. What could take from others what they use is
   * closed there alone. @default false
   */
  readonly ownMachine?: boolean;
  /** TCP ports that are open to visitors. */
  readonly openPorts: readonly number[];
  /** Ports of what is none of the stack's, open to everyone. @default none */
  readonly otherPorts?: readonly OtherPort[];
  /** @default none */
  readonly networkPorts?: readonly NetworkPort[];
  /** The networks that visitors come from. @default all */
  readonly openTo?: readonly string[] | undefined;
  /** TCP ports that are open to these hosts alone, at the private address. @default none */
  readonly privately?: { readonly ports: readonly number[]; readonly to: readonly Host[] };
  /** The services whose ports no other account may take. @default none */
  readonly listeners?: readonly Listener[];
  /** The application's accounts on this host. @default none */
  readonly accounts?: readonly ApplicationAccount[];
}

/** The packages that every host has. */
export const basePackages: PackageSet = {
  packages: [
    "ca-certificates",
    "curl",
    "locales",
    "logrotate",
    "nftables",
    "sudo",
    "tzdata",
    "unattended-upgrades",
  ],
};

/** What every host has before any service: packages, names, clock, accounts, SSH, firewall, upgrades, logs. */
export class System extends pulumi.ComponentResource {
  /**
   * Looks at memory, disk, accounts and firewalls.
   *
   * @param openPorts TCP ports that everyone must reach
   * @param accounts the accounts that are made, and the keys of the configuration that name them
   */
  static look(openPorts: readonly number[], accounts: Readonly<Record<string, string>>): Look {
    return {
      script: ["look.sh", "look-firewall.sh"].map(here),
      slots: {
        open_ports: openPorts.join(" "),
        accounts: Object.entries(accounts)
          .map(([account, key]) => `${account} ${key}`)
          .join("\n"),
      },
    };
  }

  /**
   * Looks at what else a machine serves, which its firewall would close; after all who need a port of their own.
   *
   * @param name of the host
   * @param decided whether the stack says which ports of others stay open
   */
  static lookAtPorts(name: string, decided: boolean): Look {
    const slots = { settings: configKey(name), ports_decided: decided ? "yes" : "" };
    return { script: here("look-ports.sh"), slots };
  }

  constructor(name: string, args: SystemArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:system:System", name, {}, options);
    const host = args.host;
    const packages = this.#packages(`${name}-packages`, args);
    const base = new HostScript(
      `${name}-base`,
      {
        host,
        script: ["base.sh", "kernel.sh", "space.sh"].map(here),
        removal: here("space-removal.sh"),
        ...baseFiles(args),
      },
      { parent: this, dependsOn: [packages] },
    );
    const accounts = new HostScript(
      `${name}-accounts`,
      {
        host,
        script: here("accounts.sh"),
        removal: here("accounts-removal.sh"),
        slots: {
          admins: args.admins.flatMap((admin) => admin.keys.map((key) => `${admin.name} ${key}`)).join("\n"),
          owner: args.owner,
          owner_keys: args.ownerKeys.join("\n"),
        },
        files: { "/etc/sudoers.d/berth-admins": { content: text("admins.sudoers"), mode: "0440" } },
      },
      { parent: this, dependsOn: [base] },
    );
    const ssh = new HostScript(
      `${name}-ssh`,
      {
        host,
        check: here("ssh-check.sh"),
        script: here("ssh.sh"),
        removal: here("ssh-removal.sh"),
        slots: {
          owner: args.owner,
          people: [
            ...args.admins.map((admin) => admin.name),
            ...(args.ownerKeys.length > 0 ? [args.owner] : []),
          ].join(" "),
        },
        files: {
          "/usr/local/lib/berth/undo": { content: text("undo.sh"), mode: "0755" },
          "/etc/systemd/system/berth-undo.service": { content: text("undo.service") },
          "/etc/ssh/sshd_config.d/10-berth.conf": {
            content: renderTemplate(here("sshd.conf.liquid"), {
              root_login: args.ssh.asRoot ? "prohibit-password" : "no",
              owner: args.owner,
              own_machine: args.ownMachine ?? false,
            }),
          },
        },
      },
      { parent: this, dependsOn: [accounts] },
    );
    const listeners = args.listeners ?? [];
    const made = [
      ...listeners.flatMap(({ account, madeFor }) =>
        madeFor === undefined ? [] : [`${account} ${madeFor}`],
      ),
      ...(listeners.some(({ forApplication }) => forApplication)
        ? (args.accounts ?? []).map(({ name, key, home }) => `${name} ${key} ${home}`)
        : []),
    ];
    const firewall = new HostScript(
      `${name}-firewall`,
      {
        host,
        check: here("firewall-check.sh"),
        // Its rules name the accounts of services.
        script: [...(made.length === 0 ? [] : ["service-accounts.sh"]), "firewall.sh"].map(here),
        removal: here("firewall-removal.sh"),
        slots: {
          ...(made.length === 0 ? {} : { service_accounts: made.join("\n") }),
          ports: [
            args.ssh.port,
            ...args.openPorts,
            ...(args.networkPorts ?? []).map(({ port }) => port),
            ...privatePorts(args),
          ].join(" "),
          ssh_port: args.ssh.port,
          ssh_from: args.ssh.from.join(" "),
          settings: configKey(host.name),
          replaced: listeners.flatMap(({ inPlaceOf }) => inPlaceOf ?? []).join(" "),
        },
        files: {
          "/etc/berth/firewall.nft": firewallFile(args),
          "/etc/berth/listeners.nft": {
            content: renderTemplate(here("listeners.nft.liquid"), {
              listeners: listeners.map(({ account, ports, inPlaceOf = "", forApplication = false }) => ({
                account,
                ports,
                inPlaceOf,
                forApplication,
              })),
            }),
          },
          "/etc/systemd/system/berth-firewall.service": { content: text("firewall.service") },
        },
      },
      { parent: this, dependsOn: [ssh] },
    );
    // It runs when one of them has run, and is the connection that they wait for.
    const reached = new HostScript(
      `${name}-reached`,
      {
        host,
        script: here("reached.sh"),
        slots: { changed_by: pulumi.interpolate`${ssh.stdout}${firewall.stdout}` },
      },
      { parent: this, dependsOn: [firewall] },
    );
    if (privatePorts(args).length > 0) {
      new HostScript(
        `${name}-private`,
        {
          host,
          script: here("private.sh"),
          removal: here("private-removal.sh"),
          slots: { settings: configKey(host.name), address: host.privateAddress },
          files: { "/etc/sysctl.d/60-berth-private.conf": { content: text("private.conf") } },
        },
        { parent: this, dependsOn: [reached] },
      );
    }
    this.registerOutputs();
  }

  #packages(name: string, args: SystemArgs): HostScript {
    const sets = [basePackages, ...args.packages];
    const archives = sets.flatMap(({ archive }) => archive ?? []);
    const quiet = sets.flatMap(({ ownUnitsOf }) => ownUnitsOf ?? []);
    const isQuiet = quiet.length > 0;
    return new HostScript(
      name,
      {
        host: args.host,
        ...(archives.length === 0 ? {} : { check: here("archives-check.sh") }),
        script: [...(isQuiet ? ["quiet.sh"] : []), "packages.sh", ...(isQuiet ? ["quiet-end.sh"] : [])].map(
          here,
        ),
        slots: {
          packages: [...new Set(sets.flatMap((set) => set.packages))].sort().join(" "),
          ...(archives.length === 0
            ? {}
            : { archives: archives.map(({ key, host }) => `${key} ${host}`).join("\n") }),
          ...(isQuiet
            ? { quiet: quiet.map(({ key, packages }) => `${key} ${packages.join(" ")}`).join("\n") }
            : {}),
        },
        files: Object.assign({}, ...sets.map((set) => set.files ?? {})),
      },
      { parent: this },
    );
  }
}

function baseFiles(args: SystemArgs) {
  return {
    slots: {
      settings: configKey(args.host.name),
      fqdn: args.fqdn,
      timezone: args.timezone ?? "",
      locale: args.locale,
    },
    files: {
      // Without it cloud-init would put the first boot's name back at every boot.
      "/etc/cloud/cloud.cfg.d/90-berth.cfg": {
        content: "preserve_hostname: true\nmanage_etc_hosts: false\n",
      },
      "/etc/apt/apt.conf.d/52berth": { content: text("unattended-upgrades.conf") },
      "/etc/systemd/system/apt-daily-upgrade.timer.d/berth.conf": {
        content: text("apt-daily-upgrade.timer.conf"),
      },
      "/etc/systemd/journald.conf.d/berth.conf": { content: text("journald.conf") },
      "/etc/sysctl.d/60-berth.conf": { content: text("kernel.conf") },
      ...(args.ownMachine ? ownMachineFiles : {}),
      "/etc/logrotate.d/berth": { content: text("logrotate.conf") },
      "/etc/berth/logrotate.conf": { content: text("logrotate-all.conf") },
      "/etc/systemd/system/logrotate.service.d/berth.conf": { content: text("logrotate.service.conf") },
      "/etc/systemd/system/logrotate.timer.d/berth.conf": { content: text("logrotate.timer.conf") },
      "/usr/local/lib/berth/space": { content: text("space.py"), mode: "0755" },
      "/etc/systemd/system/berth-space.service": { content: text("space.service") },
      "/etc/systemd/system/berth-space.timer": { content: text("space.timer") },
    },
  };
}

const ownMachineFiles: Readonly<Record<string, StepFile>> = {
  "/etc/issue": { content: text("issue") },
  "/etc/issue.net": { content: text("issue") },
  "/etc/modprobe.d/berth.conf": { content: text("modules.conf") },
  "/etc/security/limits.d/berth.conf": { content: text("limits.conf") },
  "/etc/systemd/coredump.conf.d/berth.conf": { content: text("coredump.conf") },
};

/** The ports that other hosts reach; none where there is no other host. */
const privatePorts = ({ privately = { ports: [], to: [] } }: SystemArgs): readonly number[] =>
  privately.to.length === 0 ? [] : privately.ports;

/** The firewall's rules, in nft's own format. */
function firewallFile(args: SystemArgs): pulumi.Output<StepFile> {
  const { ssh, openPorts, openTo, privately } = args;
  const isV6 = (network: string) => network.includes(":");
  const isV4 = (network: string) => !isV6(network);
  return pulumi.all((privately?.to ?? []).map((host) => host.privateAddress)).apply((addresses) => {
    const peers = addresses.map(alone);
    const content = renderTemplate(here("firewall.nft.liquid"), {
      ssh_from4: ssh.from.filter(isV4),
      ssh_from6: ssh.from.filter(isV6),
      open_ports: openPorts,
      other_ports: (args.otherPorts ?? []).map((one) => ({ ...one })),
      network_ports: (args.networkPorts ?? []).map(({ port, from }) => ({
        port,
        from4: from.filter(isV4),
        from6: from.filter(isV6),
      })),
      open_to_all: openTo === undefined,
      open_to4: (openTo ?? []).filter(isV4),
      open_to6: (openTo ?? []).filter(isV6),
      private_ports: privatePorts(args),
      private_from4: peers.filter(isV4),
      private_from6: peers.filter(isV6),
    });
    return { content };
  });
}
