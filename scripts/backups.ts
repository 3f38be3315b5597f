// npm run backups: what there is to restore, since when, how large, and what failed last; or the passphrase.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { firstHost } from "../components/host/host.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { type Listing, listingText } from "./lib/backups.ts";
import { run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import {
  backupPassphraseOf,
  requireBackups,
  requireStack,
  resourcesOf,
  say,
  sshArgumentsOf,
} from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.backups, async ({ stack, json, "show-passphrase": showPassphrase }) => {
  requireStack(root, stack);
  say(stack, showPassphrase ? "the passphrase of its backups" : "its backups");
  await ensureEngine(root, lineProgress());
  const resources = await resourcesOf(root, stack, "--show-secrets");
  requireBackups(stack, resources);
  if (showPassphrase) {
    console.log(backupPassphraseOf(resources));
    return 0;
  }
  const ssh = sshArgumentsOf(root, stack, firstHost, resources);
  const asked = spawnSync("ssh", [...ssh, "sudo -n /usr/local/lib/berth/berth-backup list"], {
    encoding: "utf8",
  });
  if (asked.status !== 0)
    throw new Error(
      [asked.stdout, asked.stderr]
        .join(" ")
        .trim()
        .replaceAll(/\s*\n\s*/g, ". "),
    );
  const told = JSON.parse(asked.stdout) as Listing;
  console.log(json ? JSON.stringify(told, null, 2) : listingText(told, Date.now() / 1000));
  return 0;
});
