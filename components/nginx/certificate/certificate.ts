import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../host/host.ts";
import { HostScript } from "../../host/host-script.ts";
import type { StepFile } from "../../host/step.ts";
import type { PackageSet, ServiceData } from "../../system/system.ts";
import { type ChallengeConfig, challengeKind, nameServerFile } from "./challenge-schema.ts";
import { orderedNames } from "./names.ts";
import { pemOf } from "./own.ts";
import { isByDns, type Tls, type WithCertificate } from "./schema.ts";
import { type Pair, selfSigned } from "./self-signed.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string): StepFile => ({ content: readFileSync(here(file), "utf8") });

/** Where nginx finds it, whatever its kind. */
export const certificatePlace = { chain: "/etc/ssl/berth/site.crt", key: "/etc/ssl/berth/site.key" };

/** Where nginx shows what an authority asks for, under /.well-known/acme-challenge/. */
export const challengePlace = "/var/lib/berth-acme";

export interface CertificateArgs {
  readonly host: Host;
  /** The site's name. */
  readonly name: string;
  readonly tls: WithCertificate;
  /** All names of the site, the one that people use first. */
  readonly serverNames: pulumi.Output<readonly string[]>;
  /** The names among them that an authority can be asked about. */
  readonly domains: readonly string[];
}

/** What a site with such a certificate needs from Debian. */
export function certificatePackages(tls: Tls): PackageSet {
  if (tls.kind !== "acme") return { packages: [] };
  const by = challengeKind(tls.challenge);
  const plugin = by === "http" ? [] : [`python3-certbot-dns-${by}`];
  return { packages: ["certbot", "python3-dnspython", ...plugin] };
}

/** What of it must survive its machine: an authority's account and the keys, so that another one orders nothing. */
export const certificateData = ({ kind }: Tls): ServiceData[] =>
  kind === "acme"
    ? [{ directories: ["/etc/letsencrypt"], services: ["certbot.service", "berth-certificate.service"] }]
    : [];

/**
 * The step that puts a site's certificate where nginx finds it, so that there always is one: of the kind `acme` the
 * authority's, as soon as it is there.
 */
export function placeCertificate(name: string, args: CertificateArgs, parent: pulumi.Resource): HostScript {
  const { tls, serverNames, host } = args;
  const secretFiles = secretsOf(tls);
  const { chain, key }: Pair =
    tls.kind === "own"
      ? { chain: pemOf(tls.chain), key: pulumi.secret(pemOf(tls.key)) }
      : selfSigned(name, serverNames, parent);
  return new HostScript(
    `${name}-place`,
    {
      host,
      script: here("place.sh"),
      removal: here("place-removal.sh"),
      slots: { kind: tls.kind, chain },
      secrets: { key },
      files: {
        ...programFiles("/usr/local/lib/berth/certificate"),
        "/etc/berth/certificate.json": settingsFile(args),
      },
      // Not with the step that orders: of a step with a secret the engine shows no warning.
      ...(Object.keys(secretFiles).length === 0 ? {} : { secretFiles }),
    },
    { parent },
  );
}

/** The step that orders a certificate, and renews it; nginx serves the site by then. */
export function orderCertificate(
  name: string,
  args: CertificateArgs,
  options: pulumi.CustomResourceOptions,
): HostScript | undefined {
  const { tls, host, domains } = args;
  if (tls.kind !== "acme") return undefined;
  const { eab } = tls;
  const account = eab === undefined ? "" : `bound to ${eab.kid}`;
  const terms = [
    tls.directory,
    account,
    tls.profile,
    tls.email,
    challengeTerms(tls.challenge),
    isByDns(tls) || (tls.checkDns ?? true) ? "" : "names are not looked up",
  ];
  return new HostScript(
    `${name}-order`,
    {
      host,
      script: here("order.sh"),
      removal: here("order-removal.sh"),
      slots: {
        lineage: `berth-${args.name}`,
        names: orderedNames(domains).join(" "),
        terms: terms.filter(Boolean).join(", "),
      },
      files: {
        "/etc/systemd/system/berth-certificate.service": text("certificate.service"),
        "/etc/systemd/system/berth-certificate.timer": text("certificate.timer"),
        "/etc/systemd/system/certbot.service.d/berth.conf": text("certbot.conf"),
        ...(tls.ca === undefined ? {} : { "/etc/berth/acme-ca.pem": { content: pemOf(tls.ca) } }),
      },
    },
    options,
  );
}

/** What certbot reads of keys: in files, because everyone can read a command. */
function secretsOf(tls: Tls): Record<string, { content: pulumi.Output<string> }> {
  if (tls.kind !== "acme") return {};
  const { eab, challenge } = tls;
  const texts = {
    // The binding to an account elsewhere.
    "/etc/berth/acme-eab.ini": eab && `eab-kid = ${eab.kid}\neab-hmac-key = ${eab.key}\n`,
    "/etc/berth/acme-dns.ini": typeof challenge === "string" ? undefined : nameServerFile(challenge.rfc2136),
  };
  return Object.fromEntries(
    Object.entries(texts).flatMap(([path, text]) =>
      text === undefined ? [] : [[path, { content: pulumi.secret(text) }]],
    ),
  );
}

/** The way by which names are proven, for a person; all that is no secret. */
function challengeTerms(challenge: ChallengeConfig): string {
  if (challenge === "http") return "";
  if (challenge === "route53") return "by records in Route 53";
  const { server, port, name, algorithm } = challenge.rfc2136;
  return `by records at ${server} port ${port} with the key ${name} (${algorithm})`;
}

/** The program on the host: a directory that Python runs. */
const programFiles = (directory: string): Record<string, StepFile> =>
  Object.fromEntries(
    readdirSync(here("program"))
      .filter((file) => file.endsWith(".py"))
      .sort()
      .map((file) => [`${directory}/${file}`, text(join("program", file))]),
  );

/** What the program is told: see program/record.py. */
function settingsFile({ name, tls, host, serverNames, domains }: CertificateArgs): pulumi.Output<StepFile> {
  return pulumi.all([serverNames, host.address]).apply(([names, address]) => {
    const acme =
      tls.kind === "acme"
        ? {
            directory: tls.directory,
            names: orderedNames(domains),
            email: tls.email ?? null,
            profile: tls.profile ?? null,
            ca: tls.ca !== undefined,
            eab: tls.eab !== undefined,
            challenge: {
              kind: challengeKind(tls.challenge),
              wait: typeof tls.challenge === "string" ? 0 : tls.challenge.rfc2136.wait,
            },
            addresses: !isByDns(tls) && (tls.checkDns ?? true) ? [address] : null,
          }
        : null;
    const settings = { site: name, domain: names[0] ?? "localhost", kind: tls.kind, acme };
    return { content: JSON.stringify(settings, null, 2) };
  });
}
