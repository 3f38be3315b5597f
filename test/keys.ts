// Keys for SSH, as ssh-keygen writes them. Not by `generateKeyPairSync` of ssh2 1.17, of whose Ed25519 keys one in 256
// is broken: it drops a zero at the beginning of the public key, and no sshd starts with it (mscdex/ssh2, 1390, 1513).
import { generateKeyPairSync } from "node:crypto";
import { keyType, privateKeyOpenssh, publicKeyBlob } from "../engine/plugins/openssh.ts";

export interface KeyPair {
  /** In OpenSSH's own format, without a passphrase. */
  readonly private: string;
  /** A line for `authorized_keys`, with the comment. */
  readonly public: string;
}

/** A new Ed25519 key. */
export function keyPair(comment = ""): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const line = `${keyType(publicKey)} ${publicKeyBlob(publicKey).toString("base64")} ${comment}`;
  return { private: privateKeyOpenssh(privateKey, comment), public: line.trimEnd() };
}
