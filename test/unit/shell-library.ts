// The shell library of steps, run on this computer, with all that it writes in a folder of its own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const library = join(import.meta.dirname, "../../components/host/lib");
const folder = mkdtempSync(join(tmpdir(), "berth-library-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/**
 * Runs lines of a step named `trial`, which has `$place` to itself.
 *
 * @param anywhere whether it may write below directories that are not root's alone, as this computer's temporary ones
 */
export function runLibrary(lines: string, stdin = "", anywhere = true) {
  const place = mkdtempSync(join(folder, "host-"));
  const text = ["step.sh", "files.sh", "services.sh", "kept.sh", "record.sh", "undo.sh"]
    .map((file) => readFileSync(join(library, file), "utf8"))
    .join("\n")
    .replaceAll("/var/lib/berth", `${place}/state`)
    .replaceAll("/etc/systemd/system", `${place}/units`)
    .replaceAll("/var/log/berth", `${place}/log`)
    .replaceAll("/run/berth.lock", `${place}/lock`)
    // All that it makes here lies there.
    .replace("/tmp/* | ", "");
  const unguarded = anywhere ? "guarded() { :; }" : "";
  const result = spawnSync("bash", ["-c", `step=trial\n${text}\n${unguarded}\nplace=${place}\n${lines}`], {
    encoding: "utf8",
    input: stdin,
  });
  return { place, ...result };
}

/** What steps named `trial` have left in memory. */
export const inMemory = () => readdirSync("/dev/shm").filter((name) => name.startsWith("berth-trial."));
