import { isIP } from "node:net";
import { z } from "zod";
import { port } from "../../service/forms.ts";

const rfc2136 = z.strictObject({
  server: z
    .string()
    .refine((value) => isIP(value) !== 0, { error: "expected the IP address of the zone's name server" })
    .describe("The IP address of the name server that takes changes of the zone: its primary."),
  port: port.default(53).describe("Its TCP port."),
  name: z
    .string()
    .regex(/^(?=.{1,254}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/, {
      error: "expected the name of a TSIG key, such as berth-shop",
    })
    .describe("The name of the TSIG key that may change the records."),
  algorithm: z
    .enum(["hmac-sha256", "hmac-sha384", "hmac-sha512"])
    .default("hmac-sha256")
    .describe("The key's algorithm."),
  secret: z
    .string()
    .regex(/^(?=.{16,}$)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, {
      error: "expected the secret of a TSIG key in base64, as tsig-keygen prints it",
    })
    .describe(
      "The key's secret, in base64. Set it with `pulumi config set --secret --path 'site.tls.acme.challenge.rfc2136.secret'`. A change orders the certificate anew.",
    ),
  wait: z
    .int()
    .min(0)
    // certificate.service ends what takes longer than ten minutes.
    .max(240)
    .default(60)
    .describe(
      "How long the zone's other name servers may take until all know a new record, in seconds. 0 where there is only one.",
    ),
});

/** `site.tls.acme.challenge`. */
export const challengeSchema = z
  .union([
    z.enum(["http", "route53"]),
    z.strictObject({
      rfc2136: rfc2136.describe("By records that the zone's name server takes from this host (RFC 2136)."),
    }),
  ])
  .default("http")
  .describe(
    "How the host shows the authority that the names are its own. `http`: by a file on port 80. `rfc2136.…` and `route53`: by a record in the zone, which also gives `*.NAME`, and needs neither port 80 nor names that point at the host. `route53` is for EC2 hosts with `site.zone`. A change orders the certificate anew.",
  );

export type ChallengeConfig = z.output<typeof challengeSchema>;

/** What it is called on the host: see program/challenge.py. */
export const challengeKind = (challenge: ChallengeConfig): "http" | "rfc2136" | "route53" =>
  typeof challenge === "string" ? challenge : "rfc2136";

/** What certbot reads of the name server and its key. */
export const nameServerFile = ({ server, port, name, secret, algorithm }: z.output<typeof rfc2136>) =>
  Object.entries({ server, port, name, secret, algorithm: algorithm.toUpperCase() })
    .map(([key, value]) => `dns_rfc2136_${key} = ${value}\n`)
    .join("");
