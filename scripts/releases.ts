// npm run releases -- [-s STACK]: the releases of a stack's host: those that it keeps, and the record of all of them.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "./lib/progress.ts";
import { applicationOf, chosenStack, sshArguments } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

/** A line of the record; see docs/releases.md. */
interface Entry {
  readonly at: string;
  readonly who: string;
  readonly address: string | null;
  readonly from: string | null;
  readonly to: string;
  readonly commit: string | null;
  readonly seconds: number;
  readonly result: string;
  readonly reason: string | null;
}

try {
  const { stack } = chosenStack(process.argv.slice(2));
  await ensureEngine(root, lineProgress());
  const app = applicationOf(root, stack);
  const ask = `sudo sh -c 'cat /var/lib/berth/app-${app.name}/releases.jsonl; echo; cat /var/lib/berth/app-${app.name}/kept; echo; readlink ${app.root}/current'`;
  const result = spawnSync("ssh", [...(await sshArguments(root, stack)), ask], { encoding: "utf8" });
  const [record = "", kept = "", current = ""] = result.stdout.split("\n\n");
  if (result.status !== 0 && record.trim() === "") {
    throw new Error(`the host of stack '${stack}' has no record of releases: ${result.stderr.trim()}`);
  }
  for (const line of record.split("\n").filter(Boolean)) console.log(shown(JSON.parse(line) as Entry));
  const live = current.trim().split("/").at(-1);
  const others = kept.split("\n").filter((id) => id !== "" && id !== live);
  console.log(
    `\nlive: ${live}${others.length === 0 ? "" : `; kept: ${others.join(", ")} (berth:app.release goes back)`}`,
  );
} catch (error) {
  console.error(`berth: ${(error as Error).message}`);
  process.exitCode = 1;
}

function shown({ at, who, address, from, to, commit, seconds, result, reason }: Entry): string {
  const way = from === null ? to : `${from} -> ${to}`;
  const by = address === null ? who : `${who} from ${address}`;
  const code = commit === null ? "" : `, commit ${commit.slice(0, 10)}`;
  return `${at}  ${result.padEnd(8)}  ${way}${code}, ${seconds} s, by ${by}${reason === null ? "" : `\n    ${reason}`}`;
}
