import { z } from "zod";
import { secretFromSchema } from "../secrets/from/schema.ts";
import { generateSchema } from "../secrets/generate-schema.ts";
import { accountName, settingName, sshKey } from "../service/forms.ts";
import { hooksSchema } from "./hooks/schema.ts";
import { isFree } from "./names/reserved.ts";
import { processName, processSchema, timerSchema } from "./processes/schema.ts";
import { checkSchema } from "./program/check-schema.ts";
import { onceSchema } from "./program/once-schema.ts";
import { pagesSchema } from "./program/pages-schema.ts";
import { filesSchema } from "./settings/files-schema.ts";
import { shared } from "./settings/places.ts";
import { sourceSchema } from "./source/schema.ts";
import { entryKey, serverNames } from "./web/servers.ts";

/** Groups and extras of dependencies: https://packaging.python.org/en/latest/specifications/name-normalization/ */
const names = z.array(
  z.string().regex(/^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/, {
    error: "expected the name of a group or extra in pyproject.toml, such as prod",
  }),
);
/** A path as it is asked for; as it stands where its percent signs mean nothing. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "\\";
  }
}

const pythonName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

/** Where an application may lie: never among what the system itself keeps (hier(7)). */
function isPlace(path: string): boolean {
  const ofSystem =
    /^\/(bin|boot|dev|etc|lib\w*|lost\+found|proc|root|run|sbin|sys|tmp|usr|var(?!\/(www|opt)\/|\/www$))\//;
  return /^(\/[\w-][\w.-]*){2,}$/.test(path) && !ofSystem.test(path) && !/^\/home\/[^/]+$/.test(path);
}

const callable = (key: "wsgi" | "asgi") =>
  z
    .string()
    .regex(/^[\w.]+(:\w+(\(\))?)?$/, {
      error: `expected MODULE:CALLABLE, such as shop.${key}:application, or MODULE:FACTORY(), such as shop:create_app()`,
    })
    .transform((value) => (value.includes(":") ? value : `${value}:application`))
    .optional();

const keys = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,22}$/, {
      error: "expected a lower-case letter, then letters, digits or hyphens, 23 at most",
    })
    .refine(isFree, { error: "expected a name that no part of Berth or of the system has" })
    .default("app")
    .describe(
      "The application's name. Its service account and its database have the same name, and its systemd units begin with it.",
    ),
  source: sourceSchema.describe("Where the application's code comes from."),
  owner: accountName
    .default("deployer")
    .describe(
      "The account that owns the code and static files. Services run as other accounts and cannot change them.",
    ),
  ownerKeys: z
    .array(sshKey)
    .default([])
    .describe(
      "SSH public keys that can log in as the owner. The owner can start and stop the application's services, and can do nothing else as root; see docs/security.md.",
    ),
  root: z
    .string()
    .refine(isPlace, {
      error:
        "expected an absolute path of two parts or more, not in a directory of the system, such as /srv/shop",
    })
    .optional()
    .describe(
      "The application's directory on the host. Only root may be able to change the directories above it. For one in a home, such as /home/deployer/shop, Berth makes a link there to /srv/NAME. Default: /srv/NAME.",
    ),
  python: z
    .string()
    .regex(/^3\.\d+$/, { error: 'expected a Python version in quotes, such as "3.13"' })
    .optional()
    .describe(
      "The Python that the application needs, 3.9 or later. If the host does not have it, uv installs it. Default: the host's own (3.13 on Debian 13).",
    ),
  pythonMirror: z
    .string()
    .regex(/^(https|file):\/\/\S+$/, { error: "expected a URL that begins with https:// or file:///" })
    .optional()
    .describe(
      "Where uv downloads Pythons, instead of GitHub: a mirror of python-build-standalone's releases, or a URL ending in .json with a list of Pythons for uv. `file://` is a place on the host.",
    ),
  index: z
    .string()
    .regex(/^https?:\/\/[^\s@]+$/, {
      error: "expected a URL such as https://pypi.example.com/simple/; a login goes into app.indexLogins",
    })
    .optional()
    .describe(
      "The package index to use instead of PyPI. Default: PyPI, unless /etc/uv/uv.toml on the host says otherwise. To use an index in addition to PyPI, name it in the source; see docs/deploying-your-application.md.",
    ),
  indexLogins: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9.-]+$/, { error: "expected the name of a host, such as pypi.example.com" }),
      z.string().regex(/^[^\s:]+:\S+$/, { error: "expected USER:PASSWORD, without spaces" }),
    )
    .default({})
    .describe(
      "Logins of package indexes: `USER:PASSWORD` for each host name. Set one with `pulumi config set --secret --path 'app.indexLogins[\"pypi.example.com\"]'`. The code's owner can read them, because it runs the builds of packages.",
    ),
  packages: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/, { error: "expected the name of a Debian package" }))
    .default([])
    .describe("More Debian packages that the application needs, such as libxml2-dev."),
  build: z
    .strictObject({
      frontEnd: z
        .union([
          z.literal(false),
          z.string().regex(/^(\.|[\w-][\w.-]*(\/[\w-][\w.-]*)*)$/, {
            error:
              "expected a directory in the source without a slash at its ends, such as frontend, or false",
          }),
        ])
        .default(".")
        .describe(
          "The directory with the front end's package.json, from the application's own. A release installs the packages that its lock file pins, and builds it if it has a `build` script. `false`: nothing is built on the host, because the source has what you have built. A change makes a new release. Default: the application's own directory, if it has a package.json.",
        ),
      commands: z
        .array(z.string().min(1))
        .default([])
        .describe(
          "Commands that run in a release's directory after its dependencies and its front end, and before collectstatic, such as `python manage.py compilemessages`: as the owner, with the environment's programs first in PATH. A change makes a new release.",
        ),
      afterCollectstatic: z
        .array(z.string().min(1))
        .default([])
        .describe(
          "Commands that run after Django's collectstatic, such as `python manage.py compress`: as the application's account, with all its settings. They can write to STATIC_ROOT and to nothing else of the release. A change makes a new release.",
        ),
      env: z
        .record(settingName, z.string())
        .default({})
        .describe(
          "Environment variables of a build, none of them secret: of these commands, of uv as it installs the dependencies, and of npm. Of the application's own settings a build has none. A change makes a new release.",
        ),
      secrets: z
        .record(settingName, z.string())
        .default({})
        .describe(
          "Environment variables of a build that are secret, such as NPM_TOKEN: `pulumi config set --secret --path 'app.build.secrets.NAME'`. Only a build has them, and what it installs can read them as it is built. A change makes no new release.",
        ),
    })
    .refine(({ env, secrets }) => Object.keys(env).every((name) => !(name in secrets)), {
      error: "expected a variable in 'env' or in 'secrets', and not in both",
    })
    .prefault({})
    .describe("What runs while a release is made."),
  server: z
    .enum(serverNames)
    .default("gunicorn")
    .describe(
      "The server that runs the application: `gunicorn` or `uwsgi` by WSGI, `uvicorn` by ASGI, with WebSockets. A change makes a new release.",
    ),
  wsgi: callable("wsgi").describe(
    "The WSGI application: `MODULE:CALLABLE`, or `MODULE:FACTORY()` for a function that returns it. Without a callable, it is `application`. Required with `gunicorn` and `uwsgi`.",
  ),
  asgi: callable("asgi").describe("The ASGI application, written in the same way. Required with `uvicorn`."),
  settings: z
    .string()
    .regex(pythonName, { error: "expected a Python module, such as shop.settings" })
    .optional()
    .describe(
      "Django's settings module. With it, a release migrates the database and collects the static files.",
    ),
  requirements: z
    .string()
    .optional()
    .describe(
      "The file that lists the dependencies. Default: the first that exists of uv.lock, poetry.lock, requirements.txt and pyproject.toml.",
    ),
  groups: names
    .default([])
    .describe(
      "Groups of dependencies to install as well, by their names in pyproject.toml: Poetry's groups, or those of `[dependency-groups]`. A change makes a new release.",
    ),
  extras: names
    .default([])
    .describe(
      "Extras of the project to install as well, by their names in pyproject.toml. A change makes a new release.",
    ),
  static: z
    .string()
    .optional()
    .describe(
      "A directory of static files in the source, which nginx serves under /static/. Default: for Django, what collectstatic collects; otherwise none.",
    ),
  shared,
  env: z
    .record(settingName, z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe(
      "Settings of the application, as environment variables. A number or a date arrives as you write it here, with or without quotes. Berth fills in `${postgres.host}` and other references; see docs/deploying-your-application.md.",
    ),
  secrets: z
    .record(settingName, z.string())
    .default({})
    .describe("Secret settings. Set one with `pulumi config set --secret --path 'app.secrets.NAME'`."),
  secretFrom: secretFromSchema,
  generate: generateSchema,
  files: filesSchema,
  once: onceSchema,
  check: checkSchema,
  hooks: hooksSchema,
  health: z
    .string()
    .regex(/^\/\S*$/, { error: "expected a path that begins with /" })
    .refine((path) => /^\/[^"\\{};$\s\p{Cc}]*$/u.test(decoded(path)), {
      error: 'expected a path without ", \\, $, {, } and ;, written as %22 or not',
    })
    .default("/")
    .describe(
      "A path that answers 200 if the application is healthy. An unhealthy release does not go live.",
    ),
  pages: pagesSchema,
  workers: z.int().min(1).max(64).default(2).describe("How many worker processes serve requests."),
  threads: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      "How many requests each of these worker processes serves at the same time, in threads. The application's code must allow that, as Django's and Flask's own does; it suits applications that wait for others, or that stream.",
    ),
  wrapper: z
    .string()
    .regex(/^[^\s"'`$;&|<>()\\][^\n]*$/, { error: "expected a command in one line, such as ddtrace-run" })
    .optional()
    .describe(
      "A command that starts the web server, such as `newrelic-admin run-program` or `ddtrace-run`: it must set what it needs and then replace itself with what follows. Of a process, write it into its command. A change starts the same release again.",
    ),
  workerClass: z
    .string()
    .regex(/^(sync|gthread|gevent|eventlet|[A-Za-z_]\w*(\.[A-Za-z_]\w*)+)$/, {
      error:
        "expected sync, gthread, gevent, eventlet, or MODULE.CLASS of a dependency, such as shop.workers.Worker",
    })
    .optional()
    .describe(
      "The class of gunicorn's workers: `gevent` or `eventlet` for many requests at the same time in one process, if the application's requirements have that package; or `MODULE.CLASS` of a dependency. Default: `gthread` with `app.threads` above 1, and `sync` without. See docs/front-door.md.",
    ),
  processes: z
    .record(processName, processSchema)
    .default({})
    .describe(
      "Processes next to the web server, by name: queue workers, schedulers, any command; see docs/processes.md. For the web server itself, `web`, you can set only `memory` and `cpu`. For the command that migrates, `release`, only `command`.",
    ),
  timers: z
    .record(processName, timerSchema)
    .default({})
    .describe("Commands that run on a schedule, by name; see docs/processes.md."),
  release: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Rolls back to a release that the host has kept: its id, or its tag, branch or commit with a git source. Default: the release of the source.",
    ),
  retry: z.string().optional().describe("The id of a failed release to try once more; see docs/releases.md."),
  keep: z
    .int()
    .min(1)
    .max(50)
    .default(5)
    .describe(
      "How many healthy releases the host keeps, including the live one. The previous release stays until the next one in any case.",
    ),
  dumpBeforeMigrate: z
    .boolean()
    .default(true)
    .describe(
      "Whether Berth dumps the database before it migrates it. The host keeps the `app.keep` most recent dumps.",
    ),
});

function workerClassFaults(server: string, workerClass: unknown, threads: number): string[] {
  if (typeof workerClass !== "string") return [];
  if (server !== "gunicorn")
    return [`expected none with app.server: ${server}: only gunicorn has classes of workers`];
  if (/^uvicorn(_worker)?\.|\.UvicornWorker$|^gunicorn\.workers\.gasgi\./.test(workerClass))
    return ["expected a class for WSGI; for ASGI write 'server: uvicorn' and app.asgi"];
  if (threads > 1 && ["sync", "gevent", "eventlet"].includes(workerClass))
    return [`expected gthread with app.threads: ${threads}: '${workerClass}' has no threads`];
  return [];
}

/** A key that is required is missed together with all other faults, and not after them. */
export const appSchema = keys.superRefine(
  (app, context) => {
    const fault = (key: string, message: string, input: unknown) =>
      context.addIssue({ code: "custom", path: [key], message, input });
    const { server = "gunicorn", threads } = app ?? {};
    if (!serverNames.includes(server)) return;
    const key = entryKey(server);
    if (app?.[key] === undefined) fault(key, "expected a text (put it in quotes)", undefined);
    if (server === "uvicorn" && Number(threads) > 1) {
      fault(
        "threads",
        "expected none: each worker of uvicorn serves many requests at the same time",
        threads,
      );
    }
    for (const message of workerClassFaults(server, app?.workerClass, Number(threads)))
      fault("workerClass", message, app?.workerClass);
  },
  { when: ({ value }) => typeof value === "object" && value !== null },
);

export type AppConfig = z.output<typeof appSchema>;

/** Whether releases dump a database, be it the stack's own or one elsewhere; Django's may have any name in the settings. */
export const dumpsDatabase = (app: z.output<typeof appSchema>): boolean =>
  app.dumpBeforeMigrate && ("DATABASE_URL" in app.secrets || app.settings !== undefined);

/** The settings of `app.env` as texts. */
export const envTexts = ({ env }: Pick<z.output<typeof appSchema>, "env">): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, `${value}`]));
