import type * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { Host } from "../host/host.ts";
import type { SecretFile } from "../host/host-script.ts";
import type { StepFile } from "../host/step.ts";

/** What a service shows on the private network, and what those that reach it there hold it against. */
export interface PinnedCertificate {
  /** The certificate as a file of a step, on the service's host and on those that reach it. */
  readonly file: Readonly<Record<string, pulumi.Output<StepFile>>>;
  /** Its private key as a file of a step, for the service alone. */
  readonly keyFile: Readonly<Record<string, SecretFile>>;
}

/** Where the certificate of a service lies, on every host. */
export const certificatePath = (service: string): string => `/etc/berth/private/${service}.crt`;

const hoursOfYear = 365 * 24;

/**
 * A certificate for one service at its host's private address, signed by itself: those that reach the service trust
 * this very certificate, so that no authority can make another that passes for it. Nobody but the stack sees it, so
 * it holds for ten years, and an `up` in the last two makes a new one.
 *
 * @param service name of the service, and of the group that may read the key on the host
 */
export function pinnedCertificate(
  name: string,
  service: string,
  host: Host,
  parent: pulumi.Resource,
): PinnedCertificate {
  const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent });
  const certificate = new tls.SelfSignedCert(
    name,
    {
      privateKeyPem: key.privateKeyPem,
      subject: { commonName: name },
      ipAddresses: [host.privateAddress],
      setSubjectKeyId: true,
      setAuthorityKeyId: true,
      validityPeriodHours: 10 * hoursOfYear,
      earlyRenewalHours: 2 * hoursOfYear,
      allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
    },
    { parent },
  );
  return {
    file: { [certificatePath(service)]: certificate.certPem.apply((content) => ({ content })) },
    keyFile: {
      [`/etc/berth/private/${service}.key`]: {
        content: key.privateKeyPem,
        owner: `root:${service}`,
        mode: "0640",
      },
    },
  };
}
