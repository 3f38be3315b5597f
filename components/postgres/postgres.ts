import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import { PrivateAccess } from "../private/access.ts";
import { alone, bracketed } from "../private/address.ts";
import { certificatePath, type PinnedCertificate } from "../private/certificate.ts";
import type { PackageSet, ServiceData } from "../system/system.ts";

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
  /** The role that owns it and logs in with the password. */
  readonly role: string;
  readonly password: pulumi.Input<string>;
  /** Hosts that reach it over the private network; `ready` when they have what clients need. @default none */
  readonly others?: readonly Host[];
}

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
  /** `postgres://ROLE:PASSWORD@127.0.0.1:5432/DATABASE`, secret: the URL on its own host. */
  readonly url: pulumi.Output<string>;

  /** The port at which other hosts reach it. */
  static readonly privatePort = 5432;

  /** What the service needs from Debian. */
  static packages(version: number): PackageSet {
    return {
      packages: [`postgresql-${version}`],
      files: { "/etc/postgresql-common/createcluster.d/berth.conf": { content: text("createcluster.conf") } },
    };
  }

  /** What another host needs from Debian to reach it. */
  static clientPackages(version: number): PackageSet {
    return { packages: [`postgresql-client-${version}`] };
  }

  /** What of it must survive its machine. */
  static data(): ServiceData {
    return { directories: ["/var/lib/postgresql"], services: ["postgresql@.service"] };
  }

  readonly #name: string;
  readonly #args: PostgresArgs;
  readonly #access: PrivateAccess;

  constructor(name: string, args: PostgresArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:postgres:Postgres", name, {}, options);
    this.#name = name;
    this.#args = args;
    const { host, others } = args;
    const access = { service: "postgres", host, port: Postgres.privatePort, others };
    this.#access = new PrivateAccess(name, access, this);
    const server = this.#server();
    const database = this.#database(server);
    this.url = this.#url(pulumi.output("127.0.0.1:5432"), "", database);
    this.#access.open(this.url, (other, certificate, place) =>
      this.#url(place, tlsParameters, this.#reach(other, certificate, database)),
    );
    this.registerOutputs();
  }

  /** The URL on one of the hosts that reach it, secret. */
  urlOn(host: Host): pulumi.Output<string> {
    return this.#access.urlOn(host);
  }

  #server(): HostScript {
    const { host, version, locale } = this.#args;
    const { address, certificate } = this.#access;
    return new HostScript(
      `${this.#name}-server`,
      {
        host,
        script: here("server.sh"),
        removal: here("server-removal.sh"),
        slots: {
          version,
          locale,
          memory_limit: host.memory ?? "",
          private: address.apply(bracketed),
        },
        files: {
          "/etc/berth/postgresql/berth.conf": address.apply((private_address) => ({
            content: renderTemplate(here("postgres.conf.liquid"), { private_address }),
          })),
          "/etc/berth/postgresql/pg_hba.conf": this.#accessRules(),
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
    const { host, database, role, password } = this.#args;
    return new HostScript(
      `${this.#name}-database`,
      { host, script: here("database.sh"), slots: { database, role }, secrets: { password } },
      { parent: this, dependsOn: [server] },
    );
  }

  /** On another host: what it needs to reach the database, and the proof that it does. */
  #reach(other: Host, certificate: PinnedCertificate, database: HostScript): HostScript {
    const { host, database: name, role, password } = this.#args;
    return new HostScript(
      `${this.#name}-${other.name}`,
      {
        host: other,
        script: here("reach.sh"),
        slots: {
          address: host.privateAddress,
          database: name,
          role,
          certificate: certificatePath("postgres"),
        },
        files: certificate.file,
        secrets: { password },
      },
      { parent: this, dependsOn: [database] },
    );
  }

  #url(place: pulumi.Output<string>, parameters: string, proven: HostScript): pulumi.Output<string> {
    const { role, password, database } = this.#args;
    return pulumi.secret(
      pulumi
        .all([place, password, proven.id])
        .apply(
          ([at, secret]) => `postgres://${role}:${encodeURIComponent(secret)}@${at}/${database}${parameters}`,
        ),
    );
  }
}
