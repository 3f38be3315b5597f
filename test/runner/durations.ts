// How long each test file takes, in seconds on two cores; the pool begins with those that take longest. The list is
// kept in the repository and brought up to date by whole runs.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Durations = Readonly<Record<string, number>>;

const place = (root: string) => join(root, "test/durations.json");

export function readDurations(root: string): Durations {
  return existsSync(place(root)) ? JSON.parse(readFileSync(place(root), "utf8")) : {};
}

/** Files by how long they take, the longest first. One that is not known may be the longest. */
export function longestFirst(files: readonly string[], durations: Durations): string[] {
  const of = (file: string) => durations[file] ?? Number.POSITIVE_INFINITY;
  // Two unknown ones are as long as each other, and their difference would be no number.
  return [...files].sort((a, b) => (of(a) === of(b) ? a.localeCompare(b) : of(b) - of(a)));
}

/**
 * The list after a whole run: files that are gone leave it, and one that took about as long as it says keeps its
 * figure, so that the list changes when the tests do and not with the weather.
 */
export function updated(known: Durations, run: Durations): Durations {
  const entries = Object.entries(run).map(([file, seconds]): [string, number] => {
    const before = known[file];
    const same = before !== undefined && Math.abs(seconds - before) <= Math.max(5, before / 3);
    return [file, same ? before : Math.round(seconds)];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

export function writeDurations(root: string, durations: Durations): void {
  writeFileSync(place(root), `${JSON.stringify(durations, null, 2)}\n`);
}
