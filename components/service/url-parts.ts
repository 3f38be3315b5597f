type Read = (url: URL) => string;

/** Where a service is, of its URL. */
export const place = {
  host: ({ hostname }) => hostname.replace(/^\[|\]$/g, ""),
  port: ({ port }) => port,
} satisfies Readonly<Record<string, Read>>;

/** What lets in, of the same: secret. */
export const login = {
  url: ({ href }) => href,
  password: ({ password }) => decodeURIComponent(password),
} satisfies Readonly<Record<string, Read>>;
