/** `*.shop.example.org`, for all names below `shop.example.org`. */
export const isWildcard = (name: string): boolean => name.startsWith("*.");

/** The wildcard that would stand for a name: it covers one label. */
const wildcardOf = (name: string) => name.replace(/^[^.]+/, "*");

/** The names that an authority is asked for. Let's Encrypt refuses a name beside a wildcard that covers it. */
export const orderedNames = (names: readonly string[]): string[] =>
  names.filter((name) => isWildcard(name) || !names.includes(wildcardOf(name)));
