import { z } from "zod";
import { cidr } from "../../service/forms.ts";

/** A path that stands for itself, decoded or not: what is decided by it cannot be got around by another spelling. */
export const sitePath = z
  .string()
  .regex(/^\/([A-Za-z0-9._~@+,=:-]+\/)*[A-Za-z0-9._~@+,=:-]*$/, {
    error: "expected a path such as /admin/: letters, digits and ._~@+,=:- between single slashes",
  })
  .refine((path) => !path.split("/").some((part) => /^\.\.?$/.test(part)), {
    error: "expected a path without . and ..",
  })
  .refine((path) => !/^\/berth(\/|$)/.test(path), { error: "expected another path: /berth/ is Berth's own" });

export const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** As nginx matches a path and all below it, in what ends with more than a path by `end`. */
export const patternOf = (path: string, end = "/|\\z") =>
  path === "/" ? "^/" : `^${escaped(path.replace(/\/$/, ""))}(${end})`;

/** `site.allow`. */
export const allowSchema = z
  .record(sitePath, z.array(cidr).min(1))
  .default({})
  .describe(
    "Paths, such as `/admin/`, each with the networks whose visitors may ask for it and for what is below it. Others get 403.",
  );

/** `site.limits`. */
export const limitsSchema = z
  .record(
    sitePath,
    z.strictObject({
      requests: z.int().min(1).max(100_000).describe("How many requests a visitor may make."),
      per: z.enum(["second", "minute"]).default("second").describe("In which time."),
      burst: z
        .int()
        .min(0)
        .max(100_000)
        .optional()
        .describe("How many more may come at once. Default: as many as `requests`."),
    }),
  )
  .default({})
  .describe(
    "Paths, such as `/login/`, each with how often one visitor may ask for it and for what is below it. What is more gets 429 with `Retry-After`. A visitor is an IPv4 address, or an IPv6 network of 64 bits.",
  );

/** A rule as nginx's templates have it. */
export interface AllowRule {
  readonly id: number;
  readonly pattern: string;
  readonly networks: readonly string[];
  readonly [key: string]: string | number | readonly string[];
}

export const allowRules = (allow: z.output<typeof allowSchema>): AllowRule[] =>
  Object.entries(allow).map(([path, networks], id) => ({ id, pattern: patternOf(path), networks }));

export const limitRules = (limits: z.output<typeof limitsSchema>) =>
  Object.entries(limits).map(([path, { requests, per, burst = requests }], id) => ({
    id,
    pattern: patternOf(path),
    rate: `${requests}r/${per === "second" ? "s" : "m"}`,
    burst,
    // After how many seconds one more request may come.
    wait: per === "second" ? 1 : Math.ceil(60 / requests),
  }));
