// The files of an application, as a release would have them. They are read, and nothing of them is run.
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { shippedFiles } from "../../../components/app/source/shipped.ts";

/** A directory that was looked through. Paths are relative to it. */
export interface Files {
  readonly directory: string;
  /** Those nearest to the top first. Links that lead out of the directory are left out. */
  readonly paths: readonly string[];
  has(path: string): boolean;
  /** Its text; undefined where there is none that can be read, which `faults` then tells. */
  read(path: string): string | undefined;
  /** What could not be read, and why. */
  readonly faults: readonly string[];
}

/** Many more than any application has of its own. Beyond, something else lies in the directory. */
const mostFiles = 30_000;
const largest = 1024 * 1024;

export function openFiles(directory: string): Files {
  const faults: string[] = [];
  const paths = listFiles(directory, faults);
  const known = new Set(paths);
  const texts = new Map<string, string | undefined>();
  return {
    directory,
    paths,
    faults,
    has: (path) => known.has(path),
    read: (path) => {
      if (!known.has(path)) return undefined;
      if (!texts.has(path)) texts.set(path, readText(join(directory, path), path, faults));
      return texts.get(path);
    },
  };
}

const isFile = (path: string) => existsSync(path) && lstatSync(path).isFile();

/** What a release would have, those nearest to the top first, so that what lies deep is left out where there is too much. */
function listFiles(directory: string, faults: string[]): string[] {
  let shipped: string[] = [];
  try {
    shipped = shippedFiles(directory);
  } catch (error) {
    faults.push(`no release can be made of it: ${(error as Error).message}`);
  }
  const depth = (path: string) => path.split("/").length;
  const found = shipped
    .filter((path) => isFile(join(directory, path)) || isOwnLink(directory, path))
    .sort((a, b) => depth(a) - depth(b));
  if (found.length > mostFiles) {
    faults.push(
      `only the first ${mostFiles} files were looked at: .berthignore can leave out what is no code`,
    );
  }
  return found.slice(0, mostFiles);
}

/** Whether it is a link to a file of the application. Others may lead anywhere. */
function isOwnLink(directory: string, path: string): boolean {
  try {
    const [top, target] = [realpathSync(directory), realpathSync(join(directory, path))];
    return target.startsWith(`${top}/`) && statSync(target).isFile();
  } catch {
    return false;
  }
}

function readText(file: string, path: string, faults: string[]): string | undefined {
  const fault = (why: string) => {
    faults.push(`${path}: ${why}`);
    return undefined;
  };
  try {
    if (statSync(file).size > largest) return fault("is larger than 1 MiB, so it was not read");
    const bytes = readFileSync(file);
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
    if (bytes.includes(0)) return fault("is not text");
    return decode(bytes) ?? fault("is not in UTF-8, and no line of it says in what else");
  } catch (error) {
    return fault(`cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** As Python reads its own files: https://peps.python.org/pep-0263/. A byte order mark is left out. */
function decode(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, 400).toString("latin1").split("\n", 2).join("\n");
  const [, coding = "utf-8"] = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/m.exec(head) ?? [];
  for (const label of [coding.replaceAll("_", "-").replace(/^(iso-)?latin-1$/, "latin1"), "utf-8"]) {
    try {
      return new TextDecoder(label, { fatal: true }).decode(bytes);
    } catch {}
  }
  return undefined;
}
