// A preview of a stack by the engine: of Berth's own backend, or of the one that the environment names.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ensureEngine } from "../../../engine/acquire.ts";
import { isOwnStack, isTeamStack } from "../../../engine/checkout.ts";
import { lineProgress } from "../../../engine/progress.ts";
import { ensureStack, runPulumi } from "../../../engine/run.ts";
import { UsageError } from "../command-line.ts";
import { withDrift } from "../drift/beside.ts";
import { requireOwnStack, requireStackFile } from "../stack.ts";
import type { Look } from "./by-hand.ts";
import { type Preview, readPreview } from "./events.ts";

export interface Question {
  readonly stack: string;
  /** The directory of a policy pack. @default none */
  readonly policyPack?: string | undefined;
  /** Whether the cloud is asked first what there is. */
  readonly refresh: boolean;
  /** Whether it looks for what somebody has changed by hand on the hosts, and shows the lines of files. */
  readonly looks: "lines" | "names" | "not";
  /** Whether a stack that is nowhere yet is an error; otherwise all of it is new. */
  readonly mustBeThere: boolean;
}

/**
 * Refuses a stack that this checkout has not made where none is to be made. A pipeline whose variable is empty would
 * otherwise compare with nothing, and be content with it.
 */
export function requireMade(root: string, stack: string, env: NodeJS.ProcessEnv): void {
  if (isOwnStack(root, stack)) return;
  const found = (name: string) => `${name} is ${env[name] === undefined ? "not set" : "empty"}`;
  throw new UsageError(
    `there is no stack '${stack}' here to compare with, and no backend is named: ${found("PULUMI_BACKEND_URL")}, and ` +
      `${found("PULUMI_ACCESS_TOKEN")}. Set the one that the stack is in. On GitHub, a variable of the repository that is ` +
      "not there is empty; see docs/pull-requests.md.",
  );
}

/** A preview, and the look that went with it; none where nobody wanted one, or the preview ended first. */
export interface Answer {
  readonly preview: Preview;
  readonly look: Look | undefined;
}

export async function askPreview(root: string, question: Question): Promise<Answer> {
  const { stack, policyPack, refresh } = question;
  const isTeams = isTeamStack(root, stack);
  if (!isTeams) {
    requireStackFile(root, stack);
    if (question.mustBeThere) requireMade(root, stack, process.env);
    requireOwnStack(root, stack, "Name its backend: set PULUMI_BACKEND_URL. See docs/pull-requests.md.");
  }
  const pack = policyPack === undefined ? [] : ["--policy-pack", directory(root, policyPack)];
  await ensureEngine(root, lineProgress());
  if (!isTeams) await ensureStack(root, stack);
  const args = ["preview", "--stack", stack, "--json", "--non-interactive", "--color=never"];
  const whole = [...args, ...pack, ...(refresh ? ["--refresh"] : [])];
  // Otherwise the engine gives a digest at its end, which has no policies in it.
  const streaming = { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };
  const call = (env: Readonly<Record<string, string>>) =>
    runPulumi(root, whole, { capture: true, env: { ...streaming, ...env } });
  const withLines = question.looks === "lines";
  let look: Look | undefined;
  const { stdout, stderr, code } = await (question.looks !== "not"
    ? withDrift(root, stack, (drift) => (look = { drift, withLines }), call)
    : call({}));
  return { preview: readPreview(stdout, stderr, code), look };
}

function directory(root: string, given: string): string {
  const path = resolve(root, given);
  if (existsSync(path)) return path;
  throw new UsageError(`--policy-pack: expected a directory, from ${root}; found no '${given}'.`);
}
