// What is built from JavaScript, and from translations.
import type { Files } from "./files.ts";
import { isAside } from "./project.ts";

export interface Built {
  /** The directories of front ends that are not beside manage.py: one, or several of which not all may be wanted. */
  readonly frontEnds: readonly string[];
  /** Commands of app.build. */
  readonly commands: readonly string[];
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
  const frontEnds: string[] = [];
  const commands: string[] = [];
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
    if (locks.some(([file]) => files.has(`${folder}/${file}`))) frontEnds.push(folder);
    else
      todos.push(
        `${folder}/package.json has a build, and no package-lock.json pins its packages. Commit one, then name ${folder} as app.build.frontEnd; or ship what is built.`,
      );
  }

  const sources = files.paths.filter((path) => /\/LC_MESSAGES\/[\w-]+\.po$/.test(path) && !isAside(path));
  const isCompiled = sources.every((path) => files.has(path.replace(/\.po$/, ".mo")));
  if (sources.length > 0 && !isCompiled) {
    const folder = (sources[0] as string).split("/").slice(0, -3).join("/");
    if (isDjango) {
      packages.push("gettext");
      // Without DJANGO_SETTINGS_MODULE it finds every directory `locale`, and needs none of the settings.
      commands.push("django-admin compilemessages --ignore .venv --ignore node_modules");
    } else if ([...dependencies].some((name) => /babel/.test(name))) {
      commands.push(`pybabel compile -d ${quoted(folder)}`);
    }
  }
  return { frontEnds, commands, packages, notes, todos };
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
