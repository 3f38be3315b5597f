import { service } from "../service/service.ts";
import { login, place } from "../service/url-parts.ts";
import { cacheUrl } from "./cache-url.ts";
import { Redis } from "./redis.ts";
import { redisSchema } from "./schema.ts";

/** Redis, as stacks have it. */
export const redis = service({
  name: "redis",
  schema: redisSchema.prefault({}).describe("The cache, the session store and the queue, Redis."),
  secrets: { redis: "Redis's password" },
  steps: ["certificate", "passwords", "server"],
  output: "redisUrl",
  setting: "REDIS_URL",
  furtherSettings: { CACHE_URL: cacheUrl },
  references: { plain: place, secret: { ...login, cacheUrl: ({ href }) => cacheUrl(href) } },
  plan: ({ enabled, memory, policy }, { shared }) =>
    enabled
      ? {
          clients: Redis.clientPackages(),
          server: {
            packages: Redis.packages(),
            look: Redis.look(shared),
            listener: Redis.listener(shared),
            privatePort: Redis.privatePort,
            data: Redis.data(),
            backup: Redis.backup(),
            unit: "redis-server.service",
            ownerUnit: "redis-server",
            make: (name, { host, others, secret }, options) =>
              new Redis(name, { host, memory, policy, password: secret("redis"), others }, options),
          },
        }
      : {},
});
