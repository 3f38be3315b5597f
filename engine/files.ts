import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** A name beside `path` that nobody else uses, so that a rename puts the finished file in place in one step. */
const unfinished = (path: string) => join(dirname(path), `.${basename(path)}.${process.pid}.new`);

function place(path: string, make: (temporary: string) => void): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = unfinished(path);
  rmSync(temporary, { force: true });
  try {
    make(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Writes a whole file or nothing. A file that already has this text is left alone. */
export function writeFile(path: string, text: string, mode = 0o644): void {
  if (readText(path) === text) return;
  place(path, (temporary) => writeFileSync(temporary, text, { mode, flush: true }));
}

/**
 * Puts a copy of `source` at `path`: as a hard link where both are on one file system, which costs neither
 * time nor disk for a CLI of two hundred megabytes. Never as a symbolic link: the CLI looks for its language
 * host beside the file it really is.
 */
export function copyFile(source: string, path: string): void {
  place(path, (temporary) => {
    try {
      linkSync(source, temporary);
    } catch {
      copyFileSync(source, temporary, constants.COPYFILE_FICLONE);
    }
  });
}

/** A file's text, or undefined where there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
