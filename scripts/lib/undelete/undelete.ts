// Brings a stack's backups back as they were, after somebody deleted or overwrote them.
import { time } from "../backups.ts";
import { isMeant } from "../confirm.ts";
import { counted, size } from "../status/words.ts";
import { type BucketPlace, VersionedBucket } from "./bucket.ts";
import { type Act, actFor, type Counts, countsOf, type Version } from "./versions.ts";

/** How often it is tried to bring the same object back. */
const rounds = 3;

/** What is typed after the commands that follow: see stackFlag. */
export interface Wanted {
  readonly stack: string;
  readonly flag: string;
  /** In seconds since 1970. */
  readonly at: number;
  readonly yes: boolean;
}

/** @returns the exit status */
export async function undelete(place: BucketPlace, { stack, flag, at, yes }: Wanted): Promise<number> {
  const bucket = await VersionedBucket.open(place);
  const found = await bucket.versions();
  const all = [...found.values()].flat();
  if (all.length > 0 && all.every(({ id }) => id === "null"))
    throw new Error(
      `the bucket ${place.name} has never kept versions, so what is deleted there is gone. Turn versioning on: see docs/backups.md.`,
    );
  const acts = actsFor(found, place, at);
  if (acts.length === 0) {
    console.log(
      found.size === 0
        ? `berth: there is nothing in s3://${place.name}/${place.prefix}, and there are no versions of before`
        : `berth: all ${counted(found.size, "object")} are as they were at ${time(at)} UTC: nothing was done`,
    );
    return found.size === 0 ? 1 : 0;
  }
  console.log(countsText(countsOf(acts, found.size), at));
  const unasked =
    "there is no terminal to ask at, so nothing was done. To go on without being asked, add --yes.";
  if (!yes && !(await isMeant(stack, "Type the stack's name to go on", unasked))) {
    console.log(`berth: stack ${stack}: nothing was done; its name was not typed`);
    return 1;
  }
  await carryOut(bucket, place, at, acts);
  console.log(
    `berth: the backups are as they were at ${time(at)} UTC. See what there is by 'npm run backups${flag && ` --${flag}`}', and restore it by 'npm run restore'.`,
  );
  return 0;
}

function actsFor(found: ReadonlyMap<string, readonly Version[]>, { prefix }: BucketPlace, at: number): Act[] {
  const locks = `${prefix}/files/locks/`;
  return [...found].flatMap(([key, versions]) => actFor(versions, at, key.startsWith(locks)) ?? []);
}

/** Does it, looks whether it has come of it, and does again what has not: services have their own ideas of versions. */
async function carryOut(
  bucket: VersionedBucket,
  place: BucketPlace,
  at: number,
  acts: readonly Act[],
): Promise<void> {
  const copied = new Set<string>();
  let left = acts;
  for (let round = 0; round < rounds && left.length > 0; round += 1) {
    const all = left.length;
    await bucket.carryOut(left, (done) => {
      if (done % 1000 === 0) console.error(`berth: ${done} of ${counted(all, "object")}`);
    });
    for (const { act, key } of left) if (act === "copy") copied.add(key);
    left = actsFor(await bucket.versions(), place, at).filter(
      (one) => !(one.act === "copy" && one.alike && copied.has(one.key)),
    );
  }
  const [first] = left;
  if (first !== undefined)
    throw new Error(
      `${counted(left.length, "object")} in ${place.name} did not become what they were, such as ${first.key}. Is somebody still writing there? Shut the host's key out and run this again.`,
    );
}

/** What would be done, for people. */
export function countsText({ same, uncover, copy, hide }: Counts, at: number): string {
  return [
    `The backups as they were at ${time(at)} UTC:`,
    `  ${counted(same, "object")} as they were`,
    `  ${counted(uncover.count, "object")} deleted since then, to be brought back (${size(uncover.size)})`,
    `  ${counted(copy.count, "object")} overwritten since then, to be brought back (${size(copy.size)})`,
    `  ${counted(hide, "object")} written since then, to be hidden; a later --at brings ${hide === 1 ? "it" : "them"} back`,
  ].join("\n");
}
