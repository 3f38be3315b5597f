import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { copyArchive } from "../host/copy-archive.ts";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { Look } from "../host/look.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import { PrivateAccess } from "../peers/access.ts";
import { bracketed } from "../peers/address.ts";
import { certificatePath, type PinnedCertificate } from "../peers/certificate.ts";
import { endLogins, loginOf, makeDatabase } from "../postgres/database.ts";
import type { Listener, PackageSet } from "../system/system.ts";
import { type Cpu, ferretProgram, ferretSha256, ferretVersion } from "./ferretdb.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface MongoDbArgs {
  readonly host: Host;
  /** Name of the application: its database is called so, and the one in PostgreSQL begins with it. */
  readonly application: string;
  /** The most memory that FerretDB may use, in MiB. */
  readonly memory: number;
  /** The CPU of the host. */
  readonly cpu: Cpu;
  /** Where the host fetches FerretDB's program. @default it is built here and copied */
  readonly program?: { readonly url: string; readonly sha256?: string | undefined } | undefined;
  /** The major version of the PostgreSQL on the host, which keeps the data. */
  readonly postgres: number;
  readonly password: pulumi.Input<string>;
  /** Hosts that reach it over the private network; `ready` when they have what clients need. @default none */
  readonly others?: readonly Host[];
}

/** FerretDB hands the password on to PostgreSQL, which knows it; on the way to another host it is inside of TLS. */
const plain = "?authMechanism=PLAIN";
const tlsParameters = `${plain}&tls=true&tlsCAFile=${certificatePath("ferretdb")}`;

const library = "/usr/local/lib/berth/mongodb";

/**
 * MongoDB's protocol on a host, by FerretDB, with the data in the host's PostgreSQL: a database of its own there, so that
 * backups and points in time have it. Reached by the loopback address, with a password, bounded. Other hosts reach it when
 * they are named, with TLS.
 */
export class MongoDb extends pulumi.ComponentResource {
  /** `mongodb://LOGIN:PASSWORD@127.0.0.1:27017/APPLICATION?authMechanism=PLAIN`, secret: the URL on its own host. */
  readonly url: pulumi.Output<string>;

  /** The port at which other hosts reach it. */
  static readonly privatePort = 27017;

  /** What a host needs from Debian to ask it, which each does once to prove that it can. */
  static clientPackages(): PackageSet {
    return { packages: ["python3-pymongo"] };
  }

  /** What must not be answered by another account while it starts again. */
  static listener(): Listener {
    return { account: "ferretdb", madeFor: "mongodb.enabled", ports: [MongoDb.privatePort] };
  }

  /** Looks for another server, and for an account of that name. */
  static look(): Look {
    return { script: here("look.sh") };
  }

  readonly #name: string;
  readonly #args: MongoDbArgs;
  /** In PostgreSQL the database and its owner; no application's name has an underscore in it. */
  readonly #role: string;
  readonly #login: pulumi.Output<string>;
  readonly #access: PrivateAccess;

  constructor(name: string, args: MongoDbArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:mongodb:MongoDb", name, {}, options);
    this.#name = name;
    this.#args = args;
    const { host, others, password } = args;
    pulumi.log.info(
      `MongoDB is served by FerretDB ${ferretVersion}, which has no TTL, text or partial indexes, no $lookup, no transactions and no change streams: docs/mongodb.md`,
      this,
    );
    this.#role = `${args.application}_mongodb`;
    this.#login = loginOf(this.#role, password);
    this.#access = new PrivateAccess(
      name,
      { service: "ferretdb", host, port: MongoDb.privatePort, others },
      this,
    );
    const database = makeDatabase(
      name,
      { host, database: this.#role, role: this.#role, login: this.#login, password },
      { parent: this },
    );
    const server = this.#server(database);
    this.url = this.#url(pulumi.output(`127.0.0.1:${MongoDb.privatePort}`), plain, server);
    this.#access.open(this.url, (other, certificate, place) =>
      this.#url(place, tlsParameters, this.#reach(other, certificate, server)),
    );
    this.registerOutputs({ keeps: "MongoDB's data, in PostgreSQL" });
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
    const { host } = this.#args;
    const args = { host, database: this.#role, role: this.#role, login: this.#login };
    return endLogins(this.#name, args, grace, after, options);
  }

  #server(database: HostScript): HostScript {
    const { host, application, cpu, program, password } = this.#args;
    const { address, certificate } = this.#access;
    const sha256 = program?.sha256 ?? ferretSha256(cpu);
    const path = `${library}/ferretdb-${ferretVersion}-${sha256.slice(0, 12)}`;
    const copy = program === undefined ? this.#copy() : undefined;
    return new HostScript(
      `${this.#name}-server`,
      {
        host,
        script: here("server.sh"),
        removal: here("server-removal.sh"),
        slots: {
          program: path,
          sha256,
          source: copy?.remotePath ?? program?.url ?? "",
          private: address.apply(bracketed),
          login: this.#login,
          application,
          role: this.#role,
        },
        files: {
          "/etc/systemd/system/ferretdb.service": address.apply((own) => this.#unit(own)),
          ...asking,
          ...logsFile("mongodb", { units: ["ferretdb.service"], files: [] }),
          ...certificate?.file,
        },
        ...(certificate === undefined ? {} : { secretFiles: certificate.keyFile }),
        secrets: { password },
      },
      { parent: this, dependsOn: [database, ...(copy === undefined ? [] : [copy])] },
    );
  }

  /** Copies the program that is built on this computer. */
  #copy() {
    const { host, cpu } = this.#args;
    const built = ferretProgram(cpu, () =>
      pulumi.log.info(`building FerretDB ${ferretVersion}: once, about four minutes on two cores`, this),
    ).then(
      (path) => besideState(path),
      (error: Error) => {
        throw new pulumi.RunError(error.message);
      },
    );
    const name = `.berth-ferretdb-${ferretSha256(cpu).slice(0, 12)}`;
    return copyArchive(`${this.#name}-program`, host, { path: built }, name);
  }

  #unit(private_address: string): StepFile {
    const { memory, postgres } = this.#args;
    const facts = {
      private_address: bracketed(private_address),
      memory,
      postgres,
      database: this.#role,
    };
    return { content: renderTemplate(here("ferretdb.service.liquid"), facts) };
  }

  /** On another host: what it needs to reach FerretDB, and the proof that it does. */
  #reach(other: Host, certificate: PinnedCertificate, server: HostScript): HostScript {
    const { host, application, password } = this.#args;
    return new HostScript(
      `${this.#name}-${other.name}`,
      {
        host: other,
        script: here("reach.sh"),
        slots: {
          address: host.privateAddress.apply(bracketed),
          login: this.#login,
          application,
          certificate: certificatePath("ferretdb"),
        },
        files: { ...asking, ...certificate.file },
        secrets: { password },
      },
      { parent: this, dependsOn: [server] },
    );
  }

  #url(place: pulumi.Output<string>, parameters: string, proven: HostScript): pulumi.Output<string> {
    const { application, password } = this.#args;
    return pulumi.secret(
      pulumi
        .all([place, this.#login, password, proven.id])
        .apply(
          ([at, login, secret]) =>
            `mongodb://${login}:${encodeURIComponent(secret)}@${at}/${application}${parameters}`,
        ),
    );
  }
}

/** The program by which a host proves that it can use it. */
const asking = { [`${library}/ask`]: { content: text("ask.py"), mode: "0755" } };

/** The same file below the directory of Pulumi.yaml, so that the state names no place of this computer. */
function besideState(path: string): string {
  const folder = join(".berth", "ferretdb");
  const place = join(folder, basename(path));
  if (!existsSync(place)) {
    mkdirSync(folder, { recursive: true });
    try {
      linkSync(path, place);
    } catch {
      // On another file system; whole, also when this is killed.
      copyFileSync(path, `${place}.new`);
      renameSync(`${place}.new`, place);
    }
  }
  return place;
}
