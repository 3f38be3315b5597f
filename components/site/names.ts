import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { doorOf, schemeOf, tlsOf } from "../nginx/certificate/schema.ts";
import { namesGiven } from "../nginx/schema.ts";
import type { SiteConfig } from "./schema.ts";

/** What a site is called by. */
export interface SiteNames {
  /** How visitors ask it. */
  readonly scheme: "http" | "https";
  /** How its host answers: TLS may end in front of it. */
  readonly door: "http" | "https";
  /** All its names, the one that people use first. */
  readonly all: pulumi.Output<string[]>;
  readonly domain: pulumi.Output<string>;
  /** The URL of its front page, without a slash at the end. */
  readonly url: pulumi.Output<string>;
}

/** The names of a site on this host. */
export function namesOf(config: SiteConfig, host: Host): SiteNames {
  const given = namesGiven(config.site);
  // A domain that no name server knows does not reach a local host.
  const all =
    config.host.kind === "local" || given.length === 0
      ? host.address.apply((ip) => [ip, ...given])
      : pulumi.output(given);
  const tls = tlsOf(config.site.tls);
  const scheme = schemeOf(tls);
  const domain = all.apply((names) => names[0] as string);
  return { scheme, door: doorOf(tls), all, domain, url: pulumi.interpolate`${scheme}://${domain}` };
}
