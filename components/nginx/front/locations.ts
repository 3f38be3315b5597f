import { z } from "zod";
import { escaped, sitePath } from "./paths.ts";

const sourcePath = z.string().regex(/^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/, {
  error: "expected a relative path, no part of it beginning with a dot, such as frontend/dist",
});

/** Of nobody's secrets: what nginx's account may read there may still be more than visitors should see. */
const hostPath = z
  .string()
  .refine(
    (path) =>
      /^(\/[\w-][\w.-]*){2,}$/.test(path) &&
      !/^\/(bin|boot|dev|etc|home|lib\w*|proc|root|run|sbin|sys|tmp|usr(?!\/(local\/)?share\/)|var(?!\/(www|opt)\/))\//.test(
        path,
      ),
    {
      error:
        "expected an absolute path of two parts or more, not in a directory of the system or in a home, such as /srv/handbook",
    },
  );

/** `site.locations`. */
export const locationsSchema = z
  .record(
    sitePath,
    z.union([
      z.literal("application"),
      z.strictObject({
        release: sourcePath
          .optional()
          .describe(
            "A directory of the application as a release has built it, such as `frontend/dist`; for a path without a slash at its end, a file. A change makes a new release.",
          ),
        host: hostPath
          .optional()
          .describe(
            "A directory on the host, such as `/srv/handbook`; for a path without a slash at its end, a file. nginx's account must be able to read it.",
          ),
        fallback: sourcePath
          .optional()
          .describe(
            "A file in the directory that answers for every page which is not there, such as `index.html` of a front end with routes of its own. Default: the application answers.",
          ),
        immutable: z
          .array(sourcePath)
          .default([])
          .describe(
            "Directories in it whose files never change, because a new content has a new name, such as `assets` of Vite. Browsers keep these for a year.",
          ),
      }),
    ]),
  )
  .default({})
  .describe(
    "Paths, such as `/` or `/favicon.ico`, each with what answers there in place of the application: files of the release or of the host. `application` takes a part of such a path back. See docs/front-door.md.",
  );

export type Locations = z.output<typeof locationsSchema>;

/** A location as nginx's templates have it. */
export interface LocationRule {
  readonly id: number;
  readonly path: string;
  /** The path without the slash at its end; empty where there is none, or nothing else. */
  readonly bare: string;
  readonly kind: "application" | "release" | "host";
  /** Where the files are: on the host, or below the places of a release's files. */
  readonly place: string;
  /** Of a path that stands for a single file. */
  readonly is_file: boolean;
  readonly fallback: string;
  readonly [key: string]: string | number | boolean;
}

export const locationRules = (locations: Locations): LocationRule[] =>
  Object.entries(locations).map(([path, to], id) => ({
    id,
    path: to === "application" ? path.replace(/\/?$/, "/") : path,
    bare: path.length > 1 && (to === "application" || path.endsWith("/")) ? path.replace(/\/$/, "") : "",
    kind: to === "application" ? to : to.release === undefined ? "host" : "release",
    place: to === "application" ? "" : (to.host ?? encodeURIComponent(path)),
    is_file: to !== "application" && !path.endsWith("/"),
    fallback: to === "application" ? "" : (to.fallback ?? ""),
  }));

/**
 * What of a release is to be served: its path below the place of such files, and what is there, in the release; with the
 * file that must be in it.
 */
export const releaseFiles = (locations: Locations): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(locations).flatMap(([path, to]) =>
      to === "application" || to.release === undefined
        ? []
        : // Below a directory of its own, so that nginx finds it by the path that is asked for.
          [
            [
              `${encodeURIComponent(path)}${path}`,
              [to.release, ...(to.fallback === undefined ? [] : [to.fallback])],
            ],
          ],
    ),
  );

/** As nginx matches the files that never change. */
export const immutablePatterns = (locations: Locations): string[] =>
  Object.entries(locations).flatMap(([path, to]) =>
    to === "application" ? [] : to.immutable.map((directory) => `^${escaped(`${path}${directory}/`)}`),
  );

/** What of the rest of a stack bears on them. */
export interface LocationsAround {
  readonly health: string;
  /** Pages that the application itself must answer. */
  readonly pages: readonly string[];
  readonly hasStatic: boolean;
  readonly mediaPublic: boolean;
  /** Where nginx sends files that the application has named. */
  readonly accel: readonly string[];
  /** The application's directory and that of its uploads, on the host. */
  readonly own: readonly string[];
}

/** The location that a path is answered by. */
const locationOf = (locations: Locations, path: string): [string, Locations[string]] | undefined =>
  Object.entries(locations)
    .filter(([key, to]) =>
      to === "application"
        ? `${path}/`.startsWith(key.replace(/\/?$/, "/"))
        : key.endsWith("/")
          ? path.startsWith(key)
          : path === key,
    )
    .sort(([one], [other]) => other.length - one.length)[0];

/** Whether the health path needs a location of its own. */
export const coversHealth = (locations: Locations, health: string): boolean => {
  const found = locationOf(locations, health);
  return found !== undefined && found[1] !== "application";
};

/** What is wrong with them: the key below `site`, and what was expected. */
export function locationFaults(
  locations: Locations,
  around: LocationsAround,
): (readonly [path: readonly string[], expected: string])[] {
  const { health, pages, hasStatic, mediaPublic, accel, own } = around;
  const keys = Object.keys(locations);
  const reserved = [
    ...(hasStatic ? ["/static/"] : []),
    ...(mediaPublic ? ["/media/"] : []),
    ...accel.map((path) => path.replace(/\/?$/, "/")),
    "/.well-known/acme-challenge/",
  ];
  const faults: (readonly [path: readonly string[], expected: string])[] = [];
  for (const [key, to] of Object.entries(locations)) {
    const at = (message: string, ...more: string[]) => faults.push([["locations", key, ...more], message]);
    const taken = reserved.find((one) => `${key.replace(/\/?$/, "/")}`.startsWith(one));
    if (taken !== undefined) at(`expected another path: nginx answers below ${taken} already`);
    if (keys.some((other) => other !== key && other.replace(/\/$/, "") === key.replace(/\/$/, "")))
      at("expected the path once, with a slash at its end or without");
    if (to === "application") continue;
    if (key.split("/").some((part) => part.startsWith(".") && part !== ".well-known"))
      at("expected no part of the path that begins with a dot, but .well-known: hidden files are not shown");
    if ((to.release === undefined) === (to.host === undefined)) at("expected either 'release' or 'host'");
    if (!key.endsWith("/")) {
      const one = "expected none for a single file: write a slash at the end of the path of a directory";
      if (to.fallback !== undefined) at(one, "fallback");
      if (to.immutable.length > 0) at(one, "immutable");
    }
    const inside = own.find(
      (place) =>
        to.host !== undefined &&
        (`${to.host}/`.startsWith(`${place}/`) || `${place}/`.startsWith(`${to.host}/`)),
    );
    if (inside !== undefined)
      at(
        `expected a place next to ${inside}, which is the application's, and neither in it nor above it: use 'release' for its files`,
        "host",
      );
    if (health === key || (health !== "/" && `${health}/` === key))
      at(`expected the application to answer ${health}: set 'app.health' to another path`);
  }
  for (const page of pages) {
    const [key, to] = locationOf(locations, page) ?? [];
    if (key !== undefined && to !== undefined && to !== "application" && (to.fallback || page === key))
      faults.push([
        ["locations", key],
        `expected the application to answer ${page} (app.pages): write '${page}: application' next to it, or take the page out`,
      ]);
  }
  return faults;
}
