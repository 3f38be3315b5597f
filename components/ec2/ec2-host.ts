import { Eip } from "@pulumi/aws/ec2/eip.js";
import { EipAssociation } from "@pulumi/aws/ec2/eipAssociation.js";
import { Instance } from "@pulumi/aws/ec2/instance.js";
import { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
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
  /** Id of the newest image for the instance type's architecture; an instance is made from it and keeps it. */
  readonly image: string;
  /** Whether the image was named by the user: then another one replaces the instance. */
  readonly imagePinned: boolean;
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
    // What user-data shows serves one machine only: whatever makes a new instance makes a new one of these.
    const bootstrapKey = this.#key(
      `${name}-bootstrap-key`,
      pulumi
        .all([args.subnetId, publicKey(login)])
        .apply((parts) => [...parts, ...(args.imagePinned ? [args.image] : [])].join(" ")),
    );
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
    const volume = args.data && this.#volume(name, args.data, args.zone, instance);

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
      { parent: this, dependsOn: [association, ...(args.way ?? [])], deletedWith: instance },
    );
    this.ready = connected(this, this).ready;
    if (volume !== undefined && args.data !== undefined) {
      this.ready = volume.mounted(`${name}-data-volume`, this, args.data.directories, args.data.services);
    }
    this.registerOutputs();
  }

  #key(name: string, replacementTrigger?: pulumi.Output<string>): tls.PrivateKey {
    const trigger = replacementTrigger === undefined ? {} : { replacementTrigger };
    return new tls.PrivateKey(name, { algorithm: "ED25519" }, { parent: this, ...trigger });
  }

  #volume(name: string, data: HostData, zone: pulumi.Input<string>, instance: Instance): DataVolume {
    const protect = this.#protects(`${name}-data-disk`);
    const { volume: size, retain } = data;
    return new DataVolume(`${name}-data`, { size, zone, instance, protect, retain }, { parent: this });
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
