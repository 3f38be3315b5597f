import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, readKnown, writeKnown } from "./known.ts";

/**
 * Checks the types with tsc. It is not started where no file has changed that it reads, and otherwise checks again what
 * a change can have touched; reading the packages' types takes it seconds even then.
 *
 * @param cache the folder for what is kept between runs
 * @param tsc runs tsc with further arguments and answers what it found: an empty text when it found no fault
 */
export async function checkTypes(
  root: string,
  cache: string,
  tsc: (...args: string[]) => Promise<string>,
): Promise<string> {
  const known = join(cache, "types.json");
  const before = sources(root);
  if (readKnown(known).has(before)) return "";
  const found = await tsc("-p", ".", "--incremental", "--tsBuildInfoFile", join(cache, "types.tsbuildinfo"));
  // A file that was saved meanwhile may have been read before or after.
  writeKnown(known, found === "" && sources(root) === before ? [before] : []);
  return found;
}

/** A digest of all that tsc reads, but for what package-lock.json pins. */
function sources(root: string): string {
  const foreign = ["node_modules", ".berth", ".git"];
  const files = globSync("**/*.{ts,mts,cts,json}", { cwd: root, exclude: (name) => foreign.includes(name) });
  return digestOf(files.sort().map((file) => [file, readFileSync(join(root, file), "utf8")]));
}
