// Self-signed X.509 certificates (RFC 5280), with what the real provider's Go library puts into them. @peculiar/asn1-x509 lays
// them out. Not @peculiar/x509 above it: that signs by WebCrypto, which has no P-224, and brings a container of dependencies.

import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as x509 from "@peculiar/asn1-x509";
import { Address6 } from "ip-address";
import { extendedUses, keyUses } from "./uses.ts";

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

/** The certificate, and its serial number in decimal. */
export function selfSign(key: KeyObject, options: CertificateOptions): { pem: string; serial: string } {
  const { digest, ...algorithm } = signatureAlgorithm(key);
  const signatureAlgorithmId = new x509.AlgorithmIdentifier(algorithm);
  const serial = serialNumber();
  const name = distinguishedName(options.subject);
  const publicKey = AsnConvert.parse(
    createPublicKey(key).export({ type: "spki", format: "der" }),
    x509.SubjectPublicKeyInfo,
  );
  const body = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: bytes(serial),
    signature: signatureAlgorithmId,
    issuer: name,
    validity: new x509.Validity({ notBefore: options.from, notAfter: options.until }),
    subject: name,
    subjectPublicKeyInfo: publicKey,
    extensions: new x509.Extensions(extensions(publicKey, options, name.length === 0)),
  });
  const signature = sign(digest, Buffer.from(AsnConvert.serialize(body)), key);
  const certificate = new x509.Certificate({
    tbsCertificate: body,
    signatureAlgorithm: signatureAlgorithmId,
    signatureValue: bytes(signature),
  });
  const lines =
    Buffer.from(AsnConvert.serialize(certificate))
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    serial: BigInt(`0x${serial.toString("hex")}`).toString(),
  };
}

interface Algorithm {
  readonly digest: string | null;
  readonly algorithm: string;
  readonly parameters?: null;
}

function signatureAlgorithm(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === "ed25519") return { digest: null, algorithm: "1.3.101.112" };
  if (key.asymmetricKeyType === "rsa")
    return { digest: "sha256", algorithm: "1.2.840.113549.1.1.11", parameters: null };
  // The digest that fits the curve: SHA-256 for P-224 and P-256, SHA-384 and SHA-512 for the larger ones.
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "secp384r1") return { digest: "sha384", algorithm: "1.2.840.10045.4.3.3" };
  if (curve === "secp521r1") return { digest: "sha512", algorithm: "1.2.840.10045.4.3.4" };
  return { digest: "sha256", algorithm: "1.2.840.10045.4.3.2" };
}

function distinguishedName(subject: Subject): x509.Name {
  const names = new x509.Name();
  const add = (type: string, ...values: (string | undefined)[]) => {
    const given = values.filter((value): value is string => value !== undefined && value !== "");
    if (given.length === 0) return;
    const attributes = given.map(
      (text) => new x509.AttributeTypeAndValue({ type, value: new x509.AttributeValue(textOf(text)) }),
    );
    names.push(new x509.RelativeDistinguishedName(attributes));
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
  if (subject.emailAddress) {
    const value = new x509.AttributeValue({ ia5String: subject.emailAddress });
    names.push(
      new x509.RelativeDistinguishedName([
        new x509.AttributeTypeAndValue({ type: "1.2.840.113549.1.9.1", value }),
      ]),
    );
  }
  return names;
}

/** Text in the narrowest of the usual kinds. */
const textOf = (text: string): Partial<x509.AttributeValue> =>
  /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? { printableString: text } : { utf8String: text };

function extensions(
  publicKey: x509.SubjectPublicKeyInfo,
  options: CertificateOptions,
  subjectIsEmpty: boolean,
): x509.Extension[] {
  const list: x509.Extension[] = [];
  const add = (extnID: string, critical: boolean, value: object) =>
    list.push(
      new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) }),
    );

  const bits = keyUses.reduce((all, use, bit) => all | (options.allowedUses.includes(use) ? 1 << bit : 0), 0);
  if (bits !== 0) add(x509.id_ce_keyUsage, true, new x509.KeyUsage(bits));

  const extended = options.allowedUses.flatMap((use) => extendedUses[use] ?? []);
  if (extended.length > 0) add(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage(extended));

  // 0 is left out: for the real provider it is the same as none.
  const path = options.isCa && options.maxPathLength ? { pathLenConstraint: options.maxPathLength } : {};
  add(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: options.isCa, ...path }));

  const keyId = bytes(createHash("sha1").update(keyBits(publicKey)).digest());
  if (options.setSubjectKeyId || options.isCa)
    add(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(keyId));
  if (options.setAuthorityKeyId) {
    const keyIdentifier = new x509.KeyIdentifier(keyId);
    add(x509.id_ce_authorityKeyIdentifier, false, new x509.AuthorityKeyIdentifier({ keyIdentifier }));
  }

  const names = [
    ...options.dnsNames.map((dNSName) => ({ dNSName })),
    ...options.ipAddresses.map((address) => ({ iPAddress: plainAddress(address) })),
    ...options.uris.map((uniformResourceIdentifier) => ({ uniformResourceIdentifier })),
  ].map((name) => new x509.GeneralName(name));
  if (names.length > 0)
    add(x509.id_ce_subjectAltName, subjectIsEmpty, new x509.SubjectAlternativeName(names));
  return list;
}

/** What a key identifier is the digest of: the key without its algorithm's identifier; Ed25519's as octets. */
function keyBits({ algorithm, subjectPublicKey }: x509.SubjectPublicKeyInfo): Buffer {
  const isEd25519 = algorithm.algorithm === "1.3.101.112";
  return Buffer.from(isEd25519 ? AsnConvert.serialize(new OctetString(subjectPublicKey)) : subjectPublicKey);
}

/** The bytes alone, without the rest of the memory that Node keeps them in. */
const bytes = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;

/** 126 random bits after 01: a positive number, and none that has a shorter form. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8(0x40 | (serial.readUInt8() & 0x3f));
  return serial;
}

/** The one form of an IP address: an IPv4 address in IPv6 form (::ffff:1.2.3.4) is an IPv4 address. */
function plainAddress(address: string): string {
  const family = isIP(address);
  if (family === 4) return address;
  if (family !== 6 || address.includes("%")) throw new Error(`Invalid IP address: "${address}"`);
  const long = new Address6(address);
  return (long.isMapped4() ? long.to4() : long).correctForm();
}
