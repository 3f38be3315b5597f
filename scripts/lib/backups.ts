// What a host tells of its backups, for people; see components/backup/program/verbs.py and docs/backups.md.
import { long, size } from "./status/words.ts";

/** A part of the backups, as its host remembers it. Times are in seconds since 1970, sizes in bytes. */
export interface Part {
  readonly last: {
    readonly at: number;
    readonly id: string;
    readonly size: number;
    readonly stored: number;
    readonly seconds: number;
  } | null;
  /** The last failure, where nothing has succeeded since. */
  readonly failed: { readonly at: number; readonly why: string } | null;
}

/** What a host knows of its backups without asking the place. */
export interface BackupFacts {
  readonly place: string;
  /** Since when backups have been on. */
  readonly on: number | null;
  readonly parts: Readonly<Record<string, Part>>;
  /** What of the database's log has not reached the place; `null` without a database. */
  readonly waiting: {
    readonly bytes: number;
    readonly limit: number;
    readonly since: number | null;
    readonly why: string | null;
    /** When a piece of it was last given up. */
    readonly lost: number | null;
  } | null;
  /** The last restore, while it can be undone. */
  readonly undo: { readonly at: number; readonly finished: boolean } | null;
}

/** All that there is, as `npm run backups -- --json` prints it. */
export interface Listing extends BackupFacts {
  /** What the place knows this stack's backups by. */
  readonly stanza: string;
  readonly database: {
    /** From when on every point in time can be restored. */
    readonly points: number | null;
    readonly backups: readonly {
      readonly id: string;
      readonly at: number;
      readonly size: number;
      readonly stored: number;
      readonly full: boolean;
    }[];
  } | null;
  readonly files: Readonly<
    Record<string, readonly { readonly id: string; readonly at: number; readonly size: number }[]>
  >;
}

/** A time as `npm run restore -- --at` takes it. */
export const time = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

/** The same for people. */
export function listingText(told: Listing, now: number): string {
  const { place, database, files, parts, waiting } = told;
  const failures = Object.entries(parts).flatMap(([name, { failed }]) =>
    failed === null ? [] : [`FAILED ${name}, ${long(now - failed.at)} ago: ${failed.why}`],
  );
  const points = database?.points ?? null;
  return [
    `place: ${place}`,
    ...failures,
    ...(waiting && waiting.bytes > 0
      ? [
          `waiting for the place: ${size(waiting.bytes)} of the database's log, of ${size(waiting.limit)} at most`,
        ]
      : []),
    ...(database === null
      ? []
      : [
          "",
          points === null
            ? "database: no backup yet"
            : `database: every point in time since ${time(points)} UTC, and these:`,
          ...table(
            database.backups.map(({ id, at, size: whole, stored, full }) => [
              `${time(at)} UTC`,
              id,
              full ? "full" : "what has changed since",
              `${size(whole)}, ${size(stored)} stored`,
            ]),
          ),
        ]),
    ...Object.entries(files).flatMap(([name, snapshots]) => [
      "",
      `${name}:${snapshots.length === 0 ? " no backup yet" : ""}`,
      ...table(snapshots.map(({ id, at, size: whole }) => [`${time(at)} UTC`, id, size(whole)])),
    ]),
    ...(told.undo === null ? [] : ["", undoText(told.undo)]),
  ].join("\n");
}

const undoText = ({ at, finished }: { readonly at: number; readonly finished: boolean }) =>
  finished
    ? `restored at ${time(at)} UTC; what was there before is kept; npm run restore brings it back with --undo`
    : `a restore that began at ${time(at)} UTC was cut off; npm run restore takes it back with --undo`;

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}
