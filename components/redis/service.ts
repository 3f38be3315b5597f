import { service } from "../service/service.ts";
import { login, place } from "../service/url-parts.ts";
import { cacheUrl } from "./cache-url.ts";
import { cachePort } from "./ports.ts";
import { Redis } from "./redis.ts";
import { redisSchema } from "./schema.ts";
import { unitsOf } from "./servers.ts";

/** Redis, or Valkey, as stacks have it. */
export const redis = service({
  name: "redis",
  schema: redisSchema
    .prefault({})
    .describe(
      "The queue and the cache, Redis or Valkey: two servers, so that emptying the cache loses no task.",
    ),
  secrets: { redis: "Redis's password" },
  steps: ["certificate", "passwords", "server"],
  output: "redisUrl",
  setting: "REDIS_URL",
  furtherSettings: { CACHE_URL: cacheUrl },
  references: {
    plain: { ...place, cachePort: ({ port }) => cachePort(port) },
    secret: { ...login, cacheUrl: ({ href }) => cacheUrl(href) },
  },
  plan: ({ enabled, server, password, memory, policy, cache }, { shared }) =>
    enabled
      ? {
          clients: Redis.clientPackages(server),
          server: {
            packages: Redis.packages(server),
            look: Redis.look(shared, server),
            listener: Redis.listener(shared, server),
            privatePorts: Redis.privatePorts,
            data: Redis.data(),
            backup: Redis.backup(server),
            units: Object.values(unitsOf(server)),
            ownerUnits: Object.values(unitsOf(server)).map((unit) => unit.replace(/\.service$/, "")),
            make: (name, { host, others, secret }, options) =>
              new Redis(
                name,
                {
                  host,
                  server,
                  memory,
                  policy,
                  cache,
                  password: password === "none" ? "none" : secret("redis"),
                  others,
                },
                options,
              ),
          },
        }
      : {},
});
