/**
 * What the head of a request and of an answer may have at most. nginx keeps to it, and answers what is beyond with a status
 * that says so. What is behind nginx takes all that nginx lets through, so that it never has to refuse a request that
 * it cannot answer well.
 */
export const headLimits = {
  /** How long the first line of a request, and a line with a header, may be, in KiB. */
  line: 8,
  /** How many lines of that length there may be; shorter ones share. */
  lines: 4,
  /** How long the head of an answer may be, in KiB: cookies, policies. */
  answer: 32,
} as const;

/** The head that a server behind nginx must take. In HTTP/2 many cookies come apart, and nginx makes one line of them. */
export const headBehind = {
  /** The longest line, and all lines together, in bytes; uWSGI's counters end there. */
  bytes: 65535,
  /** More headers than nginx takes, which are a thousand, with what a server adds. */
  fields: 2048,
} as const;
