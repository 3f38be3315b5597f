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
import { bracketed } from "../peers/address.ts";
import { certificatePath, type PinnedCertificate } from "../peers/certificate.ts";
import type { FilesBackup } from "../service/service.ts";
import type { Listener, PackageSet, ServiceData } from "../system/system.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface RedisArgs {
  readonly host: Host;
  /** The most memory its data may take, in MiB. */
  readonly memory: number;
  /** What happens when the memory is full (redis.conf, maxmemory-policy). A queue needs `noeviction`. */
  readonly policy: "noeviction" | "allkeys-lru" | "volatile-lru";
  readonly password: pulumi.Input<string>;
  /** Hosts that reach it over the private network; `ready` when they have what clients need. @default none */
  readonly others?: readonly Host[];
}

/** As redis-py and those that build on it read them (Celery demands the first). */
const tlsParameters = `?ssl_cert_reqs=required&ssl_ca_certs=${certificatePath("redis")}`;

/**
 * Redis on a host: reached by the loopback address, with a password, bounded, and with its data on disk. Other hosts
 * reach it when they are named, with TLS.
 */
export class Redis extends pulumi.ComponentResource {
  /** `redis://:PASSWORD@127.0.0.1:6379/0`, secret: the URL on its own host. */
  readonly url: pulumi.Output<string>;

  /** The port at which other hosts reach it. Redis has one port without TLS, and another with. */
  static readonly privatePort = 6380;

  /** What the service needs from Debian. */
  static packages(): PackageSet {
    return { packages: ["redis-server", "redis-tools"] };
  }

  /** What another host needs from Debian to reach it. */
  static clientPackages(): PackageSet {
    return { packages: ["redis-tools"] };
  }

  /**
   * What must not be answered by another account while it starts again.
   *
   * @param shared whether other hosts reach it
   */
  static listener(shared: boolean): Listener {
    return { account: "redis", ports: portsOf(shared) };
  }

  /**
   * Looks for another server, and for one that serves somebody else.
   *
   * @param shared whether other hosts reach it
   */
  static look(shared: boolean): Look {
    return { script: here("look.sh"), slots: { redis_ports: portsOf(shared).join(" ") } };
  }

  /** What of it must survive its machine. */
  static data(): ServiceData {
    return { directories: ["/var/lib/redis"], services: ["redis-server.service"] };
  }

  /** What of it a backup has. Redis writes on while it is copied; only a rewrite of its files would tear the copy. */
  static backup(): FilesBackup {
    return {
      kind: "files",
      name: "redis",
      account: "redis",
      directories: ["/var/lib/redis"],
      unit: "redis-server.service",
      steady: "/var/lib/redis/appendonlydir/appendonly.aof.manifest",
    };
  }

  readonly #name: string;
  readonly #args: RedisArgs;
  readonly #access: PrivateAccess;

  constructor(name: string, args: RedisArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:redis:Redis", name, {}, options);
    this.#name = name;
    this.#args = args;
    const { host, others } = args;
    this.#access = new PrivateAccess(name, { service: "redis", host, port: Redis.privatePort, others }, this);
    const server = this.#server();
    this.url = this.#url("redis", pulumi.output("127.0.0.1:6379"), "", server);
    this.#access.open(this.url, (other, certificate, place) =>
      this.#url("rediss", place, tlsParameters, this.#reach(other, certificate, server)),
    );
    this.registerOutputs({ keeps: "Redis's data" });
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
    return new HostScript(
      `${this.#name}-passwords`,
      {
        host: this.#args.host,
        script: ["users.sh", "passwords.sh"].map(here),
        slots: { grace },
        secrets: { password: this.#args.password },
      },
      // No child of this component, which those that it waits for depend on as a whole.
      { ...options, dependsOn: [...after] },
    );
  }

  #server(): HostScript {
    const { host, memory, policy, password } = this.#args;
    const { address, certificate } = this.#access;
    return new HostScript(
      `${this.#name}-server`,
      {
        host,
        script: ["users.sh", "server.sh"].map(here),
        removal: here("server-removal.sh"),
        slots: { memory, policy, private: address.apply(bracketed) },
        files: {
          "/etc/sysctl.d/60-berth-redis.conf": { content: "vm.overcommit_memory = 1\n" },
          "/etc/berth/redis/redis.conf": address.apply((own) => this.#settings(own)),
          "/usr/local/lib/berth/redis-passwords": { content: text("take-passwords.sh"), mode: "0755" },
          "/etc/systemd/system/redis-server.service.d/berth.conf": {
            content: text("drop-in.conf"),
          },
          ...logsFile("redis", {
            units: ["redis-server.service"],
            files: ["/var/log/redis/redis-server.log"],
          }),
          ...certificate?.file,
        },
        ...(certificate === undefined ? {} : { secretFiles: certificate.keyFile }),
        secrets: { password },
      },
      { parent: this },
    );
  }

  #settings(private_address: string): StepFile {
    const private_port = Redis.privatePort;
    return {
      content: renderTemplate(here("redis.conf.liquid"), { private_address, private_port }),
      owner: "root:redis",
      mode: "0640",
    };
  }

  /** On another host: what it needs to reach Redis, and the proof that it does. */
  #reach(other: Host, certificate: PinnedCertificate, server: HostScript): HostScript {
    const { host, password } = this.#args;
    return new HostScript(
      `${this.#name}-${other.name}`,
      {
        host: other,
        script: here("reach.sh"),
        slots: {
          address: host.privateAddress,
          port: Redis.privatePort,
          certificate: certificatePath("redis"),
        },
        files: certificate.file,
        secrets: { password },
      },
      { parent: this, dependsOn: [server] },
    );
  }

  #url(
    scheme: string,
    place: pulumi.Output<string>,
    parameters: string,
    proven: HostScript,
  ): pulumi.Output<string> {
    return pulumi.secret(
      pulumi
        .all([place, this.#args.password, proven.id])
        .apply(([at, password]) => `${scheme}://:${encodeURIComponent(password)}@${at}/0${parameters}`),
    );
  }
}

/** Where it listens: by TLS only where other hosts reach it. */
const portsOf = (shared: boolean) => [6379, ...(shared ? [Redis.privatePort] : [])];
