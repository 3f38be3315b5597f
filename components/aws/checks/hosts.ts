// Whether AWS can give the hosts that are wanted.
import { configKey, firstHost } from "../../host/host.ts";
import { type ExistingInstance, existingInstances, existingVolumes } from "../existing.ts";
import { type Ask, asked, unclear } from "./answers.ts";
import { findMachine } from "./machine.ts";
import { networkFaults } from "./networks.ts";
import { offersOf, placeFaults, placeOf } from "./place.ts";
import { quotaFaults } from "./quota.ts";
import { rootVolumeFaults, snapshotFaults, volumeFaults } from "./volumes.ts";
import type { CloudFacts, CloudWishes, HostWishes, InstanceFacts, InstanceWishes, Wanted } from "./wishes.ts";

/** What AWS has of the hosts, or all that is wrong with them. */
export async function findHosts(
  host: HostWishes,
  others: CloudWishes["others"],
  ask: Ask,
): Promise<CloudFacts | string[]> {
  const wanted = instancesOf(host, others);
  const [existing, volumes] = await Promise.all([
    Promise.all(wanted.map(({ name }) => asked(existingInstances(name, ask)))),
    asked(existingVolumes(ask)),
  ]);
  const unseen = existing.flatMap(({ value, error }, index) =>
    value === undefined ? [unclear(`${configKey(wanted[index]?.name as string)}.instanceType`, error)] : [],
  );
  const instances = existing.map(({ value }) => value?.[0]);
  const from = host.dataVolumeFrom;
  const restores = from !== undefined && !volumes.value?.some(({ snapshot }) => snapshot === from);
  const place = await placeOf(
    host.network,
    offersOf(wanted, ask),
    instances[0],
    volumes.value ?? [],
    from,
    ask,
  );
  const [machines, ...found] = await Promise.all([
    Promise.all(wanted.map((one, index) => findMachine(one, instances[index], place, ask))),
    volumes.value === undefined
      ? [unclear("host.dataVolume", volumes.error)]
      : restores
        ? snapshotFaults(host, from, ask)
        : volumeFaults(host, volumes.value),
    networkFaults(host.network, ask),
    restores ? [] : placeFaults(host.network, place),
    wanted.flatMap((one, index) => rootVolumeFaults(one, instances[index])),
    quotaFaults(
      wanted.map(({ instanceType }, index) => ({ instanceType, running: runningType(instances[index]) })),
      host.region,
      ask,
    ),
  ]);
  const faults = [...unseen, ...machines.flatMap((one) => (Array.isArray(one) ? one : [])), ...found.flat()];
  if (faults.length > 0) return faults;
  const [first, ...rest] = machines as InstanceFacts[];
  const named = rest.map((facts, index) => [wanted[index + 1]?.name, facts] as const);
  const zone = place.zone === undefined ? {} : { zone: place.zone };
  return { ...(first as InstanceFacts), ...zone, restores, others: Object.fromEntries(named) };
}

const runningType = (existing: ExistingInstance | undefined) =>
  existing?.stopped === undefined ? existing?.instanceType : undefined;

function instancesOf(host: HostWishes, others: Readonly<Record<string, InstanceWishes>> = {}): Wanted[] {
  const { region } = host;
  return Object.entries<InstanceWishes>({ [firstHost]: host, ...others }).map(
    ([name, { instanceType, image, rootVolume }]) => ({
      name,
      region,
      instanceType,
      image,
      ...(rootVolume === undefined ? {} : { rootVolume }),
    }),
  );
}
