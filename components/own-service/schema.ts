import { z } from "zod";
import { settingName } from "../service/forms.ts";

const debianPackage = z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/, {
  error: "expected the name of a Debian package",
});
/** What Berth sets up itself, as packages whose own units must go on. */
const ofBerth =
  /^(apt|ca-certificates|certbot|cron|curl|dbus|e2fsprogs|kmod|logrotate|nftables|nginx|openssh|postgresql|procps|redis|rsyslog|sudo|systemd|udev|unattended-upgrades|util-linux|valkey)(-|$)/;
const packages = z.array(
  debianPackage.refine((name) => !ofBerth.test(name), {
    error: "expected a package that is none of Berth's own: its units are shut down, because 'command' runs",
  }),
);

const archiveUrl = /^(https?:\/\/[A-Za-z0-9.-]+(:\d+)?|file:\/\/)\/[\w./~%+-]*$/;

const archiveSchema = z.strictObject({
  url: z
    .string()
    .regex(archiveUrl, {
      error: "expected the address of an apt archive, such as https://packages.example.org/debian",
    })
    .refine((url) => !/^https?:\/\/([a-z0-9-]+\.)*debian\.org[:/]/.test(url), {
      error: "expected an archive other than Debian's, which every host has: list its packages as 'packages'",
    })
    .describe("Its address. `file:///` is a directory of the host."),
  suite: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, { error: "expected the name of a suite, such as stable" })
    .describe("The suite, such as `stable`."),
  components: z
    .array(z.string().regex(/^[A-Za-z0-9][\w./-]*$/, { error: "expected a component, such as main" }))
    .min(1)
    .default(["main"])
    .describe("The components of that suite."),
  key: z
    .string()
    .min(1)
    .describe(
      "A file on your computer with the key that signs the archive, in text form (`gpg --armor --export`); the path is relative to `Pulumi.yaml`. The host trusts no other key for it, and trusts this key for nothing else.",
    ),
  packages: packages
    .min(1)
    .describe(
      "The packages to install from there. Everything else that the archive offers is ignored, so it cannot replace a package of Debian's.",
    ),
});

const path = z.string().regex(/^(?!\.{1,2}(\/|$))[\w.+@-]+(\/(?!\.{1,2}(\/|$))[\w.+@-]+)*$/, {
  error: "expected a relative path without '..', such as server.conf",
});
const file = z.union([
  z.strictObject({
    from: z.string().min(1).describe("A text file on your computer; the path is relative to `Pulumi.yaml`."),
  }),
  z.strictObject({ content: z.string().describe("The text itself, instead of `from`.") }),
]);

const serviceName = z.string().regex(/^[a-z]([a-z0-9-]{0,17}[a-z0-9])?$/, {
  error: "expected a name of lower-case letters, digits and hyphens, 19 at most, such as s3",
});

const ownServiceSchema = z
  .strictObject({
    packages: packages
      .default([])
      .describe(
        "Debian packages that it needs. The units that they bring are masked, because `command` is what runs.",
      ),
    archive: archiveSchema.optional().describe("An apt archive other than Debian's, and what comes from it."),
    command: z
      .string()
      .regex(/^\S.*$/, { error: "expected a command on one line, such as /usr/bin/memcached -p 9000" })
      .describe(
        "The command. It stays in the foreground and listens on 127.0.0.1. Refer to `${services.NAME.port}`, `.data` and `.files`; secrets go into `env` or `files`.",
      ),
    port: z
      .int()
      .min(1024)
      .max(32767)
      .describe(
        "The TCP port at which it listens on 127.0.0.1. Below 1024 are the system's ports; above 32767 the kernel hands out ports to connections.",
      ),
    data: z
      .boolean()
      .default(false)
      .describe(
        "Whether it keeps data, in `/var/lib/service-NAME`. That directory is on the data volume of an EC2 host, and in backups. Without it, it can write only to `/tmp` of its own and `/run/service-NAME`, which are empty after a restart.",
      ),
    env: z
      .record(settingName, z.union([z.string(), z.number(), z.boolean()]))
      .default({})
      .describe(
        "Its environment variables. Berth fills in `${secrets.NAME}`, `${services.NAME.port}` and the other references of `app.env`.",
      ),
    files: z
      .record(path, file)
      .default({})
      .describe(
        "Its configuration files, by their path in the directory that `${services.NAME.files}` stands for, with the same references. It can read them and not change them.",
      ),
    settings: z
      .record(settingName, z.string())
      .default({})
      .describe(
        "Settings of the application that lead to it, such as `S3_ENDPOINT: http://${services.s3.address}`, on the first host.",
      ),
    health: z
      .string()
      .regex(/^\/[\w./~%?=&-]*$/, { error: "expected a path that begins with /" })
      .optional()
      .describe(
        "A path that answers 200 by HTTP when it works. Default: it works when it accepts a connection.",
      ),
    memory: z
      .int()
      .min(16)
      .default(256)
      .describe("The most memory that it may use, in MiB. It restarts when it needs more."),
    cpu: z
      .int()
      .min(1)
      .optional()
      .describe("The most processor time that it may use, in percent of one CPU. Default: no limit."),
  })
  .describe("A service.");

export const ownServicesSchema = z.record(serviceName, ownServiceSchema).default({});

export type OwnServices = z.output<typeof ownServicesSchema>;
export type OwnServiceConfig = OwnServices[string];
export type ArchiveConfig = z.output<typeof archiveSchema>;
