// npm run notify: sends a test message to every target that a stack's messages go to.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { requireStack, say, sshArguments, stackFlag } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");
const program = "/usr/local/lib/berth/notices/program";
// Of the shell on the host: there is no such program.
const none = 44;

await run(commands.notify, async ({ stack, host }) => {
  requireStack(root, stack);
  say(stack, "sending a test message to each target of notify.targets");
  await ensureEngine(root, lineProgress());
  const command = `test -e ${program} || exit ${none}; sudo -n python3 -IB ${program} test`;
  const options = { encoding: "utf8", timeout: 120_000 } as const;
  const { status, stdout, stderr } = spawnSync(
    "ssh",
    [...(await sshArguments(root, stack, host)), command],
    options,
  );
  if (status === none)
    throw new Error(
      `stack '${stack}' tells nobody yet: it has no 'berth:notify', or was not deployed with it. See docs/notices.md, then: npm start --${stackFlag(stack)}`,
    );
  if (status !== 0) throw new Error(`the host of stack '${stack}' sent nothing: ${stderr.trim()}`);
  const outcomes = Object.entries(JSON.parse(stdout) as Record<string, string | null>);
  for (const [name, why] of outcomes)
    console.log(`berth: stack ${stack}: ${name}: ${why === null ? "the message has arrived" : why}`);
  return outcomes.every(([, why]) => why === null) ? 0 : 1;
});
