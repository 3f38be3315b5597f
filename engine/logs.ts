import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFile } from "./files.ts";

const why = `A file in this place keeps Pulumi from writing a debug log of every command, which would take a tenth of the time of
an update and a megabyte each. To see what Pulumi does: npm run pulumi -- up --logtostderr -v=9
`;

/**
 * Keeps the engine from logging every call of a provider with all its properties, encrypted, under PULUMI_HOME. It has
 * no setting for that, and goes on without where the folder cannot be made (StartLogging in pulumi's pkg/logging).
 */
export function keepNoLogs(home: string): void {
  const place = join(home, "logs");
  if (statSync(place, { throwIfNoEntry: false })?.isFile()) return;
  rmSync(place, { recursive: true, force: true });
  writeFile(place, why);
}
