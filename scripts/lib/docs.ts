// The pages that are made from the code.
import { join } from "node:path";
import { readText, writeFile } from "../../engine/files.ts";
import { commandsPage } from "./commands-docs.ts";
import { configurationPage } from "./configuration-docs.ts";
import { staleOutputsFiles, writeOutputsFiles } from "./contract/files.ts";

const pages = [
  { page: "docs/configuration.md", source: "the schemas of the configuration", text: configurationPage },
  { page: "docs/commands.md", source: "scripts/lib/commands.ts", text: commandsPage },
];

/** Writes the pages, and what is made from the contract of outputs. */
export function writeDocs(root: string): void {
  writeOutputsFiles(root);
  for (const { page, text } of pages) writeFile(join(root, page), text());
}

/** What is out of date, nothing when all is current. */
export function staleDocs(root: string): string {
  const stale = pages
    .filter(({ page, text }) => readText(join(root, page)) !== text())
    .map(({ page, source }) => `${page} is not what ${source} says. Run 'npm run docs' and commit the page.`);
  return [...stale, staleOutputsFiles(root)].filter((line) => line !== "").join("\n");
}
