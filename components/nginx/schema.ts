import { z } from "zod";
import { domainName } from "../service/forms.ts";
import { tlsSchema } from "./certificate/schema.ts";
import { behindSchema } from "./front/behind.ts";

export const siteSchema = z.strictObject({
  domain: domainName
    .optional()
    .describe(
      "The site's domain name, and the host's fully qualified name. Without it the site answers at the host's address.",
    ),
  aliases: z.array(domainName).default([]).describe("More names under which the site answers."),
  tls: tlsSchema,
  behind: behindSchema,
  maxBody: z
    .int()
    .min(1)
    .default(25)
    .describe("The largest request that is taken, uploads included, in MiB."),
  timeout: z.int().min(1).default(60).describe("How long a request may take, in seconds."),
  basicAuth: z
    .strictObject({
      user: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: "expected letters, digits, dots, hyphens, underscores" })
        .describe("The name to log in with; the output `basicAuthPassword` has the password."),
    })
    .optional()
    .describe("Asks every visitor for a name and a password (RFC 7617), all but the health path."),
  zone: domainName
    .optional()
    .describe(
      "The Route 53 zone in which the site's names are made to point at the host. Default: the output `dns` says what to make by hand.",
    ),
});

/** The names that a site's author has given it, the one that people use first. */
export const namesGiven = (site: Pick<z.output<typeof siteSchema>, "domain" | "aliases">): string[] => [
  ...(site.domain === undefined ? [] : [site.domain]),
  ...site.aliases,
];
