// Self-signed X.509 certificates (RFC 5280), laid out as the real provider's Go library does.

import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  bits,
  der,
  explicit,
  ia5,
  integer,
  NULL,
  octets,
  oid,
  sequence,
  setOf,
  TRUE,
  text,
  time,
} from "./der.ts";

export interface Subject {
  readonly country?: string;
  readonly province?: string;
  readonly locality?: string;
  readonly streetAddresses?: readonly string[];
  readonly postalCode?: string;
  readonly organization?: string;
  readonly organizationalUnit?: string;
  readonly commonName?: string;
  readonly serialNumber?: string;
  readonly emailAddress?: string;
}

export interface CertificateOptions {
  readonly subject: Subject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly allowedUses: readonly string[];
  readonly isCa: boolean;
  readonly maxPathLength: number | undefined;
  readonly setSubjectKeyId: boolean;
  readonly setAuthorityKeyId: boolean;
  readonly from: Date;
  readonly until: Date;
}

const KEY_USES = [
  "digital_signature",
  "content_commitment",
  "key_encipherment",
  "data_encipherment",
  "key_agreement",
  "cert_signing",
  "crl_signing",
  "encipher_only",
  "decipher_only",
];

const EXTENDED_USES: Readonly<Record<string, string>> = {
  any_extended: "2.5.29.37.0",
  server_auth: "1.3.6.1.5.5.7.3.1",
  client_auth: "1.3.6.1.5.5.7.3.2",
  code_signing: "1.3.6.1.5.5.7.3.3",
  email_protection: "1.3.6.1.5.5.7.3.4",
  ipsec_end_system: "1.3.6.1.5.5.7.3.5",
  ipsec_tunnel: "1.3.6.1.5.5.7.3.6",
  ipsec_user: "1.3.6.1.5.5.7.3.7",
  timestamping: "1.3.6.1.5.5.7.3.8",
  ocsp_signing: "1.3.6.1.5.5.7.3.9",
  microsoft_server_gated_crypto: "1.3.6.1.4.1.311.10.3.3",
  netscape_server_gated_crypto: "2.16.840.1.113730.4.1",
  microsoft_commercial_code_signing: "1.3.6.1.4.1.311.2.1.22",
  microsoft_kernel_code_signing: "1.3.6.1.4.1.311.61.1.1",
};

export const allowedUses: readonly string[] = [...KEY_USES, ...Object.keys(EXTENDED_USES)];

/** The certificate, and its serial number in decimal. */
export function selfSign(key: KeyObject, options: CertificateOptions): { pem: string; serial: string } {
  const algorithm = signatureAlgorithm(key);
  const serial = randomBytes(16);
  const name = distinguishedName(options.subject);
  const publicKey = createPublicKey(key);
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm.identifier,
    name,
    sequence(time(options.from), time(options.until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions(publicKey, options, name.length === 2))),
  );
  const signature = sign(algorithm.digest, body, key);
  const certificate = sequence(body, algorithm.identifier, bitString(signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    serial: BigInt(`0x${serial.toString("hex")}`).toString(),
  };
}

function signatureAlgorithm(key: KeyObject): { digest: string | null; identifier: Buffer } {
  if (key.asymmetricKeyType === "ed25519") return { digest: null, identifier: sequence(oid("1.3.101.112")) };
  if (key.asymmetricKeyType === "rsa") {
    return { digest: "sha256", identifier: sequence(oid("1.2.840.113549.1.1.11"), NULL) };
  }
  // The digest that fits the curve: SHA-256 for P-224 and P-256, SHA-384 and SHA-512 for the larger ones.
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "secp384r1") return { digest: "sha384", identifier: sequence(oid("1.2.840.10045.4.3.3")) };
  if (curve === "secp521r1") return { digest: "sha512", identifier: sequence(oid("1.2.840.10045.4.3.4")) };
  return { digest: "sha256", identifier: sequence(oid("1.2.840.10045.4.3.2")) };
}

function distinguishedName(subject: Subject): Buffer {
  const attribute = (type: string, value: Buffer) => sequence(oid(type), value);
  const names: Buffer[] = [];
  const add = (type: string, ...values: (string | undefined)[]) => {
    const given = values.filter((value): value is string => value !== undefined && value !== "");
    if (given.length > 0) names.push(setOf(...given.map((value) => attribute(type, text(value)))));
  };
  add("2.5.4.6", subject.country);
  add("2.5.4.8", subject.province);
  add("2.5.4.7", subject.locality);
  add("2.5.4.9", ...(subject.streetAddresses ?? []));
  add("2.5.4.17", subject.postalCode);
  add("2.5.4.10", subject.organization);
  add("2.5.4.11", subject.organizationalUnit);
  add("2.5.4.3", subject.commonName);
  add("2.5.4.5", subject.serialNumber);
  if (subject.emailAddress) names.push(setOf(attribute("1.2.840.113549.1.9.1", ia5(subject.emailAddress))));
  return sequence(...names);
}

function extensions(publicKey: KeyObject, options: CertificateOptions, subjectIsEmpty: boolean): Buffer[] {
  const list: Buffer[] = [];
  const add = (type: string, critical: boolean, value: Buffer) =>
    list.push(sequence(oid(type), ...(critical ? [TRUE] : []), octets(value)));

  const keyUses = options.allowedUses.map((use) => KEY_USES.indexOf(use)).filter((bit) => bit >= 0);
  if (keyUses.length > 0) add("2.5.29.15", true, bits(keyUses));

  const extended = options.allowedUses.flatMap((use) => EXTENDED_USES[use] ?? []);
  if (extended.length > 0) add("2.5.29.37", false, sequence(...extended.map(oid)));

  // 0 is left out: for the real provider it is the same as none.
  const path = options.isCa && options.maxPathLength ? [integer(Buffer.from([options.maxPathLength]))] : [];
  add("2.5.29.19", true, sequence(...(options.isCa ? [TRUE] : []), ...path));

  const keyId = createHash("sha1").update(keyBits(publicKey)).digest();
  if (options.setSubjectKeyId || options.isCa) add("2.5.29.14", false, octets(keyId));
  if (options.setAuthorityKeyId) add("2.5.29.35", false, sequence(der(0x80, keyId)));

  const names = [
    ...options.dnsNames.map((name) => der(0x82, Buffer.from(name, "latin1"))),
    ...options.ipAddresses.map((address) => der(0x87, addressBytes(address))),
    ...options.uris.map((uri) => der(0x86, Buffer.from(uri, "latin1"))),
  ];
  if (names.length > 0) add("2.5.29.17", subjectIsEmpty, sequence(...names));
  return list;
}

/** What a key identifier is the digest of: the key without its algorithm's identifier; Ed25519's as octets. */
function keyBits(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: "spki", format: "der" });
  if (publicKey.asymmetricKeyType === "ed25519") return octets(spki.subarray(-32));
  const header = (at: number) => {
    const length = spki[at + 1] ?? 0;
    return length < 0x80 ? { start: at + 2, length } : longLength(spki, at + 2, length & 0x7f);
  };
  const algorithm = header(header(0).start);
  const bitString = header(algorithm.start + algorithm.length);
  return spki.subarray(bitString.start + 1);
}

function longLength(data: Buffer, at: number, size: number): { start: number; length: number } {
  return { start: at + size, length: data.readUIntBE(at, size) };
}

/** 4 or 16 bytes of an IP address. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  if (isIP(address) !== 6) throw new Error(`Invalid IP address: "${address}"`);
  // The URL parser writes an address of any form as groups of hexadecimal digits.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const bytes = Buffer.from(
    [...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""),
    "hex",
  );
  // An IPv4 address in IPv6 form (::ffff:1.2.3.4) is an IPv4 address.
  return bytes.subarray(0, 12).equals(Buffer.from("00000000000000000000ffff", "hex"))
    ? bytes.subarray(12)
    : bytes;
}
