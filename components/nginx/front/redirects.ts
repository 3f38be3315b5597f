import { z } from "zod";
import { domainName } from "../../service/forms.ts";
import { escaped, patternOf, sitePath } from "./paths.ts";

const from = z
  .string()
  .refine(
    (value) =>
      value.startsWith("/")
        ? sitePath.safeParse(value.replace(/\/\*$/, "/")).success
        : domainName.safeParse(value).success,
    {
      error: "expected a path such as /old or /blog/*, or a further name of the site such as www.example.org",
    },
  );

const to = z
  .string()
  .max(2048)
  .regex(
    /^(https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?(\/[A-Za-z0-9._~:/?#@!&'()*+,;=%-]*)?|\/([A-Za-z0-9._~:?#@!&'()+,;=%-][A-Za-z0-9._~:/?#@!&'()*+,;=%-]*|\*)?)$/,
    {
      error: "expected a URL, https://…, or a path of this site",
    },
  );

/** `site.redirects`. */
export const redirectsSchema = z
  .array(
    z.strictObject({
      from: from.describe(
        "A path; a path that ends with `/*`, for all below it; or a further name of the site, such as `www.example.org`, which then gets its part of the certificate and leads to `to` with the path and the query.",
      ),
      to: to.describe("A URL, or a path of this site. `/*` at its end is what `*` in `from` stands for."),
      status: z
        .union([z.literal(301), z.literal(302), z.literal(307), z.literal(308)])
        .default(301)
        .describe("301 or 308 for ever, 302 or 307 for now; 307 and 308 keep the method and the body."),
    }),
  )
  .default([])
  .describe("What has moved, and where visitors are sent.");

type Redirects = z.output<typeof redirectsSchema>;

const isName = ({ from }: Redirects[number]) => !from.startsWith("/");

/** The names of a site from which visitors are only sent on. */
export const redirectedNames = (redirects: Redirects): string[] =>
  redirects.filter(isName).map(({ from }) => from);

/** Those of names, as nginx's templates have them. */
export const nameRedirects = (redirects: Redirects) =>
  redirects.filter(isName).map(({ from, to, status }) => ({
    name: from,
    status,
    // A URL without a path stands for the whole other site.
    to: /^https?:\/\/[^/]+$/.test(to) ? `${to}$request_uri` : to,
  }));

/** Those of paths, by status. */
export function pathRedirects(redirects: Redirects) {
  const paths = redirects.filter((one) => !isName(one));
  return [...new Set(paths.map(({ status }) => status))].map((status) => ({
    status,
    rules: paths.filter((one) => one.status === status).map(rule),
  }));
}

// What a visitor has asked for is handed on as it came: decoded, it could hold the end of a line.
function rule({ from, to }: Redirects[number]) {
  if (from.endsWith("/*")) {
    // A rest that begins with a slash would lead to another site, //example.org; browsers take a backslash for one.
    const pattern = `^${escaped(from.slice(0, -2))}/+(?<berth_rest>([^/\\x5c].*)?)$`;
    return { pattern, to: to.endsWith("/*") ? `${to.slice(0, -1)}$berth_rest` : to };
  }
  return {
    pattern: `^${escaped(from)}(?<berth_rest>\\?.*)?$`,
    to: /[?#]/.test(to) ? to : `${to}$berth_rest`,
  };
}

/** What is wrong with them: the entry, its key, and what was expected. */
export function redirectFaults(
  redirects: Redirects,
  names: readonly string[],
  health: string,
): (readonly [path: readonly (string | number)[], expected: string])[] {
  return redirects.flatMap((one, index) => {
    const { from, to } = one;
    const faults: string[] = [];
    if (redirects.slice(0, index).some((other) => other.from === from)) faults.push("expected each once");
    if (names.includes(from)) faults.push("expected a name that is not in site.domain and site.aliases");
    const covers = from.endsWith("/*")
      ? new RegExp(patternOf(from.slice(0, -1), "/|$"))
      : new RegExp(`^${escaped(from)}$`);
    if (covers.test(health)) faults.push(`expected a path that app.health, ${health}, is not`);
    const fault = faults.map((expected) => [["redirects", index, "from"], expected] as const);
    const host = isName(one) ? /^https?:\/\/([^/:]+)/.exec(to)?.[1] : undefined;
    const wrong =
      isName(one) && (host === undefined || host === from)
        ? "expected a URL with another name, such as https://example.org"
        : !isName(one) && to === from
          ? "expected another path"
          : to.endsWith("/*") && !from.endsWith("/*")
            ? "expected no * at the end, because from has none"
            : undefined;
    return [...fault, ...(wrong === undefined ? [] : [[["redirects", index, "to"], wrong] as const])];
  });
}
