// The migrations of Django that a change adds: which, what they lock, and their SQL.
import { execFileSync } from "node:child_process";
import { existsSync, globSync, lstatSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../command-line.ts";
import { readPython, textIn } from "../../init/python.ts";
import { sourceOf } from "../../stack.ts";
import { type Finding, locksOf } from "./locks.ts";
import { Models } from "./models.ts";
import { readMigration } from "./read.ts";
import { askSql, type Sql } from "./sql.ts";

export interface NewMigration {
  /** From the directory of the application. */
  readonly path: string;
  readonly findings: readonly Finding[];
  /** @default nobody has asked */
  readonly sql?: Sql;
}

export const sourceFolder = (root: string, stack: string): string =>
  resolve(root, sourceOf(root, stack.split("/").at(-1) ?? stack));

/**
 * The migrations that the source of a stack has and that a commit of its repository does not have, by their paths.
 *
 * @throws when the source is no directory of a repository, or the repository has no such commit
 */
export function migrationsSince(root: string, stack: string, commit: string): string[] {
  const source = sourceFolder(root, stack);
  const git = (...args: string[]): string => {
    try {
      return execFileSync("git", ["-C", source, ...args], {
        encoding: "utf8",
        maxBuffer: 256 * 1024 * 1024,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      const said = `${(error as { stderr?: string }).stderr ?? error}`.trim().split("\n")[0];
      throw new UsageError(
        `--since: git does not know what is new in ${source} since '${commit}' (${said}). ` +
          "Name a commit that this clone has; a pipeline may have to fetch more than one (fetch-depth: 2).",
      );
    }
  };
  const base = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{commit}`).trim();
  const listed = (...args: string[]) => git(...args, "--", ".").split("\0");
  const added = listed("diff", "--name-only", "--no-renames", "--diff-filter=A", "--relative", "-z", base);
  // A deployment takes what lies in the directory, so also what nobody has added to git yet.
  const untracked = listed("ls-files", "--others", "--exclude-standard", "-z");
  return [...new Set([...added, ...untracked])].filter((path) => isMigration(path)).sort();
}

/** A link or a device in a branch could lead anywhere. */
const isFile = (source: string, path: string) => lstatSync(join(source, path)).isFile();

const isMigration = (path: string) => /(^|\/)migrations\/\d[^/]*\.py$/.test(path);

/** What those lock, each after the ones beside it, by whose order an application numbers them. */
export function readNew(source: string, paths: readonly string[]): NewMigration[] {
  const found = new Map<string, readonly Finding[]>();
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    const models = new Models();
    for (const path of globSync(`${folder}/*.py`, { cwd: source })
      .filter((path) => isMigration(path) && isFile(source, path))
      .sort()) {
      const file = readMigration(path, readFileSync(join(source, path), "utf8"));
      if (paths.includes(path)) found.set(path, locksOf(file, models));
      else for (const operation of file.operations) models.apply(operation, false);
    }
  }
  return paths.map((path) => ({ path, findings: found.get(path) ?? [] }));
}

/** The same with the SQL of each. */
export async function withSql(
  command: string,
  source: string,
  migrations: readonly NewMigration[],
): Promise<NewMigration[]> {
  const asked = migrations.map(({ path }) => ({ app: labelOf(source, path), name: basename(path, ".py") }));
  const found = await askSql(command, source, asked);
  return migrations.map((one, index) => ({ ...one, sql: found[index] as Sql }));
}

/** What Django calls the application: the name of its folder, where its AppConfig has no other. */
function labelOf(source: string, path: string): string {
  const folder = dirname(dirname(path));
  const file = join(source, folder, "apps.py");
  const assigns = existsSync(file) ? readPython(file, readFileSync(file, "utf8")).assigns : [];
  return textIn(assigns.find(({ name }) => name === "label")?.value) ?? basename(resolve(source, folder));
}
