// npm run destroy: removes all that a stack made, and the stack.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { runPulumi } from "../engine/run.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { isMeant } from "./lib/confirm.ts";
import { attachmentsOf, protectedOf, removalText } from "./lib/removal.ts";
import { requireStack, resourcesOf, say, stackFlag } from "./lib/stack.ts";
import { runUpdate } from "./lib/update.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.destroy, async ({ stack, yes }) => {
  requireStack(root, stack);
  say(stack, "what goes when it is removed");
  await ensureEngine(root, lineProgress());
  const resources = await resourcesOf(root, stack);
  for (const line of removalText(resources)) console.log(`  ${line}`);
  refuseProtected(stack, protectedOf(resources));
  const unasked = `there is no terminal to ask at, so nothing was removed. To remove the stack without being asked: npm run destroy -- -s ${stack} --yes`;
  if (!yes && !(await isMeant(stack, "Type the stack's name to remove all that goes", unasked))) {
    console.log(`berth: stack ${stack}: nothing was removed; its name was not typed`);
    return 1;
  }
  await remove(stack, attachmentsOf(resources));
  return 0;
});

function refuseProtected(stack: string, names: readonly string[]): void {
  if (names.length === 0) return;
  throw new Error(
    `stack ${stack} is protected, so nothing was removed. The engine refuses to delete ${names.join(", ")}.\n` +
      `berth: to remove it on purpose: set protect to false below berth:host in Pulumi.${stack}.yaml, deploy that by ` +
      `'npm start -- -s ${stack}', and then type this again. See docs/policy.md.`,
  );
}

async function remove(stack: string, attachments: readonly string[]): Promise<void> {
  say(stack, "removing it");
  if (attachments.length > 0) {
    const targets = attachments.flatMap((urn) => ["--target", urn]);
    const options = ["--stack", stack, "--yes", "--skip-preview", "--non-interactive"];
    const looked = await runPulumi(root, ["refresh", ...options, ...targets], { capture: true });
    if (looked.code !== 0)
      throw new Error(
        `${`AWS did not say what there is of stack '${stack}':\n${looked.stdout}${looked.stderr}`.trim()}\n` +
          `Set the credentials of its account (AWS_PROFILE), then run 'npm run destroy --${stackFlag(stack)}' again.`,
      );
  }
  const { code } = await runUpdate(root, "destroy", stack);
  if (code !== 0)
    throw new Error(
      `'pulumi destroy' ended with ${code}. Its reason is above; run this again when it is mended.`,
    );
  const removed = await runPulumi(root, ["stack", "rm", "--stack", stack, "--yes", "--preserve-config"], {
    capture: true,
  });
  if (removed.code !== 0)
    throw new Error(`the stack '${stack}' is empty but cannot be removed: ${removed.stderr.trim()}`);
  rmSync(join(root, ".berth", "ssh", stack), { recursive: true, force: true });
  console.log(`berth: stack ${stack} is gone`);
}
