// What a stack has in AWS already, found by its tags. The engine's state knows the same; a program cannot read that.
import { getEbsVolumes } from "@pulumi/aws/ebs/getEbsVolumes.js";
import { getVolume } from "@pulumi/aws/ebs/getVolume.js";
import { getInstance } from "@pulumi/aws/ec2/getInstance.js";
import { getInstances } from "@pulumi/aws/ec2/getInstances.js";
import type * as pulumi from "@pulumi/pulumi";
import { hostTags, tagsOf } from "./naming.ts";

/** An instance that a host of the stack is. */
export interface ExistingInstance {
  readonly id: string;
  readonly image: string;
  readonly instanceType: string;
  readonly zone: string;
  /** Size of its root volume, in GiB; undefined where AWS does not say. */
  readonly rootVolume: number | undefined;
  /** When it was last started, if it is stopped now: another value at each stop. */
  readonly stopped?: string;
}

/** A data volume of the stack; more than one after a destroy that has kept one. */
export interface ExistingVolume {
  readonly id: string;
  /** GiB. */
  readonly size: number;
  readonly zone: string;
  /** The snapshot that it was made from; empty where it began empty. */
  readonly snapshot: string;
  /** Whether an instance has it. */
  readonly attached: boolean;
}

/** The instances of one of the stack's hosts, but not those that are terminated: one, or none. */
export async function existingInstances(
  host: string,
  ask: pulumi.InvokeOptions,
): Promise<ExistingInstance[]> {
  const instanceStateNames = ["pending", "running", "stopping", "stopped"];
  const { ids } = await getInstances({ instanceTags: hostTags(host), instanceStateNames }, ask);
  return Promise.all(
    ids.map(async (instanceId) => {
      const found = await getInstance({ instanceId }, ask);
      return {
        id: instanceId,
        image: found.ami,
        instanceType: found.instanceType,
        zone: found.availabilityZone,
        rootVolume: found.rootBlockDevices?.[0]?.volumeSize,
        ...(/^stopp/.test(found.instanceState) ? { stopped: found.launchTime } : {}),
      };
    }),
  );
}

/** The stack's data volumes, the one in use first, and then the newest. */
export async function existingVolumes(ask: pulumi.InvokeOptions): Promise<ExistingVolume[]> {
  const { project = "", stack = "", component = "" } = tagsOf("data");
  const tags = { project, stack, component };
  const ids = async (...states: string[]) =>
    (await getEbsVolumes({ tags, filters: [{ name: "status", values: states }] }, ask)).ids;
  const attached = await ids("in-use");
  const all = [...new Set([...attached, ...(await ids("creating", "available"))])];
  const volumes = await Promise.all(
    all.map(async (id) => {
      const found = await getVolume({ filters: [{ name: "volume-id", values: [id] }] }, ask);
      return { ...found, id };
    }),
  );
  return volumes
    .sort((left, right) => (left.createTime > right.createTime ? -1 : 1))
    .map(({ id, size, availabilityZone, snapshotId }) => ({
      id,
      size,
      zone: availabilityZone,
      snapshot: snapshotId,
      attached: attached.includes(id),
    }))
    .sort((left, right) => Number(right.attached) - Number(left.attached));
}
