// Which tests a change can have touched, for `npm test -- --changed`. A test needs what it imports and every file that
// it reads, runs or deploys, and so on from there. All of these stand in the code as text: an import, "create.sh",
// "examples/flask", `../../docs/${name}.json`. So there is one rule: a file needs what it names, from the root or from
// its own folder. It finds too much rather than too little, as long as paths are not put together from single names.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";

/** A test that a change can have touched. */
export interface AffectedTest {
  /** The test's path from the root. */
  readonly file: string;
  /** The changed file that is the reason, by its path from the root. */
  readonly because: string;
}

/**
 * The files that differ from what they were at `ref`, by their paths from the root: committed since, staged, edited, and
 * new files that git does not ignore. A file that was deleted or renamed is there by the path that it had.
 *
 * @throws when git knows no such `ref`
 */
export function changedFiles(root: string, ref: string): string[] {
  const commit = git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]);
  if (commit.status !== 0) {
    const [fault = ""] = commit.stderr.split("\n");
    throw new Error(
      fault === ""
        ? `--changed: found '${ref}', which is no commit here. Name a branch, a tag or a commit: --changed main`
        : `--changed: git cannot read ${root} (${fault}). Run this in a clone of the repository.`,
    );
  }
  // Without the detection of renames, which would leave out the old path.
  const differing = ["diff", "--name-only", "--no-renames", "--relative", "-z", commit.stdout.trim(), "--"];
  const created = ["ls-files", "--others", "--exclude-standard", "-z"];
  const paths = [differing, created].flatMap((args) => {
    const { status, stdout, stderr } = git(root, args);
    if (status !== 0) throw new Error(`--changed: 'git ${args[0]}' failed: ${stderr.trim()}`);
    return stdout.split("\0");
  });
  return [...new Set(paths)].filter((path) => path !== "").sort();
}

function git(root: string, args: readonly string[]) {
  const result = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (result.error)
    throw new Error(`--changed needs git (Debian: apt-get install git): ${result.error.message}`);
  return result;
}

/** Of the tests those that the change can have touched, in the order given. Paths are from the root. */
export function affectedTests(
  root: string,
  tests: readonly string[],
  changed: readonly string[],
): AffectedTest[] {
  const needs = filesNeeded(root, tests, changed);
  return tests.flatMap((file) => {
    const because = changed.find((one) => isToolchain(one) || needs.get(file)?.has(one));
    return because === undefined ? [] : [{ file, because }];
  });
}

/** All files that each test needs, itself and the runner among them. Files that are gone are found if they are given. */
export function filesNeeded(
  root: string,
  tests: readonly string[],
  gone: readonly string[] = [],
): Map<string, ReadonlySet<string>> {
  const common = closure(runner, (file) => runnerParts(root, file));
  // The runner names all tests, and needs none of them.
  const needs = namesIn(root, gone, (file) => common.has(file) || isToolchain(file) || checks.includes(file));
  return new Map(tests.map((test) => [test, new Set([...common, ...closure(test, needs)])]));
}

/** What runs the tests. It belongs to every test, with what it imports from scripts/. */
const runner = "scripts/test.ts";

/** These name much of the repository, to check or to order it. No test finds another result by that. */
const checks = [
  "scripts/check.ts",
  "scripts/lib/contract/files.ts",
  "scripts/lib/python-check.ts",
  ".dependency-cruiser.json",
  "biome.json",
  "pyproject.toml",
  "test/durations.json",
];

/** What every test runs with. */
const isToolchain = (file: string) =>
  ["package.json", "package-lock.json", "tsconfig.json", "scripts/node"].includes(file) ||
  file.startsWith(".ci/");

function runnerParts(root: string, file: string): string[] {
  const imports = ts.preProcessFile(textOf(root, file)).importedFiles;
  return imports
    .map(({ fileName }) => posix.join(posix.dirname(file), fileName))
    .filter((path) => path.startsWith(posix.dirname(runner)) && !checks.includes(path));
}

/** A file and all that it needs, directly or by others. */
function closure(start: string, needs: (file: string) => readonly string[]): Set<string> {
  const found = new Set([start]);
  // A set may grow while it is walked.
  for (const file of found) for (const other of needs(file)) found.add(other);
  return found;
}

/** Answers which files a file names; a folder's name stands for all files below it. */
function namesIn(
  root: string,
  gone: readonly string[],
  isSilent: (file: string) => boolean,
): (file: string) => readonly string[] {
  const places = placesOf([...new Set([...filesBelow(root, ""), ...gone])].sort());
  const known = new Map<string, readonly string[]>();
  return (file) => {
    const words = known.has(file) || isSilent(file) ? [] : wordsOf(file, textOf(root, file));
    const names = known.get(file) ?? [...new Set(words.flatMap((word) => places(word, file)))];
    known.set(file, names);
    return names;
  };
}

/** The text of a file; none where it was deleted. */
function textOf(root: string, file: string): string {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Folders that hold nothing of the repository. */
const foreign = new Set([
  ".git",
  ".berth",
  "node_modules",
  "__pycache__",
  ".venv",
  ".mypy_cache",
  ".ruff_cache",
]);

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (foreign.has(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(root, path) : [path];
  });
}

/** A piece of text that may be a path. */
interface Word {
  readonly text: string;
  /** Whether it stands alone, and is no word of a sentence. */
  readonly whole: boolean;
  /** Whether it is handed to something, as in `join(root, "policy")` and `["scripts", "engine"]`. */
  readonly given: boolean;
}

/** Where a template has an expression, which stands for any name. */
const hole = "\0";

/** Answers which files a word in a file means, if it is a path: from the root, or from the folder of that file. */
function placesOf(files: readonly string[]): (word: Word, file: string) => readonly string[] {
  const below = new Map<string, string[]>();
  for (const file of files) {
    for (let path = file; path !== "."; path = posix.dirname(path)) {
      const others = below.get(path);
      if (others) others.push(file);
      else below.set(path, [file]);
    }
  }
  const paths = [...below.keys()];
  return (word, file) => {
    const near = posix.dirname(file);
    const found = [...new Set(["", near])].flatMap((folder) => {
      const path = posix.join(folder, word.text).replace(/\/$/, "");
      const alike = path.includes(hole) ? paths.filter(matching(path)) : [path];
      return alike.flatMap((one) => {
        const there = below.get(one) ?? [];
        return isMeant(word, there[0] === one ? one : undefined, folder === near) ? there : [];
      });
    });
    return [...new Set(found)];
  };
}

/**
 * Whether a word is meant as the path that it could be: of a file, or of a folder. A path of several names always is. A
 * single name may be any word, such as "test" or "index.ts". And a sentence may point a reader to a document.
 */
function isMeant({ text, whole, given }: Word, file: string | undefined, near: boolean): boolean {
  if (!whole && file?.endsWith(".md")) return false;
  if (text.includes("/")) return true;
  if (file === undefined || !near) return given;
  return whole || !text.includes(hole);
}

function matching(pattern: string): (path: string) => boolean {
  const parts = pattern.split(hole).map((part) => part.replaceAll(/[.+]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join("[^/]*")}$`);
  return (path) => expression.test(path);
}

/** The words of a file that may be paths. A document names much and runs nothing. */
function wordsOf(file: string, text: string): Word[] {
  if (file.endsWith(".md")) return [];
  return /\.m?ts$/.test(file)
    ? literals(file, text).flatMap((one) => words(one.text, one.given))
    : words(text, false);
}

/** All that looks like a path in a text: a path by itself, a command line, a sentence, a script. */
function words(raw: string, given: boolean): Word[] {
  const text = raw.replaceAll(/\$\{[^}]*\}|\$\w+/g, hole);
  return [...text.matchAll(/[\w.+@/\0-]+/g)]
    .map(([word]) => ({
      // After an expression comes the rest of a path: `${root}/docs`.
      text: word.replace(/^\0?\/+/, ""),
      whole: word === text,
      given: given && word === text,
    }))
    .filter((word) => /\w/.test(word.text) && !/\w\/\.\./.test(word.text));
}

interface Literal {
  readonly text: string;
  /** As a word's. */
  readonly given: boolean;
}

/** The texts in a TypeScript file. Types are none of its needs: they are gone when it runs. */
function literals(file: string, text: string): Literal[] {
  const found: Literal[] = [];
  const visit = (node: ts.Node, parent: ts.Node): void => {
    if (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly) return;
    if (ts.isExportDeclaration(node) && node.isTypeOnly) return;
    if (ts.isTypeNode(node)) return;
    const given =
      ts.isArrayLiteralExpression(parent) || ts.isCallExpression(parent) || ts.isNewExpression(parent);
    if (ts.isStringLiteralLike(node)) found.push({ text: node.text, given });
    if (ts.isTemplateExpression(node)) found.push(template(node, given));
    ts.forEachChild(node, (child) => visit(child, node));
  };
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  visit(source, source);
  return found;
}

/** A template with holes. One that begins with `${folder}/` may mean a place anywhere, unless the folder is the root. */
function template({ head, templateSpans }: ts.TemplateExpression, given: boolean): Literal {
  const first = head.text === "" ? templateSpans[0] : undefined;
  const folder = first?.literal.text.startsWith("/") ? first.expression : undefined;
  const inRoot = folder !== undefined && ts.isIdentifier(folder) && folder.text === "root";
  const text = [head.text, ...templateSpans.map((span) => span.literal.text)].join(hole);
  return { text: inRoot ? text.slice(2) : text, given: given && (folder === undefined || inRoot) };
}
