import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { Host } from "../host/host.ts";
import type { Look } from "../host/look.ts";
import type { Listener, PackageSet, ServiceData } from "../system/system.ts";

/**
 * What a stack must know of a service that an application uses, such as its database. Packages, firewall, security
 * groups, what survives a machine, the owner's rights, references, secrets, the settings of the application, outputs and
 * the pages on them are made from it: a new service is a folder with this in it, and a line in the list beside the folders.
 */
export interface Service<
  Name extends string = string,
  Schema extends z.ZodType = z.ZodType,
  Secret extends string = string,
> {
  /** Its key in the configuration, the name of its component, and the first part of references to it. */
  readonly name: Name;
  /** Its part of the configuration, with prose and defaults. A stack that does not name it has it by them. */
  readonly schema: Schema;
  /** Its secrets by their keys in `secrets` and `rotate`: what each is. Letters and digits, since they go into URLs. */
  readonly secrets: Readonly<Record<Secret, string>>;
  /** What the names of its steps end with, after its own name: no host of a stack may be called so. */
  readonly steps: readonly string[];
  /** The output of the stack that its URL is, for other teams. @default none */
  readonly output?: "databaseUrl" | "redisUrl" | "mongodbUrl";
  /** The setting of the application that is its URL. @default none */
  readonly setting?: string;
  /** Further settings of the application: what each is, given the URL. @default none */
  readonly furtherSettings?: Readonly<Record<string, (url: string) => string>>;
  /** What settings and files may refer to, after its name and a dot: each read from its URL. */
  readonly references: References;
  /** What a stack with this configuration has of it. */
  plan(config: z.output<Schema>, stack: StackFacts): ServicePlan;
}

type References = Readonly<Record<"plain" | "secret", Readonly<Record<string, (url: URL) => string>>>>;

/** What the plan of a service may depend on beside its own configuration. */
export interface StackFacts {
  /** Name of the application. */
  readonly application: string;
  /** The locale of the host. */
  readonly locale: string;
  /** Whether there are hosts beside the first, which reach its services. */
  readonly shared: boolean;
  /** Whether releases dump a database, be it the stack's own or one elsewhere. */
  readonly dumps: boolean;
  /** Whether there are backups. */
  readonly backups: boolean;
  /** The major version of the stack's PostgreSQL; undefined where it has none. */
  readonly postgres: number | undefined;
}

export interface ServicePlan {
  /** What hosts need from Debian that use such a service and do not run it. @default nothing */
  readonly clients?: PackageSet | undefined;
  /** What runs on the stack's first host. @default nothing: the stack does not have it */
  readonly server?: ServerPlan | undefined;
}

export interface ServerPlan {
  /** What it needs from Debian. */
  readonly packages: PackageSet;
  /** How a machine that the user has is looked at, before anything is made there. */
  readonly look: Look;
  /** Its ports on its own host, which no other account may answer. @default it has none */
  readonly listener?: Listener;
  /** The ports at which the stack's other hosts reach it, by a name for each. @default they do not */
  readonly privatePorts?: Readonly<Record<string, number>>;
  /** What of it must survive its machine. @default nothing */
  readonly data?: ServiceData;
  /** What of it a backup has. @default nothing */
  readonly backup?: ServiceBackup;
  /** The units that must run before the application. */
  readonly units: readonly string[];
  /** The units that the owner of the application's files may start and stop, by their names. @default none */
  readonly ownerUnits?: readonly string[];
  /** Further settings of the application on its host, which may refer to what the stack's own settings may. @default none */
  readonly settings?: Readonly<Record<string, string>>;
  /** Its URL where that is known before it runs: then what makes it may refer to it. @default it is not */
  readonly at?: string;
  /** Makes it. */
  make(name: string, place: ServicePlace, options: pulumi.ComponentResourceOptions): RunningService;
}

/** What a service gives to the backups of its stack: see components/backup. */
export type ServiceBackup = DatabaseBackup | FilesBackup;

/** A cluster of PostgreSQL, with its log, so that every point in time can be restored. */
export interface DatabaseBackup {
  readonly kind: "postgresql";
  readonly version: number;
  readonly unit: string;
  /** Names of the stack's database, and of the role that owns it. */
  readonly database: string;
  readonly role: string;
}

/** Directories of files, as they are at the time of a backup. */
export interface FilesBackup {
  readonly kind: "files";
  /** What they are called in `npm run backups`. */
  readonly name: string;
  /** The account that all of them belong to, which puts them back. */
  readonly account: string;
  /** Absolute paths. */
  readonly directories: readonly string[];
  /** Where what a backup has of another directory is restored, by that directory. @default nowhere */
  readonly formerly?: Readonly<Record<string, string>>;
  /** The unit that stands still while they are restored, which is then done as a whole. @default file by file */
  readonly unit?: string;
  /** A file that differs after a copy where the service has rewritten its files meanwhile; then another copy is made. @default none */
  readonly steady?: string;
  /** Whether a restore that names no part has it, where there is a backup of that time. @default false */
  readonly usual?: boolean;
}

/** How code of the application runs in its live release. */
export interface DjangoRun {
  /** Its Python. */
  readonly program: string;
  /** The link that leads to what is live. */
  readonly live: string;
  /** Properties of the unit, as systemd-run(1) takes them. */
  readonly properties: readonly string[];
}

export interface ServicePlace {
  /** The host that it runs on. */
  readonly host: Host;
  /** Hosts that reach it over the private network; `ready` when they have what clients need. */
  readonly others: readonly Host[];
  /** One of its secrets. */
  secret(key: string): pulumi.Output<string>;
  /**
   * A text with what it refers to in its place: services that run before it, and the stack's secrets among others.
   *
   * @param key where it stands in the configuration
   */
  fill(text: string, key: string): Filled;
}

/** A text of the configuration with what it refers to in its place. */
export interface Filled {
  readonly value: pulumi.Output<string>;
  /** Whether there is a secret in it; the value is secret then. */
  readonly isSecret: boolean;
}

/** The component of a service, as it runs. */
export interface RunningService extends pulumi.Resource {
  /** The URL on its own host, secret, once it answers there. */
  readonly url: pulumi.Output<string>;
  /** The URL on a host, secret; undefined on one that does not reach it. */
  urlOn(host: Host): pulumi.Output<string> | undefined;
  /**
   * Ends the passwords of before, once the new one is live everywhere. A service without a password has none of it.
   *
   * @param grace for how long what was live before may still be at work, in seconds
   */
  endPasswordsOfBefore?(
    grace: number,
    after: readonly pulumi.Resource[],
    options: pulumi.ComponentResourceOptions,
  ): pulumi.Resource;
}

/** A service as its folder declares it, with the names that it has as types. */
export const service = <const Name extends string, Schema extends z.ZodType, const Secret extends string>(
  declared: Service<Name, Schema, Secret>,
): Service<Name, Schema, Secret> => declared;
