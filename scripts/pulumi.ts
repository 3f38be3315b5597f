// npm run pulumi -- ARGS: any Pulumi command, by the engine and in the environment of this checkout.
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { runPulumi } from "../engine/run.ts";
import { lineProgress } from "./lib/progress.ts";

const root = resolve(import.meta.dirname, "..");
try {
  await ensureEngine(root, lineProgress());
  process.exitCode = (await runPulumi(root, process.argv.slice(2))).code;
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}
