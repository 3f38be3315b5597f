// What user-data says, however it is packed: https://docs.cloud-init.io/en/latest/explanation/format.html
import { createPublicKey } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import type { Resource } from "./rule.ts";
import type { Value } from "./values.ts";

/** A text in user-data and the way to it. */
export interface Part {
  /** The keys of cloud-config that lead to it; empty for the whole text. */
  readonly path: readonly string[];
  readonly text: string;
}

/** The user-data of a resource: the property and the text in it. None where a preview does not know it yet. */
export function userDataOf({ type, props }: Resource): { property: string; text: string }[] {
  const read = (property: string, packed: boolean) => {
    const value: Value = props[property];
    return typeof value === "string"
      ? [{ property, text: packed ? unpacked(Buffer.from(value, "base64")) : value }]
      : [];
  };
  switch (type) {
    case "aws:ec2/instance:Instance":
    case "aws:ec2/launchConfiguration:LaunchConfiguration":
      return [...read("userData", false), ...read("userDataBase64", true)];
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return read("userData", true);
    default:
      return [];
  }
}

/** Every text in user-data: of cloud-config each value by its keys, and what is packed in base64 or gzip unpacked. */
export function parts(userData: string): Part[] {
  const config = cloudConfig(userData);
  const found = config === undefined ? [{ path: [], text: userData }] : [...leaves(config, [])];
  return found.flatMap(({ path, text }) => [text, ...packedIn(text)].map((each) => ({ path, text: each })));
}

/** What stands in a text in base64: a file of cloud-config, a part of a MIME message, a word of a script. */
function packedIn(text: string): string[] {
  const joined = text.replaceAll(/(?<=[A-Za-z0-9+/]{40})\r?\n\s*(?=[A-Za-z0-9+/=])/g, "");
  return [...joined.matchAll(/[A-Za-z0-9+/]{16,}={0,2}/g)].map(([run]) =>
    unpacked(Buffer.from(run, "base64")),
  );
}

/** The public halves of the host keys that user-data carries, as `AAAA…` in base64. */
export function hostKeys(userData: string): string[] {
  return parts(userData)
    .filter(({ path }) => path[0] === "ssh_keys")
    .flatMap(({ text }) => publicHalf(text) ?? []);
}

/** Whether a part is the one private key that has its place in user-data: a host key for the first contact. */
export const isFirstHostKey = ({ path, text }: Part) =>
  path.join(".") === "ssh_keys.ed25519_private" &&
  text.trim().split("-----BEGIN").length === 2 &&
  publicHalf(text)?.startsWith(ed25519) === true;

/** The public half of a private key without a passphrase, as `AAAA…` in base64; undefined for anything else. */
export function publicHalf(privateKey: string): string | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END OPENSSH PRIVATE KEY-----/.exec(privateKey);
  try {
    if (body?.[1] !== undefined) return openSshPublicHalf(Buffer.from(body[1], "base64"));
    const { x } = createPublicKey(privateKey).export({ format: "jwk" });
    const key = Buffer.from(x ?? "", "base64url");
    return key.length === 32
      ? Buffer.concat([field("ssh-ed25519"), field(key)]).toString("base64")
      : undefined;
  } catch {
    return undefined;
  }
}

const field = (content: string | Buffer) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, Buffer.from(content)]);
};

/** How every ed25519 public key begins. */
const ed25519 = field("ssh-ed25519").toString("base64").slice(0, 20);

/**
 * By hand, because the policy pack runs at every update and all it needs of a key is one field: ssh2 takes longer to load.
 *
 * @see https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key: magic; cipher, KDF and its options, each
 *   with its length before it; the number of keys; the public key
 */
function openSshPublicHalf(key: Buffer): string | undefined {
  const magic = "openssh-key-v1\0";
  if (key.toString("latin1", 0, magic.length) !== magic) return undefined;
  let at = magic.length;
  for (let skipped = 0; skipped < 3; skipped++) at += 4 + key.readUInt32BE(at);
  at += 4;
  const length = key.readUInt32BE(at);
  return key.subarray(at + 4, at + 4 + length).toString("base64");
}

function cloudConfig(text: string): unknown {
  if (!/^\s*#cloud-config\b/.test(text)) return undefined;
  try {
    return parse(text, { logLevel: "silent" });
  } catch {
    return undefined;
  }
}

function* leaves(value: unknown, path: readonly string[]): Generator<Part> {
  if (value instanceof Uint8Array) yield { path, text: unpacked(Buffer.from(value)) };
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* leaves(inner, [...path, key]);
  } else if (value !== null && value !== undefined) yield { path, text: String(value) };
}

function unpacked(data: Buffer): string {
  const zipped = data[0] === 0x1f && data[1] === 0x8b;
  try {
    return (zipped ? gunzipSync(data, { maxOutputLength: 1 << 24 }) : data).toString("utf8");
  } catch {
    return data.toString("utf8");
  }
}
