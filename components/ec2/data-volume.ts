import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Volume } from "@pulumi/aws/ebs/volume.js";
import type { Instance } from "@pulumi/aws/ec2/instance.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import * as pulumi from "@pulumi/pulumi";
import { tagsOf } from "../aws/naming.ts";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

/** One that AWS recommends for data volumes: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html */
const device = "/dev/sdf";

/** Where a host mounts it; data-volume.sh and data-volume-boot.sh have the same path. */
export const dataVolumeRoot = "/var/lib/berth/data";

export interface DataVolumeArgs {
  /** Its size, in GiB. It can grow, and the file system grows with it; it cannot shrink. */
  readonly size: number;
  /** The availability zone of the instance. */
  readonly zone: pulumi.Input<string>;
  /** The instance that has it now. */
  readonly instance: Instance;
  /** Whether the engine refuses to delete it. */
  readonly protect: boolean;
  /** Whether it stays in AWS when the engine is done with it: its resource is destroyed, or replaced. */
  readonly retain: boolean;
  /** The snapshot that it begins with: another one replaces it. @default a new one begins empty, one that is there stays */
  readonly from?: string | undefined;
  /** Whether it takes the place of a volume that there is, and may be in another zone. @default false */
  readonly restores?: boolean | undefined;
  /** Whether AWS takes a snapshot of it when it is deleted all the same. */
  readonly finalSnapshot: boolean;
}

/** A disk that outlives the instance: what is on it is on the next instance as well. */
export class DataVolume extends pulumi.ComponentResource {
  /** The volume's id. */
  readonly volumeId: pulumi.Output<string>;
  /** That the instance has it. */
  readonly attached: pulumi.Resource;
  readonly #volume: Volume;

  constructor(name: string, args: DataVolumeArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:ec2:DataVolume", name, {}, options);
    this.#volume = new Volume(
      `${name}-disk`,
      {
        availabilityZone: args.zone,
        size: args.size,
        type: "gp3",
        encrypted: true,
        ...(args.from === undefined ? {} : { snapshotId: args.from }),
        ...(args.finalSnapshot ? { finalSnapshot: true } : {}),
        tags: tagsOf("data"),
      },
      {
        parent: this,
        protect: args.protect,
        retainOnDelete: args.retain,
        // A volume in another zone would be another one, and empty. What it was made from is of no account later.
        ignoreChanges: [
          ...(args.restores ? [] : ["availabilityZone"]),
          ...(args.from === undefined ? ["snapshotId"] : []),
        ],
      },
    );
    this.attached = new VolumeAttachment(
      `${name}-attachment`,
      {
        deviceName: device,
        volumeId: this.#volume.id,
        instanceId: args.instance.id,
        // A disk that is taken from a running machine loses what that has not written yet.
        stopInstanceBeforeDetaching: true,
      },
      // It cannot be in two machines at once.
      { parent: this, deleteBeforeReplace: true },
    );
    this.volumeId = this.#volume.id;
    this.registerOutputs();
  }

  /**
   * The step that mounts it on its host, by UUID, now and at every boot, with the directories that live on it.
   *
   * @param directories absolute paths of all that must survive
   * @param services the systemd units that do not start without it
   */
  mounted(name: string, host: Host, directories: readonly string[], services: readonly string[]): HostScript {
    return new HostScript(
      name,
      {
        host,
        script: here("data-volume.sh"),
        slots: {
          volume: this.#volume.id,
          device,
          size: this.#volume.size,
          directories: directories.join("\n"),
          services: services.join(" "),
        },
        files: {
          "/usr/local/sbin/berth-data": { content: text("data-volume-boot.sh"), mode: "0755" },
          "/etc/systemd/system/berth-data.service": { content: text("data-volume.service") },
          "/etc/systemd/system/berth-data-accounts.path": { content: text("data-volume-accounts.path") },
          "/etc/systemd/system/berth-data-accounts.service": {
            content: text("data-volume-accounts.service"),
          },
          ...Object.fromEntries(
            services.map((unit) => [
              `/etc/systemd/system/${unit}.d/berth-data.conf`,
              { content: text("data-volume-user.conf") },
            ]),
          ),
        },
      },
      { parent: this, dependsOn: [this.attached] },
    );
  }
}
