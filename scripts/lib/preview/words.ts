// The words of a report, and what becomes of text that somebody else has written. In Markdown such text stands in code
// alone, where nothing in it is a link, a tag, a name that is called or a command: see markdown.ts.

/** A piece of text: Berth's own words, and text of others as code. */
export type Phrase = readonly (string | { readonly code: string })[];

/** Makes a phrase: what is put in is code. */
export const say = (strings: TemplateStringsArray, ...codes: readonly string[]): Phrase =>
  strings.flatMap((text, index) => {
    const code = codes[index];
    return code === undefined ? [text] : [text, { code }];
  });

export const count = (number: number, one: string, more = `${one}s`): string =>
  `${number} ${number === 1 ? one : more}`;

/** Joins phrases. */
export const joined = (phrases: readonly Phrase[], between: string): Phrase =>
  phrases.flatMap((phrase, index) => (index === 0 ? phrase : [between, ...phrase]));

/** The names as code, and where they are many, how many more there are. */
export const named = (names: readonly string[], shown = 5): Phrase => {
  const first = joined(
    names.slice(0, shown).map((name) => say`${name}`),
    ", ",
  );
  return names.length > shown ? [...first, ` and ${names.length - shown} more`] : first;
};

/**
 * What could deceive a reader is made visible: control characters, characters that change the direction of text or
 * have no width, and line ends other than a newline. https://trojansource.codes
 */
export const visible = (text: string): string =>
  text.replaceAll(
    /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`,
  );

/** The first characters of a line, none of them cut in two. */
const start = (line: string, length: number) => line.slice(0, length).replace(/[\ud800-\udbff]$/, "");

const longestLine = 500;

/** The same for lines, each of which is cut where nobody reads on. */
export const visibleLines = (text: string): string =>
  visible(text)
    .split("\n")
    .map((line) => {
      const more = line.length - longestLine;
      return more <= 0 ? line : `${start(line, longestLine)}… (${count(more, "more character")})`;
    })
    .join("\n");

const longestCode = 120;

/** The same for a piece of a line. */
export const visibleWord = (text: string): string => {
  const line = visible(text).replaceAll("\n", "⏎").replaceAll("\t", "⇥");
  return line.length > longestCode ? `${start(line, longestCode)}…` : line;
};
