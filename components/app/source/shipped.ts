import { spawnSync } from "node:child_process";
import { type Dirent, existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ignore, { type Ignore } from "ignore";

/** What no release needs, unless git keeps it: environments, caches, a developer's own settings and database. */
const unneeded = ignore().add([
  ".hg",
  ".svn",
  ".venv",
  "venv",
  "node_modules",
  "__pycache__",
  "*.pyc",
  ".mypy_cache",
  ".pytest_cache",
  ".ruff_cache",
  ".tox",
  ".DS_Store",
  ".env",
  "*.sqlite3",
]);

/** What is never a part of a source. */
const foreign = [".git", ".berth"];

/**
 * The files of a directory that a release is made of, by their paths in it. In a work tree of git these are what git
 * keeps, and what it would add: its rules, those of parent folders and of nested ones among them, decide, so that a
 * directory and its commit are one release. Elsewhere they are what the `.gitignore` files there leave. A `.berthignore`
 * in the directory has the last word, by the rules of gitignore(5).
 *
 * @throws {Error} for what cannot be shipped: a device, a FIFO, a socket, a submodule that is not there
 */
export function shippedFiles(directory: string): string[] {
  const own = join(directory, ".berthignore");
  const text = existsSync(own) ? readFileSync(own, "utf8") : "";
  const rules = ignore().add(text);
  const found = (keptByGit(directory) ?? walk(directory)).filter((path) => !rules.ignores(path));
  const again = /^!/m.test(text) ? takenBack(directory, rules) : [];
  const all = [...new Set([...found, ...again])].sort();
  for (const path of all) refuseSpecial(join(directory, path));
  return all;
}

/** As git lists them; undefined where there is no git, or no work tree of it. */
function keptByGit(directory: string): string[] | undefined {
  const listed = git(directory, ["ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard"]);
  if (listed === undefined) return undefined;
  // A directory that a work tree ignores as a whole is nothing of git's.
  if (listed === "" && git(directory, ["check-ignore", "-q", "--", resolve(directory)]) !== undefined)
    return undefined;
  return listed.split("\0").flatMap((line) => {
    const path = line.slice(2).replace(/\/$/, "");
    const isTracked = !line.startsWith("?");
    if (path === "" || isForeign(path) || (!isTracked && unneeded.ignores(path))) return [];
    const state = lstatSync(join(directory, path), { throwIfNoEntry: false });
    // Deleted, and not committed yet.
    if (state === undefined) return [];
    if (state.isDirectory()) return inAnotherTree(directory, path, isTracked);
    return [path];
  });
}

/** A submodule, or a work tree inside of another one. */
function inAnotherTree(directory: string, path: string, isTracked: boolean): string[] {
  const there = join(directory, path);
  if (isTracked && readdirSync(there).length === 0) {
    throw new Error(`${there}: is a submodule that is not there. Run 'git submodule update --init'.`);
  }
  if (!existsSync(join(there, ".git"))) return [];
  return shippedFiles(there).map((file) => `${path}/${file}`);
}

/** What git answers, with nothing of its configuration that would run a program; undefined where it refuses. */
function git(directory: string, args: readonly string[]): string | undefined {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  // Under sudo the work tree is another account's.
  const settings = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false"];
  const { status, stdout } = spawnSync("git", [...settings, "-C", directory, ...args], {
    encoding: "utf8",
    env: Object.fromEntries(own),
    maxBuffer: 2 ** 30,
  });
  return status === 0 ? stdout : undefined;
}

/** The rules of one folder, for paths from there. */
interface Rules {
  readonly folder: string;
  readonly rules: Ignore;
}

/** What the .gitignore files leave, of which one in a deeper folder has the last word. */
function walk(root: string, below = "", outer: readonly Rules[] = []): string[] {
  const path = join(root, below, ".gitignore");
  const own = existsSync(path) ? ignore().add(readFileSync(path, "utf8")) : undefined;
  const rules = [
    ...(outer.length > 0 ? outer : [{ folder: "", rules: unneeded }]),
    ...(own === undefined ? [] : [{ folder: below, rules: own }]),
  ];
  return entriesOf(root, below).flatMap(([path, entry]) => {
    if (isIgnored(entry.isDirectory() ? `${path}/` : path, rules)) return [];
    if (entry.isDirectory()) return walk(root, path, rules);
    return [path];
  });
}

function isIgnored(path: string, rules: readonly Rules[]): boolean {
  for (const { folder, rules: own } of rules.toReversed()) {
    const { ignored, unignored } = own.test(folder === "" ? path : path.slice(folder.length + 1));
    if (ignored || unignored) return ignored;
  }
  return false;
}

/** What a `.berthignore` takes back of what would be left out, such as a front end that is built here. */
function takenBack(root: string, rules: Ignore, below = "", isTaken = false): string[] {
  return entriesOf(root, below).flatMap(([path, entry]) => {
    const { ignored, unignored } = rules.test(entry.isDirectory() ? `${path}/` : path);
    if (ignored) return [];
    const taken = isTaken || unignored;
    if (!entry.isDirectory()) return taken ? [path] : [];
    return taken || !unneeded.ignores(path) ? takenBack(root, rules, path, taken) : [];
  });
}

const isForeign = (path: string) => path.split("/").some((name) => foreign.includes(name));

const entriesOf = (root: string, below: string): (readonly [path: string, entry: Dirent])[] =>
  readdirSync(join(root, below), { withFileTypes: true })
    .filter(({ name }) => !foreign.includes(name))
    .map((entry) => [below === "" ? entry.name : `${below}/${entry.name}`, entry] as const);

function refuseSpecial(path: string): void {
  const entry = lstatSync(path);
  if (entry.isFile() || entry.isSymbolicLink()) return;
  const kind = entry.isFIFO() ? "a FIFO" : entry.isSocket() ? "a socket" : "a device";
  throw new Error(
    `${path}: is ${kind}, and a file, a directory or a link was expected. Take it out of the source, or name it in .berthignore.`,
  );
}
