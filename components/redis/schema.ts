import { z } from "zod";

export const redisSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether the application has a Redis."),
  memory: z
    .int()
    .min(16)
    .default(128)
    .describe(
      "The most memory its data may use, in MiB. A change is taken over while Redis runs; less than its data needs is refused.",
    ),
  policy: z
    .enum(["noeviction", "allkeys-lru", "volatile-lru"])
    .default("noeviction")
    .describe("What happens when the memory is full. A queue needs `noeviction`: anything else loses tasks."),
});
