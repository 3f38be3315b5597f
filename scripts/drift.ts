// npm run drift: what of a stack's hosts is not as Berth made it.
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { lookForDrift } from "./lib/drift/look.ts";
import { driftText } from "./lib/drift/show.ts";
import { requireStack, say, stackFlag } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

/** How long a host may take, in seconds: a busy one reads and hashes for a while. */
const patience = 60;

await run(commands.drift, async ({ stack, json }) => {
  requireStack(root, stack);
  say(stack, "what is not as Berth made it");
  await ensureEngine(root, lineProgress());
  const drift = await lookForDrift(root, stack, patience);
  if (drift.hosts.length === 0)
    throw new Error(`stack '${stack}' has no host yet. Deploy it first: npm start --${stackFlag(stack)}`);
  console.log(json ? JSON.stringify(drift, null, 2) : driftText(drift, stackFlag(stack)));
  return drift.status;
});
