// npm run destroy -- [-s STACK]: removes all that a stack made, and the stack.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { runPulumi } from "../engine/run.ts";
import { lineProgress } from "./lib/progress.ts";
import { chosenStack } from "./lib/stack.ts";
import { runUpdate } from "./lib/update.ts";

const root = resolve(import.meta.dirname, "..");
try {
  const { stack } = chosenStack(process.argv.slice(2));
  await ensureEngine(root, lineProgress());
  const list = await runPulumi(root, ["stack", "ls", "--json"], { capture: true });
  const stacks = JSON.parse(list.stdout || "[]") as { name: string }[];
  if (!stacks.some(({ name }) => name === stack)) {
    console.log(`berth: there is no stack '${stack}'; nothing to remove`);
  } else {
    console.log(`berth: removing all that stack '${stack}' made`);
    const { code } = await runUpdate(root, "destroy", stack);
    if (code !== 0)
      throw new Error(
        `'pulumi destroy' ended with ${code}. Its reason is above; run this again when it is mended.`,
      );
    const removed = await runPulumi(root, ["stack", "rm", stack, "--yes", "--preserve-config"], {
      capture: true,
    });
    if (removed.code !== 0)
      throw new Error(`the stack '${stack}' is empty but cannot be removed: ${removed.stderr.trim()}`);
    rmSync(join(root, ".berth", "ssh", stack), { recursive: true, force: true });
    console.log(`berth: stack '${stack}' is gone`);
  }
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}
