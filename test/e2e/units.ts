// Units of systemd that tests have do their work.
import { until } from "../until.ts";
import type { Stack } from "./harness.ts";

/** A whole run of a oneshot unit, from now on. One that goes on already, as its timer's, would be taken for it. */
export async function runAnew(stack: Stack, unit: string): Promise<void> {
  const state = () => stack.on(`systemctl show -P ActiveState ${unit}`);
  await until(`the run of ${unit} before to end`, async () => (await state()) !== "activating");
  await stack.on(`systemctl start ${unit}`, { timeout: 180_000 });
}
