import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
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
}

/** PostgreSQL on a host: reached by its socket and the loopback address only, one database with its owner. */
export class Postgres extends pulumi.ComponentResource {
  /** `postgres://ROLE:PASSWORD@127.0.0.1:5432/DATABASE`, secret. */
  readonly url: pulumi.Output<string>;

  /** What the service needs from Debian. */
  static packages(version: number): PackageSet {
    return {
      packages: [`postgresql-${version}`],
      files: { "/etc/postgresql-common/createcluster.d/berth.conf": { content: text("createcluster.conf") } },
    };
  }

  /** What of it must survive its machine. */
  static data(): ServiceData {
    return { directories: ["/var/lib/postgresql"], services: ["postgresql@.service"] };
  }

  constructor(name: string, args: PostgresArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:postgres:Postgres", name, {}, options);
    const host = args.host;
    const server = new HostScript(
      `${name}-server`,
      {
        host,
        script: here("server.sh"),
        removal: here("server-removal.sh"),
        slots: { version: args.version, locale: args.locale, memory_limit: host.memory ?? "" },
        files: {
          "/etc/berth/postgres.conf": { content: text("postgres.conf") },
          "/etc/berth/pg_hba.conf": { content: text("pg_hba.conf") },
        },
      },
      { parent: this },
    );
    const database = new HostScript(
      `${name}-database`,
      {
        host,
        script: here("database.sh"),
        slots: { database: args.database, role: args.role },
        secrets: { password: args.password },
      },
      { parent: this, dependsOn: [server] },
    );
    this.url = pulumi.secret(
      pulumi
        .all([args.password, database.id])
        .apply(
          ([password]) =>
            `postgres://${args.role}:${encodeURIComponent(password)}@127.0.0.1:5432/${args.database}`,
        ),
    );
    this.registerOutputs();
  }
}
