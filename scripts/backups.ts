// npm run backups: what there is to restore, since when, how large, and what failed last; a drill; or the passphrase.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { firstHost } from "../components/host/host.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { type Drills, drillText, type Listing, listingText } from "./lib/backups.ts";
import { run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import {
  backupBucketOf,
  backupPassphraseOf,
  requireBackups,
  requireStack,
  resourcesOf,
  say,
  sshArgumentsOf,
  stackFlag,
} from "./lib/stack.ts";
import { undelete } from "./lib/undelete/undelete.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.backups, async (line) => {
  const { stack, json, drill, "show-passphrase": showPassphrase, undelete: isUndelete, at, yes } = line;
  if (isUndelete ? at === undefined || drill || showPassphrase || json : at !== undefined || yes)
    throw new UsageError(
      "--undelete, --at TIME and perhaps --yes go together, with nothing else but -s: npm run backups -- --undelete --at '2026-11-28 14:03:07'",
    );
  requireStack(root, stack);
  say(
    stack,
    isUndelete
      ? "its backups as they were; with your own AWS credentials, and without its host"
      : showPassphrase
        ? "the passphrase of its backups"
        : drill
          ? "a drill of its backups; it goes on if this ends, and the site is not touched"
          : "its backups",
  );
  await ensureEngine(root, lineProgress());
  const resources = await resourcesOf(root, stack, "--show-secrets");
  requireBackups(stack, resources);
  if (showPassphrase) {
    console.log(backupPassphraseOf(resources));
    return 0;
  }
  if (at !== undefined) {
    const place = backupBucketOf(resources);
    if (place === undefined)
      throw new UsageError(
        `the backups of stack '${stack}' are in no bucket that this state knows. A directory and an account of SFTP keep nothing that is deleted. If they are in a bucket, deploy the stack once with this version.`,
      );
    return undelete(place, { stack, flag: stackFlag(stack), at, yes });
  }
  const ssh = sshArgumentsOf(root, stack, firstHost, resources);
  const now = () => Date.now() / 1000;
  if (drill) {
    const told = ask<Drills>(ssh, "drill");
    console.log(json ? JSON.stringify(told, null, 2) : drillText(told, now()));
    return told.failed === null ? 0 : 1;
  }
  const told = ask<Listing>(ssh, "list");
  console.log(json ? JSON.stringify(told, null, 2) : listingText(told, now()));
  return 0;
});

/** What a host's program tells. */
function ask<T>(ssh: readonly string[], verb: string): T {
  const asked = spawnSync("ssh", [...ssh, `sudo -n /usr/local/lib/berth/berth-backup ${verb}`], {
    encoding: "utf8",
  });
  if (asked.status !== 0)
    throw new Error(
      [asked.stdout, asked.stderr]
        .join(" ")
        .trim()
        .replaceAll(/\s*\n\s*/g, ". "),
    );
  return JSON.parse(asked.stdout) as T;
}
