import { firstHost } from "../host/host.ts";

/** The part of a host that an exporter tells of. */
export type Part = "host" | "nginx" | "postgres" | "redis" | "cache";

/** An exporter, as Debian packages it. */
export interface Exporter {
  /** Also the name of its program. */
  readonly package: string;
  /** Where Prometheus reads it: as usual for exporters of this kind. */
  readonly port: number;
  /** What it tells of. */
  readonly title: string;
  /** A line of its answer that proves that it sees what it tells of: a regular expression without spaces. */
  readonly proof: string;
  /** The most memory that it may take, in MiB. */
  readonly memory: number;
}

/** Each by the part that it tells of; the queue and the cache are two servers, and so have one each. */
export const exporters: Readonly<Record<Part, Exporter>> = {
  host: {
    package: "prometheus-node-exporter",
    port: 9100,
    title: "the host",
    proof: "^node_load1.[0-9]",
    memory: 96,
  },
  nginx: {
    package: "prometheus-nginx-exporter",
    port: 9113,
    title: "nginx",
    proof: "^nginx_up.1$",
    memory: 64,
  },
  postgres: {
    package: "prometheus-postgres-exporter",
    port: 9187,
    title: "PostgreSQL",
    proof: "^pg_up.1$",
    memory: 96,
  },
  redis: {
    package: "prometheus-redis-exporter",
    port: 9121,
    title: "the queue",
    proof: "^redis_up.1$",
    memory: 64,
  },
  cache: {
    package: "prometheus-redis-exporter",
    port: 9122,
    title: "the cache",
    proof: "^redis_up.1$",
    memory: 64,
  },
};

/** The parts of the host that serves the site. */
export const partsOfFirst = (
  has: Readonly<Record<"postgres" | "redis", { readonly enabled: boolean }>>,
): Part[] => [
  ...partsElsewhere,
  "nginx",
  ...(has.postgres.enabled ? (["postgres"] as const) : []),
  ...(has.redis.enabled ? (["redis", "cache"] as const) : []),
];

/** The parts of a host beside it. */
export const partsElsewhere: readonly Part[] = ["host"];

export const partsOn = (config: Parameters<typeof partsOfFirst>[0], host: string): readonly Part[] =>
  host === firstHost ? partsOfFirst(config) : partsElsewhere;

export const portsOf = (parts: readonly Part[]): number[] => parts.map((part) => exporters[part].port);

export const unitOf = (part: Part): string => `berth-metrics-${part}.service`;

/**
 * Where nginx counts, for its exporter: a port that root alone can take while nginx restarts, and below those that
 * services of root's take as they come (bindresvport(3): 512 to 1023).
 */
export const nginxPort = 411;
