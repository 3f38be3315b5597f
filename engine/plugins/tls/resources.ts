import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair as generateKeyPairWithCallback,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { bridged } from "../bridged.ts";
import { keyType, privateKeyOpenssh, publicKeyBlob } from "../openssh.ts";
import type { Failure } from "../provider.ts";
import { type Properties, UNKNOWN, type Value } from "../values.ts";
import type { Subject } from "./certificate.ts";
import { allowedUses } from "./uses.ts";

const generateKeyPair = promisify(generateKeyPairWithCallback);

const CURVES: Readonly<Record<string, string>> = {
  P224: "secp224r1",
  P256: "prime256v1",
  P384: "secp384r1",
  P521: "secp521r1",
};
const HOUR = 3_600_000;

const oneOf = (known: readonly string[]) => (value: Value) =>
  known.includes(String(value))
    ? undefined
    : `must be one of ${known.join(", ")}; it is ${JSON.stringify(value)}`;
const notNegative = (value: Value) => (Number(value) >= 0 ? undefined : `must be at least 0; it is ${value}`);

export const privateKey = bridged("PrivateKey", {
  attributes: {
    algorithm: { type: "string", required: true, valid: oneOf(["RSA", "ECDSA", "ED25519"]) },
    rsaBits: { type: "number", default: 2048 },
    ecdsaCurve: { type: "string", default: "P224", valid: oneOf(Object.keys(CURVES)) },
  },
  outputs: {
    id: "plain",
    privateKeyOpenssh: "secret",
    privateKeyPem: "secret",
    privateKeyPemPkcs8: "secret",
    publicKeyFingerprintMd5: "plain",
    publicKeyFingerprintSha256: "plain",
    publicKeyOpenssh: "plain",
    publicKeyPem: "plain",
  },
  schemaVersion: 1,
  listsOutputs: true,
  async create(planned) {
    const key = await generate(planned);
    const publicKey = createPublicKey(key);
    const id = createHash("sha1")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("hex");
    // OpenSSH knows no P224: its outputs are empty, as the real provider leaves them.
    const openssh = planned.algorithm !== "ECDSA" || planned.ecdsaCurve !== "P224";
    const blob = openssh ? publicKeyBlob(publicKey) : Buffer.alloc(0);
    const outputs = {
      id,
      privateKeyPem: key.export({ type: pemType(planned), format: "pem" }) as string,
      privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }) as string,
      privateKeyOpenssh: openssh ? privateKeyOpenssh(key) : "",
      publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) as string,
      publicKeyOpenssh: openssh ? `${keyType(publicKey)} ${blob.toString("base64")}\n` : "",
      publicKeyFingerprintMd5: openssh
        ? (createHash("md5").update(blob).digest("hex").match(/../g) ?? []).join(":")
        : "",
      publicKeyFingerprintSha256: openssh
        ? `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`
        : "",
    };
    return { id, outputs };
  },
});

async function generate(planned: Properties): Promise<KeyObject> {
  if (planned.algorithm === "ED25519") return (await generateKeyPair("ed25519")).privateKey;
  if (planned.algorithm === "RSA") {
    return (await generateKeyPair("rsa", { modulusLength: Number(planned.rsaBits) })).privateKey;
  }
  const namedCurve = CURVES[String(planned.ecdsaCurve)] as string;
  return (await generateKeyPair("ec", { namedCurve })).privateKey;
}

function pemType(planned: Properties): "pkcs1" | "sec1" | "pkcs8" {
  if (planned.algorithm === "RSA") return "pkcs1";
  return planned.algorithm === "ECDSA" ? "sec1" : "pkcs8";
}

const SUBJECT = [
  "commonName",
  "country",
  "emailAddress",
  "locality",
  "organization",
  "organizationalUnit",
  "postalCode",
  "province",
  "serialNumber",
  "streetAddresses",
];

const list = (value: Value | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);

export const selfSignedCert = bridged("SelfSignedCert", {
  attributes: {
    privateKeyPem: { type: "string", required: true, secret: true },
    validityPeriodHours: { type: "number", required: true, valid: notNegative },
    allowedUses: {
      type: "list",
      required: true,
      valid: (uses) => list(uses).map(oneOf(allowedUses)).find(Boolean),
    },
    earlyRenewalHours: { type: "number", default: 0, updates: true, valid: notNegative },
    subject: { type: "object" },
    dnsNames: { type: "list" },
    ipAddresses: { type: "list" },
    uris: { type: "list" },
    isCaCertificate: { type: "boolean", default: false },
    maxPathLength: { type: "number", valid: notNegative },
    setSubjectKeyId: { type: "boolean", default: false },
    setAuthorityKeyId: { type: "boolean", default: false },
  },
  outputs: {
    id: "plain",
    certPem: "plain",
    keyAlgorithm: "plain",
    readyForRenewal: "plain",
    validityEndTime: "plain",
    validityStartTime: "plain",
  },
  absent: { dnsNames: null, ipAddresses: null, maxPathLength: null, subject: [], uris: null },
  objects: { subject: { fields: SUBJECT, renamed: { streetAddresses: "street_address" } } },
  valid(inputs) {
    const ca = inputs.isCaCertificate === true;
    const found: Failure[] = [];
    const fail = (property: string, reason: string) =>
      found.push({ property, reason: `'${property}' ${reason}` });
    if (ca && Object.keys(inputs.subject ?? {}).length === 0) {
      fail("subject", "must name something in the certificate of an authority (isCaCertificate)");
    }
    if (!ca && Number(inputs.maxPathLength ?? 0) > 0)
      fail("maxPathLength", "is for authorities only (isCaCertificate)");
    if (inputs.setAuthorityKeyId === true && !ca && inputs.setSubjectKeyId !== true) {
      fail("setAuthorityKeyId", "needs 'setSubjectKeyId' too");
    }
    return found;
  },
  replacedBy: "readyForRenewal",
  known: (planned) => ({
    readyForRenewal: Number(planned.earlyRenewalHours) >= Number(planned.validityPeriodHours),
    ...(planned.maxPathLength === undefined ? { maxPathLength: UNKNOWN } : {}),
  }),
  refresh(planned, state) {
    const end = Date.parse(String(state.validityEndTime));
    const early = Number(planned.earlyRenewalHours ?? 0) * HOUR;
    return { readyForRenewal: Date.now() >= end - early };
  },
  async create(planned) {
    const key = readKey(String(planned.privateKeyPem));
    const from = new Date();
    const hours = Number(planned.validityPeriodHours);
    const until = new Date(from.getTime() + hours * HOUR);
    // The library that lays it out takes a while to load, and most runs make no certificate.
    const { selfSign } = await import("./certificate.ts");
    const { pem, serial } = selfSign(key, {
      subject: (planned.subject ?? {}) as unknown as Subject,
      dnsNames: list(planned.dnsNames),
      ipAddresses: list(planned.ipAddresses),
      uris: list(planned.uris),
      allowedUses: list(planned.allowedUses),
      isCa: planned.isCaCertificate === true,
      maxPathLength: planned.maxPathLength === undefined ? undefined : Number(planned.maxPathLength),
      setSubjectKeyId: planned.setSubjectKeyId === true,
      setAuthorityKeyId: planned.setAuthorityKeyId === true,
      from,
      until,
    });
    const names: Record<string, string> = { rsa: "RSA", ec: "ECDSA", ed25519: "ED25519" };
    return {
      id: serial,
      outputs: {
        id: serial,
        certPem: pem,
        keyAlgorithm: names[key.asymmetricKeyType ?? ""] ?? "",
        readyForRenewal: Number(planned.earlyRenewalHours) >= hours,
        validityStartTime: from.toISOString(),
        validityEndTime: until.toISOString(),
      },
    };
  },
});

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The message of the library may quote its input.
    throw new Error("privateKeyPem: not a private key in PEM; use privateKeyPem of a PrivateKey");
  }
}
