// npm run releases: what runs on a stack's host and in which state, the releases that it keeps, and the record of all that
// were tried.
import { resolve } from "node:path";
import { firstHost } from "../components/host/host.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { releaseStatus } from "./lib/release-status.ts";
import { statusText } from "./lib/releases.ts";
import { applicationOf, requireStack, say } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.releases, async ({ stack, host = firstHost, json }) => {
  requireStack(root, stack);
  const { name } = applicationOf(root, stack);
  say(stack, `the releases of ${name} on host ${host}`);
  await ensureEngine(root, lineProgress());
  const status = await releaseStatus(root, stack, host);
  console.log(json ? JSON.stringify(status, null, 2) : statusText(status));
  return 0;
});
