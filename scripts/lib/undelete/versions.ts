// What brings a bucket back to a moment in its past, of the versions that it keeps. Pure.

/** A version of an object, or the mark of its deletion. */
export interface Version {
  readonly key: string;
  readonly id: string;
  /** Seconds since 1970, whole ones at most services. */
  readonly at: number;
  readonly latest: boolean;
  /** Absent for the mark of a deletion. */
  readonly content?: { readonly etag: string; readonly size: number };
}

export type Act =
  /** The marks on top of it are deleted: what they hid is there again, without a copy. */
  | {
      readonly act: "uncover";
      readonly key: string;
      readonly marks: readonly string[];
      readonly size: number;
    }
  /**
   * What lies below what it was overwritten with is copied on top, once marks there are deleted: not every service copies
   * onto one. `alike`: it may be a copy of it already; what was sent in parts has another ETag then.
   */
  | {
      readonly act: "copy";
      readonly key: string;
      readonly id: string;
      readonly marks: readonly string[];
      readonly size: number;
      readonly alike: boolean;
    }
  /** It was not there: the mark of a deletion goes on top, and nothing is lost. */
  | { readonly act: "hide"; readonly key: string };

/**
 * What is to be done with one object.
 *
 * @param versions all of it
 * @param at the moment
 * @param isLock whether it is a lock, which is worth nothing later
 * @returns undefined where it is as it was
 */
export function actFor(versions: readonly Version[], at: number, isLock: boolean): Act | undefined {
  const sorted = [...versions].sort(byAge);
  const current = sorted.find(({ latest }) => latest) ?? sorted[0];
  if (current === undefined) return undefined;
  const { key } = current;
  const index = isLock ? -1 : sorted.findIndex((version) => version.at <= at);
  const { id, content } = sorted[index] ?? {};
  if (id === undefined || content === undefined)
    return current.content === undefined ? undefined : { act: "hide", key };
  const isAsLarge = current.content?.size === content.size;
  if (current.id === id || (isAsLarge && current.content?.etag === content.etag)) return undefined;
  const { size } = content;
  const newer = sorted.slice(0, index);
  const other = newer.findIndex((version) => version.content !== undefined);
  const marks = (other === -1 ? newer : newer.slice(0, other)).map((version) => version.id);
  if (other === -1 && marks.includes(current.id)) return { act: "uncover", key, marks, size };
  return { act: "copy", key, id, marks, size, alike: isAsLarge && content.etag.includes("-") };
}

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Of when a version is, by its id. The service versitygw tells otherwise when an older version was replaced, and of a
 * deletion when the object was written; its ids are ULIDs, which begin with the milliseconds of their making.
 *
 * @returns undefined for the ids of other services, and for a version from before the bucket kept any
 */
export function timeOfId(id: string): number | undefined {
  if (!ulid.test(id)) return undefined;
  return [...id.slice(0, 10)].reduce((time, digit) => time * 32 + digits.indexOf(digit), 0) / 1000;
}

/** The newest first. Of one second an object comes before a mark: too much comes back rather than too little. */
const byAge = (one: Version, other: Version) =>
  other.at - one.at ||
  Number(other.latest) - Number(one.latest) ||
  Number(other.content !== undefined) - Number(one.content !== undefined);

/** What a person is asked to agree to. */
export interface Counts {
  readonly same: number;
  readonly uncover: { readonly count: number; readonly size: number };
  readonly copy: { readonly count: number; readonly size: number };
  readonly hide: number;
}

/** @param objects how many there are or were */
export function countsOf(acts: readonly Act[], objects: number): Counts {
  const of = (act: "uncover" | "copy") => {
    const some = acts.filter((one): one is Extract<Act, { size: number }> => one.act === act);
    return { count: some.length, size: some.reduce((sum, { size }) => sum + size, 0) };
  };
  const hide = acts.filter(({ act }) => act === "hide").length;
  return { same: objects - acts.length, uncover: of("uncover"), copy: of("copy"), hide };
}
