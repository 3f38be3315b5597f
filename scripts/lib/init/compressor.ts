// django-compressor: unless it is told otherwise, each page writes what it compresses below STATIC_ROOT, which is read only for
// the application.
import type { Variable } from "./environment.ts";
import { type Module, textsIn } from "./python.ts";

export interface CompressorFound {
  /** What holds or has to be done, as a sentence. */
  readonly note: string;
  /** Whether there is something left to decide. */
  readonly isOpen: boolean;
  /** Whether the release compresses all there is, after collectstatic. */
  readonly isOffline: boolean;
  /** The line of app.env that settles it. */
  readonly env: readonly (readonly [name: string, value: string])[];
}

/** @param chain the settings module, and after it those that it takes all from */
export function readCompressor(
  chain: readonly Module[],
  variables: readonly Variable[],
): CompressorFound | undefined {
  const all = chain.flatMap(({ path, assigns }) =>
    assigns.map((one) => ({ ...one, at: `${path}:${one.line}` })),
  );
  const apps = all.find(({ name, value }) => name.endsWith("_APPS") && textsIn(value).includes("compressor"));
  if (apps === undefined) return undefined;
  const is = (name: string, source: string) => {
    const set = all.filter((one) => one.name === name);
    return set.length > 0 && set.every(({ value }) => value.kind === "constant" && value.source === source);
  };
  const isRead = (name: string) => variables.some((one) => one.name === name);
  // They run, and write, although the rest is off.
  const isCompiled = all.some(({ name }) => name === "COMPRESS_PRECOMPILERS");
  if (is("COMPRESS_ENABLED", "False") && !isCompiled) return undefined;
  const why = `${apps.at} has compressor, which writes below STATIC_ROOT as pages are shown, and the application cannot write there`;
  if (is("COMPRESS_OFFLINE", "True") || isRead("COMPRESS_OFFLINE"))
    return {
      note: `${why}: so each release compresses all of it after collectstatic, with COMPRESS_OFFLINE.`,
      ...{ isOpen: false, isOffline: true },
      env: isRead("COMPRESS_OFFLINE") ? [["COMPRESS_OFFLINE", "True"]] : [],
    };
  const offline =
    "set COMPRESS_OFFLINE = True in the settings, and write 'python manage.py compress' below app.build.afterCollectstatic";
  if (isRead("COMPRESS_ENABLED") && !isCompiled)
    return {
      note: `${why}: so COMPRESS_ENABLED is off. To have it on, ${offline}.`,
      ...{ isOpen: false, isOffline: false, env: [["COMPRESS_ENABLED", "False"]] },
    };
  const off = isCompiled ? "" : "set COMPRESS_ENABLED = False in the settings; or ";
  return { note: `${why}: ${off}${offline}.`, isOpen: true, isOffline: false, env: [] };
}
