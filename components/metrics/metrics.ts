import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import { bracketed } from "../peers/address.ts";
import type { ServerName } from "../redis/servers.ts";
import type { PackageSet } from "../system/system.ts";
import { exporters, nginxPort, type Part, portsOf, unitOf } from "./exporters.ts";
import type { MetricsConfig } from "./schema.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface MetricsArgs {
  readonly host: Host;
  readonly config: MetricsConfig;
  /** The parts of the host that there are figures of. */
  readonly parts: readonly Part[];
  /** Which server the queue and the cache are. */
  readonly redis: ServerName;
}

/** What an exporter needs beside its place. */
interface Needs {
  readonly arguments?: readonly string[];
  readonly environment?: readonly string[];
  /** As systemd's LoadCredential takes them: `NAME:PATH`. */
  readonly credentials?: readonly string[];
  readonly families?: readonly string[];
}

const redisNeeds = (port: number): Needs => ({
  // Without its settings, and without the texts of slow commands: both hold what is nobody else's.
  arguments: [
    `--redis.addr=redis://127.0.0.1:${port}`,
    "--redis.user=berth-metrics",
    "--redis.password-file=${CREDENTIALS_DIRECTORY}/passwords",
    "--config-command=-",
    "--set-client-name=false",
  ],
  credentials: ["passwords:/etc/berth/metrics/redis.json"],
});

const needs: Readonly<Record<Part, Needs>> = {
  // What needs root, or the bus that not every host has: both would log a fault at each reading.
  host: { arguments: ["--no-collector.rapl", "--no-collector.systemd"], families: ["AF_UNIX", "AF_NETLINK"] },
  nginx: { arguments: [`--nginx.scrape-uri=http://127.0.0.1:${nginxPort}/stub_status`] },
  postgres: {
    // In the superuser's own database: in the application's, its owner decides what stands there.
    environment: [
      "DATA_SOURCE_URI=:5432/postgres?host=/run/postgresql&sslmode=disable",
      "DATA_SOURCE_USER=berth_metrics",
      "DATA_SOURCE_PASS_FILE=%d/password",
    ],
    credentials: ["password:/etc/berth/metrics/postgres-password"],
    families: ["AF_UNIX"],
  },
  redis: redisNeeds(6379),
  cache: redisNeeds(6381),
};

/** The figures of a host's parts for Prometheus, by the exporters that Debian has. See docs/metrics.md. */
export class Metrics extends pulumi.ComponentResource {
  /** Where Prometheus reads them, `ADDRESS:PORT`, once they answer there. */
  readonly targets: pulumi.Output<string[]>;

  /** What they need from Debian, whose own units never run. */
  static packages(parts: readonly Part[]): PackageSet {
    const packages = [...new Set(parts.map((part) => exporters[part].package))];
    return { packages, ownUnitsOf: { key: "metrics", packages } };
  }

  constructor(name: string, args: MetricsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:metrics:Metrics", name, {}, options);
    const { host, config, parts, redis } = args;
    const has = (part: Part) => parts.includes(part);
    const setup = new HostScript(
      `${name}-setup`,
      {
        host,
        check: here("check.sh"),
        script: [
          "common.sh",
          ...(has("nginx") ? ["nginx.sh"] : []),
          ...(has("postgres") ? ["../postgres/common.sh", "postgres.sh"] : []),
          ...(has("redis") ? ["redis.sh"] : []),
          "setup.sh",
        ].map(here),
        removal: here("removal.sh"),
        slots: {
          exporters: parts
            .map((part) => `${part} ${exporters[part].port} ${exporters[part].proof}`)
            .join("\n"),
          ...(has("redis") ? { server: redis } : {}),
          everywhere: config.from === undefined ? "" : "yes",
        },
        files: {
          ...Object.fromEntries(
            parts.map((part) => [`/etc/systemd/system/${unitOf(part)}`, unit(part, config)]),
          ),
          ...(has("nginx")
            ? {
                "/etc/berth/metrics/nginx.conf": {
                  content: renderTemplate(here("nginx.conf.liquid"), { port: nginxPort }),
                },
              }
            : {}),
          ...logsFile("metrics", { units: parts.map(unitOf), files: [] }),
        },
      },
      { parent: this },
    );
    const address = config.from === undefined ? pulumi.output("127.0.0.1") : host.privateAddress;
    this.targets = pulumi
      .all([address, setup.id])
      .apply(([at]) => portsOf(parts).map((port) => `${bracketed(at)}:${port}`));
    this.registerOutputs({});
  }
}

function unit(part: Part, { from }: MetricsConfig): StepFile {
  const { package: program, port, title, memory } = exporters[part];
  const { arguments: more = [], environment = [], credentials = [], families = [] } = needs[part];
  const content = renderTemplate(here("exporter.service.liquid"), {
    program,
    port,
    title,
    memory,
    // Go gives back what it does not need before it takes more than that.
    soft_memory: Math.round(memory * 0.8),
    arguments: [`--web.listen-address=${from === undefined ? "127.0.0.1" : ""}:${port}`, ...more],
    environment,
    credentials,
    families: ["AF_INET", "AF_INET6", ...families],
    sees_host: part === "host",
    from: from ?? [],
  });
  return { content };
}
