import { z } from "zod";
import { appSchema, dumpsDatabase } from "../app/schema.ts";
import { mediaSchema } from "../aws/media-schema.ts";
import { hostSchema, hostsSchema } from "../fleet/schema.ts";
import { siteSchema } from "../nginx/schema.ts";
import { rotateSchema, secretsSchema } from "../secrets/schema.ts";
import { planServices, serviceSchemas } from "../services.ts";
import { adminSchema } from "../system/schema.ts";
import { allowSchema, waiveSchema } from "./permissions.ts";

// Every schema is used once; to compile them first would take longer than to use them as they are.
z.config({ jitless: true });

/** The whole configuration of a stack, under the namespace `berth:`; {@link file://./rules.ts} has what holds between its parts. */
export const parts = z.strictObject({
  host: hostSchema.describe("The machine that everything runs on."),
  hosts: hostsSchema
    .default({})
    .describe(
      "More machines by their names, such as `tasks`: each with the keys of `berth:host` above, and of the same kind. One of kind `ec2` has only `instanceType`, `image`, `rootVolume`, `timezone`, `locale` and `reach`; all else is as `berth:host` has it. They reach its PostgreSQL and Redis; see docs/hosts.md.",
    ),
  site: siteSchema.prefault({}).describe("How the site is reached."),
  app: appSchema.describe("The application."),
  ...serviceSchemas,
  media: mediaSchema.prefault({}).describe("Uploaded files."),
  secrets: secretsSchema
    .prefault({})
    .describe("Secrets that you bring, rather than have them made; and where they are mirrored."),
  rotate: rotateSchema
    .prefault({})
    .describe("Secrets to replace: raise the number of one, by one at a time."),
  admins: z
    .array(adminSchema)
    .default([])
    .describe(
      "People who administer the host: one account each, with sudo. One that is taken out is locked; an account that was there before is kept, without what Berth gave it.",
    ),
  allow: z
    .array(allowSchema)
    .default([])
    .describe("What may be deleted or replaced although the stack protects it, each for a while."),
  waive: z.array(waiveSchema).default([]).describe("Rules of the policy pack that one resource may break."),
});

/** What a site is to be, as its author writes it. docs/configuration.md has every argument, as a key of the same name. */
export type SiteArgs = z.input<typeof parts>;

/** The same with defaults. */
export type SiteConfig = z.output<typeof parts>;

/** What the stack has of each service. */
export const plansOf = (config: SiteConfig) =>
  planServices(config, {
    application: config.app.name,
    locale: config.host.locale,
    shared: Object.keys(config.hosts).length > 0,
    dumps: dumpsDatabase(config.app),
  });
