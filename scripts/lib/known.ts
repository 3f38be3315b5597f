// What a check found clean in earlier runs, so that it need not look at the same text again.
import { createHash } from "node:crypto";
import { readText, writeFile } from "../../engine/files.ts";

/** The digest of all that the answer of a check depends on. */
export const digestOf = (parts: readonly unknown[]) =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

/** The digests in a file of known ones; none where there is no such file, or one that cannot be read. */
export function readKnown(path: string): ReadonlySet<string> {
  try {
    return new Set((JSON.parse(readText(path) ?? "") as { clean: readonly string[] }).clean);
  } catch {
    return new Set();
  }
}

/** Keeps these digests, and forgets those of earlier texts. */
export function writeKnown(path: string, digests: readonly string[]): void {
  writeFile(path, `${JSON.stringify({ clean: [...digests].sort() }, null, 1)}\n`);
}
