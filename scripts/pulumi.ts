// npm run pulumi: any Pulumi command, by the engine and in the environment of this checkout.
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { runPulumi } from "../engine/run.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.pulumi, async ({ words }) => {
  await ensureEngine(root, lineProgress());
  return (await runPulumi(root, words)).code;
});
