// npm run restore: brings back what there was, and keeps what there is until that is proven.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { firstHost } from "../components/host/host.ts";
import { shellQuote } from "../components/host/quote.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { time } from "./lib/backups.ts";
import { type Line, run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { isMeant } from "./lib/confirm.ts";
import { copyTo } from "./lib/copy.ts";
import { alone, LostConnection } from "./lib/elsewhere.ts";
import type { StateResource } from "./lib/removal.ts";
import { requireBackups, requireStack, resourcesOf, say, sshArgumentsOf, stackFlag } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

type Wanted = Line<typeof commands.restore>;

await run(commands.restore, async (wanted) => {
  const { stack, to, yes } = wanted;
  const words = wordsOf(wanted);
  if (to !== undefined) return copyTo(root, to, wanted);
  if (wanted["as-it-is"] || wanted.protected)
    throw new UsageError("--as-it-is and --protected are about another stack: say which one, by --to NAME.");
  requireStack(root, stack);
  say(stack, whatOf(wanted));
  await ensureEngine(root, lineProgress());
  const resources = await resourcesOf(root, stack, "--show-secrets");
  requireBackups(stack, resources);
  const unasked = `there is no terminal to ask at, so nothing was restored. To restore without being asked, add --yes.`;
  if (!yes && !(await isMeant(stack, "Type the stack's name to go on", unasked))) {
    console.log(`berth: stack ${stack}: nothing was restored; its name was not typed`);
    return 1;
  }
  return alone(root, stack, resources, () => onHost(stack, resources, words));
});

/** What the program on the host is told. */
function wordsOf({ at, backup, latest, only, undo, stack }: Wanted): string[] {
  const given = [at !== undefined, backup !== undefined, latest, undo].filter(Boolean).length;
  if (given !== 1)
    throw new UsageError(
      `expected one of --at TIME, --backup ID, --latest and --undo; found ${given === 0 ? "none" : "several"}. What there is: npm run backups${stackFlag(stack) && ` --${stackFlag(stack)}`}`,
    );
  if (undo) {
    if (only !== undefined)
      throw new UsageError("--only says what is restored; an undo takes back all of it.");
    return ["undo"];
  }
  return [
    "restore",
    ...(latest ? ["--latest"] : []),
    ...(at === undefined ? [] : ["--at", `${at}`]),
    ...(backup === undefined ? [] : ["--backup", backup]),
    ...(only === undefined ? [] : ["--only", only]),
  ];
}

function whatOf({ at, backup, latest, only, undo }: Wanted): string {
  if (undo) return "what was there before the last restore comes back";
  const what = only ?? "the database and uploaded files";
  if (latest) return `restoring ${what}, to the last that the backups have`;
  return at === undefined ? `restoring the backup ${backup}` : `restoring ${what} of ${time(at)} UTC`;
}

/** Runs it there, with its progress on this screen; it goes on when this ends. */
function onHost(
  stack: string,
  resources: readonly StateResource[],
  words: readonly string[],
): Promise<number> {
  const ssh = sshArgumentsOf(root, stack, firstHost, resources);
  const command = ["sudo", "-n", "/usr/local/lib/berth/berth-backup", ...words].map(shellQuote).join(" ");
  const child = spawn("ssh", [...ssh, command], { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) settle(0);
      else if (code === 1 && told !== "") reject(new Error(told.trim().replaceAll("\n", ". ")));
      else if (code !== 255)
        reject(
          new Error(
            `the host could not run the restore (status ${code}): what it says is above. Deploy the stack first, with its backups: npm start${stackFlag(stack) && ` --${stackFlag(stack)}`}`,
          ),
        );
      else
        reject(
          new LostConnection(
            `the connection to the host was lost; the restore goes on there. See how it is: npm run status --${stackFlag(stack)}`,
          ),
        );
    });
  });
}
