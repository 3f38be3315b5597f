import { z } from "zod";

// Keys of the configuration about what of an application outlives its releases.

export const mediaPublic = z
  .boolean()
  .optional()
  .describe(
    "Whether nginx serves the uploads on the host's disk to everyone, under /media/. Otherwise these requests reach the application, which decides who sees what; see docs/deploying-your-application.md. Default: `false`.",
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
