// Whether anything but a developer's server shows uploads: Django's own helper does so with DEBUG alone.
import type { Project } from "./project.ts";
import { type Expression, type Module, textIn, textsIn } from "./python.ts";

/**
 * What of the project leaves uploads unseen; undefined where a route shows them, or they lie elsewhere.
 *
 * @param chain the settings module, and after it those that it takes all from
 */
export function unseenMedia(project: Project, chain: readonly Module[]): string | undefined {
  const assigns = chain.flatMap((module) =>
    module.assigns.map((one) => ({ ...one, at: `${module.path}:${one.line}` })),
  );
  const setting = assigns.find(({ name }) => name === "MEDIA_URL");
  const url = textIn(setting?.value);
  if (setting === undefined || url === undefined || url.includes("//")) return undefined;
  if (!assigns.some(({ name }) => name === "MEDIA_ROOT")) return undefined;
  // A storage elsewhere has addresses of its own.
  const isElsewhere = assigns.some(
    ({ name, value }) =>
      /^(STORAGES|DEFAULT_FILE_STORAGE)$/.test(name) &&
      textsIn(value).some((one) => /S3|GoogleCloud|Azure|Dropbox|Cloudinary/i.test(one)),
  );
  if (isElsewhere) return undefined;
  const place = url.replaceAll(/^\/|\/$/g, "");
  const isBelow = (one: Expression | undefined) =>
    one?.kind === "other"
      ? one.source.includes("MEDIA_URL")
      : `${textIn(one)?.replace(/^[\^/]+/, "")}`.startsWith(`${place}/`);
  const calls = project
    .having(/\burlpatterns\b/)
    .flatMap((module) => module.calls.map((call) => ({ ...call, at: `${module.path}:${call.line}` })));
  const routes = calls.filter(
    ({ name, args }) => /^(\w+\.)?(path|re_path|url)$/.test(name) && isBelow(args[0]),
  );
  if (routes.some(({ conditional }) => !conditional)) return undefined;
  const helper = calls.find(
    ({ name, args }) =>
      /(^|\.)static$/.test(name) && args[0]?.kind === "name" && args[0].name.endsWith("MEDIA_URL"),
  );
  const found = helper ?? routes[0];
  return found === undefined
    ? `${setting.at} has MEDIA_URL, and no route of the project shows uploads`
    : `${found.at} shows uploads with DEBUG alone`;
}
