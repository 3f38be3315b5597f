// What lean-sdk.ts earns: the whole local stack without a change, as Pulumi.yaml has it and with Pulumi's SDK left whole.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { localConfig } from "./berth.ts";
import { site } from "./contender.ts";
import type { Project } from "./engine.ts";
import { claimHost } from "./host.ts";
import { noop } from "./noop.ts";
import { type Book, type Target, target } from "./report.ts";

/** Whose the figures are. */
const lean = "with lean-sdk.ts";
const whole = "the SDK left whole";

const processorTime = `${noop.what}, processor time`;

/** A stack whose program can be run in both ways. */
export interface BothWays {
  round(book: Book): Promise<void>;
  end(): Promise<void>;
}

/**
 * Deploys the local stack, on a host of its own. The cache of compiled code stays on in both ways: the environment names it,
 * with or without lean-sdk.ts.
 *
 * @param folder where the project's Pulumi.yaml is
 */
export async function prepareBothWays(
  root: string,
  project: Project,
  folder: string,
  name: string,
): Promise<BothWays> {
  const file = join(folder, "Pulumi.yaml");
  const asItIs = readFileSync(file, "utf8");
  const without = asItIs.replace("--import=./lean-sdk.ts ", "");
  if (without === asItIs)
    throw new Error("Pulumi.yaml does not load lean-sdk.ts: there is nothing to compare");
  await project.init(name, localConfig(root, site.maxBody));
  // The name that LocalHost gives its machine.
  claimHost(`berth-${name}-web`);
  await project.up(name);
  const once = async (text: string) => {
    writeFileSync(file, text);
    const { seconds, cpu } = await project.up(name, "no-changes");
    // Looking at the memory takes time of its own, so it is another run.
    return { seconds, cpu, peak: (await project.watch(name)).peak };
  };
  // The first run still compiles what the one before did not use.
  for (const text of [asItIs, without]) await once(text);
  return {
    async round(book) {
      for (const [who, text] of [
        [lean, asItIs],
        [whole, without],
      ] as const) {
        const { seconds, cpu, peak } = await once(text);
        book.note(noop.what, who, "s", seconds);
        book.note(processorTime, who, "s", cpu);
        book.note(`${noop.what}, peak memory`, who, "MiB", peak);
      }
    },
    async end() {
      writeFileSync(file, asItIs);
      await project.destroy(name);
    },
  };
}

/** What it must save to be kept: a tenth of a second of processor time. */
export const sdkTargets = (book: Book): Target[] => [
  target(
    `${processorTime}: ${lean} - ${whole}`,
    "s",
    -0.1,
    book.median(processorTime, lean) - book.median(processorTime, whole),
  ),
];
