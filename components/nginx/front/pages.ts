import { readFileSync, statSync } from "node:fs";
import { z } from "zod";

/** The largest page, in bytes: a step carries all of them. */
const largest = 32 * 1024;

const page = (when: string) =>
  z
    .string()
    .min(1)
    .optional()
    .describe(
      `An HTML file on your computer, shown ${when}; the path is relative to \`Pulumi.yaml\`. 32 KiB at most, with styles and images inside. Default: Berth's own.`,
    );

/** `site.pages`. */
export const pagesSchema = z
  .strictObject({
    away: page("while the application does not answer, with the status 502, 503 or 504"),
    maintenance: page("while `npm run maintenance` has closed the site, with the status 503"),
    notFound: page("for a file below /static/ that does not exist, with the status 404"),
  })
  .default({})
  .describe("Pages of your own where nginx answers in place of the application. See docs/front-door.md.");

export type PagesConfig = z.output<typeof pagesSchema>;

/** Where each is, below the directory that nginx shows it from. */
export const pagePlaces: Readonly<Record<keyof PagesConfig, string>> = {
  away: "berth/away.html",
  maintenance: "berth/maintenance.html",
  notFound: "berth/not-found.html",
};

/** What is wrong with the files: the key below `site.pages`, and what was expected. */
export const pageFaults = (pages: PagesConfig): (readonly [key: string, expected: string])[] =>
  Object.entries(pages).flatMap(([key, file]) => {
    const fault = file === undefined ? undefined : faultOf(file);
    return fault === undefined ? [] : [[key, fault] as const];
  });

function faultOf(file: string): string | undefined {
  try {
    const { size } = statSync(file);
    if (size > largest) return `expected an HTML file of at most ${largest} bytes; it has ${size}`;
    textOf(file);
    return undefined;
  } catch (error) {
    return `expected an HTML file, from ${process.cwd()} (${(error as Error).message})`;
  }
}

/** The texts of the pages, by their places. */
export const openPages = (pages: PagesConfig): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(pages).flatMap(([key, file]) =>
      file === undefined ? [] : [[pagePlaces[key as keyof PagesConfig], textOf(file)]],
    ),
  );

const textOf = (file: string) => new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
