// A dump of PostgreSQL on this computer, as 'npm run import' sends it.
import { spawn } from "node:child_process";
import { closeSync, createReadStream, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UsageError } from "./command-line.ts";

/** How large a piece of a file is that is sent, in bytes at most: see components/app/release/arrival.py. */
const piece = 1 << 16;

/** Refuses what is no dump of PostgreSQL, as far as its name and its first bytes say. */
export function requireDump(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`there is no file ${path}.`);
  if (found.isDirectory()) {
    if (existsSync(join(path, "toc.dat"))) return;
    throw new UsageError(
      `expected a dump of PostgreSQL; found the directory ${path} without the file toc.dat, which 'pg_dump --format=directory' writes. ` +
        "For uploaded files, write --media before it.",
    );
  }
  const head = headOf(path);
  if (head.length === 0) throw new UsageError(`${path} is empty.`);
  if (/^-- (MySQL|MariaDB) dump|^\/\*M!/.test(head.toString("latin1")))
    throw new UsageError(
      `${path} is a dump of MySQL or MariaDB, and Berth runs PostgreSQL. Load it into a PostgreSQL with pgloader first, and dump that.`,
    );
  if (head.subarray(0, 15).toString("latin1") === "SQLite format 3")
    throw new UsageError(
      `${path} is a database of SQLite, and Berth runs PostgreSQL. For Django, 'manage.py dumpdata' and 'loaddata' move its data.`,
    );
}

function headOf(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(512);
    return head.subarray(0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

/** What is sent of it: a directory as a tar, a file without gzip's compression. */
export function openDump(path: string): Readable {
  if (statSync(path).isDirectory()) return tarOf(path);
  const file = createReadStream(path);
  const head = headOf(path);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return file;
  const plain = createGunzip();
  pipeline(file, plain, () => undefined);
  return plain;
}

/** All that is below a directory. */
export function tarOf(directory: string): Readable {
  const child = spawn("tar", ["--create", "--file=-", `--directory=${directory}`, "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.once("error", (error) => child.stdout.destroy(error));
  child.once("close", (code) => {
    if (code !== 0) child.stdout.destroy(new Error(`tar could not read ${directory}: status ${code}`));
  });
  return child.stdout;
}

/** A line of JSON, and the file in pieces: before each its length, and at the end a length of none. */
export async function* framed(told: object, file: Readable | undefined): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(told)}\n`);
  if (file === undefined) return;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += piece) {
      const part = chunk.subarray(at, at + piece);
      yield lengthOf(part.length);
      yield part;
    }
  }
  yield lengthOf(0);
}

function lengthOf(bytes: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes);
  return head;
}
