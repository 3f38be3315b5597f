// What the measurements of releases find.

/** What people who use the site have seen of a way's releases. Times are in milliseconds. */
export interface WayFigures {
  readonly way: string;
  readonly releases: number;
  /** The releases after which every answer came from the new version. */
  readonly served: number;
  readonly requests: number;
  readonly failed: number;
  /** How many of each kind failed. */
  readonly failedOf: Readonly<Record<string, number>>;
  /** What was wrong with the first of them. */
  readonly failures: readonly string[];
  /** POSTs that were answered and are not in the database. */
  readonly lost: number;
  /** POSTs that are in the database more than once. */
  readonly twice: number;
  /** Of the short requests that were answered and were due while a release was under way (without a release: of all). */
  readonly during: Spread;
  /** Of all short requests that were answered. */
  readonly all: Spread;
  /** Seconds of each release: until its command had ended and every answer came from the new version. */
  readonly seconds: readonly number[];
}

export interface Spread {
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** What became of tasks that were queued or under way while Celery's workers were released anew. */
export interface WorkerFigures {
  readonly releases: number;
  readonly tasks: number;
  readonly lost: number;
  readonly twice: number;
  /** Seconds of each release. */
  readonly seconds: readonly number[];
}
