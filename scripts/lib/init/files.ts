// The files of an application, as a release would have them. They are read, and nothing of them is run.
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { neverShipped } from "../../../components/app/archive.ts";

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
  const rules = ignore().add(neverShipped);
  for (const name of [".gitignore", ".berthignore"]) {
    const path = join(directory, name);
    if (isFile(path)) rules.add(readFileSync(path, "latin1"));
  }
  const paths = listFiles(directory, rules, faults);
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

/** Level by level, so that what lies deep is left out where there is too much. */
function listFiles(directory: string, rules: Ignore, faults: string[]): string[] {
  const found: string[] = [];
  let level = [""];
  while (level.length > 0) {
    const next: string[] = [];
    for (const below of level) {
      for (const entry of entriesOf(directory, below, faults)) {
        const path = below === "" ? entry.name : `${below}/${entry.name}`;
        if (rules.ignores(entry.isDirectory() ? `${path}/` : path)) continue;
        if (entry.isDirectory()) next.push(path);
        else if (entry.isFile() || isOwnLink(directory, path)) found.push(path);
        if (found.length < mostFiles) continue;
        faults.push(
          `only the first ${mostFiles} files were looked at: .berthignore can leave out what is no code`,
        );
        return found;
      }
    }
    level = next;
  }
  return found;
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

function entriesOf(directory: string, below: string, faults: string[]) {
  try {
    const entries = readdirSync(join(directory, below), { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    faults.push(`${below || "."}: cannot be read: ${(error as NodeJS.ErrnoException).code}`);
    return [];
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
