import { closest, distance } from "fastest-levenshtein";

/** ` Did you mean '…'?` for a misspelt word, when one is near enough: two letters in five may differ. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = known.length > 0 ? closest(word, known) : undefined;
  if (near === undefined || distance(word, near) > 0.4 * Math.max(word.length, near.length)) return "";
  return ` Did you mean '${near}'?`;
}
