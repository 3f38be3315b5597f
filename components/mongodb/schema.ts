import { z } from "zod";

const program = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^\s@?#]+$/, {
      error: "expected an address with http or https and without a name, a password or a query",
    })
    .describe("Where it is, as a file that can be run, such as `https://files.example.org/ferretdb-1.24.2`."),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: "expected 64 digits from 0 to f, as 'sha256sum' prints them" })
    .optional()
    .describe(
      "Its SHA-256, without which nothing is run. Default: that of the program as Berth builds it; see docs/mongodb.md.",
    ),
});

export const mongodbSchema = z.strictObject({
  enabled: z.boolean().default(false).describe("Whether the application has a MongoDB."),
  memory: z
    .int()
    .min(64)
    .default(256)
    .describe(
      "The most memory that FerretDB may use, in MiB. It restarts when it needs more. What PostgreSQL uses for it comes on top.",
    ),
  cpu: z
    .enum(["x86_64", "aarch64"])
    .default("x86_64")
    .describe("The CPU of the host, as `uname -m` says, for which FerretDB is built."),
  program: program
    .optional()
    .describe(
      "Has the host fetch FerretDB's program from an address. Default: it is built once on the computer that runs Pulumi, from its Go module, and copied to the host. That needs Go.",
    ),
});
