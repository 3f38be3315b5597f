import type { StepFile } from "./step.ts";

/** Where a part of a host logs. */
export interface Logs {
  /** Units of systemd, or patterns of them. */
  readonly units: readonly string[];
  /** Absolute paths of files, or patterns of them. */
  readonly files: readonly string[];
}

/** The file by which `npm run logs` knows a part of a host: see `scripts/lib/logs.sh`. */
export const logsFile = (part: string, { units, files }: Logs): Record<string, StepFile> => ({
  [`/etc/berth/logs/${part}`]: {
    content: [...units.map((unit) => `unit ${unit}\n`), ...files.map((file) => `file ${file}\n`)].join(""),
  },
});
