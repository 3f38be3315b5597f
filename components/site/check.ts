import { describeIssue } from "./faults.ts";
import { configSchema } from "./rules.ts";
import type { SiteConfig } from "./schema.ts";

/**
 * What a site is to be, with defaults; or every fault of what was given, one line each: the key, what was found, what is
 * expected.
 *
 * @param prefix what its author writes before each key
 */
export function checkSite(
  raw: unknown,
  prefix = "",
): { readonly config: SiteConfig } | { readonly faults: readonly string[] } {
  const result = configSchema.safeParse(raw, { reportInput: true });
  if (result.success) return { config: result.data };
  const checked = { schema: configSchema, raw, prefix };
  return { faults: result.error.issues.flatMap((issue) => describeIssue(issue, checked)) };
}
