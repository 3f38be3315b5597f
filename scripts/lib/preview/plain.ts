// A report on a terminal.
import type { Report } from "./report.ts";
import type { Section } from "./section.ts";
import { type Phrase, visibleLines, visibleWord } from "./words.ts";

const plain = (phrase: Phrase): string =>
  phrase.map((one) => (typeof one === "string" ? one : visibleWord(one.code))).join("");

const indented = (text: string, by: string) => visibleLines(text).replaceAll(/^(?=.)/gm, by);

const section = ({ heading, lines = [], parts, table }: Section): string[] => [
  "",
  `${heading}:`,
  ...lines.map((line) => `  ${plain(line)}`),
  ...(table?.rows ?? []).map((cells) => `  ${cells.map(plain).join("  ").trimEnd()}`),
  ...parts.flatMap(({ title, quotes }) => [
    `  ${plain(title)}`,
    ...quotes.flatMap(({ caption, text }) => [
      ...(caption === undefined ? [] : [`    ${plain(caption)}`]),
      ...(text === "" ? [] : [indented(text, "      ")]),
    ]),
  ]),
];

export const plainText = ({ headline, sections }: Report): string =>
  [plain(headline), ...sections.flatMap(section)].join("\n");
