// Backups that tests make.
import { until } from "../until.ts";
import type { Stack } from "./harness.ts";

/** A whole backup from now on. One that runs already, as after a first deployment or a restore, would be taken for it. */
export const backUp = (stack: Stack) => begin(stack, "berth-backup");

/** The same of uploads alone, which the host backs up every hour by itself. */
export const backUpFiles = (stack: Stack) => begin(stack, "berth-backup-files");

async function begin(stack: Stack, unit: string): Promise<void> {
  const state = () => stack.on(`systemctl show -P ActiveState ${unit}.service`);
  await until("the backup before to end", async () => (await state()) !== "activating");
  await stack.on(`systemctl start ${unit}.service`);
}
