import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { packDirectory } from "../app/source/archive.ts";
import { copyArchive } from "../host/copy-archive.ts";
import type { Host } from "../host/host.ts";
import { HostScript, type SecretFile } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import type { DjangoRun, FilesBackup, ServiceBackup } from "../service/service.ts";
import type { PackageSet } from "../system/system.ts";
import { type BucketKey, keyFiles, type PlaceKey, secretLines } from "./keys.ts";
import { copySettings, knownHostsOf, type Place, type PlaceChoice, placeOf, settings } from "./place.ts";
import type { BackupConfig } from "./schema.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface BackupArgs {
  readonly host: Host;
  /** Where backups are kept; known when the stack has made it. */
  readonly place: pulumi.Input<PlaceChoice>;
  /** The key to a bucket; `undefined` where the place is none. */
  readonly key: BucketKey | undefined;
  /** The authority of its certificate, in PEM. */
  readonly ca: string | undefined;
  readonly config: BackupConfig;
  /** Name of the stack; the place knows its backups by that and by the application's name. */
  readonly stack: string;
  /** Name of the application, which stands still while its data is restored. */
  readonly application: string;
  /** What there is to back up: of each service its part, and the application's. */
  readonly parts: readonly ServiceBackup[];
  /** How Django runs in the live release; `undefined` where the application has none. */
  readonly django: DjangoRun | undefined;
  /** The parent of the passphrase, which outlives the host: what depends on a lost machine is taken out of the state. */
  readonly keeper: pulumi.Resource;
  /** How the host asks whether the site is healthy. */
  readonly site: {
    readonly scheme: string;
    readonly domain: pulumi.Input<string>;
    readonly health: string;
  };
}

/** Whose backups these are, as the place knows them. */
export const stanzaOf = (stack: string, application: string): string =>
  `${stack}-${application}`.replaceAll(/[^A-Za-z0-9_-]/g, "-");

/**
 * Backups of all that a host keeps: its database by pgBackRest, files by restic, both encrypted on the host. See
 * docs/backups.md.
 */
export class Backup extends pulumi.ComponentResource {
  /** What the backups are encrypted with. */
  readonly passphrase: pulumi.Output<string>;

  /** What it needs from Debian. */
  static packages(parts: readonly ServiceBackup[]): PackageSet {
    return { packages: [...(databaseOf(parts) === undefined ? [] : ["pgbackrest"]), "restic"] };
  }

  readonly #args: BackupArgs;
  readonly #place: pulumi.Output<Place>;
  readonly #key: PlaceKey | undefined;
  readonly #stanza: string;

  constructor(name: string, args: BackupArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:backup:Backup", name, {}, options);
    this.#args = args;
    this.#stanza = stanzaOf(args.stack, args.application);
    this.#place = this.#placeIn(settings);
    this.passphrase = this.#passphrase(`${name}-passphrase`);
    this.#key = args.key ?? this.#sshKey(`${name}-sftp-key`);
    const database = databaseOf(args.parts);
    const timers = [
      "berth-backup.timer",
      ...(this.#isHourly() ? ["berth-backup-files.timer"] : []),
      ...(this.#hasDrills() ? ["berth-backup-drill.timer"] : []),
    ];
    const program = packDirectory(here("program"), join(".berth", "backup-program"));
    const copy = copyArchive(
      `${name}-archive`,
      args.host,
      program,
      `.berth-backup-${program.sha256.slice(0, 12)}.tar`,
    );
    new HostScript(
      `${name}-setup`,
      {
        host: args.host,
        check: here("setup-check.sh"),
        script: here("setup.sh"),
        removal: here("setup-removal.sh"),
        slots: {
          place: this.#place.apply(({ shown }) => shown),
          directory: this.#place.apply(({ directory }) => directory ?? ""),
          archive: copy.remotePath,
          archive_sha256: program.sha256,
          timers: timers.join(" "),
        },
        files: {
          [`${settings}/plan.json`]: this.#plan(),
          ...(args.ca === undefined ? {} : { [`${settings}/ca.pem`]: { content: args.ca } }),
          ...this.#databaseFiles(),
          "/usr/local/lib/berth/berth-backup": { content: text("berth-backup.sh"), mode: "0755" },
          ...units(args.config.time, this.#isHourly()),
          ...drillUnits(args.config.drill, database?.version),
          ...logsFile("backups", {
            units: [
              "berth-backup.service",
              "berth-backup-files.service",
              "berth-backup-drill.service",
              "berth-backup-drill-django.service",
            ],
            files: [],
          }),
        },
        secretFiles: this.#secretFiles(),
      },
      { parent: this, dependsOn: [copy] },
    );
    // What came of the drills is the host's to tell: a state would be as old as the last deployment.
    const { every, day, time } = args.config.drill;
    this.registerOutputs({
      place: this.#place.apply(({ shown }) => shown),
      bucket: this.#bucket(),
      drills: every === "never" ? "never" : `${day} ${time} UTC`,
      passphrase: pulumi.secret(this.passphrase),
      read: this.#read(),
    });
  }

  /** How another stack's host reads these backups, as program/copies_plan.py takes it: secret, and JSON. */
  #read(): pulumi.Output<string> {
    const { parts, ca } = this.#args;
    const place = this.#placeIn(copySettings);
    const database = databaseOf(parts);
    const conf = place.apply((found) => this.#conf(found, database?.version ?? 0));
    const plan = this.#planText(place.apply(({ options }) => ({ options, bucket: undefined })));
    const files = Object.entries(keyFiles(this.#key, database !== undefined)).map(([name, { content }]) =>
      pulumi.output(content).apply((text) => [name, text] as const),
    );
    return pulumi.secret(
      pulumi
        .all([plan, conf, this.#secretOfDatabase(), this.passphrase, pulumi.all(files)])
        .apply(([text, conf, secret, passphrase, keys]) =>
          JSON.stringify({
            plan: text,
            database: database?.database ?? "",
            files: {
              "pgbackrest.conf": conf,
              "pgbackrest.d/secret.conf": secret,
              passphrase,
              ...Object.fromEntries(keys),
              ...(ca === undefined ? {} : { "ca.pem": ca }),
            },
          }),
        ),
    );
  }

  #placeIn(folder: string): pulumi.Output<Place> {
    return pulumi.output(this.#args.place).apply((place) => placeOf(place, this.#stanza, folder));
  }

  #conf({ pgbackrest }: Place, version: number): string {
    const repository = Object.entries(pgbackrest).map(([name, value]) => `${name}=${value}`);
    const facts = { repository, stanza: this.#stanza, version, limit: this.#args.config.walLimit };
    return renderTemplate(here("pgbackrest.conf.liquid"), facts);
  }

  /** Where 'npm run backups -- --undelete' finds the bucket; none where the place is a directory. */
  #bucket(): pulumi.Output<object | undefined> {
    return this.#place.apply(({ bucket, ca }) => bucket && { ...bucket, ca: ca ?? null });
  }

  #hasDrills(): boolean {
    return this.#args.config.drill.every !== "never";
  }

  #isHourly(): boolean {
    return this.#args.config.uploads === "hourly";
  }

  #passphrase(name: string): pulumi.Output<string> {
    const own = this.#args.config.passphrase;
    if (own !== undefined) return pulumi.secret(own);
    return new random.RandomPassword(
      name,
      { length: 40, special: false },
      { parent: this.#args.keeper, aliases: [{ parent: this }] },
    ).result;
  }

  /** What program/plan.py reads. */
  #plan(): pulumi.Output<StepFile> {
    return this.#planText().apply((content) => ({ content }));
  }

  #planText(instead: pulumi.Input<Partial<Place>> = {}): pulumi.Output<string> {
    const { application, config, parts, site, stack, django } = this.#args;
    const database = databaseOf(parts);
    return pulumi.all([site.domain, this.#place, instead]).apply(([domain, place, instead]) => {
      const { shown, directory, repository, options, bucket } = { ...place, ...instead };
      return JSON.stringify(
        {
          application,
          stack,
          stanza: this.#stanza,
          place: shown,
          directory: directory ?? null,
          bucket: bucket ?? null,
          repository,
          options,
          keep: config.keep,
          limit: config.walLimit * 2 ** 20,
          site: { ...site, domain },
          database: database === undefined ? null : { version: database.version, unit: database.unit },
          files: parts.filter(isFiles).map(({ kind: _, ...part }) => part),
          drills: this.#hasDrills(),
          django: django ?? null,
        },
        null,
        2,
      );
    });
  }

  #databaseFiles(): Record<string, pulumi.Input<StepFile>> {
    const database = databaseOf(this.#args.parts);
    if (database === undefined) return {};
    const stanza = this.#stanza;
    return {
      [`${settings}/pgbackrest.conf`]: this.#place.apply((place) => ({
        content: this.#conf(place, database.version),
      })),
      "/usr/local/lib/berth/backup-archive": {
        content: renderTemplate(here("archive.sh.liquid"), { stanza }),
        mode: "0755",
      },
    };
  }

  /** Of an account of SFTP. Like the passphrase, it outlives the host. */
  #sshKey(name: string): PlaceKey | undefined {
    const { place } = this.#args.config;
    if (place.kind !== "sftp") return undefined;
    const options = { parent: this.#args.keeper };
    const privateKey =
      place.privateKey ?? new tls.PrivateKey(name, { algorithm: "ED25519" }, options).privateKeyOpenssh;
    return { kind: "ssh", privateKey, knownHosts: knownHostsOf(place) };
  }

  #secretOfDatabase(): pulumi.Output<string> {
    return pulumi
      .all([this.passphrase, secretLines(this.#key)])
      .apply(([passphrase, lines]) =>
        ["[global]", `repo1-cipher-pass=${passphraseOfDatabase(passphrase)}`, ...lines, ""].join("\n"),
      );
  }

  #secretFiles(): Record<string, SecretFile> {
    const hasDatabase = databaseOf(this.#args.parts) !== undefined;
    const files = {
      passphrase: { content: this.passphrase },
      ...keyFiles(this.#key, hasDatabase),
      ...(hasDatabase
        ? {
            "pgbackrest.d/secret.conf": {
              content: this.#secretOfDatabase(),
              owner: "root:postgres",
              mode: "0640",
            },
          }
        : {}),
    };
    return Object.fromEntries(Object.entries(files).map(([name, file]) => [`${settings}/${name}`, file]));
  }
}

/** Of the database's backups, whose account knows it: the files' cannot be told from it. */
const passphraseOfDatabase = (passphrase: string): string =>
  createHmac("sha256", passphrase).update("postgresql").digest("hex");

const databaseOf = (parts: readonly ServiceBackup[]) => parts.find((part) => part.kind === "postgresql");
const isFiles = (part: ServiceBackup): part is FilesBackup => part.kind === "files";

function units(time: string, hourly: boolean): Record<string, StepFile> {
  const unit = (name: string, verb: string, what: string, at: string) => ({
    [`/etc/systemd/system/${name}.service`]: {
      content: renderTemplate(here("backup.service.liquid"), { what, verb }),
    },
    [`/etc/systemd/system/${name}.timer`]: {
      content: renderTemplate(here("backup.timer.liquid"), { what, at }),
    },
  });
  return {
    ...unit("berth-backup", "run", "the daily backup", `*-*-* ${time}:00 UTC`),
    ...(hourly
      ? unit("berth-backup-files", "files", "the backup of uploaded files, every hour", "*-*-* *:30:00 UTC")
      : {}),
  };
}

/** The drill, which takes what else runs on the host leaves; and what throws away what a power cut has left of one. */
function drillUnits(
  drill: BackupConfig["drill"],
  postgresVersion: number | undefined,
): Record<string, StepFile> {
  const what = "a drill: the newest backup is restored into a scratch database and checked";
  const unit = (name: string) => `/etc/systemd/system/berth-backup-drill${name}`;
  const day = `${drill.day.charAt(0).toUpperCase()}${drill.day.slice(1, 3)}`;
  return {
    [unit(".service")]: { content: renderTemplate(here("drill.service.liquid"), { what }) },
    ...(drill.every === "never"
      ? {}
      : {
          [unit(".timer")]: {
            content: renderTemplate(here("backup.timer.liquid"), {
              what,
              at: `${day} *-*-* ${drill.time}:00 UTC`,
            }),
          },
        }),
    ...(postgresVersion === undefined
      ? {}
      : {
          [unit("-clean.service")]: {
            content: renderTemplate(here("drill-clean.service.liquid"), { version: postgresVersion }),
          },
        }),
  };
}
