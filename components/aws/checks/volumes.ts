// Whether the volumes that are wanted can come of those that there are.
import { getSnapshot } from "@pulumi/aws/ebs/getSnapshot.js";
import { configKey } from "../../host/host.ts";
import type { ExistingInstance, ExistingVolume } from "../existing.ts";
import { type Ask, asked, unclear } from "./answers.ts";
import type { HostWishes, Wanted } from "./wishes.ts";

/** A volume cannot shrink: a smaller one would be another one, and empty. */
export function volumeFaults({ dataVolume }: HostWishes, volumes: readonly ExistingVolume[]): string[] {
  return volumes
    .filter(({ size }) => size > dataVolume)
    .map(
      ({ id, size }) =>
        `host.dataVolume: expected ${size} or more, as the stack's volume ${id} has, because a volume can only grow; found ${dataVolume}.`,
    );
}

/** Neither can a root volume, which is new with a new instance alone. */
export function rootVolumeFaults(
  { name, rootVolume }: Wanted,
  existing: ExistingInstance | undefined,
): string[] {
  const size = existing?.rootVolume;
  return existing === undefined || size === undefined || rootVolume === undefined || rootVolume >= size
    ? []
    : [
        `${configKey(name)}.rootVolume: expected ${size} or more, as the instance ${existing.id} has, because a volume can only grow; found ${rootVolume}.`,
      ];
}

/** A volume is as large as its snapshot, or larger. */
export async function snapshotFaults(
  { dataVolume, region }: HostWishes,
  from: string,
  ask: Ask,
): Promise<string[]> {
  const key = "host.dataVolumeFrom";
  const answer = await asked(getSnapshot({ snapshotIds: [from] }, ask), /no results|InvalidSnapshot/);
  if (answer.error !== undefined) return [unclear(key, answer.error)];
  if (answer.value === undefined) {
    return [
      `${key}: expected a snapshot that this account may use in ${region}; found no ${from}. All of them: aws ec2 describe-snapshots --owner-ids self --region ${region}`,
    ];
  }
  const { volumeSize, state } = answer.value;
  if (state !== "completed") {
    return [
      `${key}: expected a snapshot that is complete; found ${from}, which is ${state}. Try again when it is.`,
    ];
  }
  return volumeSize > dataVolume
    ? [`host.dataVolume: expected ${volumeSize} or more, as the snapshot ${from} has; found ${dataVolume}.`]
    : [];
}
