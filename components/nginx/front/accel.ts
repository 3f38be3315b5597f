import { z } from "zod";
import { sitePath } from "./paths.ts";

/** `site.accel`. */
export const accelSchema = z
  .record(
    sitePath,
    z.string().regex(/^\$\{paths\.media\}(\/[A-Za-z0-9_][\w.-]*)*\/?$/, {
      error: `expected \${paths.media} or a directory below it, such as \${paths.media}/invoices, no part of it beginning with a dot`,
    }),
  )
  .default({})
  .describe(
    "Paths, such as `/protected/`, each with a directory below `${paths.media}`. If the application answers with `X-Accel-Redirect: /protected/a.pdf`, nginx sends the file from there. Visitors cannot ask for it themselves. See docs/front-door.md.",
  );

type Accel = z.output<typeof accelSchema>;

/** A path as nginx's templates have it, and what it leads to below the directory of uploads: nothing for all of it. */
export interface AccelRule {
  readonly path: string;
  readonly directory: string;
  readonly [key: string]: string;
}

export const accelRules = (accel: Accel): AccelRule[] =>
  Object.entries(accel).map(([path, directory]) => ({
    path: path.replace(/\/?$/, "/"),
    directory: directory.replace(/^\$\{paths\.media\}\/?/, "").replace(/\/$/, ""),
  }));

/** What of the rest of a stack bears on it. */
export interface AccelAround {
  /** Paths that the application itself must answer. */
  readonly asked: readonly string[];
  readonly mediaStore: string;
  readonly mediaPublic: boolean;
}

/** What is wrong with them: the key below `site`, and what was expected. */
export function accelFaults(
  accel: Accel,
  { asked, mediaStore, mediaPublic }: AccelAround,
): (readonly [path: readonly string[], expected: string])[] {
  const rules = accelRules(accel);
  return Object.keys(accel).flatMap((key, index) => {
    const { path, directory } = rules[index] as AccelRule;
    const nginx = ["/static/", "/media/", "/.well-known/"].find((one) => path.startsWith(one));
    const page = asked.find((one) => one.startsWith(path));
    const other = rules.find((one, at) => at !== index && path.startsWith(one.path));
    const faults = [
      ...(path === "/" ? ["expected a part of the site: nginx would answer all of it"] : []),
      ...(nginx === undefined ? [] : [`expected another path: ${nginx} has files of its own`]),
      ...(page === undefined || path === "/"
        ? []
        : [`expected a path that ${page} is not below: visitors get 404 for it`]),
      ...(other === undefined ? [] : [`expected a path that is not in another one, ${other.path}`]),
      ...(mediaStore === "host"
        ? []
        : ["expected none with media.store: s3: uploads in a bucket have addresses of their own"]),
      ...(mediaPublic && directory === ""
        ? [
            "expected a directory below ${paths.media}: with media.public: true everyone sees all others in there",
          ]
        : []),
    ];
    return faults.map((expected) => [["accel", key], expected] as const);
  });
}
