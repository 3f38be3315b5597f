// The schema of the contract as it is kept: what may take its place.
import { breakingChanges } from "./compare.ts";
import { type JsonSchema, versionOf } from "./schema.ts";

/** What names a version of the contract in CHANGELOG.md. */
const entryOf = (version: number) => `\`outputsVersion: ${version}\``;

/**
 * Why the schema of the code may not replace the one that is kept, with what to do; nothing when it may.
 *
 * @param kept undefined when there is none yet
 */
export function refusal(kept: JsonSchema | undefined, present: JsonSchema, changelog: string): string {
  const version = versionOf(present);
  if (!changelog.includes(entryOf(version))) {
    return (
      `CHANGELOG.md says nothing of version ${version} of the outputs. Add an entry that has ${entryOf(version)} in it ` +
      "and tells readers what has changed and what to do."
    );
  }
  if (kept === undefined) return "";
  const before = versionOf(kept);
  if (version > before) return "";
  if (version < before) {
    return `outputsVersion is ${version} in outputs.ts, and was ${before} before: it is only ever raised.`;
  }
  const faults = breakingChanges(kept, present);
  if (faults.length === 0) return "";
  return [
    `outputs.ts breaks readers of version ${version} of the outputs:`,
    ...faults.map((fault) => `  ${fault}`),
    `Take that back, or raise outputsVersion in outputs.ts to ${version + 1} and add an entry with ${entryOf(version + 1)} ` +
      "to CHANGELOG.md. Then run 'npm run docs'.",
  ].join("\n");
}
