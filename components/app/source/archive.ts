import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { shippedFiles } from "./shipped.ts";

export interface Archive {
  /** Path of the tar file, from the directory of Pulumi.yaml. */
  readonly path: string;
  /** SHA-256 of the tar file, in hex. */
  readonly sha256: string;
}

/**
 * Packs a directory into a tar file whose bytes depend on names, contents and what is a program alone, so that the same
 * source is the same release on every computer, whatever its umask. {@link shippedFiles} says what is in it.
 *
 * @param store where archives are kept; older ones of the same directory are removed
 */
export function packDirectory(directory: string, store: string): Archive {
  const files = shippedFiles(directory);
  if (files.length === 0) {
    throw new Error(`${directory}: has no file to ship; look at its .gitignore and .berthignore`);
  }
  mkdirSync(store, { recursive: true });
  const path = join(store, `${digestOf(directory, files)}.tar`);
  if (!existsSync(path)) {
    pack(directory, files, path);
    removeOld(store);
  }
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  return { path: relative(process.cwd(), path), sha256 };
}

/** Another one makes archives anew that were made in another way. */
const format = "2";

const isProgram = ({ mode }: Pick<Stats, "mode">) => (mode & 0o100) !== 0;

/** What decides the archive's bytes. */
function digestOf(directory: string, files: readonly string[]): string {
  const digest = createHash("sha256").update(format);
  for (const file of files) {
    const path = join(directory, file);
    const state = lstatSync(path);
    const content = state.isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
    const kind = state.isSymbolicLink() ? "link" : isProgram(state) ? "program" : "file";
    digest.update(`${file}\0${kind}\0${content.length}\0`).update(content);
  }
  return digest.digest("hex").slice(0, 32);
}

function pack(directory: string, files: readonly string[], path: string): void {
  // Loaded only here: most runs change no source.
  const { create } = createRequire(import.meta.url)("tar") as typeof import("tar");
  const temporary = `${path}.${process.pid}`;
  // No owner, no time: see `portable` in the documentation of npm's tar.
  create(
    {
      file: temporary,
      cwd: directory,
      sync: true,
      portable: true,
      mtime: new Date(0),
      filter: (_, state) => {
        // As git keeps them: a file that only its author may read would be served to nobody.
        if ("isFile" in state && state.isFile())
          state.mode = (state.mode & ~0o7777) | (isProgram(state) ? 0o755 : 0o644);
        return true;
      },
      noDirRecurse: true,
      linkCache: new NoLinks(),
    },
    [...files],
  );
  renameSync(temporary, path);
}

/** Archives are made again when they are needed; ten are more than the releases that a host keeps. */
function removeOld(store: string): void {
  const old = readdirSync(store)
    .map((name) => ({ path: join(store, name), time: statSync(join(store, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time)
    .slice(10);
  for (const { path } of old) {
    rmSync(path, { force: true });
  }
}

/** A file of several names is packed as several files: tar's own hard links would depend on the computer. */
class NoLinks extends Map<`${number}:${number}`, string> {
  override set(): this {
    return this;
  }
}
