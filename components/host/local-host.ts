import { readFileSync } from "node:fs";
import { local, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { userData } from "../../cloud-init/user-data.ts";
import { connected } from "./connect.ts";
import { firstAccount, firstHost, type Host } from "./host.ts";
import { localScripts } from "./local-script.ts";

export interface LocalHostArgs {
  /** Memory of the machine, in MiB. */
  readonly memory: number;
  /** Size of its disk, in GiB; it takes what it uses. */
  readonly disk: number;
}

/** What `components/host/local/create.sh` says of the machine it made. */
interface Machine {
  readonly address: string;
  readonly machine: string;
  readonly instanceId: string;
}

/**
 * A Debian 13 machine on this computer, under systemd-nspawn: systemd, sshd and cloud-init are real, and it is
 * given the same user-data as any other host. A resource of the stack: `up` makes it, `destroy` removes it with
 * all that is on it.
 */
export class LocalHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly address: pulumi.Output<string>;
  readonly privateAddress: pulumi.Output<string>;
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  readonly hostKey: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  readonly claim: pulumi.Output<string>;
  readonly memory: number;
  readonly sshCommand: pulumi.Output<string>;
  readonly ready: pulumi.Resource;
  readonly deletedWith: pulumi.Resource;

  constructor(name: string, args: LocalHostArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:host:LocalHost", name, {}, options);
    const login = new tls.PrivateKey(`${name}-login`, { algorithm: "ED25519" }, { parent: this });
    const hostKey = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, { parent: this });
    const machine = this.#machine(name, login, hostKey, size(name, args));
    const facts = machine.stdout.apply((text): Machine => JSON.parse(text));

    this.name = name;
    this.memory = args.memory;
    this.hostKey = hostKey.publicKeyOpenssh.apply((key) => key.trim());
    this.address = facts.apply((fact) => fact.address);
    this.privateAddress = this.address;
    this.identity = facts.apply((fact) => fact.instanceId);
    // The machine is the stack's own, from its first moment.
    this.claim = this.identity;
    this.connection = pulumi
      .all([this.address, login.privateKeyOpenssh, this.hostKey])
      .apply(([host, privateKey, key]) => ({
        host,
        port: 22,
        user: firstAccount,
        privateKey,
        hostKey: key,
      }));
    // 'local' is the stack that the command takes when none is named; see scripts/ssh.ts.
    const stack = pulumi.getStack();
    const which = [
      ...(stack === "local" ? [] : ["-s", stack]),
      ...(name === firstHost ? [] : ["--host", name]),
    ];
    this.sshCommand = pulumi.output(["npm run ssh", ...(which.length > 0 ? ["--", ...which] : [])].join(" "));
    this.deletedWith = machine;
    this.ready = this.#kept(name, machine, size(name, args));
    this.ready = connected(this, this).ready;
    this.registerOutputs();
  }

  /** The machine as it was first made. What may change later is the next resource's, so that no step follows it. */
  #machine(
    name: string,
    login: tls.PrivateKey,
    hostKey: tls.PrivateKey,
    environment: Readonly<Record<string, string>>,
  ): local.Command {
    const keys = pulumi.all([login.publicKeyOpenssh, hostKey.publicKeyOpenssh, hostKey.privateKeyOpenssh]);
    const stdin = keys.apply(([authorizedKey, hostPublicKey, hostPrivateKey]) =>
      userData({
        // Its real name is a later step's: a first boot happens once, and names change.
        fqdn: `${name}.internal`,
        user: firstAccount,
        authorizedKey,
        hostPublicKey,
        hostPrivateKey,
      }),
    );
    return new local.Command(
      `${name}-machine`,
      {
        ...localScripts({
          create: "components/host/local/create.sh",
          delete: "components/host/local/destroy.sh",
        }),
        environment,
        stdin: pulumi.secret(stdin),
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        additionalSecretOutputs: ["stdin"],
        ignoreChanges: ["environment", "stdin"],
        customTimeouts: { create: "30m", delete: "10m" },
      },
    );
  }

  /** The machine at its size and running. It stops with its computer, and an update after that starts it again. */
  #kept(name: string, machine: local.Command, environment: Readonly<Record<string, string>>): local.Command {
    return new local.Command(
      `${name}-running`,
      {
        ...localScripts({
          create: "components/host/local/keep.sh",
          update: "components/host/local/keep.sh",
        }),
        environment: { ...environment, BERTH_COMPUTER_BOOT: computerBoot() },
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        dependsOn: [machine],
        deletedWith: machine,
        customTimeouts: { create: "10m", update: "10m" },
      },
    );
  }
}

/** What the scripts for local hosts are told: the machine's name on this computer, and its size. */
function size(name: string, args: LocalHostArgs): Readonly<Record<string, string>> {
  const stack = pulumi
    .getStack()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-");
  return {
    BERTH_MACHINE: `berth-${stack}-${name}`,
    BERTH_MEMORY: `${args.memory}`,
    BERTH_DISK: `${args.disk}`,
  };
}

/** Changes at every start of this computer (random(4)). */
function computerBoot(): string {
  if (process.platform !== "linux") {
    throw new pulumi.RunError(
      `a host of kind 'local' needs a computer that runs Linux; found ${process.platform}. Use an existing host.`,
    );
  }
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
