import { z } from "zod";

/** The security headers that an answer has which says nothing of its own; as values of nginx. */
const own: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": '"nosniff"',
  // A page of the site may show an upload, such as a PDF, in a frame: see http.conf.
  "X-Frame-Options": "$berth_frames",
  "Referrer-Policy": '"same-origin"',
  "Cross-Origin-Opener-Policy": '"same-origin"',
};

/** Headers that say something of one answer, or that another key is for. */
const taken: Readonly<Record<string, string>> = Object.fromEntries([
  ...[
    ...["connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authenticate"],
    ...["content-length", "content-type", "content-encoding", "content-range", "content-disposition"],
    ...["accept-ranges", "age", "cache-control", "date", "etag", "expires", "last-modified", "vary"],
    ...["location", "retry-after", "server", "set-cookie", "status", "www-authenticate"],
    ...["x-accel-redirect", "x-accel-buffering", "x-accel-charset", "x-accel-expires", "x-accel-limit-rate"],
  ].map((name) => [
    name,
    "expected a header that is the same for every answer; this one the application or nginx sets",
  ]),
  ["strict-transport-security", "expected site.hsts for this header"],
]);

const name = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, {
  error: "expected the name of a header, such as Permissions-Policy",
});

// nginx would take a dollar sign for one of its variables, and another line for another header.
const value = z.string().regex(/^[\x20-\x23\x25-\x7e]{0,4096}$/, {
  error: "expected printable ASCII without $, 4096 characters at most",
});

/** `site.headers`. */
export const headersSchema = z
  .record(name, value.nullable())
  .default({})
  .describe(
    'Headers of every answer for which the application sends none of that name, such as `Permissions-Policy: "camera=()"`. `null` leaves out one of Berth\'s own.',
  );

/** `site.hsts`. */
export const hstsSchema = z
  .strictObject({
    maxAge: z
      .int()
      .min(0)
      .max(63_072_000)
      .describe(
        "For how long a browser asks by HTTPS alone, in seconds. Begin with 300. `0` ends it in the browsers that come by.",
      ),
    includeSubDomains: z.boolean().default(false).describe("Whether that holds for all names below as well."),
    preload: z
      .boolean()
      .default(false)
      .describe(
        "Whether browsers may have it built in, which takes months to undo: see https://hstspreload.org/.",
      ),
  })
  .optional()
  .describe(
    "Tells browsers to ask by HTTPS alone (`Strict-Transport-Security`). See docs/front-door.md before you use it.",
  );

/** A header as nginx's templates have it. */
export interface Header {
  readonly name: string;
  /** The name as nginx writes it in its variables. */
  readonly variable: string;
  /** What must be said by nobody for the header to be added, as nginx compares it. */
  readonly unsaid: string;
  readonly absent: string;
  readonly value: string;
  readonly [key: string]: string;
}

const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;

function header(name: string, value: string): Header {
  const variable = name.toLowerCase().replaceAll("-", "_");
  return { name, variable, unsaid: `$upstream_http_${variable}`, absent: "", value };
}

/** All headers that answers get. */
export function headersOf(
  wanted: z.output<typeof headersSchema>,
  hsts: z.output<typeof hstsSchema>,
): readonly Header[] {
  const asked = new Map(Object.entries(wanted).map(([name, value]) => [name.toLowerCase(), value]));
  const kept = Object.entries(own).filter(([name]) => !asked.has(name.toLowerCase()));
  const set = Object.entries(wanted).flatMap(([name, value]) =>
    value ? [[name, quoted(value)] as const] : [],
  );
  const headers = [...kept, ...set].map(([name, value]) => header(name, value));
  if (hsts === undefined) return headers;
  const words = [
    `max-age=${hsts.maxAge}`,
    ...(hsts.includeSubDomains ? ["includeSubDomains"] : []),
    ...(hsts.preload ? ["preload"] : []),
  ];
  const one = header("Strict-Transport-Security", quoted(words.join("; ")));
  // Said by HTTPS alone (RFC 6797, 7.2).
  return [...headers, { ...one, unsaid: `$berth_scheme:${one.unsaid}`, absent: "https:" }];
}

/** What is wrong with them: the key below `site`, and what was expected. */
export function headerFaults(
  wanted: z.output<typeof headersSchema>,
  hsts: z.output<typeof hstsSchema>,
  tls: string,
): (readonly [path: readonly string[], expected: string])[] {
  const names = Object.keys(wanted);
  const trusted = ["acme", "own", "upstream"].includes(tls);
  return [
    ...names.flatMap((name) => {
      const expected = taken[name.toLowerCase()];
      return expected === undefined ? [] : [[["headers", name], expected] as const];
    }),
    ...names
      .filter((name, index) => names.slice(0, index).some((one) => one.toLowerCase() === name.toLowerCase()))
      .map((name) => [["headers", name], "expected each header once"] as const),
    ...(hsts && !trusted && hsts.maxAge > 0
      ? [
          [
            ["hsts"],
            `expected none with site.tls ${tls}: a browser would refuse to go on to a site whose certificate it does not trust`,
          ] as const,
        ]
      : []),
    ...(hsts?.preload && !(hsts.includeSubDomains && hsts.maxAge >= 31_536_000)
      ? [
          [
            ["hsts", "preload"],
            "expected includeSubDomains: true and a maxAge of 31536000 or more with it",
          ] as const,
        ]
      : []),
  ];
}
