import { runPulumi } from "../../engine/run.ts";
import { withDrift } from "./drift/beside.ts";
import type { Drift } from "./drift/look.ts";
import { driftLines } from "./drift/show.ts";
import { EventReader, type Summary } from "./events.ts";

/** Seconds without a line after which the reader is told what is going on. */
const patience = 15;

export interface UpdateResult {
  /** The engine's exit code. */
  readonly code: number;
  readonly summary: Summary | undefined;
}

/**
 * Runs `pulumi up` or `pulumi destroy` on a stack and tells a person, line by line, what it does.
 *
 * @param looks whether it looks for what somebody has changed by hand on the hosts, and puts that right
 */
export async function runUpdate(
  root: string,
  verb: "up" | "destroy",
  stack: string,
  looks = false,
): Promise<UpdateResult> {
  let last = performance.now();
  const say = (line: string) => {
    last = performance.now();
    process.stdout.write(`${line}\n`);
  };
  const reader = new EventReader(say);
  const update = (env: Readonly<Record<string, string>>) =>
    runPulumi(root, [verb, "--stack", stack, "--yes", "--skip-preview", "--non-interactive", "--json"], {
      onLine: (line) => reader.read(line),
      env,
    });
  const tell = (drift: Drift | undefined) => {
    for (const line of driftLines(drift)) say(`  ${line}`);
  };
  const timer = setInterval(() => {
    if ((performance.now() - last) / 1000 < patience) return;
    for (const { name, seconds } of reader.running) {
      process.stdout.write(`  ${name.padEnd(24)} … ${Math.round(seconds)} s\n`);
    }
    last = performance.now();
  }, 1000);
  try {
    const { code } = await (looks ? withDrift(root, stack, tell, update) : update({}));
    return { code, summary: reader.summary };
  } finally {
    clearInterval(timer);
  }
}
