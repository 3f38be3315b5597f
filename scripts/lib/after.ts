// What is left to know after a deployment that ended well: the engine shows nothing of a step with secrets.
import { spawnSync } from "node:child_process";
import { firstHost } from "../../components/host/host.ts";
import type { BackupFacts } from "./backups.ts";
import { releaseStatus } from "./release-status.ts";
import { noticesSince } from "./releases.ts";
import { hasKey, sshArguments, stackFlag } from "./stack.ts";

/** A line each. What cannot be asked now, 'npm run status' and 'npm run releases' tell later. */
export async function leftToKnow(root: string, stack: string, began: Date): Promise<string[]> {
  const told = await Promise.allSettled([
    ofRelease(root, stack, began),
    ofBackups(root, stack),
    ofTargets(root, stack),
  ]);
  return told.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

async function ofRelease(root: string, stack: string, began: Date): Promise<string[]> {
  const notices = noticesSince(await releaseStatus(root, stack, firstHost), began);
  return notices.map((notice) => `the release is healthy; ${notice}`);
}

/** What an intruder on the host could do to its backups. */
async function ofBackups(root: string, stack: string): Promise<string[]> {
  if (!hasKey(root, stack, "backup")) return [];
  const { guard } = await answerOf<BackupFacts>(root, stack, "/usr/local/lib/berth/berth-backup status");
  return guard?.warning ? [`warning: ${guard.warning}`] : [];
}

/** Targets of messages that have taken none. */
async function ofTargets(root: string, stack: string): Promise<string[]> {
  if (!hasKey(root, stack, "notify")) return [];
  const ask = "python3 -IB /usr/local/lib/berth/notices/program refused";
  const refused = await answerOf<Record<string, string>>(root, stack, ask);
  const flag = stackFlag(stack);
  return Object.entries(refused).map(
    ([name, why]) =>
      `warning: the target ${name} of notify.targets has taken no message: ${why}. Try it again: npm run notify${flag && ` --${flag}`}`,
  );
}

/** What a program of root's on the first host prints. */
async function answerOf<Answer>(root: string, stack: string, command: string): Promise<Answer> {
  const ssh = await sshArguments(root, stack, firstHost);
  const { status, stdout, stderr } = spawnSync("ssh", [...ssh, `sudo -n ${command}`], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim());
  return JSON.parse(stdout) as Answer;
}
