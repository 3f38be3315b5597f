// The files that are made from the contract.
import { join } from "node:path";
import { readText, writeFile } from "../../../engine/files.ts";
import { refusal } from "./keep.ts";
import { outputsPage } from "./page.ts";
import { pythonContract } from "./python.ts";
import { type JsonSchema, presentSchema, schemaText } from "./schema.ts";
import { typescriptContract } from "./typescript.ts";

/** The schema of the present version: what readers rely on, and what a change is compared with. */
export const schemaFile = "packages/outputs/outputs.schema.json";

/** What is made from the schema, by its place; the argument is what stands there now. */
const made: Readonly<Record<string, (schema: JsonSchema, now: string) => string>> = {
  [schemaFile]: schemaText,
  "docs/outputs.md": outputsPage,
  "packages/outputs/contract.ts": typescriptContract,
  "packages/outputs-python/berth_outputs/contract.py": pythonContract,
};

/** Writes them, unless that would break a reader. @throws what would, and what to do */
export function writeOutputsFiles(root: string): void {
  const refused = refusedIn(root);
  if (refused !== "") throw new Error(refused);
  const schema = presentSchema();
  for (const [path, text] of Object.entries(made)) {
    writeFile(join(root, path), text(schema, readText(join(root, path)) ?? ""));
  }
}

/** What is wrong with them; an empty text where they are as they should be. */
export function staleOutputsFiles(root: string): string {
  const refused = refusedIn(root);
  if (refused !== "") return refused;
  const schema = presentSchema();
  return Object.entries(made)
    .filter(([path, text]) => {
      const now = readText(join(root, path)) ?? "";
      return now !== text(schema, now);
    })
    .map(([path]) => `${path} is not what outputs.ts says. Run 'npm run docs' and commit the file.`)
    .join("\n");
}

function refusedIn(root: string): string {
  const kept = readText(join(root, schemaFile));
  return refusal(
    kept === undefined ? undefined : JSON.parse(kept),
    presentSchema(),
    readText(join(root, "CHANGELOG.md")) ?? "",
  );
}
