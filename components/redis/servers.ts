/** What there is to know of a server of this family, as Debian packages it. All of its other names follow from the key. */
interface Server {
  /** As people know it. */
  readonly title: string;
  readonly packages: readonly string[];
  readonly clientPackages: readonly string[];
}

/** By its account, which is also the first part of its units, and the name of its directories. */
export const servers = {
  redis: { title: "Redis", packages: ["redis-server", "redis-tools"], clientPackages: ["redis-tools"] },
  valkey: { title: "Valkey", packages: ["valkey-server", "valkey-tools"], clientPackages: ["valkey-tools"] },
} as const satisfies Readonly<Record<string, Server>>;

export type ServerName = keyof typeof servers;

/** The units of a server: of the queue, and of the cache. */
export const unitsOf = (server: ServerName) => ({
  queue: `${server}-server.service`,
  // Debian has this template for further servers, with the same sandbox.
  cache: `${server}-server@cache.service`,
});

export const dataOf = (server: ServerName): string => `/var/lib/${server}`;

export const theOther = (server: ServerName): ServerName => (server === "redis" ? "valkey" : "redis");
