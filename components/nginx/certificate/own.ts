import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Tls } from "./schema.ts";

/** Text in PEM, or the path of a file with it. */
const isText = (value: string) => value.includes("-----BEGIN ");

/** What a key of the configuration holds, or what the file has that it names. */
export const pemOf = (value: string): string => (isText(value) ? value : readFileSync(value, "utf8"));

/** What is wrong with what was given in PEM: the key below `site.tls`, and what was expected. */
export type PemFault = readonly [key: string, expected: string];

const certificatesIn = (text: string): X509Certificate[] =>
  (text.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? []).map(
    (one) => new X509Certificate(one),
  );

/**
 * What is wrong with a certificate that a stack brings, before anything is changed.
 *
 * @param names all names of the site
 */
export function tlsFaults(tls: Tls, names: readonly string[], now = new Date()): PemFault[] {
  if (tls.kind === "acme") {
    const { found, fault } = tls.ca === undefined ? {} : read("acme.ca", tls.ca);
    return fault ? [fault] : found?.length === 0 ? [["acme.ca", noCertificate]] : [];
  }
  return tls.kind === "own" ? ownFaults(tls, names, now) : [];
}

function ownFaults(
  { chain, key }: { readonly chain: string; readonly key: string },
  names: readonly string[],
  now: Date,
): PemFault[] {
  const { found: certificates = [], fault } = read("own.chain", chain);
  const [first] = certificates;
  const keyFault = keyFaults(key, certificates);
  if (fault) return [fault, ...keyFault];
  if (first === undefined) return [["own.chain", noCertificate], ...keyFault];
  return [
    ...certificates.flatMap((one): PemFault[] => {
      const until = new Date(one.validTo);
      if (until <= now)
        return [
          ["own.chain", `expected a certificate that is valid: ${nameOf(one)} expired on ${day(until)}`],
        ];
      const from = new Date(one.validFrom);
      return from > now
        ? [["own.chain", `expected a certificate that is valid: ${nameOf(one)} begins on ${day(from)}`]]
        : [];
    }),
    ...certificates.slice(0, -1).flatMap((one, index): PemFault[] => {
      const next = certificates[index + 1] as X509Certificate;
      return one.checkIssued(next) && one.verify(next.publicKey)
        ? []
        : [
            [
              "own.chain",
              `expected the site's certificate first and after each the one that signs it: ${nameOf(next)} does not sign ${nameOf(one)}`,
            ],
          ];
    }),
    ...names
      // Of '*.NAME' any name is as good as another.
      .filter((name) => first.checkHost(name.replace("*", "any"), { subject: "never" }) === undefined)
      .map(
        (name): PemFault => [
          "own.chain",
          `expected a certificate for '${name}': it is for ${namesIn(first)}`,
        ],
      ),
    ...keyFault,
  ];
}

const noCertificate = "expected a certificate in PEM, '-----BEGIN CERTIFICATE-----'";

function read(key: string, value: string): { found?: X509Certificate[]; fault?: PemFault } {
  let text: string;
  try {
    text = pemOf(value);
  } catch (error) {
    return { fault: [key, unreadable(error)] };
  }
  try {
    return { found: certificatesIn(text) };
  } catch (error) {
    return { fault: [key, `expected certificates in PEM (${(error as Error).message})`] };
  }
}

function keyFaults(value: string, [first, ...others]: readonly X509Certificate[]): PemFault[] {
  let key: KeyObject;
  let text: string;
  try {
    text = pemOf(value);
  } catch (error) {
    return [["own.key", unreadable(error)]];
  }
  try {
    key = createPrivateKey(text);
  } catch {
    const encrypted = /ENCRYPTED/.test(text)
      ? " that is not encrypted: 'openssl pkey -in KEY' decrypts one"
      : "";
    return [["own.key", `expected a private key in PEM${encrypted}`]];
  }
  if (first === undefined || first.checkPrivateKey(key)) return [];
  const other = others.find((one) => one.checkPrivateKey(key));
  return other
    ? [["own.chain", `expected the certificate of 'own.key' first, ${nameOf(other)}`]]
    : [["own.key", `expected the key of the chain's first certificate, ${nameOf(first)}`]];
}

const unreadable = (error: unknown) =>
  `expected PEM, or a file that can be read from ${process.cwd()} (${(error as Error).message})`;

const nameOf = ({ subject }: X509Certificate) => `'${(subject ?? "").replaceAll("\n", ", ")}'`;

const namesIn = ({ subjectAltName }: X509Certificate) =>
  (subjectAltName ?? "no name").replaceAll("DNS:", "").replaceAll("IP Address:", "");

const day = (date: Date) => date.toISOString().slice(0, 10);
