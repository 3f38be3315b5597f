// Where a Flask application keeps uploads among its static files: a release is read only, and nginx serves those.
import type { Project } from "./project.ts";

export interface UploadsFound {
  /** Their directory in the release. */
  readonly path: string;
  /** Where the application says so. */
  readonly at: string;
}

const setting = /\b\w*UPLOAD\w*["']?\]?\s*=\s*(.+)$/i;

/** The directory of uploads below the one of static files, where a setting's own text says so. */
export function uploadsBelow(project: Project, folder: string): UploadsFound | undefined {
  const base = folder.split("/").at(-1);
  for (const { path } of project.having(/UPLOAD/i)) {
    const lines = (project.files.read(path) ?? "").split("\n");
    for (const [index, line] of lines.entries()) {
      // However it is put together: os.path.join, pathlib's slashes, or one text.
      const texts = [...(setting.exec(line)?.[1] ?? "").matchAll(/["']([^"']+)["']/g)].map(
        ([, text]) => text,
      );
      const parts = texts.join("/").split("/").filter(Boolean);
      const below = parts.slice(parts.indexOf(base ?? "") + 1);
      const isPlain = below.every((part) => /^[A-Za-z0-9_][\w.-]*$/.test(part));
      if (parts.includes(base ?? "") && below.length > 0 && isPlain)
        return { path: [folder, ...below].join("/"), at: `${path}:${index + 1}` };
    }
  }
  return undefined;
}
