// Files that the application has nginx send, by a header of its answer: for which paths nginx does so, the stack has to say.
import type { Dependencies } from "./dependencies.ts";
import type { Project } from "./project.ts";
import { type Module, textIn } from "./python.ts";

export interface AccelFound {
  /** What does it: `FILE:LINE`, or a package. */
  readonly by: string;
  /** The path that the header has, as far as it is known. */
  readonly path: string;
  /** Whether the header has the address of the file itself, below MEDIA_URL: then that has to be `path`. */
  readonly isOfMedia: boolean;
  /** Whether the settings read MEDIA_URL from the environment. */
  readonly isRead: boolean;
}

/** nginx asks the application again for what is below /media/. */
const besideMedia = "/usercontent/";

/** @param chain the settings module, and after it those that it takes all from */
export function readAccel(
  project: Project,
  chain: readonly Module[],
  { names }: Dependencies,
  isRead: boolean,
): AccelFound | undefined {
  for (const path of project.code) {
    const lines = (project.files.read(path) ?? "").split("\n");
    const at = lines.findIndex((line) => /^(?!\s*#).*["']X-Accel-Redirect["']/i.test(line));
    if (at < 0) continue;
    // The value may stand on the next line.
    const value = lines.slice(at, at + 2).join("\n");
    const isOfMedia = /\.url\b|MEDIA_URL/.test(value);
    const own = /["'](\/[\w-]+\/)/.exec(value)?.[1];
    return own === "/berth/"
      ? undefined
      : {
          by: `${path}:${at + 1}`,
          path: isOfMedia
            ? besideMedia
            : own === undefined || /^\/(media|static)\/$/.test(own)
              ? "/protected/"
              : own,
          isOfMedia,
          isRead,
        };
  }
  const setting = (name: string) =>
    chain
      .flatMap(({ assigns }) => assigns)
      .filter((one) => one.name === name)
      .map(({ value }) => textIn(value))
      .find((one) => one !== undefined);
  const package_ = ["django-sendfile2", "django-sendfile", "django-downloadview"].find((one) =>
    names.has(one),
  );
  const text = chain.map(({ path }) => project.files.read(path) ?? "").join("\n");
  if (
    package_ === undefined ||
    !/sendfile\.backends\.nginx|nginx\.(XAccelRedirectMiddleware|SingleXAccel)/.test(text)
  )
    return undefined;
  const url = /^\/[\w/-]+$/.exec(setting("SENDFILE_URL") ?? "")?.[0].replace(/\/?$/, "/");
  if (url?.startsWith("/berth/")) return undefined;
  return { by: package_, path: url ?? "/protected/", isOfMedia: false, isRead };
}

/** What has to be done, for the file and for who ran init. */
export function accelAdvice({ by, path, isOfMedia, isRead }: AccelFound): string {
  const nginx = `${by} answers with X-Accel-Redirect, and nginx sends such files for the paths in site.accel alone: `;
  if (!isOfMedia)
    return `${nginx}write there the path that the header has, such as ${path}, none below /media/ or /static/; see docs/front-door.md, 'Private files'.`;
  const where = isRead
    ? `write MEDIA_URL: ${path} below app.env`
    : `set MEDIA_URL = "${path}" in the settings`;
  return `${nginx}${where}, because /media/ leads to the application again, and add the path to site.accel; see docs/front-door.md, 'Private files'.`;
}
