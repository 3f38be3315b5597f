// What a destroy would take away, for people who are asked whether they mean it.
import { backupBucketNames } from "../../components/aws/naming.ts";
import { firstHost } from "../../components/host/host.ts";

/** A resource of a stack, as the engine exports it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  /** What its provider knows it by. */
  readonly id?: string;
  readonly custom?: boolean;
  /** Whether the engine refuses to delete it. */
  readonly protect?: boolean;
  /** Whether a deletion only forgets it. */
  readonly retainOnDelete?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The names of the resources that the engine refuses to delete. */
export const protectedOf = (resources: readonly StateResource[]): string[] =>
  resources.filter(({ protect }) => protect).map(nameOf);

/**
 * What links a volume to an instance, by URN. AWS fails to take such a link away when the instance is gone, and so would a
 * destroy: whether they are there is asked first, of them alone.
 */
export const attachmentsOf = (resources: readonly StateResource[]): string[] =>
  resources.filter(({ type }) => type === "aws:ec2/volumeAttachment:VolumeAttachment").map(({ urn }) => urn);

/** What goes and what stays when a stack is destroyed, and what of it is data: lines for a person. */
export function removalText(resources: readonly StateResource[]): string[] {
  const volumes = resources.filter(({ type }) => type === "aws:ebs/volume:Volume");
  const data = dataOnHost(resources);
  const lines = resources.flatMap((resource): string[] => {
    const name = nameOf(resource);
    const onIt = name === firstHost && data.length > 0 ? `DATA on it: ${data.join(", ")}` : undefined;
    const fate = resource.retainOnDelete ? "stays" : "goes ";
    switch (resource.type) {
      case "berth:host:LocalHost":
        return [`goes   host ${name}, a machine on this computer`, ...(onIt ? [`goes   ${onIt}`] : [])];
      case "berth:host:ExistingHost":
        return [
          `goes   what Berth set up on host ${name}: services, settings, the running release`,
          `stays  the machine of host ${name}, with its packages and accounts`,
          ...(onIt ? [`stays  ${onIt}`] : []),
        ];
      case "berth:ec2:Ec2Host":
        return [
          `goes   host ${name}, an EC2 instance`,
          // Otherwise it is on the volume.
          ...(onIt && volumes.length === 0 ? [`goes   ${onIt}`] : []),
        ];
      case "aws:ebs/volume:Volume":
        return [
          `${fate}  volume ${name}${resource.retainOnDelete ? ` (${resource.id})` : ""}`,
          ...(data.length > 0 ? [`${fate}  DATA on it: ${data.join(", ")}`] : []),
        ];
      case "aws:ec2/eip:Eip":
        return [`${fate}  address ${resource.outputs?.publicIp ?? name}; you cannot get it back`];
      case "berth:backup:Backup":
        return backupText(resource, resources);
      case "aws:s3/bucket:Bucket":
        return name === backupBucketNames.resource ? [] : [`${fate}  ${bucketText(resource)}`];
      default:
        return [];
    }
  });
  const media = mediaOf(resources);
  const bucketOfOthers =
    media?.startsWith("s3://") &&
    !resources.some(
      (one) => one.type === "aws:s3/bucket:Bucket" && nameOf(one) !== backupBucketNames.resource,
    );
  const all = resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:")).length;
  return [
    ...lines,
    ...(bucketOfOthers ? [`stays  DATA in the bucket ${media}`] : []),
    `goes   all else that the stack made, passwords and keys among it (resources in all: ${all})`,
  ];
}

function bucketText({ urn, inputs, outputs, retainOnDelete }: StateResource): string {
  const bucket = `bucket ${outputs?.bucket ?? nameOf({ urn })}`;
  if (retainOnDelete) return `${bucket}, with its DATA: uploads`;
  return inputs?.forceDestroy === true
    ? `${bucket}, with all its DATA: uploads and their earlier versions`
    : `${bucket} if it is empty; while it holds DATA, it stays and the removal stops there`;
}

/** Backups stay where their place does, and one that Berth made up is the only passphrase that they can be read with. */
function backupText(backup: StateResource, resources: readonly StateResource[]): string[] {
  const [name, stack] = [nameOf(backup), backup.urn.split("::")[0]?.split(":").at(-1)];
  const isMadeUp = resources.some((one) => nameOf(one) === `${name}-passphrase`);
  return [
    placeText(`${backup.outputs?.place ?? "their place"}`, resources),
    ...(isMadeUp
      ? [
          `goes   their passphrase, without which nobody can read them. Keep a copy first: npm run --silent backups -- -s ${stack} --show-passphrase`,
        ]
      : []),
  ];
}

/** A directory is the first host's, and on its own disk unless somebody has mounted another one there. */
function placeText(place: string, resources: readonly StateResource[]): string {
  const goes = resources.find(
    (one) => /^berth:(host:LocalHost|ec2:Ec2Host)$/.test(one.type) && nameOf(one) === firstHost,
  );
  return place.startsWith("/") && goes !== undefined
    ? `goes   backups in ${place} on host ${firstHost}, unless another disk is mounted there. Copy them away first`
    : `stays  backups in ${place}`;
}

/** What the first host holds that nothing makes again: what components say that they keep, and uploads. */
export function dataOnHost(resources: readonly StateResource[]): string[] {
  const kept = resources.flatMap(({ outputs }) =>
    typeof outputs?.keeps === "string" ? [outputs.keeps] : [],
  );
  const media = mediaOf(resources);
  const isDeployed = resources.some(({ type }) => type === "berth:app:App");
  const uploads = media === undefined ? "uploads" : `uploads in ${media}`;
  return [...kept, ...(isDeployed && !media?.startsWith("s3://") ? [uploads] : [])];
}

/** The output `media`: a directory or `s3://BUCKET`; undefined before the first deployment has ended. */
function mediaOf(resources: readonly StateResource[]): string | undefined {
  const media = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs?.media;
  return typeof media === "string" ? media : undefined;
}

const nameOf = ({ urn }: { readonly urn: string }) => urn.slice(urn.lastIndexOf("::") + 2);
