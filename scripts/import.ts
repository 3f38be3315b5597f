// npm run import: takes over the data of a site that ran elsewhere, and keeps what there is until that is proven.
import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { firstHost } from "../components/host/host.ts";
import { shellQuote } from "../components/host/quote.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { type Line, run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { isMeant } from "./lib/confirm.ts";
import { framed, openDump, requireDump, tarOf } from "./lib/dump.ts";
import { alone } from "./lib/elsewhere.ts";
import type { StateResource } from "./lib/removal.ts";
import {
  applicationOf,
  importOf,
  requireStack,
  resourcesOf,
  say,
  sshArgumentsOf,
  stackFlag,
} from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

type Wanted = Line<typeof commands.import>;

await run(commands.import, async (wanted) => {
  const { stack, media, undo, yes } = wanted;
  const dump = dumpOf(wanted);
  requireStack(root, stack);
  say(stack, undo ? "the database of before the last import comes back" : `importing ${whatOf(wanted)}`);
  await ensureEngine(root, lineProgress());
  const resources = await resourcesOf(root, stack, "--show-secrets");
  const unasked =
    "there is no terminal to ask at, so nothing was changed. To import without being asked, add --yes.";
  if (!yes && !(await isMeant(stack, questionOf(dump, undo), unasked))) {
    console.log(`berth: stack ${stack}: nothing was changed; its name was not typed`);
    return 1;
  }
  if (media !== undefined) await copyMedia(stack, resources, media);
  if (dump === undefined && !undo) return 0;
  return alone(root, stack, resources, () => onHost(stack, resources, dump));
});

/** The dump's path, where there is one; refuses what is not there, before anything is changed. */
function dumpOf({ dump, media, undo }: Wanted): string | undefined {
  if (dump.length > 1) throw new UsageError(`expected one dump; found ${dump.length}: ${dump.join(", ")}.`);
  if (undo && (dump.length > 0 || media !== undefined))
    throw new UsageError("--undo takes neither a dump nor --media: it brings back the database of before.");
  if (!undo && dump.length === 0 && media === undefined)
    throw new UsageError("expected a dump, or --media DIRECTORY, or both; found neither.");
  if (media !== undefined && !statSync(media, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`--media: there is no directory ${media}.`);
  if (dump[0] !== undefined) requireDump(dump[0]);
  return dump[0];
}

function whatOf({ dump, media }: Wanted): string {
  return [...dump, ...(media === undefined ? [] : [`uploaded files of ${media}`])].join(" and ");
}

function questionOf(dump: string | undefined, undo: boolean): string {
  if (undo)
    return "What the database has now is deleted, and the uploads if they came with it. Type the stack's name to go on";
  if (dump === undefined) return "Type the stack's name to go on";
  return "The dump replaces the database, which is kept until the next import. Type the stack's name to go on";
}

/** As the application, which owns its uploads; what is there already stays. */
async function copyMedia(stack: string, resources: readonly StateResource[], media: string): Promise<void> {
  const { name } = applicationOf(root, stack);
  const unpack = readFileSync(join(import.meta.dirname, "lib/uploads-arrival.sh"), "utf8");
  const command = [`/usr/local/bin/${name}-run`, "sh", "-c", unpack].map(shellQuote).join(" ");
  const code = await send(stack, resources, command, tarOf(media));
  if (code !== 0)
    throw new Error(
      "the uploaded files could not be copied, and none of them was taken. Run the command again.",
    );
}

async function onHost(
  stack: string,
  resources: readonly StateResource[],
  dump: string | undefined,
): Promise<number> {
  const { name } = applicationOf(root, stack);
  const told = importOf(root, stack, resources);
  const program = `/usr/local/lib/berth/${name}/berth-release`;
  const words = ["sudo", "-n", program, dump === undefined ? "import-undo" : "import"];
  const file = dump === undefined ? undefined : openDump(dump);
  return await send(stack, resources, words.map(shellQuote).join(" "), Readable.from(framed(told, file)));
}

/** Runs a command on the host of the site, with this as its input; its exit status. */
async function send(
  stack: string,
  resources: readonly StateResource[],
  command: string,
  input: Readable,
): Promise<number> {
  const ssh = sshArgumentsOf(root, stack, firstHost, resources);
  const child = spawn("ssh", [...ssh, command], { stdio: ["pipe", "inherit", "inherit"] });
  const ended = new Promise<number>((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code) => settle(code ?? 1));
  });
  try {
    await pipeline(input, child.stdin);
  } catch (fault) {
    // It said why it reads no further.
    if ((fault as NodeJS.ErrnoException).code !== "EPIPE") {
      child.kill();
      throw fault;
    }
  }
  const code = await ended;
  if (code === 255)
    throw new Error(
      `the connection to the host was lost. What had arrived whole by then is imported there: npm run status --${stackFlag(stack)}`,
    );
  return code;
}
