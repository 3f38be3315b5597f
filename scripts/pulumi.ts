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
  // As with every other command; Pulumi itself would take the stack that was made last.
  const env = process.env.PULUMI_STACK === undefined ? { PULUMI_STACK: "local" } : {};
  return (await runPulumi(root, words, { env })).code;
});
