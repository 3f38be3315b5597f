import { z } from "zod";

// Keys of the configuration about what of an application outlives its releases.

export const mediaPublic = z
  .boolean()
  .optional()
  .describe(
    "Whether nginx serves the uploads on the host's disk to everyone, under /media/. Otherwise these requests reach the application, which decides who sees what; see docs/deploying-your-application.md. Default: `false`.",
  );

/** Where a directory of uploads may lie: not among what the system keeps, and not in homes, which no service sees. */
function isPlaceOfUploads(path: string): boolean {
  const ofSystem =
    /^\/(bin|boot|dev|etc|home|lib\w*|lost\+found|proc|root|run|sbin|sys|tmp|usr|var(?!\/(www|opt|lib)\/))(\/|$)/;
  const whole = /^\/(media|mnt|opt|srv)$/;
  // What restores the backups of another stack tells uploads from private files by that name.
  if (path.endsWith("/data")) return false;
  return /^(\/[\w-][\w.-]*)+$/.test(path) && !ofSystem.test(path) && !whole.test(path);
}

export const mediaDirectory = z
  .string()
  .refine(isPlaceOfUploads, {
    error:
      "expected an absolute path, not in a directory of the system or in a home, and not called data, such as /shop_media",
  })
  .optional()
  .describe(
    "Where the uploads on the host's disk are, such as `/shop_media`, where a volume of its own is mounted by `/etc/fstab`. While that volume is away, the application does not start. Only root may be able to change the directories above it, and its last name is not `data`. Default: `media` in `app.root`.",
  );

const inside = /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/;

export const shared = z
  .record(
    z.string().regex(inside, {
      error: "expected a path in the release, no part of it beginning with a dot, such as var/index",
    }),
    z
      .string()
      .regex(/^[A-Za-z0-9_][\w.-]{0,63}$/, { error: "expected the name of a directory, such as index" }),
  )
  .refine((paths) => !isNested(Object.keys(paths)), { error: "expected no path that lies in another one" })
  .default({})
  .describe(
    "Directories in a release that keep their content across releases, for an application that writes next to its code. `{var/index: index}` makes `var/index` a link to `index` below `DATA_ROOT`; see docs/deploying-your-application.md.",
  );

const isNested = (paths: readonly string[]) =>
  paths.some((path) => paths.some((other) => path.startsWith(`${other}/`)));
