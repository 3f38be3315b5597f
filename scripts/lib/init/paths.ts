// Which paths below the project its settings put together, by os.path.join or by pathlib's slashes.
import type { Project } from "./project.ts";
import type { Module } from "./python.ts";

export interface PathFound {
  /** The setting that it is part of. */
  readonly setting: string;
  /** Relative to the project. */
  readonly path: string;
  readonly at: string;
}

/** A name, and texts below it. Those that begin with a slash are no paths below anything. */
const joined =
  /\bjoin\(\s*(\w+)((?:\s*,\s*(?:"[^"\n]+"|'[^'\n]+'))+)\s*,?\s*\)|\b([A-Za-z_]\w*)((?:\s*\/\s*(?:"[^"\n/][^"\n]*"|'[^'\n/][^'\n]*'))+)/g;

/** @param chain the settings module, and after it those that it takes all from */
export function settingsPaths(chain: readonly Module[]): PathFound[] {
  const known = new Map<string, string>();
  // What others take from a module is settled first.
  return [...chain].reverse().flatMap(({ path, assigns }) => {
    const own = assigns.filter(({ inside }) => inside === undefined);
    const found: PathFound[] = [];
    for (const assign of own) {
      const folder = baseOf(path, assign.source);
      if (folder !== undefined) known.set(assign.name, folder);
      const paths = [...assign.source.matchAll(joined)].flatMap(
        ([, byJoin, joinedTexts, bySlash, slashedTexts]) => {
          const base = known.get(byJoin ?? bySlash ?? "");
          const texts = [...(joinedTexts ?? slashedTexts ?? "").matchAll(/["']([^"']+)["']/g)];
          const parts = [base ?? "", ...texts.map(([, one]) => one)].join("/").split("/").filter(Boolean);
          return base === undefined || parts.includes("..") ? [] : [parts.join("/")];
        },
      );
      const [first] = paths;
      if (paths.length === 1 && first !== undefined && isPath(assign.source)) known.set(assign.name, first);
      found.push(...paths.map((one) => ({ setting: assign.name, path: one, at: `${path}:${assign.line}` })));
    }
    return found;
  });
}

const isPath = (source: string) => /^(str\(|Path\(|os\.path\.\w+\(|\w+\s*\/)/.test(source);

/** A directory that is told by the file that names it; `` for the top. */
function baseOf(path: string, source: string): string | undefined {
  if (!/\b__file__\b/.test(source)) return undefined;
  const ups =
    (source.match(/\bdirname\(/g)?.length ?? 0) +
    (source.match(/\.parent\b/g)?.length ?? 0) +
    [...source.matchAll(/\.parents\[(\d)\]/g)].reduce((sum, [, one]) => sum + Number(one) + 1, 0) +
    (source.match(/["'/]\.\.(?=["'/])|\bpardir\b/g)?.length ?? 0) +
    Number(/-\s*(\d)\s*$/.exec(source)?.[1] ?? 0);
  const parts = path.split("/");
  return ups === 0 || ups > parts.length || /["']\w/.test(source)
    ? undefined
    : parts.slice(0, parts.length - ups).join("/");
}

/** What only keeps a directory in git. */
const keeper = /(^|\/)\.(gitkeep|keep|gitignore)$/;

/** Whether the source has files of its own there. */
export const isFilled = (project: Project, folder: string): boolean =>
  project.files.paths.some((path) => path.startsWith(`${folder}/`) && !keeper.test(path));
