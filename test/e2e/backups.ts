// Backups that tests make.
import { psql, type Stack } from "./harness.ts";
import { runAnew } from "./units.ts";

/** A whole backup from now on. One runs already, as after a first deployment or a restore. */
export const backUp = (stack: Stack): Promise<void> => runAnew(stack, "berth-backup.service");

/** The same of uploaded files alone. */
export const backUpFiles = (stack: Stack): Promise<void> => runAnew(stack, "berth-backup-files.service");

/** A moment between what has been committed and what comes, as 'npm run restore' takes it. */
export async function moment(stack: Stack): Promise<string> {
  const query = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')";
  await stack.on("sleep 0.05");
  const at = await stack.on(`runuser -u postgres -- ${psql} -XAtq -c "${query}"`);
  await stack.on("sleep 0.05");
  return at;
}
