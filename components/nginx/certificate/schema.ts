import { z } from "zod";
import { challengeSchema } from "./challenge-schema.ts";

/** Let's Encrypt's, https://letsencrypt.org/docs/acme-protocol-updates/ */
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

const pem = (what: string) =>
  z
    .string()
    .min(1)
    .describe(`${what}, in PEM: its text, or the path of a file, from the directory of Pulumi.yaml.`);

const acme = z.strictObject({
  directory: z
    .string()
    .regex(/^https:\/\/[^\s'"\\]+$/, {
      error: "expected the URL of an ACME directory, https://…, as the authority publishes it",
    })
    .default(letsEncrypt)
    .describe("URL of the authority's ACME directory (RFC 8555). Default: Let's Encrypt."),
  ca: pem("The certificate that signs the authority's own, where Debian does not know it").optional(),
  email: z
    .email({ error: "expected an e-mail address" })
    .optional()
    .describe(
      "Where the authority may write to; a change reaches the account. Let's Encrypt sends no reminders.",
    ),
  eab: z
    .strictObject({
      kid: z
        .string()
        .regex(/^[\x21-\x7e]+$/, {
          error: "expected the key's id, without spaces, as the authority gives it",
        })
        .describe("The id of the key, as the authority gives it."),
      key: z
        .string()
        .regex(/^[A-Za-z0-9_-]+=*$/, {
          error: "expected the HMAC key in base64url, as the authority gives it",
        })
        .describe(
          "The HMAC key, in base64url. Set it with `pulumi config set --secret --path 'site.tls.acme.eab.key'`.",
        ),
    })
    .optional()
    .describe(
      "External account binding, for an authority that asks for it, such as ZeroSSL, Sectigo or DigiCert. A change makes another account and orders the certificate anew.",
    ),
  profile: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, { error: "expected the name of a profile, such as shortlived" })
    .optional()
    .describe("A profile that the authority has, such as `shortlived`. Default: the authority's own."),
  challenge: challengeSchema,
  checkDns: z
    .boolean()
    .optional()
    .describe(
      "Whether every name must point at this host before anything is ordered. Write `false` where the host is behind NAT. Default: `true`; `false` with `site.behind`, where the names point at the proxy, and with another `challenge` than `http`, for which names need not point anywhere.",
    ),
});

const own = z.strictObject({
  chain: pem("The site's certificate, and after it each that signs the one before"),
  key: pem("Its private key, not encrypted"),
});

/** `site.tls`. */
export const tlsSchema = z
  .union([
    z.enum(["self-signed", "acme", "upstream", "off"]),
    z.strictObject({ acme: acme.describe("A certificate of a public authority, or of one of your own.") }),
    z.strictObject({ own: own.describe("A certificate that you bring.") }),
  ])
  .default("self-signed")
  .describe(
    "`self-signed`: HTTPS with a certificate made by the stack; browsers warn of it. `acme`: one from Let's Encrypt, renewed by itself; the keys `acme.…` change how. `own.…`: one that you bring. HTTP is sent on to HTTPS. `upstream`: HTTP only, because a proxy in front ends HTTPS, and the application is told HTTPS. `off`: HTTP only. See docs/certificates.md.",
  );

/** A site that answers by HTTP alone; visitors ask for `upstream` by HTTPS, at a proxy in front. */
interface WithoutCertificate {
  readonly kind: "upstream" | "off";
}

/** Where a site's certificate comes from. */
export type Tls =
  | { readonly kind: "self-signed" }
  | WithoutCertificate
  | ({ readonly kind: "acme" } & z.output<typeof acme>)
  | ({ readonly kind: "own" } & z.output<typeof own>);

/** What the configuration says of it, with what is left out. */
export function tlsOf(config: z.output<typeof tlsSchema>): Tls {
  if (config === "acme") return { kind: "acme", ...acme.parse({}) };
  if (typeof config === "string") return { kind: config };
  return "acme" in config ? { kind: "acme", ...config.acme } : { kind: "own", ...config.own };
}

/** Whether an authority looks for a record in the site's zone, and asks nothing of the host. */
export const isByDns = (tls: Tls): boolean => tls.kind === "acme" && tls.challenge !== "http";

/** One that comes from anywhere. */
export type WithCertificate = Exclude<Tls, WithoutCertificate>;

export const hasCertificate = (tls: Tls): tls is WithCertificate =>
  tls.kind !== "upstream" && tls.kind !== "off";

/** How visitors ask the site. */
export const schemeOf = ({ kind }: Pick<Tls, "kind">): "http" | "https" =>
  kind === "off" ? "http" : "https";

/** How the host itself answers. */
export const doorOf = (tls: Tls): "http" | "https" => (hasCertificate(tls) ? "https" : "http");
