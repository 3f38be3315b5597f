// Backups that tests make.
import { until } from "../until.ts";
import type { Stack } from "./harness.ts";

/** A whole backup from now on. One that runs already, as after a first deployment or a restore, would be taken for it. */
export async function backUp(stack: Stack): Promise<void> {
  const state = () => stack.on("systemctl show -P ActiveState berth-backup.service");
  await until("the backup before to end", async () => (await state()) !== "activating");
  await stack.on("systemctl start berth-backup.service", { timeout: 180_000 });
}
