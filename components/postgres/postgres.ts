import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { Look } from "../host/look.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import { PrivateAccess } from "../peers/access.ts";
import { alone, bracketed } from "../peers/address.ts";
import { certificatePath, type PinnedCertificate } from "../peers/certificate.ts";
import type { DatabaseBackup } from "../service/service.ts";
import type { Listener, PackageSet, ServiceData } from "../system/system.ts";
import { endLogins, loginOf, makeDatabase } from "./database.ts";
import { type PostgresSettings, settingsFile } from "./settings.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface PostgresArgs {
  readonly host: Host;
  /** The major version, as Debian packages it. */
  readonly version: number;
  /** The locale of the cluster; it stays what it was when the cluster was made. */
  readonly locale: string;
  /** Name of the database. */
  readonly database: string;
  /** The role that owns it. What logs in is a member of it, another one for each password. */
  readonly role: string;
  /** Whether its log is archived, for backups. @default false */
  readonly archived?: boolean;
  /** Extensions that are made as the superuser. @default none */
  readonly extensions?: readonly string[];
  /** Settings of PostgreSQL's own, which win over Berth's. @default none */
  readonly settings?: PostgresSettings;
  readonly password: pulumi.Input<string>;
  /** Hosts that reach it over the private network; `ready` when they have what clients need. @default none */
  readonly others?: readonly Host[];
}

/** Of extensions that are no part of PostgreSQL: what follows the version in the name of their Debian package. */
const packagesOfExtensions: Readonly<Record<string, string>> = {
  postgis: "postgis-3",
  postgis_raster: "postgis-3",
  postgis_topology: "postgis-3",
  vector: "pgvector",
};

/**
 * The certificate is the only one that is trusted, which says more than a name in it would; and only PostgreSQL's newer
 * clients know addresses for names (libpq's sslmode).
 */
const tlsParameters = `?sslmode=verify-ca&sslrootcert=${certificatePath("postgres")}`;

/**
 * PostgreSQL on a host: one database with its owner, reached by the socket and the loopback address. Other hosts
 * reach it when they are named, that database alone, with TLS.
 */
export class Postgres extends pulumi.ComponentResource {
  /** `postgresql://LOGIN:PASSWORD@127.0.0.1:5432/DATABASE`, secret: the URL on its own host. */
  readonly url: pulumi.Output<string>;

  /** The port at which other hosts reach it. */
  static readonly privatePort = 5432;

  /** What the service needs from Debian. */
  static packages(version: number, extensions: readonly string[] = []): PackageSet {
    const more = extensions.flatMap((name) => packagesOfExtensions[name] ?? []);
    return {
      packages: [`postgresql-${version}`, ...more.map((name) => `postgresql-${version}-${name}`)],
      files: { "/etc/postgresql-common/createcluster.d/berth.conf": { content: text("createcluster.conf") } },
    };
  }

  /** What another host needs from Debian to reach it. */
  static clientPackages(version: number): PackageSet {
    return { packages: [`postgresql-client-${version}`] };
  }

  /** What must not be answered by another account while it starts again. */
  static listener(): Listener {
    return { account: "postgres", ports: [Postgres.privatePort] };
  }

  /** Looks for another database server, and for databases of somebody else's. */
  static look(version: number): Look {
    return {
      script: ["common.sh", "clusters.sh", "look.sh"].map(here),
      slots: { postgres_version: version },
    };
  }

  /** What of it must survive its machine. */
  static data(): ServiceData {
    return { directories: ["/var/lib/postgresql"], services: ["postgresql@.service"] };
  }

  /** What of it a backup has. */
  static backup(version: number, names: Pick<DatabaseBackup, "database" | "role">): DatabaseBackup {
    return { kind: "postgresql", version, unit: `postgresql@${version}-main.service`, ...names };
  }

  readonly #name: string;
  readonly #args: PostgresArgs;
  readonly #access: PrivateAccess;
  readonly #login: pulumi.Output<string>;

  constructor(name: string, args: PostgresArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:postgres:Postgres", name, {}, options);
    this.#name = name;
    this.#args = args;
    const { host, others } = args;
    this.#login = loginOf(args.role, args.password);
    const access = { service: "postgres", host, port: Postgres.privatePort, others };
    this.#access = new PrivateAccess(name, access, this);
    const server = this.#server();
    const database = this.#database(server);
    this.url = this.#url(pulumi.output("127.0.0.1:5432"), "", database);
    this.#access.open(this.url, (other, certificate, place) =>
      this.#url(place, tlsParameters, this.#reach(other, certificate, database)),
    );
    this.registerOutputs({ keeps: "the database" });
  }

  /** The URL on one of the hosts that reach it, secret; undefined on any other. */
  urlOn(host: Host): pulumi.Output<string> | undefined {
    return this.#access.urlOn(host);
  }

  /**
   * Ends the passwords of before, once the new one is live everywhere.
   *
   * @param grace for how long what was live before may still be at work, in seconds
   */
  endPasswordsOfBefore(
    grace: number,
    after: readonly pulumi.Resource[],
    options: pulumi.ComponentResourceOptions,
  ): HostScript {
    const { host, role, database } = this.#args;
    return endLogins(this.#name, { host, role, database, login: this.#login }, grace, after, options);
  }

  #server(): HostScript {
    const { host, version, locale, settings = {} } = this.#args;
    const { address, certificate } = this.#access;
    return new HostScript(
      `${this.#name}-server`,
      {
        host,
        script: ["common.sh", "clusters.sh", "settings.sh", "server.sh"].map(here),
        removal: here("server-removal.sh"),
        slots: {
          version,
          locale,
          memory_limit: host.memory ?? "",
          private: address.apply(bracketed),
          archived: this.#args.archived ? "yes" : "",
        },
        files: {
          "/usr/local/lib/berth/pgbackrest-archive": { content: text("archive.sh"), mode: "0755" },
          // This cluster's alone: another one of the machine's may need what the sandbox takes.
          [`/etc/systemd/system/postgresql@${version}-main.service.d/berth.conf`]: {
            content: text("drop-in.conf"),
          },
          "/etc/berth/postgresql/berth.conf": address.apply((private_address) => ({
            content: renderTemplate(here("postgres.conf.liquid"), { private_address }),
          })),
          "/etc/berth/postgresql/settings.conf": { content: settingsFile(settings) },
          "/etc/berth/postgresql/pg_hba.conf": this.#accessRules(),
          ...logsFile("postgres", {
            units: ["postgresql.service", `postgresql@${version}-main.service`],
            files: ["/var/log/postgresql/postgresql-*-main.log"],
          }),
          ...certificate?.file,
        },
        ...(certificate === undefined ? {} : { secretFiles: certificate.keyFile }),
      },
      { parent: this },
    );
  }

  #accessRules(): pulumi.Output<StepFile> {
    const { database, role, others = [] } = this.#args;
    return pulumi.all(others.map((other) => other.privateAddress)).apply((addresses) => {
      const peers = addresses.map(alone);
      const content = renderTemplate(here("pg_hba.conf.liquid"), { database, role, peers });
      return { content, owner: "root:postgres", mode: "0640" };
    });
  }

  #database(server: HostScript): HostScript {
    const { host, database, role, extensions, password } = this.#args;
    const args = { host, database, role, extensions, login: this.#login, password };
    return makeDatabase(this.#name, args, { parent: this, dependsOn: [server] });
  }

  /** On another host: what it needs to reach the database, and the proof that it does. */
  #reach(other: Host, certificate: PinnedCertificate, database: HostScript): HostScript {
    const { host, database: name, password } = this.#args;
    return new HostScript(
      `${this.#name}-${other.name}`,
      {
        host: other,
        script: here("reach.sh"),
        slots: {
          address: host.privateAddress,
          database: name,
          login: this.#login,
          certificate: certificatePath("postgres"),
        },
        files: certificate.file,
        secrets: { password },
      },
      { parent: this, dependsOn: [database] },
    );
  }

  #url(place: pulumi.Output<string>, parameters: string, proven: HostScript): pulumi.Output<string> {
    const { password, database } = this.#args;
    return pulumi.secret(
      pulumi
        .all([place, this.#login, password, proven.id])
        .apply(
          ([at, login, secret]) =>
            `postgresql://${login}:${encodeURIComponent(secret)}@${at}/${database}${parameters}`,
        ),
    );
  }
}
