// Versions as Python's packages write them (PEP 440), which are not semver's: '3.10.0rc1', '2.9.post1', '~=3.11'.
import { filter, lt, valid, validRange } from "@renovatebot/pep440";

/** Whether a specifier, PEP 440's or Poetry's, allows some release of Python 3.MINOR; one that nobody understands does. */
export function allows(specifier: string, minor: number): boolean {
  const releases = Array.from({ length: 40 }, (_, patch) => `3.${minor}.${patch}`);
  return specifier.split("||").some((one) => {
    const range = one
      .split(",")
      .map((part) => withoutPoetry(part.trim()))
      .join();
    return !validRange(range) || filter(releases, range).length > 0;
  });
}

/** What Poetry writes in its own way: `^3.11`, `~3.11`, `3.11` and `*`; and `>=3.9.*`, which PEP 440 no longer knows. */
function withoutPoetry(part: string): string {
  const [, operator = "", version = "", major, minor] =
    /^([\^~=<>!]*)\s*((\d+)(?:\.(\d+))?.*)$/.exec(part) ?? [];
  if (operator === "^") return `>=${version},<${Number(major) + 1}`;
  if (operator === "~") return `>=${version},==${major}.${minor === undefined ? "" : `${minor}.`}*`;
  if (operator === "" || operator === "=") return version === "" ? "" : `==${version}`;
  return /^[<>]/.test(operator) ? `${operator}${version.replace(/\.\*$/, "")}` : part;
}

/** Whether a version comes before another; one that is none does not. */
export const isBefore = (version: string, other: string): boolean =>
  valid(version) !== null && lt(version, other);
