import { isIP } from "node:net";
import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export interface Certificate {
  /** Where the certificate lies on the host. */
  readonly path: string;
  /** Where its private key lies. */
  readonly keyPath: string;
  readonly pem: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;
}

const hoursOfYear = 365 * 24;

/**
 * A certificate that the stack signs itself: enough for staging and evaluation; browsers warn of it. It holds for
 * a year, and an `up` in its last month makes a new one.
 */
export function selfSignedCertificate(
  name: string,
  serverNames: pulumi.Output<readonly string[]>,
  parent: pulumi.Resource,
): Certificate {
  const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent });
  const certificate = new tls.SelfSignedCert(
    name,
    {
      privateKeyPem: key.privateKeyPem,
      subject: { commonName: serverNames.apply((names) => (names[0] ?? "localhost").slice(0, 64)) },
      dnsNames: serverNames.apply((names) => names.filter((entry) => isIP(entry) === 0)),
      ipAddresses: serverNames.apply((names) => names.filter((entry) => isIP(entry) !== 0)),
      validityPeriodHours: hoursOfYear,
      earlyRenewalHours: 30 * 24,
      allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
    },
    { parent },
  );
  return {
    path: "/etc/ssl/berth/site.crt",
    keyPath: "/etc/ssl/berth/site.key",
    pem: certificate.certPem,
    key: key.privateKeyPem,
  };
}
