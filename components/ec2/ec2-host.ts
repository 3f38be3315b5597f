import { Eip } from "@pulumi/aws/ec2/eip.js";
import { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
import { InstanceState } from "@pulumi/aws/ec2transitgateway/instanceState.js";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { userData } from "../../cloud-init/user-data.ts";
import { cloudName, hostTags, limits } from "../aws/naming.ts";
import { connected } from "../host/connect.ts";
import { firstAccount, firstHost, type Host } from "../host/host.ts";
import { DataVolume } from "./data-volume.ts";
import { firstContact, publicKey } from "./host-key.ts";

export interface Ec2HostArgs {
  /** Such as `t4g.small`. Another one stops the instance and starts it again; all else stays. */
  readonly instanceType: string;
  /** What becomes of an instance of a burstable type that has used up its CPU credits. @default as the account has it */
  readonly cpuCredits?: "standard" | "unlimited" | undefined;
  /** Id of the newest image for the instance type's architecture; an instance is made from it and keeps it. */
  readonly image: string;
  /** Whether the image was named by the user: then another one replaces the instance. */
  readonly imagePinned: boolean;
  /** The machine that there is, as AWS tells of it. @default none yet */
  readonly existing?:
    | {
        /** Id of the image that it was made from. */
        readonly image: string;
        /** When it was last started, if it is stopped now: then it is started. */
        readonly stopped?: string;
      }
    | undefined;
  /** The subnet; another one replaces the instance. */
  readonly subnetId: pulumi.Input<string>;
  /** The subnet's availability zone. */
  readonly zone: pulumi.Input<string>;
  readonly securityGroupIds: readonly pulumi.Input<string>[];
  /** Name of the instance profile. */
  readonly instanceProfile: pulumi.Input<string>;
  /** Size of the root disk, in GiB. */
  readonly rootVolume: number;
  /** The volume for what must survive the instance. @default nothing on it must */
  readonly data?: HostData | undefined;
  /** Whether AWS and the engine refuse to delete or replace it, its address and its data. */
  readonly protect: boolean;
  /** Names of resources that the engine does not protect for now, such as `web-instance`. @default none */
  readonly unprotected?: readonly string[] | undefined;
  /** Where its SSH answers when port 22 is closed: the end of a tunnel. @default port 22 of its own address */
  readonly reach?: { readonly address: string; readonly port: number } | undefined;
  /** What must be there, beside its address, before it is spoken to. @default nothing */
  readonly way?: readonly pulumi.Resource[] | undefined;
}

export interface HostData {
  /** Size of the data volume, in GiB. */
  readonly volume: number;
  /** Whether the volume stays in AWS when the host is destroyed, or another volume takes its place. */
  readonly retain: boolean;
  /** The snapshot that it begins with. @default it begins empty */
  readonly from?: string | undefined;
  /** Whether it takes the place of a volume that there is, and may be in another zone. @default false */
  readonly restores?: boolean;
  /** Absolute paths of the directories that must survive the instance; they live on the data volume. */
  readonly directories: readonly string[];
  /** The systemd units that keep data there; they do not start without it. */
  readonly services: readonly string[];
}

/**
 * A Debian machine in EC2, with an address and, where it keeps data, a volume, which outlive it. The preview says what a
 * change does: an update of the instance stops it and starts it again; a replacement makes a new one, which takes over
 * address, data and host key.
 */
export class Ec2Host extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly address: pulumi.Output<string>;
  readonly privateAddress: pulumi.Output<string>;
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  readonly hostKey: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  readonly claim: pulumi.Output<string>;
  readonly memory = undefined;
  readonly sshCommand: pulumi.Output<string>;
  readonly ready: pulumi.Resource;
  readonly deletedWith: pulumi.Resource;
  readonly instanceId: pulumi.Output<string>;
  /** A newer image than the one in use; empty when there is none. To take it is to name it. */
  readonly imageOffer: pulumi.Output<string>;

  readonly #protects: (resource: string) => boolean;

  constructor(name: string, args: Ec2HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:ec2:Ec2Host", name, {}, options);
    const { unprotected = [] } = args;
    this.#protects = (resource) => args.protect && !unprotected.includes(resource);
    const login = this.#key(`${name}-login`);
    const hostKey = this.#key(`${name}-host-key`);
    const bootstrapKey = this.#bootstrapKey(name, args, login);
    const instance = this.#instance(name, args, login, bootstrapKey);
    const address = new Eip(
      `${name}-address`,
      { domain: "vpc", tags: hostTags(name) },
      { parent: this, protect: this.#protects(`${name}-address`) },
    );
    const association = new EipAssociation(
      `${name}-address-of-host`,
      { instanceId: instance.id, allocationId: address.allocationId },
      // One address, one machine.
      { parent: this, deleteBeforeReplace: true },
    );
    const volume = args.data && this.#volume(name, args, args.data, instance);
    const running = this.#running(name, args, instance, volume);

    this.name = name;
    this.address = address.publicIp;
    this.privateAddress = instance.privateIp;
    this.hostKey = publicKey(hostKey);
    this.instanceId = instance.id;
    this.identity = instance.id;
    // The machine is the stack's own, from its first moment.
    this.claim = this.identity;
    this.deletedWith = instance;
    this.imageOffer = instance.ami.apply((used) => (used === args.image ? "" : args.image));
    const place = args.reach ?? { address: this.address, port: 22 };
    this.connection = pulumi
      .all([place.address, place.port, login.privateKeyOpenssh, this.hostKey])
      .apply(([host, port, privateKey, key]) => ({
        host,
        port,
        user: firstAccount,
        privateKey,
        hostKey: key,
      }));
    this.sshCommand = pulumi.output(
      `npm run ssh -- -s ${pulumi.getStack()}${name === firstHost ? "" : ` --host ${name}`}`,
    );
    const { instanceType } = args;
    this.ready = firstContact(
      `${name}-first-contact`,
      { ...place, instanceId: instance.id, instanceType, login, bootstrapKey, hostKey },
      { parent: this, dependsOn: [association, running, ...(args.way ?? [])], deletedWith: instance },
    );
    this.ready = connected(this, this).ready;
    if (volume !== undefined && args.data !== undefined) {
      this.ready = volume.mounted(`${name}-data-volume`, this, args.data.directories, args.data.services);
    }
    this.registerOutputs();
  }

  #key(name: string, options: pulumi.CustomResourceOptions = {}): tls.PrivateKey {
    return new tls.PrivateKey(name, { algorithm: "ED25519" }, { parent: this, ...options });
  }

  /** What user-data shows serves one machine only: whatever makes a new instance makes a new one of these. */
  #bootstrapKey(name: string, args: Ec2HostArgs, loginKey: tls.PrivateKey): tls.PrivateKey {
    const { subnetId, image, imagePinned, existing } = args;
    const login = publicKey(loginKey);
    const machine = new RandomId(
      `${name}-machine`,
      {
        byteLength: 8,
        keepers: { subnet: subnetId, login, image: imagePinned ? image : (existing?.image ?? image) },
      },
      {
        parent: this,
        // To name the image that the machine has, or to name none any more, makes no other machine.
        ignoreChanges: imagePinned && existing?.image !== image ? [] : ["keepers.image"],
      },
    );
    return this.#key(`${name}-bootstrap-key`, { replaceWith: [machine] });
  }

  /**
   * The word that the instance runs. AWS's provider stops it for another type or disk, and does not start it again when
   * that goes wrong in between; others stop it as well. So each of these makes this anew, which starts it.
   */
  #running(
    name: string,
    args: Ec2HostArgs,
    instance: Instance,
    volume: DataVolume | undefined,
  ): InstanceState {
    const stopped = args.existing?.stopped;
    const start = new RandomId(
      `${name}-start`,
      { byteLength: 8, keepers: { stopped: stopped ?? "" } },
      // One that runs is no change, whatever it was started after.
      { parent: this, ignoreChanges: stopped === undefined ? ["keepers"] : [] },
    );
    const reasons = [args.instanceType, start.hex, ...(volume === undefined ? [] : [volume.volumeId])];
    return new InstanceState(
      `${name}-running`,
      { instanceId: instance.id, state: "running" },
      {
        parent: this,
        dependsOn: volume === undefined ? [] : [volume.attached],
        deletedWith: instance,
        replacementTrigger: pulumi.all(reasons).apply((all) => all.join(" ")),
      },
    );
  }

  #volume(name: string, args: Ec2HostArgs, data: HostData, instance: Instance): DataVolume {
    const { zone, protect: finalSnapshot } = args;
    const protect = this.#protects(`${name}-data-disk`);
    const { volume: size, retain, from, restores } = data;
    return new DataVolume(
      `${name}-data`,
      { size, zone, instance, protect, retain, from, restores, finalSnapshot },
      { parent: this },
    );
  }

  #instance(name: string, args: Ec2HostArgs, login: tls.PrivateKey, bootstrapKey: tls.PrivateKey): Instance {
    const keyPair = new KeyPair(
      `${name}-key-pair`,
      { keyName: cloudName(name, limits.keyPair), publicKey: publicKey(login), tags: hostTags(name) },
      { parent: this, deleteBeforeReplace: true },
    );
    const firstBoot = pulumi
      .all([publicKey(login), publicKey(bootstrapKey), bootstrapKey.privateKeyOpenssh])
      .apply(([authorizedKey, hostPublicKey, hostPrivateKey]) =>
        // Its real name is a later step's: a first boot happens once, and names change.
        userData({
          fqdn: `${name}.internal`,
          user: firstAccount,
          authorizedKey,
          hostPublicKey,
          hostPrivateKey,
        }),
      );
    return new Instance(
      `${name}-instance`,
      {
        ami: args.image,
        instanceType: args.instanceType,
        ...(args.cpuCredits && { creditSpecification: { cpuCredits: args.cpuCredits } }),
        subnetId: args.subnetId,
        vpcSecurityGroupIds: [...args.securityGroupIds],
        iamInstanceProfile: args.instanceProfile,
        keyName: keyPair.keyName,
        userData: pulumi.secret(firstBoot),
        userDataReplaceOnChange: true,
        disableApiTermination: args.protect,
        // That is for everyone else. The engine's own protection is the one below, which a permission can lift.
        forceDestroy: true,
        // The answer to a request may not travel further than the host itself, so that no container gets one.
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          httpPutResponseHopLimit: 1,
          httpProtocolIpv6: "disabled",
          instanceMetadataTags: "disabled",
        },
        rootBlockDevice: {
          volumeSize: args.rootVolume,
          volumeType: "gp3",
          encrypted: true,
          deleteOnTermination: true,
          // Not by volumeTags, which would be the data volume's as well.
          tags: hostTags(name),
        },
        // AWS moves it to other hardware when its own fails, with its address and disks.
        maintenanceOptions: { autoRecovery: "default" },
        // Basic monitoring, every 5 minutes; status checks come every minute all the same, and cost nothing.
        monitoring: false,
        tags: hostTags(name),
      },
      {
        parent: this,
        protect: this.#protects(`${name}-instance`),
        // A newer image is an offer and no reason to replace a machine.
        ignoreChanges: args.imagePinned ? [] : ["ami"],
      },
    );
  }
}
