/**
 * What is wrong with the stack's own lists of names that Django answers to: a setting, and what was expected of it.
 *
 * @param env the settings, as their author wrote them
 */
export function allowedHostsFaults(
  env: Readonly<Record<string, string>>,
  domain: string | undefined,
): [name: string, message: string][] {
  if (domain === undefined) return [];
  return Object.entries(env).flatMap(([name, text]): [string, string][] => {
    // What refers to something is known on the host alone.
    if (!/(^|_)ALLOWED_HOSTS?$/.test(name) || text.includes("${")) return [];
    const names = text.split(/[\s,;"'[\]()]+/).map((one) => one.toLowerCase());
    const isMeant = (one: string) =>
      one === "*" || one === domain || (one.startsWith(".") && `.${domain}`.endsWith(one));
    if (names.some(isMeant)) return [];
    const remedy =
      name === "ALLOWED_HOSTS"
        ? "Take it out: Berth hands over every name of the site"
        : "Write ${site.domain}";
    return [[name, `expected '${domain}' (site.domain) in it: visitors would get a 400. ${remedy}`]];
  });
}
