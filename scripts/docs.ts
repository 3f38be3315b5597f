// npm run docs: writes the pages that are made from the code.
import { resolve } from "node:path";
import { writeDocs } from "./lib/configuration-docs.ts";

writeDocs(resolve(import.meta.dirname, ".."));
