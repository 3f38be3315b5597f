import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { namesGiven } from "../nginx/schema.ts";
import type { SiteConfig } from "./schema.ts";

/** What a site is called by. */
export interface SiteNames {
  readonly scheme: "http" | "https";
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
  const scheme = config.site.tls === "off" ? "http" : "https";
  const domain = all.apply((names) => names[0] as string);
  return { scheme, all, domain, url: pulumi.interpolate`${scheme}://${domain}` };
}
