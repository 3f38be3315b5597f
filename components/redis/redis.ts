import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { Look } from "../host/look.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate, type Slots } from "../host/template.ts";
import { PrivateAccess } from "../peers/access.ts";
import { bracketed } from "../peers/address.ts";
import { certificatePath, type PinnedCertificate } from "../peers/certificate.ts";
import type { FilesBackup } from "../service/service.ts";
import type { Listener, PackageSet, ServiceData } from "../system/system.ts";
import { ports, portsOf } from "./ports.ts";
import { dataOf, type ServerName, servers, theOther, unitsOf } from "./servers.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface RedisArgs {
  readonly host: Host;
  /** Which server it is. @default "redis" */
  readonly server?: ServerName;
  /** The most memory the data of the queue may take, in MiB. */
  readonly memory: number;
  /** What happens when the memory is full (redis.conf, maxmemory-policy). A queue needs `noeviction`. */
  readonly policy: "noeviction" | "allkeys-lru" | "volatile-lru";
  /** The same of the cache, which is a server of its own. @default 64 MiB, "allkeys-lru" */
  readonly cache?: { readonly memory: number; readonly policy: "allkeys-lru" | "allkeys-lfu" };
  /** `none` where it asks for no password; then no other host may reach it. */
  readonly password: pulumi.Input<string> | "none";
  /** Hosts that reach it over the private network; `ready` when they have what clients need. @default none */
  readonly others?: readonly Host[];
}

/** As redis-py and those that build on it read them (Celery demands the first). */
const tlsParameters = (server: ServerName) =>
  `?ssl_cert_reqs=required&ssl_ca_certs=${certificatePath(server)}`;

/**
 * Redis or Valkey on a host, as two servers: one for queues, with its data on disk, and one for caches. Reached by the
 * loopback address, with a password, and bounded. Other hosts reach them when they are named, with TLS.
 */
export class Redis extends pulumi.ComponentResource {
  /** `redis://:PASSWORD@127.0.0.1:6379/0`, secret: the URL of the queue on its own host. */
  readonly url: pulumi.Output<string>;

  /** The ports at which other hosts reach it. Redis has one port without TLS, and another with. */
  static readonly privatePorts: Readonly<Record<string, number>> = {
    redis: ports.queue.shared,
    "redis-cache": ports.cache.shared,
  };

  /** What the service needs from Debian. */
  static packages(server: ServerName = "redis"): PackageSet {
    return { packages: servers[server].packages };
  }

  /** What another host needs from Debian to reach it. */
  static clientPackages(server: ServerName = "redis"): PackageSet {
    return { packages: servers[server].clientPackages };
  }

  /**
   * What must not be answered by another account while it starts again.
   *
   * @param shared whether other hosts reach it
   */
  static listener(shared: boolean, server: ServerName = "redis"): Listener {
    return { account: server, ports: portsOf(shared), inPlaceOf: theOther(server) };
  }

  /**
   * Looks for another server, and for one that serves somebody else.
   *
   * @param shared whether other hosts reach it
   */
  static look(shared: boolean, server: ServerName = "redis"): Look {
    return {
      script: here("look.sh"),
      slots: {
        redis_server: server,
        redis_title: servers[server].title,
        redis_ports: portsOf(shared).join(" "),
      },
    };
  }

  /** What of it must survive its machine: of both servers, because a change from one to the other moves what there is. */
  static data(): ServiceData {
    const all = Object.keys(servers) as ServerName[];
    return { directories: all.map(dataOf), services: all.map((server) => unitsOf(server).queue) };
  }

  /** What of it a backup has. It writes on while it is copied; only a rewrite of its files would tear the copy. */
  static backup(server: ServerName = "redis"): FilesBackup {
    return {
      kind: "files",
      name: "redis",
      account: server,
      directories: [dataOf(server)],
      // Its files are of one form: see queue.conf.liquid.
      formerly: { [dataOf(theOther(server))]: dataOf(server) },
      unit: unitsOf(server).queue,
      steady: `${dataOf(server)}/appendonlydir/appendonly.aof.manifest`,
    };
  }

  readonly #name: string;
  readonly #args: RedisArgs;
  readonly #server: ServerName;
  readonly #access: PrivateAccess;

  constructor(name: string, args: RedisArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:redis:Redis", name, {}, options);
    this.#name = name;
    this.#args = args;
    this.#server = args.server ?? "redis";
    const { host, others } = args;
    if (args.password === "none" && others !== undefined && others.length > 0) {
      throw new Error(`${name}: other hosts reach it, and so it must ask for a password`);
    }
    const port = ports.queue.shared;
    this.#access = new PrivateAccess(name, { service: this.#server, host, port, others }, this);
    const running = this.#servers();
    this.url = this.#url("redis", pulumi.output(`127.0.0.1:${ports.queue.own}`), "", running);
    this.#access.open(this.url, (other, certificate, place) =>
      this.#url("rediss", place, tlsParameters(this.#server), this.#reach(other, certificate, running)),
    );
    this.registerOutputs({ keeps: `${servers[this.#server].title}'s data` });
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
        slots: { server: this.#server, grace },
        secrets: this.#secrets(),
      },
      // No child of this component, which those that it waits for depend on as a whole.
      { ...options, dependsOn: [...after] },
    );
  }

  #secrets(): { readonly password: pulumi.Input<string> } | Record<string, never> {
    const { password } = this.#args;
    return password === "none" ? {} : { password };
  }

  /** Both: of the queue and of the cache. */
  #servers(): HostScript {
    const { host, memory, policy, password, cache = { memory: 64, policy: "allkeys-lru" } } = this.#args;
    const { address, certificate } = this.#access;
    const server = this.#server;
    const { title } = servers[server];
    const other = theOther(server);
    const settings = `/etc/berth/${server}`;
    const units = unitsOf(server);
    return new HostScript(
      `${this.#name}-server`,
      {
        host,
        script: ["users.sh", "move.sh", "server.sh"].map(here),
        removal: here("server-removal.sh"),
        slots: {
          server,
          title,
          other,
          other_title: servers[other].title,
          asks: password === "none" ? "" : "yes",
          memory,
          policy,
          cache_port: ports.cache.own,
          cache_memory: cache.memory,
          cache_policy: cache.policy,
          private: address.apply(bracketed),
        },
        files: {
          "/etc/sysctl.d/60-berth-redis.conf": { content: "vm.overcommit_memory = 1\n" },
          [`${settings}/shared.conf`]: this.#settings("shared.conf.liquid", (private_address) => ({
            private_address,
          })),
          [`${settings}/${server}.conf`]: this.#settings("queue.conf.liquid", (address) => ({
            shared: address !== "",
            port: ports.queue.shared,
          })),
          [`${settings}/cache.conf`]: this.#settings("cache.conf.liquid", (address) => ({
            shared: address !== "",
            port: ports.cache.shared,
            own_port: ports.cache.own,
          })),
          "/usr/local/lib/berth/redis-passwords": {
            content: renderTemplate(here("take-passwords.sh.liquid"), {
              server,
              ports: portsOf(false).join(" "),
            }),
            mode: "0755",
          },
          [`/etc/systemd/system/${units.queue}.d/berth.conf`]: dropIn(server, `${server}.conf`),
          [`/etc/systemd/system/${units.cache}.d/berth.conf`]: dropIn(server, "cache.conf"),
          ...logsFile("redis", {
            units: Object.values(units),
            files: [`/var/log/${server}/${server}-server.log`],
          }),
          ...certificate?.file,
        },
        ...(certificate === undefined ? {} : { secretFiles: certificate.keyFile }),
        secrets: this.#secrets(),
      },
      { parent: this },
    );
  }

  /** @param own what the template needs beside the server's name */
  #settings(template: string, own: (address: string) => Slots): pulumi.Output<StepFile> {
    const server = this.#server;
    return this.#access.address.apply((address) => ({
      content: renderTemplate(here(template), { server, ...own(address) }),
      owner: `root:${server}`,
      mode: "0640",
    }));
  }

  /** On another host: what it needs to reach both, and the proof that it does. */
  #reach(other: Host, certificate: PinnedCertificate, running: HostScript): HostScript {
    const { host } = this.#args;
    return new HostScript(
      `${this.#name}-${other.name}`,
      {
        host: other,
        script: here("reach.sh"),
        slots: {
          server: this.#server,
          title: servers[this.#server].title,
          address: host.privateAddress,
          ports: Object.values(ports)
            .map(({ shared }) => shared)
            .join(" "),
          certificate: certificatePath(this.#server),
        },
        files: certificate.file,
        secrets: this.#secrets(),
      },
      { parent: this, dependsOn: [running] },
    );
  }

  #url(
    scheme: string,
    place: pulumi.Output<string>,
    parameters: string,
    proven: HostScript,
  ): pulumi.Output<string> {
    return pulumi.secret(
      pulumi.all([place, this.#args.password, proven.id]).apply(([at, password]) => {
        const login = password === "none" ? "" : `:${encodeURIComponent(password)}@`;
        return `${scheme}://${login}${at}/0${parameters}`;
      }),
    );
  }
}

const dropIn = (server: ServerName, file: string): StepFile => ({
  content: renderTemplate(here("drop-in.conf.liquid"), { server, file }),
});
