import { isIP } from "node:net";
import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly chain: pulumi.Input<string>;
  readonly key: pulumi.Input<string>;
}

const hoursOfYear = 365 * 24;

/**
 * A certificate that the stack signs itself: enough for staging and evaluation; browsers warn of it. It holds for
 * a year, and an `up` in its last month makes a new one.
 */
export function selfSigned(
  name: string,
  serverNames: pulumi.Output<readonly string[]>,
  parent: pulumi.Resource,
): Pair {
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
  return { chain: certificate.certPem, key: key.privateKeyPem };
}
