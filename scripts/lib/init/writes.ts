// Where an application writes files of its own: a release is read only.
import { isFilled, settingsPaths } from "./paths.ts";
import type { Project } from "./project.ts";
import { type Module, textIn } from "./python.ts";

const writers = /(^|\.)(os\.mkdir|os\.makedirs|makedirs|mkdir|(Rotating|TimedRotating|Watched)?FileHandler)$/;

/** The lines that write to a path in the application's own directory, as far as it is written there as text. */
export const readWrites = (project: Project): string[] =>
  project.having(/mkdir|makedirs|FileHandler\(/).flatMap(({ path, calls }) =>
    calls.flatMap(({ name, args, keywords, line }) => {
      const target = textIn(args[0] ?? keywords.filename);
      const isOwn = target !== undefined && target !== "" && !/^[/~]/.test(target);
      return writers.test(name) && isOwn && !/(^|\/)management\//.test(path)
        ? [`${path}:${line} (${target})`]
        : [];
    }),
  );

export interface SharedFound {
  /** The directory in the release. */
  readonly path: string;
  /** Which settings put files there. */
  readonly settings: readonly string[];
  readonly at: string;
}

/** Settings whose directories are nothing that is written, or have another place. */
const others =
  /^([^A-Z]\w*|STATIC_ROOT|STATICFILES_DIRS|MEDIA_ROOT|DATABASES|TEMPLATES|TEMPLATE_DIRS|LOCALE_PATHS|FIXTURE_DIRS|\w*(WEBPACK|VITE)\w*)$/;
/** What people call directories that programs write to. */
const written =
  /^(data|var|storage|db|caches?|uploads?|media|backups?|logs?|te?mp|exports?|sessions?|whoosh\w*|\w*index(es)?|\w+_data)$/i;

/** Directories that the settings name, that programs write to by their names, and that the source does not fill. */
export function sharedBelow(project: Project, chain: readonly Module[]): SharedFound[] {
  const found = new Map<string, SharedFound>();
  for (const { setting, path, at } of settingsPaths(chain)) {
    const parts = path.split("/");
    // A file, or the directory itself.
    const folders = /\.\w+$/.test(parts.at(-1) ?? "") ? parts.slice(0, -1) : parts;
    const deep = folders.findIndex(
      (one, index) => written.test(one) && !isFilled(project, folders.slice(0, index + 1).join("/")),
    );
    if (others.test(setting) || deep < 0) continue;
    const folder = folders.slice(0, deep + 1).join("/");
    // The stack's own words for it take no other names.
    if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(folder)) continue;
    const before = found.get(folder);
    const settings = [...new Set([...(before?.settings ?? []), setting])];
    found.set(folder, { path: folder, settings, at: before?.at ?? at });
  }
  const all = [...found.values()];
  return all.filter(({ path }) => !all.some((one) => path.startsWith(`${one.path}/`)));
}
