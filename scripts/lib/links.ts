// Links among the documents: each leads to a file that is there, and to a heading that it has.
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { readText } from "../../engine/files.ts";

/** What a heading is called in an address, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

/** What a page says, without its code. */
const textOf = (page: string) => (readText(page) ?? "").replaceAll(/^( *)```[\s\S]*?^\1```/gm, "");

const anchorsOf = (page: string) =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));

/**
 * Links that lead nowhere, a line each: nothing when there are none.
 *
 * @param start the page from which all others can be reached
 */
export function brokenLinks(start: string): string {
  const pages = new Set([start]);
  const broken: string[] = [];
  // What is added on the way is looked at as well.
  for (const page of pages) {
    for (const [, path = "", anchor] of textOf(page).matchAll(/\]\(([^()\s#:]*)(#[^()\s]+)?\)/g)) {
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor.slice(1)))) {
        broken.push(`${relative(dirname(start), page)}: '${path}${anchor ?? ""}' leads nowhere.`);
      } else if (target.endsWith(".md")) pages.add(target);
    }
  }
  return broken.join("\n");
}
