import { z } from "zod";
import { cidr } from "../../service/forms.ts";
import { cloudflareNetworks } from "./cloudflare.ts";

const expected =
  "expected `cloudflare`, or the networks that the proxies ask from, such as [10.0.0.0/16]. For a load balancer of AWS those are the networks of its subnets";

/** A network of proxies. Whoever is in it may say who visits, so that it cannot be everyone. */
const network = cidr.refine((value) => !value.endsWith("/0"), {
  error: "expected the networks of the proxies alone: who is in them may say which address a visitor has",
});

const cloudflare = z.string().refine((value) => value === "cloudflare", { error: expected });
const networks = z.array(network).min(1);

/** `site.behind`. */
export const behindSchema = z
  .union([
    cloudflare,
    networks,
    z
      .strictObject({
        proxies: z
          .union([cloudflare, networks])
          .describe("`cloudflare`, or the networks that the proxies ask from."),
        header: z
          .enum(["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"])
          .optional()
          .describe(
            "The header with the visitor's address, which the proxies must set themselves, whatever a visitor sends. Default: `X-Forwarded-For`. With `cloudflare` it is `CF-Connecting-IP`, and no other.",
          ),
        only: z
          .boolean()
          .default(false)
          .describe("Whether the host's firewall lets nobody else to ports 80 and 443."),
      })
      // Cloudflare hands the others on as the visitor has sent them.
      .refine(
        ({ proxies, header }) =>
          proxies !== "cloudflare" || (header ?? "CF-Connecting-IP") === "CF-Connecting-IP",
        {
          path: ["header"],
          error:
            "expected CF-Connecting-IP, or none: Cloudflare passes other headers on as visitors send them",
        },
      ),
  ])
  .optional()
  .describe(
    "The proxies in front of the host: `cloudflare`, or the networks that they ask from. From these alone Berth takes the visitor's address and whether the visitor asks by HTTPS. See docs/front-door.md.",
  );

/** The proxies in front of a host. */
export interface Behind {
  readonly networks: readonly string[];
  /** The header in which they name the visitor's address. */
  readonly header: string;
  /** Whether nobody else reaches the host. */
  readonly only: boolean;
}

/** What the configuration says of them, with what is left out. */
export function behindOf(config: z.output<typeof behindSchema>): Behind | undefined {
  if (config === undefined) return undefined;
  const { proxies, header, only } =
    typeof config === "string" || Array.isArray(config)
      ? { proxies: config, header: undefined, only: false }
      : config;
  return typeof proxies === "string"
    ? { networks: cloudflareNetworks, header: header ?? "CF-Connecting-IP", only }
    : { networks: proxies, header: header ?? "X-Forwarded-For", only };
}
