// npm run docs: writes the pages that are made from the code.
import { resolve } from "node:path";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { writeDocs } from "./lib/docs.ts";

await run(commands.docs, () => {
  writeDocs(resolve(import.meta.dirname, ".."));
  return 0;
});
