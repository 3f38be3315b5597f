// What is built from JavaScript, and from translations.
import type { Files } from "./files.ts";
import { isAside } from "./project.ts";

export interface Built {
  /** Commands of app.build, each with a doubt where it is not certain. */
  readonly commands: readonly (readonly [command: string, doubt: string | undefined])[];
  readonly packages: readonly string[];
  readonly notes: readonly string[];
  readonly todos: readonly string[];
}

/** By what Berth installs: release/frontend.py. */
const locks: readonly (readonly [file: string, program: string])[] = [
  ["package-lock.json", "npm"],
  ["npm-shrinkwrap.json", "npm"],
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
];
const otherLocks: readonly (readonly [file: string, program: string])[] = [
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
];

export function readBuilt(files: Files, dependencies: ReadonlySet<string>, isDjango: boolean): Built {
  const commands: [string, string | undefined][] = [];
  const packages: string[] = [];
  const notes: string[] = [];
  const todos: string[] = [];

  const top = packageOf(files, "");
  if (top === "broken")
    todos.push(
      "package.json is not valid JSON, and a release with it is refused. Correct it, or name it in .berthignore.",
    );
  if (top === "build" || top === "packages") {
    const own = locks.find(([file]) => files.has(file));
    if (own !== undefined) {
      const install = own[1] === "npm" ? "npm ci" : `${own[1]} install`;
      notes.push(
        top === "build"
          ? `Berth runs '${install}' and '${own[1]} run build' in each release, as package.json has it.`
          : `Berth runs '${install}' in each release, as package.json has it.`,
      );
    } else {
      const other = otherLocks.find(([file]) => files.has(file));
      const told =
        other === undefined
          ? "There is a package.json without a package-lock.json"
          : `The front end is pinned by ${other[0]}, and Berth installs from package-lock.json`;
      todos.push(
        `${told}, so a release is refused. Run 'npm install' and commit package-lock.json, or name package.json in .berthignore and ship what ${other?.[1] ?? "npm"} has built.`,
      );
    }
  }
  const folders = files.paths
    .filter((path) => /^[^/]+(\/[^/]+)?\/package\.json$/.test(path) && !isAside(path))
    .map((path) => path.slice(0, -"/package.json".length))
    .filter((folder) => packageOf(files, folder) === "build");
  for (const folder of top === "build" ? [] : folders) {
    if (files.has(`${folder}/package-lock.json`)) {
      const doubt =
        folders.length > 1
          ? "there are several front ends, and not all may belong to this application"
          : undefined;
      commands.push(
        [`npm --prefix ${quoted(folder)} ci`, doubt],
        [`npm --prefix ${quoted(folder)} run build`, doubt],
      );
      if (doubt === undefined) packages.push("nodejs", "npm");
    } else
      todos.push(
        `${folder}/package.json has a build, and no package-lock.json pins its packages. Commit one, then have it built by app.build.commands; or ship what is built.`,
      );
  }

  const sources = files.paths.filter((path) => /\/LC_MESSAGES\/[\w-]+\.po$/.test(path) && !isAside(path));
  const isCompiled = sources.every((path) => files.has(path.replace(/\.po$/, ".mo")));
  if (sources.length > 0 && !isCompiled) {
    const folder = (sources[0] as string).split("/").slice(0, -3).join("/");
    if (isDjango) {
      packages.push("gettext");
      // Without DJANGO_SETTINGS_MODULE it finds every directory `locale`, and needs none of the settings.
      commands.push(["django-admin compilemessages --ignore .venv --ignore node_modules", undefined]);
    } else if ([...dependencies].some((name) => /babel/.test(name))) {
      commands.push([`pybabel compile -d ${quoted(folder)}`, undefined]);
    }
  }
  return { commands, packages, notes, todos };
}

const quoted = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** As release/frontend.py tells them apart. */
function packageOf(files: Files, folder: string): "none" | "packages" | "build" | "broken" {
  const text = files.read(folder === "" ? "package.json" : `${folder}/package.json`);
  if (text === undefined) return "none";
  try {
    const { scripts = {}, dependencies = {} } = JSON.parse(text) as {
      scripts?: object;
      dependencies?: object;
    };
    if ("build" in scripts) return "build";
    return Object.keys(dependencies).length > 0 ? "packages" : "none";
  } catch {
    return "broken";
  }
}
