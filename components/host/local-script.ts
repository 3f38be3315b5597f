import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { local } from "@pulumi/command";

const finder = readFileSync(join(import.meta.dirname, "find.sh"), "utf8")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/^ *# .*\n/gm, "");

/** The scripts of a command on this computer: each a path from Berth's root, then its words. */
export type LocalScripts = Pick<local.CommandArgs, "create" | "update" | "delete">;

/**
 * A command on this computer that runs scripts of Berth's own.
 *
 * The stack's state keeps what it is told, and removes things by it without the program. So it is no absolute path: a
 * step would change with every checkout and every colleague, and look for its script where another computer has it. Nor
 * is it the scripts' text: they start each other, as root and in the background, and a change of one would be a change of
 * the machine that it made. It is the path inside Berth, and a few lines that find Berth from the program's folder, in
 * which the engine runs the command.
 */
export const localScripts = (
  scripts: LocalScripts,
): LocalScripts & Pick<local.CommandArgs, "interpreter"> => ({
  ...scripts,
  interpreter: ["/bin/sh", "-c", finder, "berth"],
});
