import { z } from "zod";
import { domainName, domainNameOrWildcard } from "../service/forms.ts";
import { tlsOf, tlsSchema } from "./certificate/schema.ts";
import { type AccelAround, accelFaults, accelSchema } from "./front/accel.ts";
import { behindSchema } from "./front/behind.ts";
import { headerFaults, headersSchema, hstsSchema } from "./front/headers.ts";
import { type LocationsAround, locationFaults, locationsSchema } from "./front/locations.ts";
import { pageFaults, pagesSchema } from "./front/pages.ts";
import { allowSchema, limitsSchema, sitePath } from "./front/paths.ts";
import { redirectedNames, redirectFaults, redirectsSchema } from "./front/redirects.ts";

export const siteSchema = z.strictObject({
  domain: domainName
    .optional()
    .describe(
      "The site's domain name, and the host's fully qualified name. Without it the site answers at the host's address.",
    ),
  aliases: z
    .array(domainNameOrWildcard)
    .default([])
    .describe(
      "More names under which the site answers. `*.shop.example.org` is for all names that have one part before `shop.example.org`. With `tls: acme` it needs a proof by records in the zone (`tls.acme.challenge`).",
    ),
  tls: tlsSchema,
  behind: behindSchema,
  maxBody: z
    .int()
    .min(1)
    .default(25)
    .describe("The largest request that is taken, uploads included, in MiB."),
  timeout: z
    .int()
    .min(1)
    .default(60)
    .describe(
      "For how long a request may be silent, in seconds: until its answer begins, and between two parts of a streamed one.",
    ),
  basicAuth: z
    .strictObject({
      user: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: "expected letters, digits, dots, hyphens, underscores" })
        .describe("The name to log in with; the output `basicAuthPassword` has the password."),
      realm: z
        .string()
        .max(120)
        // nginx takes '$' for a variable, and 'off' for a site that asks nobody.
        .regex(/^(?!off$)[ !#%-[\]-~]+$/, {
          error:
            'expected letters, digits, spaces and other characters of ASCII without ", \\ and $; and not "off"',
        })
        .optional()
        .describe(
          "What the password is for: browsers are told this as they ask for it, and not all show it. ASCII without `\"`, `\\` and `$`, 120 characters at most. Default: the application's name.",
        ),
      except: z
        .array(sitePath.refine((path) => path !== "/", { error: "expected a part of the site" }))
        .default([])
        .describe("Paths that everyone may ask for, with what is below them, such as `/api/`."),
    })
    .optional()
    .describe("Asks every visitor for a name and a password (RFC 7617), all but the health path."),
  redirects: redirectsSchema,
  headers: headersSchema,
  hsts: hstsSchema,
  allow: allowSchema,
  limits: limitsSchema,
  accel: accelSchema,
  locations: locationsSchema,
  pages: pagesSchema,
  log: z
    .enum(["text", "json"])
    .default("text")
    .describe("How nginx writes its access log: lines for people, or a JSON object a line for programs."),
  nginx: z
    .string()
    .min(1)
    .max(32_768)
    .optional()
    .describe(
      "Lines of your own for nginx's `server`. They are tried on the host before they go live; wrong ones change nothing. See docs/front-door.md.",
    ),
  zone: domainName
    .optional()
    .describe(
      "The Route 53 zone in which the site's names are made to point at the host. Default: the output `dns` says what to make by hand.",
    ),
  takeOver: z
    .boolean()
    .default(false)
    .describe(
      "Whether A records of the site's names that are in `zone` already are overwritten, and lead to this stack from then on. Without it, they stop a new stack in the preview; see docs/aws.md.",
    ),
});

/** The names that a site's author has given it, the one that people use first. */
export const namesGiven = (site: Pick<z.output<typeof siteSchema>, "domain" | "aliases">): string[] => [
  ...(site.domain === undefined ? [] : [site.domain]),
  ...site.aliases,
];

/** What a site's author has said of its front door. */
export type SiteShape = Pick<
  z.output<typeof siteSchema>,
  "redirects" | "headers" | "hsts" | "allow" | "limits" | "accel" | "locations" | "pages" | "log" | "nginx"
>;

/** All names that lead to a site: those too from which visitors are only sent on. */
export const namesServed = (
  site: Pick<z.output<typeof siteSchema>, "domain" | "aliases" | "redirects">,
): string[] => [...namesGiven(site), ...redirectedNames(site.redirects)];

/** What is wrong with a site's front door: the key below `site`, and what was expected. */
export const shapeFaults = (
  site: z.output<typeof siteSchema>,
  health: string,
  around: AccelAround & Omit<LocationsAround, "health" | "accel">,
): (readonly [path: readonly (string | number)[], expected: string])[] => [
  ...redirectFaults(site.redirects, namesGiven(site), new URL(health, "http://host").pathname),
  ...headerFaults(site.headers, site.hsts, tlsOf(site.tls).kind),
  ...accelFaults(site.accel, around),
  ...locationFaults(site.locations, {
    ...around,
    health: new URL(health, "http://host").pathname,
    accel: Object.keys(site.accel),
  }),
  ...pageFaults(site.pages).map(([key, expected]) => [["pages", key], expected] as const),
];
