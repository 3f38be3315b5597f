// The folders below manage.py from which Python imports as well: those that manage.py puts on sys.path, and the one in which
// alone the settings module lies that it names. A server does not run manage.py, so it has to be told of them.
import type { Files } from "./files.ts";
import { type Expression, type Module, textIn, textsIn } from "./python.ts";

export interface ImportRoot {
  readonly folder: string;
  /** How it is known, as a sentence. */
  readonly because: string;
  /** Whether what lies there is called without the folder. */
  readonly isNameless: boolean;
}

/** @param isCode whether a file can be part of what runs in production */
export function importRoots(
  files: Files,
  manage: Module | undefined,
  isCode: (path: string) => boolean,
): ImportRoot[] {
  if (manage === undefined) return [];
  const has = (folder: string) =>
    files.paths.some((path) => path.startsWith(`${folder}/`) && path.endsWith(".py"));
  const added = addedFolders(manage).filter(has);
  const paths = fileNames(settingsNamed(manage));
  const isBelow = (folder: string) => paths.some((path) => files.has(`${folder}/${path}`));
  const isReached = paths.some((path) => files.has(path)) || added.some(isBelow);
  const alone = isReached ? [] : foldersWith(files, paths, isCode);
  const isNameless = (folder: string) => !files.has(`${folder}/__init__.py`) || isBelow(folder);
  return [
    ...[...new Set(added)].map((folder) => ({
      folder,
      because: `manage.py puts ${folder} on sys.path, so Python imports from there.`,
      isNameless: isNameless(folder),
    })),
    ...(alone.length === 1 ? alone : []).map((folder) => ({
      folder,
      because: `manage.py names ${settingsNamed(manage)}, which is in ${folder}, so Python imports from there.`,
      isNameless: true,
    })),
  ];
}

const settingsNamed = ({ calls }: Module): string | undefined =>
  calls
    .filter(
      ({ name, args }) => /environ\.setdefault$/.test(name) && textIn(args[0]) === "DJANGO_SETTINGS_MODULE",
    )
    .map(({ args }) => textIn(args[1]))
    .find((one) => one !== undefined);

function fileNames(module: string | undefined): string[] {
  const path = module?.replaceAll(".", "/");
  return path === undefined ? [] : [`${path}.py`, `${path}/__init__.py`];
}

const foldersWith = (files: Files, names: readonly string[], isCode: (path: string) => boolean): string[] => [
  ...new Set(
    files.paths
      .filter(isCode)
      .flatMap((path) =>
        names.filter((name) => path.endsWith(`/${name}`)).map((name) => path.slice(0, -name.length - 1)),
      ),
  ),
];

/** What is put on sys.path, relative to manage.py. Paths beyond it are left out. */
function addedFolders(manage: Module): string[] {
  const called = manage.calls.flatMap(({ name, args }) =>
    /^(sys\.)?path\.(insert|append|extend)$|^(site\.)?addsitedir$/.test(name) ? args.slice(-1) : [],
  );
  const assigned = manage.assigns.filter(({ name }) => name === "sys.path").map(({ value }) => value);
  return [...called, ...assigned].flatMap((one) => {
    const items = one.kind === "list" ? one.items : [one];
    return items.flatMap((item) => plainPath(partsOf(item, manage, 0)) ?? []);
  });
}

/** The texts that a path is put together from, in their order; names stand for what they were given. */
function partsOf(one: Expression, manage: Module, depth: number): string[] {
  const named = (name: string): string[] => {
    const found = manage.assigns.findLast((assign) => assign.name === name);
    return found === undefined || depth > 4 ? [] : partsOf(found.value, manage, depth + 1);
  };
  if (one.kind === "text") return [one.value];
  if (one.kind === "name") return named(one.name);
  if (one.kind === "call") {
    const receiver = one.call.name.split(".").slice(0, -1).join(".");
    return [...named(receiver), ...one.call.args.flatMap((arg) => partsOf(arg, manage, depth))];
  }
  if (one.kind !== "other") return [];
  // `HERE / "src"`
  return [...one.source.matchAll(/(["'])[^"'\n]*\1|[A-Za-z_]\w*/g)].flatMap(([word]) =>
    /^["']/.test(word) ? textsIn({ kind: "other", source: word }) : named(word),
  );
}

function plainPath(parts: readonly string[]): string | undefined {
  if (parts.some((part) => part.startsWith("/"))) return undefined;
  const path: string[] = [];
  for (const part of parts.flatMap((one) => one.split("/"))) {
    if (part === "" || part === ".") continue;
    if (part === ".." && path.pop() === undefined) return undefined;
    if (part !== "..") path.push(part);
  }
  // A colon would begin another folder in PYTHONPATH.
  return path.length === 0 || path.some((part) => part.includes(":")) ? undefined : path.join("/");
}
