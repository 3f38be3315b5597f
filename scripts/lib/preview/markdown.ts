// A report as a comment in a pull request. Whoever writes a file of the project writes a part of this text, so all that is
// not Berth's own stands in code: in fences that are longer than any run of backticks in them, in code spans, in <code>.
// There GitHub and GitLab look for no tags, links, names, numbers of issues and commands.
import { UsageError } from "../command-line.ts";
import type { Report } from "./report.ts";
import type { Part, Quote, Section, Table } from "./section.ts";
import { count, type Phrase, visibleLines, visibleWord } from "./words.ts";

/** How much a comment may hold, in characters. */
export const limits = { github: 65_536, gitlab: 1_000_000 } as const;

export interface CommentOptions {
  /** Characters that it may have. Whole parts are left out of a longer one. */
  readonly limit: number;
  /** Where the whole preview is to be seen: the run of the pipeline. @default only the command is told */
  readonly run?: string | undefined;
  /** Whether it is an issue on changes that nobody has deployed. @default false */
  readonly isDrift?: boolean;
}

/**
 * The first line of a comment, by which it is found again. Two hyphens could end it for a reader of HTML, so the second is
 * written as HTML writes it elsewhere; no name has an ampersand.
 */
export const marker = (stack: string, what: "preview" | "drift" = "preview"): string => {
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(stack))
    throw new UsageError(
      `the stack's name '${stack}' cannot stand in a comment; expected letters, digits, '-', '_' and '.'`,
    );
  return `<!-- berth: ${what} of ${stack.replaceAll("--", "-&#45;")} -->`;
};

const backticks = (text: string, least: number) =>
  "`".repeat(Math.max(least, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));

/** Text of others inside a line. Its backslashes are literal there; a bar would end the cell of a table. */
export function codeSpan(text: string): string {
  const word = visibleWord(text).replaceAll("|", "¦");
  if (word.trim() === "") return "` `";
  const fence = backticks(word, 1);
  const space = /^[` ]|[` ]$/.test(word) ? " " : "";
  return `${fence}${space}${word}${space}${fence}`;
}

/** The same in a line of HTML, which <summary> is: Markdown means nothing there. */
const htmlCode = (text: string): string =>
  `<code>${visibleWord(text).replaceAll(/[^\p{L}\p{N} ./:_-]/gu, (found) => `&#${found.codePointAt(0)};`)}</code>`;

/** Lines of others. None begins with its own first character, for GitLab takes a line that begins with / for a command. */
export function fence({ text, language }: Quote): string {
  const lines = visibleLines(text);
  const body = language === "diff" ? lines : lines.replaceAll(/^/gm, " ");
  const ticks = backticks(body, 3);
  return `${ticks}${language}\n${body}\n${ticks}`;
}

const inMarkdown = (phrase: Phrase): string =>
  phrase.map((one) => (typeof one === "string" ? one : codeSpan(one.code))).join("");
const inHtml = (phrase: Phrase): string =>
  phrase.map((one) => (typeof one === "string" ? one : htmlCode(one.code))).join("");

/** A piece of the comment that is there whole or not at all. */
interface Block {
  readonly text: string;
  /** What is said in its place; undefined for what is never left out. */
  readonly title?: string;
}

const folded = ({ title, quotes }: Part): Block => {
  const body = quotes.flatMap((quote) => [
    ...(quote.caption === undefined ? [] : [inMarkdown(quote.caption)]),
    ...(quote.text === "" ? [] : [fence(quote)]),
  ]);
  const summary = `<details><summary>${inHtml(title)}</summary>`;
  return { text: `${summary}\n\n${body.join("\n\n")}\n\n</details>`, title: inMarkdown(title) };
};

/** Those that have something to unfold, and one list of the others. */
function partBlocks(parts: readonly Part[]): Block[] {
  const short = parts.filter(({ quotes }) => quotes.length === 0);
  const list = short.map(({ title }) => `- ${inMarkdown(title)}`).join("\n");
  return [
    ...parts.filter(({ quotes }) => quotes.length > 0).map(folded),
    ...(short.length === 0 ? [] : [{ text: list, title: count(short.length, "line") }]),
  ];
}

const table = ({ head, rows }: Table, title: string): Block => {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const lines = [row(head), row(head.map(() => "---")), ...rows.map((cells) => row(cells.map(inMarkdown)))];
  const summary = `<details><summary>${count(rows.length, "resource")}</summary>`;
  return {
    text: `${summary}\n\n${lines.join("\n")}\n\n</details>`,
    title: `${title}: ${count(rows.length, "resource")}`,
  };
};

const section = ({ heading, lines = [], parts, table: rows }: Section): Block[] => [
  { text: `#### ${heading}` },
  ...(lines.length === 0
    ? []
    : [{ text: lines.map((line) => `- ${inMarkdown(line)}`).join("\n"), title: heading }]),
  ...(rows === undefined ? [] : [table(rows, heading)]),
  ...partBlocks(parts),
];

/** The comment; longer than its limit only when that leaves no room for the headline. */
export function comment(report: Report, { limit, run, isDrift = false }: CommentOptions): string {
  const title = isDrift
    ? `A deployment of ${codeSpan(report.stack)} would change something, though its files have not changed`
    : `Preview of ${codeSpan(report.stack)}`;
  const first = marker(report.stack, isDrift ? "drift" : "preview");
  const head = `${first}\n### ${title}\n\n**${inMarkdown(report.headline)}**`;
  const whole =
    `The whole preview: \`npm run preview -- -s ${report.stack}\`` +
    (run === undefined ? "" : `, or [the log of this run](${address(run)})`);
  const blocks = report.sections.flatMap(section);
  const all = [head, ...blocks.map(({ text }) => text), whole].join("\n\n");
  if (all.length <= limit) return all;

  // Room for the end, and for what is said in place of what is left out.
  const ending = (omitted: readonly string[], named: number) => {
    const names = omitted.slice(0, named).map((title) => `- ${title}`);
    const more = omitted.length - names.length;
    return [
      `**${count(omitted.length, "part")} left out**, because a comment may have ${limit} characters:`,
      [...names, ...(more > 0 ? [`- and ${more} more`] : [])].join("\n"),
      whole,
    ].join("\n\n");
  };
  const reserve = 3000;
  const kept = [head];
  const omitted: string[] = [];
  let length = head.length;
  for (const { text, title } of blocks) {
    if (title === undefined || length + text.length + 2 <= limit - reserve) {
      kept.push(text);
      length += text.length + 2;
    } else omitted.push(title);
  }
  for (let named = 30; named >= 0; named--) {
    const text = [...kept, ending(omitted, named)].join("\n\n");
    if (text.length <= limit || named === 0) return text;
  }
  return head;
}

/** The address of a run, as the pipeline's own environment tells it. */
function address(text: string): string {
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new Error(`expected the address of a run, with https; found '${text}'`);
  return url.href
    .replaceAll(/[()\\<>[\]]/g, encodeURIComponent)
    .replaceAll("(", "%28")
    .replaceAll(")", "%29");
}
