// Property values as they travel between the engine and a provider: plain JSON, in which objects with a
// "signature" key stand for what JSON cannot say (secrets, assets, archives), and one fixed string for "not known
// until the update". The constants are part of Pulumi's wire format (sdk/go/common/resource/sig).

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Properties = { [key: string]: Value };

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** Stands for every value that is not known before the update, whatever its type. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasSignature(value: Value | undefined, signature: string): value is Properties {
  return isObject(value) && value[SIGNATURE] === signature;
}

export function isSecret(value: Value | undefined): value is Properties {
  return hasSignature(value, SECRET);
}

export function isAsset(value: Value | undefined): value is Properties {
  return hasSignature(value, ASSET);
}

export function isArchive(value: Value | undefined): value is Properties {
  return hasSignature(value, ARCHIVE);
}

/** The value marked as secret; a value that is marked already stays as it is. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** The value without the marks around it (marks further inside stay). */
export function unwrap(value: Value | undefined): Value | undefined {
  let inner = value;
  while (isSecret(inner)) inner = inner.value;
  return inner;
}

/** The value without any secret mark, at any depth: what an operation works with. */
export function reveal(value: Value | undefined): Value | undefined {
  const inner = unwrap(value);
  if (Array.isArray(inner)) return inner.map((item) => reveal(item) ?? null);
  if (!isObject(inner)) return inner;
  return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, reveal(item) ?? null]));
}

export function isUnknown(value: Value | undefined): boolean {
  return unwrap(value) === UNKNOWN;
}

export function containsUnknown(value: Value | undefined): boolean {
  const inner = unwrap(value);
  if (inner === UNKNOWN) return true;
  if (Array.isArray(inner)) return inner.some(containsUnknown);
  return isObject(inner) && Object.values(inner).some(containsUnknown);
}

/** Equality as the engine sees it: a missing key equals null, assets and archives are equal when their hashes are. */
export function equal(left: Value | undefined, right: Value | undefined): boolean {
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => equal(item, right[index]));
  }
  if (isObject(left) || isObject(right)) {
    if (!isObject(left) || !isObject(right)) return false;
    if (SIGNATURE in left || SIGNATURE in right) {
      if (left[SIGNATURE] !== right[SIGNATURE]) return false;
      if (isAsset(left) || isArchive(left)) return left.hash !== undefined && left.hash === right.hash;
    }
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...keys].every((key) => equal(left[key], right[key]));
  }
  return (left ?? null) === (right ?? null);
}

export type Change = "add" | "delete" | "update";

/** The paths that differ, in Pulumi's notation (`root.nested[0]["odd key"]`), and how. */
export function differences(olds: Properties, news: Properties, prefix = ""): Map<string, Change> {
  const found = new Map<string, Change>();
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    const path = step(prefix, key);
    const [before, after] = [olds[key], news[key]];
    if ((before ?? null) === null && (after ?? null) === null) continue;
    if ((before ?? null) === null) found.set(path, "add");
    else if ((after ?? null) === null) found.set(path, "delete");
    else compare(before as Value, after as Value, path, found);
  }
  return found;
}

function compare(before: Value, after: Value, path: string, found: Map<string, Change>): void {
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      const item = `${path}[${index}]`;
      if (index >= before.length) found.set(item, "add");
      else if (index >= after.length) found.set(item, "delete");
      else compare(before[index] as Value, after[index] as Value, item, found);
    }
  } else if (isObject(before) && isObject(after) && !(SIGNATURE in before) && !(SIGNATURE in after)) {
    for (const [inner, change] of differences(before, after, path)) found.set(inner, change);
  } else if (!equal(before, after)) {
    found.set(path, "update");
  }
}

function step(prefix: string, key: string): string {
  if (!/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(key)) return `${prefix}["${key.replaceAll('"', '\\"')}"]`;
  return prefix === "" ? key : `${prefix}.${key}`;
}
