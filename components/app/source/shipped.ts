import { spawnSync } from "node:child_process";
import {
  type Dirent,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
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
  const text = rulesIn(directory, ".berthignore") ?? "";
  const rules = ignore().add(text);
  const found = (keptByGit(directory) ?? walk(directory)).filter((path) => !rules.ignores(path));
  const again = /^!/m.test(text) ? takenBack(directory, rules) : [];
  const all = [...new Set([...found, ...again])].sort();
  const inside = new Set<string>();
  for (const path of all) {
    refuseOutside(directory, dirname(path), inside);
    refuseSpecial(join(directory, path));
  }
  return all;
}

/** The text of a file of rules; undefined where there is none. */
function rulesIn(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, "utf8") : undefined;
}

/** As git lists them; undefined where there is no work tree of it. */
function keptByGit(directory: string): string[] | undefined {
  const top = workTreeOf(directory);
  if (top === undefined) return undefined;
  const listed = git(top, directory, [
    "ls-files",
    "-t",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
  ]).stdout;
  // A directory that a work tree ignores as a whole is nothing of git's.
  if (listed === "" && git(top, directory, ["check-ignore", "-q", "--", resolve(directory)], 1).status === 0)
    return undefined;
  return listed.split("\0").flatMap((line) => {
    const path = line.slice(2).replace(/\/$/, "");
    const isTracked = !line.startsWith("?");
    if (path === "" || isForeign(path) || (!isTracked && unneeded.ignores(path))) return [];
    const state = lstatSync(join(directory, path), { throwIfNoEntry: false });
    // Deleted, and not committed yet; or left out by a sparse checkout.
    if (state === undefined) return line.startsWith("S") ? [path] : [];
    if (state.isDirectory()) return inAnotherTree(directory, path, isTracked);
    return [path];
  });
}

/**
 * The work tree that a directory is in: the nearest folder with a `.git`.
 *
 * @throws {Error} for one that another account may have put there, whose configuration would lead git
 */
function workTreeOf(directory: string): string | undefined {
  const { uid } = statSync(directory);
  for (let folder = realpathSync(directory); ; folder = dirname(folder)) {
    const state = lstatSync(join(folder, ".git"), { throwIfNoEntry: false });
    if (state !== undefined) {
      const trusted = [uid, process.getuid?.(), Number(process.env.SUDO_UID ?? uid)];
      if (trusted.includes(state.uid) && trusted.includes(statSync(folder).uid)) return folder;
      throw new Error(
        `${folder}/.git belongs to another account (${state.uid}) than ${directory}. Take it away, or give both to the same account.`,
      );
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** A submodule, or a work tree inside of another one. */
function inAnotherTree(directory: string, path: string, isTracked: boolean): string[] {
  const there = join(directory, path);
  const isTree = existsSync(join(there, ".git"));
  if (isTracked && !isTree) {
    throw new Error(`${there}: is a submodule that is not there. Run 'git submodule update --init'.`);
  }
  if (!isTree) return [];
  return shippedFiles(there).map((file) => `${path}/${file}`);
}

/**
 * What git answers, with nothing of a repository's own configuration that would run a program: whoever wrote the
 * repository is not the one who deploys it.
 *
 * @param top the work tree, under sudo another account's
 * @param most the highest status that is an answer
 * @throws {Error} where it refuses: to go on without it would ship what it leaves out
 */
function git(top: string, directory: string, args: readonly string[], most = 0) {
  const settings = [`safe.directory=${top}`, "safe.bareRepository=explicit", "core.fsmonitor=false"];
  const { status, stdout, stderr, error } = spawnSync(
    "git",
    [...settings.flatMap((one) => ["-c", one]), "-C", directory, ...args],
    {
      // What is missing is not fetched, and nobody is asked.
      env: {
        ...plainEnvironment(),
        GIT_ALLOW_PROTOCOL: "none",
        GIT_NO_LAZY_FETCH: "1",
        GIT_TERMINAL_PROMPT: "0",
      },
      maxBuffer: 2 ** 30,
      timeout: 120_000,
    },
  );
  if (error === undefined && status !== null && status <= most) return { status, stdout: inUtf8(stdout) };
  const why = error?.message ?? stderr.toString().trim().split("\n").at(-1);
  throw new Error(
    `${directory}: lies in the work tree ${top}, and 'git ${args[0]}' does not say what is in it: ${why}`,
  );
}

/** What git needs of the environment. The rest may lead it elsewhere, and holds the stack's secrets. */
const plainEnvironment = () =>
  Object.fromEntries(
    ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SUDO_UID"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

function inUtf8(listed: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(listed);
  } catch {
    const odd = listed
      .toString("latin1")
      .split("\0")
      .find((one) => Buffer.from(one, "latin1").toString("utf8").includes("\ufffd"));
    throw new Error(`expected names of files in UTF-8; found ${JSON.stringify(odd?.slice(2))}. Rename it.`);
  }
}

/** The rules of one folder, for paths from there. */
interface Rules {
  readonly folder: string;
  readonly rules: Ignore;
}

/** What the .gitignore files leave, of which one in a deeper folder has the last word. */
function walk(root: string, below = "", outer: readonly Rules[] = []): string[] {
  const text = rulesIn(join(root, below), ".gitignore");
  const own = text === undefined ? undefined : ignore().add(text);
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

/** A path behind a link is another file's, be it of this directory or not. */
function refuseOutside(directory: string, folder: string, inside: Set<string>): void {
  if (inside.has(folder)) return;
  const parts = folder === "." ? [] : folder.split("/");
  const real = join(realpathSync(directory), folder);
  const isOdd = parts.some((part) => part === "" || part === "." || part === "..");
  if (isOdd || (existsSync(real) && realpathSync(real) !== real)) {
    throw new Error(
      `${join(directory, folder)}: is reached by a link, and git has files below it. Commit it as it is now, or name it in .berthignore.`,
    );
  }
  inside.add(folder);
}

function refuseSpecial(path: string): void {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) {
    throw new Error(
      `${path}: is left out by a sparse checkout. Run 'git sparse-checkout disable', or name it in .berthignore.`,
    );
  }
  if (entry.isFile() || entry.isSymbolicLink()) return;
  const kind = entry.isFIFO() ? "a FIFO" : entry.isSocket() ? "a socket" : "a device";
  throw new Error(
    `${path}: is ${kind}, and a file, a directory or a link was expected. Take it out of the source, or name it in .berthignore.`,
  );
}
