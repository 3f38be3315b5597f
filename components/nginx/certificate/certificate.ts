import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../host/host.ts";
import { HostScript } from "../../host/host-script.ts";
import type { StepFile } from "../../host/step.ts";
import type { PackageSet, ServiceData } from "../../system/system.ts";
import { pemOf } from "./own.ts";
import type { Tls, WithCertificate } from "./schema.ts";
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
export const certificatePackages = ({ kind }: Tls): PackageSet => ({
  packages: kind === "acme" ? ["certbot", "python3-dnspython"] : [],
});

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
  const eab = tls.kind === "acme" ? tls.eab : undefined;
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
      ...(eab === undefined ? {} : { secretFiles: { "/etc/berth/acme-eab.ini": bindingFile(eab) } }),
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
    (tls.checkDns ?? true) ? "" : "names are not looked up",
  ];
  return new HostScript(
    `${name}-order`,
    {
      host,
      script: here("order.sh"),
      removal: here("order-removal.sh"),
      slots: {
        lineage: `berth-${args.name}`,
        names: domains.join(" "),
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

/** What certbot reads of the binding to an account elsewhere: in a file, because everyone can read a command. */
const bindingFile = ({ kid, key }: { kid: string; key: string }) => ({
  content: pulumi.secret(`eab-kid = ${kid}\neab-hmac-key = ${key}\n`),
});

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
            names: domains,
            email: tls.email ?? null,
            profile: tls.profile ?? null,
            ca: tls.ca !== undefined,
            eab: tls.eab !== undefined,
            addresses: (tls.checkDns ?? true) ? [address] : null,
          }
        : null;
    const settings = { site: name, domain: names[0] ?? "localhost", kind: tls.kind, acme };
    return { content: JSON.stringify(settings, null, 2) };
  });
}
