// The data of one stack comes into another: see components/backup/program/copying.py and docs/backups.md.
import { spawn } from "node:child_process";
import { firstHost } from "../../components/host/host.ts";
import { shellQuote } from "../../components/host/quote.ts";
import { ensureEngine } from "../../engine/acquire.ts";
import { lineProgress } from "../../engine/progress.ts";
import { UsageError } from "./command-line.ts";
import { isMeant } from "./confirm.ts";
import { alone, LostConnection } from "./elsewhere.ts";
import { protectedOf, type StateResource } from "./removal.ts";
import {
  applicationOf,
  backupReadOf,
  importOf,
  requireBackups,
  requireStack,
  resourcesOf,
  say,
  sshArgumentsOf,
  stackFlag,
} from "./stack.ts";

interface Wanted {
  readonly stack: string;
  readonly at: number | undefined;
  readonly backup: string | undefined;
  readonly only: string | undefined;
  readonly undo: boolean;
  readonly "as-it-is": boolean;
  readonly protected: boolean;
  readonly yes: boolean;
}

/**
 * Replaces the data of a stack by that of another one, or takes that back. The other one's host is not asked.
 *
 * @param to the stack whose data is replaced
 */
export async function copyTo(root: string, to: string, wanted: Wanted): Promise<number> {
  const { stack, only, undo, yes } = wanted;
  requireStack(root, to);
  if (!undo) requireSource(root, to, wanted);
  say(
    to,
    undo
      ? "what was there before comes back"
      : `its data is replaced by that of stack '${stack}', read alone`,
  );
  await ensureEngine(root, lineProgress());
  const target = await resourcesOf(root, to, "--show-secrets");
  requireTaker(to, target, wanted);
  const told = undo ? JSON.stringify(importOf(root, to, target)) : await requestOf(root, wanted);
  const question = undo
    ? "What it has now is deleted. Type the stack's name to go on"
    : `${only === "media" ? "Uploads" : "Data"} of '${stack}' replaces what it has. Type the name of the stack whose data is replaced`;
  const unasked = "there is no terminal to ask at, so nothing was changed. To be asked nothing, add --yes.";
  if (!yes && !(await isMeant(to, question, unasked))) {
    console.log(`berth: stack ${to}: nothing was changed; its name was not typed`);
    return 1;
  }
  const { name } = applicationOf(root, to);
  const program = undo
    ? [`/usr/local/lib/berth/${name}/berth-release`, "import-undo"]
    : ["/usr/local/lib/berth/berth-copy"];
  const lost = undo
    ? `See how the stack is: npm run status --${stackFlag(to)}`
    : `What was begun goes on there. See how it ends: npm run ssh --${stackFlag(to)} sudo journalctl -t berth-copy`;
  return alone(root, to, target, () => onHost({ root, stack: to, resources: target, program, told, lost }));
}

function requireSource(root: string, to: string, { stack, only }: Wanted): void {
  requireStack(root, stack);
  if (to === stack)
    throw new UsageError(
      `--to: '${to}' is the stack whose backups are read. Without --to they are restored there.`,
    );
  if (only !== undefined && !["database", "media", "redis"].includes(only))
    throw new UsageError(`--only ${only}: the data of a service of your own stays in its stack.`);
  if (only === "redis")
    throw new UsageError(
      "--only redis: Redis's data stays in its stack, because its tasks would run in --to.",
    );
}

/** Refuses a stack that is not meant to get another one's data. */
function requireTaker(to: string, resources: readonly StateResource[], wanted: Wanted): void {
  if (!resources.some(({ type }) => type === "berth:backup:Copies"))
    throw new UsageError(
      `stack '${to}' never takes another stack's data: it has no berth:copy. If it may, write that into Pulumi.${to}.yaml and deploy it; see docs/backups.md.`,
    );
  const names = protectedOf(resources);
  if (names.length > 0 && !wanted.protected && !wanted.undo)
    throw new UsageError(
      `stack '${to}' is protected (${names.join(", ")}), as production is, so its data was not replaced. To replace it on purpose, add --protected.`,
    );
}

/** What the host is told, in a line. */
async function requestOf(root: string, wanted: Wanted): Promise<string> {
  const { stack, at, backup, only } = wanted;
  const source = await resourcesOf(root, stack, "--show-secrets");
  requireBackups(stack, source);
  const read = backupReadOf(source);
  if (read === undefined)
    throw new Error(
      `stack '${stack}' was deployed by an earlier Berth, which did not note how its backups are read elsewhere. Deploy it once: npm start --${stackFlag(stack)}`,
    );
  return JSON.stringify({
    at: at ?? null,
    backup: backup ?? null,
    only: only ?? null,
    as_it_is: wanted["as-it-is"],
    read: JSON.parse(read),
  });
}

interface OnHost {
  readonly root: string;
  readonly stack: string;
  readonly resources: readonly StateResource[];
  readonly program: readonly string[];
  /** What it is told, in a line. */
  readonly told: string;
  /** What to do when the connection is lost. */
  readonly lost: string;
}

/** Runs it there, with its progress on this screen; what it is told comes by standard input alone. */
function onHost({ root, stack, resources, program, told, lost }: OnHost): Promise<number> {
  const ssh = sshArgumentsOf(root, stack, firstHost, resources);
  const command = ["sudo", "-n", ...program].map(shellQuote).join(" ");
  const child = spawn("ssh", [...ssh, command], { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  // It may refuse before it has read all; its own words say why.
  child.stdin.on("error", () => {}).end(`${told}\n`);
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) settle(0);
      else if (code === 255) reject(new LostConnection(`the connection to the host was lost. ${lost}`));
      else reject(new Error(said.trim().replaceAll("\n", ". ") || "it failed: what the host says is above"));
    });
  });
}
