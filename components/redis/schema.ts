import { z } from "zod";

export const redisSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether the application has a Redis."),
  server: z
    .enum(["redis", "valkey"])
    .default("redis")
    .describe(
      "Which server runs: `redis`, or `valkey`, its free fork. Applications notice no difference. A change moves the data of the queue to the other server: see [deploying](deploying-your-application.md#redis-or-valkey).",
    ),
  password: z
    .enum(["generated", "none"])
    .default("generated")
    .describe(
      "`none`: it asks for no password, for code that gives none. Then every account of the host can use it, and no other host may. To set a password of your own, use `secrets.redis`.",
    ),
  memory: z
    .int()
    .min(16)
    .default(128)
    .describe(
      "The most memory the data of the queue may use, in MiB. A change is taken over while Redis runs; less than its data needs is refused.",
    ),
  policy: z
    .enum(["noeviction", "allkeys-lru", "volatile-lru"])
    .default("noeviction")
    .describe(
      "What happens when that memory is full. A queue needs `noeviction`: anything else loses tasks. It is not about the cache.",
    ),
  cache: z
    .strictObject({
      memory: z
        .int()
        .min(16)
        .default(64)
        .describe("The most memory the cache may use, in MiB. A change is taken over while it runs."),
      policy: z
        .enum(["allkeys-lru", "allkeys-lfu"])
        .default("allkeys-lru")
        .describe(
          "What goes when that is full: what was not used for the longest time (`allkeys-lru`), or what is used least often (`allkeys-lfu`).",
        ),
    })
    .prefault({})
    .describe(
      "The cache, at `CACHE_URL`: a second server of its own, which keeps nothing on disk. Emptying it leaves the queue alone.",
    ),
});
