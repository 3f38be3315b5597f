// Backups that tests make.
import type { Stack } from "./harness.ts";
import { runAnew } from "./units.ts";

/** A whole backup from now on. One runs already, as after a first deployment or a restore. */
export const backUp = (stack: Stack): Promise<void> => runAnew(stack, "berth-backup.service");

/** The same of uploaded files alone. */
export const backUpFiles = (stack: Stack): Promise<void> => runAnew(stack, "berth-backup-files.service");
