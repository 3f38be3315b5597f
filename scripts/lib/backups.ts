// What a host tells of its backups, for people; see components/backup/program/verbs.py and docs/backups.md.
import { counted, long, size } from "./status/words.ts";

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

/** The drills of a host, as it remembers them; see components/backup/program/drill.py. */
export interface Drills {
  /** Since when there is one each week; `null` where there is none but by command. */
  readonly since: number | null;
  readonly last: {
    readonly at: number;
    readonly seconds: number;
    readonly database: {
      /** The backup that was restored. */
      readonly backup: string;
      readonly size: number;
      /** For how long it was restored, with its log. */
      readonly seconds: number;
      /** The last commit that was restored, and for how long commits had not reached the place. */
      readonly found: number;
      readonly lost: number;
      readonly tables: number;
      readonly rows: number;
      /** Why the migrations were not checked; `null` where they were. */
      readonly migrations: string | null;
    } | null;
    readonly files: Readonly<
      Record<string, { readonly at: number; readonly sampled: number; readonly compared: number }>
    >;
    /** Whether restic's repository was checked in time; `null` where there is none. */
    readonly repository: boolean | null;
  } | null;
  /** The last failure, where none has passed since. */
  readonly failed: { readonly at: number; readonly why: string; readonly further: string } | null;
}

/** What came of trying whether a host's key could destroy its backups; see components/backup/program/guard.py. */
export interface Guard {
  readonly at: number;
  /** Whether the bucket keeps what is overwritten or deleted. */
  readonly versions: boolean;
  /** By which rights the key may destroy what the bucket keeps. */
  readonly rights: readonly string[];
  /** Why it is not known; `null` where it is. */
  readonly why: string | null;
  /** What to do about it, in words; `null` where the past is safe. */
  readonly warning: string | null;
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
  /** Of when the backups are that this host, a new one, has neither made nor restored yet. */
  readonly unrestored: { readonly since: number; readonly until: number } | null;
  /** What the host's own key could do to the backups; `null` in a directory, absent on a host of an earlier version. */
  readonly guard?: Guard | null;
  /** The last restore, while it can be undone. */
  readonly undo: { readonly at: number; readonly finished: boolean } | null;
  /** Absent on a host that an earlier version has set up. */
  readonly drill?: Drills;
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
    ...(told.unrestored === null ? [] : [unrestoredText(told.unrestored)]),
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
    ...(told.drill === undefined ? [] : ["", drillText(told.drill, now)]),
    ...(told.undo === null ? [] : ["", undoText(told.undo)]),
  ].join("\n");
}

/** What came of the last drills, for people. */
export function drillText({ since, last, failed }: Drills, now: number): string {
  const failure =
    failed === null
      ? []
      : [
          `drill: FAILED ${long(now - failed.at)} ago: ${failed.why}`,
          ...(failed.further ? [`  ${failed.further}`] : []),
        ];
  if (last === null)
    return failed === null
      ? `drill: none yet${since === null ? "; none is planned" : ""}`
      : failure.join("\n");
  const { database, files, repository } = last;
  return [
    ...failure,
    `drill: ${failed === null ? "" : "the last that "}passed ${long(now - last.at)} ago, in ${long(last.seconds)}`,
    ...(database === null ? [] : databaseText(database)),
    ...Object.entries(files).map(
      ([name, { at, sampled, compared }]) =>
        `  ${name}: ${counted(sampled, "file")} of ${time(at)} UTC read, ${compared} of them compared with the disk`,
    ),
    ...(repository === false ? ["  restic's own check was given up after half an hour"] : []),
  ].join("\n");
}

/** The two measures of getting back, in short: how much would be lost, and how long it takes. */
export const measures = ({ lost, seconds }: { readonly lost: number; readonly seconds: number }): string =>
  `RPO ${long(lost)}, RTO ${long(seconds)}`;

function databaseText(database: NonNullable<NonNullable<Drills["last"]>["database"]>): string[] {
  const { backup, size: whole, seconds, found, lost, tables, rows, migrations } = database;
  return [
    `  RTO ${long(seconds)}: the database of ${size(whole)} was restored from ${backup}, with its log up to ${time(found)} UTC`,
    `  RPO ${long(lost)}: ${lost === 0 ? "no commit was missing" : "commits since then were not in the place yet"}`,
    `  ${counted(tables, "table")} with ${counted(rows, "row")}, every page is sound`,
    migrations === null
      ? "  the live release fits: all its migrations are applied"
      : `  migrations were not checked: ${migrations}`,
  ];
}

/** What a new server is told of. */
export const unrestoredText = ({ since, until }: NonNullable<BackupFacts["unrestored"]>): string =>
  `NOT RESTORED: this host has not made these backups, from ${time(since)} to ${time(until)} UTC; npm run restore brings them back with --latest`;

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
