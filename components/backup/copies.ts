import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { packDirectory } from "../app/source/archive.ts";
import { copyArchive } from "../host/copy-archive.ts";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import type { DatabaseBackup, DjangoRun, FilesBackup } from "../service/service.ts";
import type { CopyConfig } from "./copies-schema.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface CopiesArgs {
  readonly host: Host;
  readonly config: CopyConfig;
  readonly stack: string;
  /** Name of the application: data of another one does not fit. */
  readonly application: string;
  /** The database that is replaced; `undefined` where the host has none. */
  readonly database: DatabaseBackup | undefined;
  /** The uploads that are replaced. */
  readonly uploads: FilesBackup;
  /** How code of the application runs in its live release. */
  readonly release: DjangoRun;
  /** Whether Django migrates the database; otherwise what does. */
  readonly django: boolean;
  readonly releaseCommand: string | undefined;
  /** How the host asks whether the site is healthy. */
  readonly site: {
    readonly scheme: string;
    readonly domain: pulumi.Input<string>;
    readonly health: string;
  };
}

/** Lets a host take over another stack's data, less personal: 'npm run restore -- --to'. See docs/backups.md. */
export class Copies extends pulumi.ComponentResource {
  constructor(name: string, args: CopiesArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:backup:Copies", name, {}, options);
    const program = packDirectory(here("program"), join(".berth", "copy-program"));
    const copy = copyArchive(
      `${name}-archive`,
      args.host,
      program,
      `.berth-copy-${program.sha256.slice(0, 12)}.tar`,
    );
    new HostScript(
      `${name}-setup`,
      {
        host: args.host,
        script: here("copies.sh"),
        removal: here("copies-removal.sh"),
        slots: {
          archive: copy.remotePath,
          archive_sha256: program.sha256,
          account: args.uploads.account,
          directories: args.uploads.directories.join("\n"),
        },
        files: {
          "/etc/berth/copy/plan.json": pulumi
            .output(args.site.domain)
            .apply((domain) => ({ content: planOf(args, domain) })),
          "/usr/local/lib/berth/berth-copy": {
            content: readFileSync(here("berth-copy.sh"), "utf8"),
            mode: "0755",
          },
          "/etc/systemd/system/berth-copy-clean.service": {
            content: readFileSync(here("copy-clean.service"), "utf8"),
          },
        },
      },
      { parent: this, dependsOn: [copy] },
    );
    this.registerOutputs({});
  }
}

/** What program/copies_plan.py reads. */
function planOf(args: CopiesArgs, domain: string): string {
  const { application, stack, django, releaseCommand, release, site, database, uploads, config } = args;
  const { kind: _, ...files } = uploads;
  return JSON.stringify(
    {
      application,
      stack,
      django,
      releaseCommand: releaseCommand ?? null,
      release,
      site: { ...site, domain },
      database: database === undefined ? null : { version: database.version, unit: database.unit },
      names: database === undefined ? {} : { database: database.database, role: database.role },
      uploads: files,
      scrub: config.scrub ?? null,
      sql: config.sql === undefined ? null : readFileSync(config.sql, "utf8"),
    },
    null,
    2,
  );
}
