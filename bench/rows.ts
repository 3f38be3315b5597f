import type { LoadResult } from "./load.ts";

/** Asks the host's database how often each POST of a load was written; {@link readRows} reads the answer. */
export const countRows = `runuser -u postgres -- psql -XAtq logbook -c "SELECT name, count(*) FROM entries_entry WHERE name LIKE 'load-%' GROUP BY name"`;

/** How often each token is in the database. */
export function readRows(answer: string): Map<string, number> {
  const pairs = answer
    .split("\n")
    .filter(Boolean)
    .map((row) => row.split("|"));
  return new Map(pairs.map(([token = "", count]) => [token, Number(count)]));
}

/** The POSTs that are in the database more than once, and those that were answered and are not in it. */
export function faultsOfPosts(
  { tokens, posted }: Pick<LoadResult, "tokens" | "posted">,
  rows: ReadonlyMap<string, number>,
): { readonly twice: string[]; readonly lost: string[] } {
  return {
    twice: tokens.filter((token) => (rows.get(token) ?? 0) > 1),
    lost: posted.filter((token) => !rows.has(token)),
  };
}
