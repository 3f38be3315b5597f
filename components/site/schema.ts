import { z } from "zod";
import { appSchema, dumpsDatabase } from "../app/schema.ts";
import { mediaSchema } from "../aws/media-schema.ts";
import { organizationSchema } from "../aws/organization-schema.ts";
import { copySchema } from "../backup/copies-schema.ts";
import { backupSchema } from "../backup/schema.ts";
import { hostSchema, hostsSchema } from "../fleet/schema.ts";
import { driftSchema } from "../host/drift/schema.ts";
import { metricsSchema } from "../metrics/schema.ts";
import { siteSchema } from "../nginx/schema.ts";
import { ownServicesSchema } from "../own-service/schema.ts";
import { rotateSchema, secretsSchema } from "../secrets/schema.ts";
import { planServices, serviceSchemas } from "../services.ts";
import { noticesSchema } from "../status/schema.ts";
import { syslogSchema } from "../syslog/schema.ts";
import { adminSchema } from "../system/schema.ts";
import { allowSchema, waiveSchema } from "./permissions.ts";

// Every schema is used once; to compile them first would take longer than to use them as they are.
z.config({ jitless: true });

/** The whole configuration of a stack, under the namespace `berth:`; {@link file://./rules.ts} has what holds between its parts. */
export const parts = z.strictObject({
  host: hostSchema.describe("The machine that serves the site, with its database and Redis."),
  hosts: hostsSchema
    .default({})
    .describe(
      "More machines, for workers and other processes, by name, such as `tasks`. Each has the keys of `host` above and is of the same kind. With kind `ec2`, it has only `instanceType`, `image`, `cpuCredits`, `rootVolume`, `timezone`, `locale`, `rebootAt` and `reach`, and the rest is as in `host`. They use PostgreSQL and Redis on the first host; see docs/hosts.md.",
    ),
  site: siteSchema.prefault({}).describe("How the site is reached."),
  app: appSchema.describe("The application."),
  ...serviceSchemas,
  services: ownServicesSchema.describe(
    "Further programs of your own on the first host, by name, such as an S3 server or a mail relay. Each runs before the application's release, as the account and the unit `service-NAME`. See docs/services.md.",
  ),
  aws: organizationSchema.prefault({}).describe("What holds for everything that the stack has in AWS."),
  media: mediaSchema.prefault({}).describe("Uploaded files."),
  backup: backupSchema
    .optional()
    .describe(
      "Backups of all that the stack keeps on its first host; without this key there are none. See docs/backups.md.",
    ),
  copy: copySchema
    .optional()
    .describe(
      "Lets `npm run restore -- --to` replace this stack's data by that of another stack, such as production's. Leave it out where that must never happen. See docs/backups.md.",
    ),
  notify: noticesSchema
    .optional()
    .describe(
      "Tells people when something on a host needs attention, and when it is over; without this key nobody is told. See docs/notices.md.",
    ),
  syslog: syslogSchema
    .optional()
    .describe(
      "Sends the hosts' logs to a server of yours as well; without this key they stay there. See docs/logs.md.",
    ),
  metrics: metricsSchema
    .optional()
    .describe(
      "Exporters for Prometheus on every host, for the host, nginx, PostgreSQL and Redis; without this key there are none. `berth:metrics: {}` is enough. See docs/metrics.md.",
    ),
  drift: driftSchema
    .prefault({})
    .describe("What you change on the hosts by hand, on purpose; see docs/drift.md."),
  secrets: secretsSchema
    .prefault({})
    .describe("Secrets of your own, instead of generated ones, and where to copy the stack's secrets."),
  rotate: rotateSchema
    .prefault({})
    .describe("Replaces a secret by a new one: raise its number, by one at a time."),
  admins: z
    .array(adminSchema)
    .default([])
    .describe(
      "People who administer the host: one account each, with sudo. If you remove a person, Berth locks the account. An account that existed before Berth stays, without what Berth gave it.",
    ),
  allow: z
    .array(allowSchema)
    .default([])
    .describe("Allows protected resources to be deleted or replaced, each for a while; see docs/policy.md."),
  waive: z
    .array(waiveSchema)
    .default([])
    .describe("Rules of the policy pack that one resource may break for a while; see docs/policy.md."),
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
    backups: config.backup !== undefined,
    postgres: config.postgres.enabled ? config.postgres.version : undefined,
  });
