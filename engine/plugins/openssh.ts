// OpenSSH's own key formats, from keys that node:crypto holds (PROTOCOL.key of openssh-portable; RFC 4253, 5656, 8709).
// Written by hand: docs/dependencies.md says why not by sshpk. It writes and never reads, and ssh-keygen reads it in the tests.

import { createPrivateKey, type KeyObject, randomBytes } from "node:crypto";

/**
 * The private key in a form that ssh2 reads. PKCS #8 ("BEGIN PRIVATE KEY"), which ssh2 does not read but the real
 * provider does, is rewritten; all others stay as they are.
 */
export function readablePrivateKey(text: string, password?: string): string {
  if (!/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return text;
  return privateKeyOpenssh(
    createPrivateKey(password === undefined ? text : { key: text, passphrase: password }),
  );
}

/** The private key as `ssh-keygen` writes it, without a passphrase. */
export function privateKeyOpenssh(key: KeyObject, comment = ""): string {
  const check = randomBytes(4);
  const inner = Buffer.concat([check, check, privateFields(key), string(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    uint32(1),
    string(publicKeyBlob(key)),
    string(Buffer.concat([inner, padding])),
  ]);
  const lines = body.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** The key in SSH's wire format: what `authorized_keys` holds in base64 and fingerprints are made of. */
export function publicKeyBlob(key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  if (jwk.kty === "RSA") return Buffer.concat([string("ssh-rsa"), mpint(bytes(jwk.e)), mpint(bytes(jwk.n))]);
  if (jwk.kty === "OKP") return Buffer.concat([string(keyType(key)), string(bytes(jwk.x))]);
  return Buffer.concat([string(keyType(key)), string(curve(jwk)), string(point(jwk))]);
}

/** Its name in SSH, such as `ssh-ed25519`. */
export function keyType(key: KeyObject): string {
  const jwk = key.export({ format: "jwk" });
  if (jwk.kty === "RSA") return "ssh-rsa";
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") return "ssh-ed25519";
  if (jwk.kty === "EC") return `ecdsa-sha2-${curve(jwk)}`;
  throw new Error(`OpenSSH has no format for a key of type ${key.asymmetricKeyType}`);
}

type Jwk = ReturnType<KeyObject["export"]> & { [name: string]: unknown };

function privateFields(key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  const field = (name: "n" | "e" | "d" | "qi" | "p" | "q") => mpint(bytes(jwk[name]));
  const type = string(keyType(key));
  if (jwk.kty === "RSA") {
    return Buffer.concat([type, field("n"), field("e"), field("d"), field("qi"), field("p"), field("q")]);
  }
  if (jwk.kty === "OKP") {
    return Buffer.concat([type, string(bytes(jwk.x)), string(Buffer.concat([bytes(jwk.d), bytes(jwk.x)]))]);
  }
  return Buffer.concat([type, string(curve(jwk)), string(point(jwk)), mpint(bytes(jwk.d))]);
}

function curve(jwk: JsonWebKey | Jwk): string {
  const names: Record<string, string> = { "P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521" };
  const name = names[String(jwk.crv)];
  if (!name) throw new Error(`OpenSSH has no format for the curve ${jwk.crv}`);
  return name;
}

function point(jwk: JsonWebKey): Buffer {
  return Buffer.concat([Buffer.from([4]), bytes(jwk.x), bytes(jwk.y)]);
}

function bytes(base64url: unknown): Buffer {
  return Buffer.from(String(base64url), "base64url");
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function string(content: string | Buffer): Buffer {
  const data = Buffer.from(content as Buffer);
  return Buffer.concat([uint32(data.length), data]);
}

/** A positive integer: no leading zeros, but one where the first bit is set. */
function mpint(value: Buffer): Buffer {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const trimmed = value.subarray(start);
  return string((trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
}
