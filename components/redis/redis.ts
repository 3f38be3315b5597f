import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { renderTemplate } from "../host/template.ts";
import type { PackageSet, ServiceData } from "../system/system.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface RedisArgs {
  readonly host: Host;
  /** The most memory its data may take, in MiB. */
  readonly memory: number;
  /** What happens when the memory is full (redis.conf, maxmemory-policy). A queue needs `noeviction`. */
  readonly policy: "noeviction" | "allkeys-lru" | "volatile-lru";
  readonly password: pulumi.Input<string>;
}

/** Redis on a host: reached by the loopback address only, with a password, bounded, and with its data on disk. */
export class Redis extends pulumi.ComponentResource {
  /** `redis://:PASSWORD@127.0.0.1:6379/0`, secret. */
  readonly url: pulumi.Output<string>;

  /** What the service needs from Debian. */
  static packages(): PackageSet {
    return { packages: ["redis-server", "redis-tools"] };
  }

  /** What of it must survive its machine. */
  static data(): ServiceData {
    return { directories: ["/var/lib/redis"], services: ["redis-server.service"] };
  }

  constructor(name: string, args: RedisArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:redis:Redis", name, {}, options);
    const server = new HostScript(
      `${name}-server`,
      {
        host: args.host,
        script: here("server.sh"),
        removal: here("server-removal.sh"),
        slots: { memory: args.memory },
        files: {
          "/etc/sysctl.d/60-berth-redis.conf": { content: "vm.overcommit_memory = 1\n" },
          "/etc/redis/berth.conf": {
            content: renderTemplate(here("redis.conf.liquid"), { memory: args.memory, policy: args.policy }),
            owner: "root:redis",
            mode: "0640",
          },
          "/etc/systemd/system/redis-server.service.d/berth.conf": {
            content: readFileSync(here("drop-in.conf"), "utf8"),
          },
        },
        secretFiles: {
          "/etc/redis/berth-password.conf": {
            content: pulumi.interpolate`requirepass ${args.password}\n`,
            owner: "root:redis",
            mode: "0640",
          },
        },
        secrets: { password: args.password },
      },
      { parent: this },
    );
    this.url = pulumi.secret(
      pulumi
        .all([args.password, server.id])
        .apply(([password]) => `redis://:${encodeURIComponent(password)}@127.0.0.1:6379/0`),
    );
    this.registerOutputs();
  }
}
