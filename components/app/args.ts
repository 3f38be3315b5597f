import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import type { Hooks } from "./hooks/hooks.ts";
import { environment, type Limits, type Process, type Timer, type UnitPlace } from "./processes/processes.ts";
import type { Check } from "./program/check-schema.ts";
import type { Once } from "./program/once-schema.ts";
import type { PagesConfig } from "./program/pages-schema.ts";
import type { AppFiles } from "./settings/files.ts";
import type { Source } from "./source/source.ts";
import type { ServerName } from "./web/servers.ts";

export interface AppArgs {
  readonly host: Host;
  /** Name of the application, of its service account and, with `-web`, of its systemd units. */
  readonly name: string;
  /** The account that owns the application's files. */
  readonly owner: string;
  /** Services beside the application that the owner may start and stop, by the names of their units. */
  readonly ownerServices: readonly string[];
  /** The application's directory on the host. Nobody but root may change a directory above it. */
  readonly root: string;
  /** Where uploaded files lie. @default `media` in its directory */
  readonly mediaRoot?: string | undefined;
  /** Where its owner finds it at home, by a link. @default nowhere */
  readonly link?: string | undefined;
  /** Where its code comes from: see {@link openSource}. */
  readonly source: Source;
  /** The Python that the application needs, such as `3.13`. @default the host's own */
  readonly python?: string | undefined;
  /** A mirror of uv's Pythons, or, ending in `.json`, a list of them. @default uv's own */
  readonly pythonMirror?: string | undefined;
  /** The URL of the package index in place of PyPI. @default what the host's uv asks */
  readonly index?: string | undefined;
  /** Logins of package indexes, `USER:PASSWORD` by the name of the host. @default none */
  readonly indexLogins?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Commands that run in a release before it is whole, and their environment: see `app.build` of the configuration. */
  readonly build: {
    /** @default `.`, the release's own directory */
    readonly frontEnd?: string | false | undefined;
    readonly commands: readonly string[];
    readonly afterCollectstatic?: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
  };
  /** What serves it. */
  readonly server: ServerName;
  /** The WSGI application, `MODULE:CALLABLE` or `MODULE:FACTORY()`. @default none: only uvicorn can serve it */
  readonly wsgi?: string | undefined;
  /** The ASGI application, in the same form. @default none: uvicorn cannot serve it */
  readonly asgi?: string | undefined;
  /** Django's settings module. @default none: not a Django application */
  readonly settings?: string | undefined;
  /** What Django checks before a release goes live. @default all that it checks by itself */
  readonly check?: Check | undefined;
  /** The file that names the dependencies. @default the first there is of the usual ones */
  readonly requirements?: string | undefined;
  /** Groups and extras of the project that are installed as well: see `app.groups` of the configuration. @default none */
  readonly groups?: readonly string[] | undefined;
  readonly extras?: readonly string[] | undefined;
  /** Directory of static files inside the release. @default for Django what collectstatic gathers, else none */
  readonly static?: string | undefined;
  /**
   * Further files of a release that nginx serves, by their path below `App.filesRoot`: where they are in the release, and
   * what must be in there.
   */
  readonly served?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Directories in a release that outlive it: see `app.shared` of the configuration. */
  readonly shared: Readonly<Record<string, string>>;
  /** Whether nginx serves uploads: see `media.public` of the configuration. @default not said */
  readonly mediaPublic?: boolean | undefined;
  /** Directories below that of uploads from which nginx sends what the application tells it to. @default none */
  readonly shown?: readonly string[] | undefined;
  /** Settings that are not secret. */
  readonly env: Readonly<Record<string, pulumi.Input<string>>>;
  /** Settings that are secret. */
  readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
  /** Files beside its code, by their path in its directory. @default none */
  readonly files?: AppFiles | undefined;
  /** What it needs of Debian: see {@link App.packages}. A release that failed without one of them is tried again. */
  readonly packages: readonly string[];
  /** The path that answers 200 when the application is healthy. */
  readonly health: string;
  /** Further pages that a release must answer: see `app.pages` of the configuration. @default none */
  readonly pages?: PagesConfig | undefined;
  /** How many worker processes serve requests. */
  readonly workers: number;
  /** How many threads each of them has. */
  readonly threads: number;
  /** The class of gunicorn's workers. @default gunicorn's own for so many threads */
  readonly workerClass?: string | undefined;
  /** A command that starts the web server: see `app.wrapper` of the configuration. @default none */
  readonly wrapper?: string | undefined;
  /** Processes beside the web server that run on this host: see {@link wantedProcesses}. */
  readonly processes: readonly Process[];
  /** The names of all processes of the stack, those that run on other hosts included. @default those of this host */
  readonly processNames?: readonly string[] | undefined;
  /** Commands that run at certain times, by name, where the web server runs. @default none */
  readonly timers?: Readonly<Record<string, Timer>> | undefined;
  /** What migrates, in place of Django's own command. @default the release's Procfile's line 'release' */
  readonly releaseCommand?: string | undefined;
  /** Commands that run once in the stack's life, after the migrations. @default none */
  readonly once?: readonly Once[] | undefined;
  /** Who is told of a release that is live: see `app.hooks` of the configuration. @default nobody */
  readonly hooks?: Hooks | undefined;
  /** What the web server may take of its host. @default all */
  readonly limits?: Limits | undefined;
  /** Whether the web server runs here, and with it what a release does once: migrations, static files. @default true */
  readonly web?: boolean;
  /** What must have happened, when all is prepared, before the release goes live here. @default nothing */
  readonly liveAfter?: pulumi.Input<pulumi.Input<pulumi.Resource>[]>;
  /** How long a request may take, in seconds. */
  readonly timeout: number;
  /** The name that the site is asked by. */
  readonly domain: pulumi.Input<string>;
  readonly scheme: "http" | "https";
  /** How its host answers: TLS may end in front of it. */
  readonly door: "http" | "https";
  /** Units that must run before the application. */
  readonly after: readonly string[];
  /** The id of a release that the host has kept, or a git reference, to go back to. @default the source's release */
  readonly release?: string | undefined;
  /** A release that is tried again though it has failed. @default none */
  readonly retry?: string | undefined;
  /** How many releases that were healthy are kept. */
  readonly keep: number;
  /** Whether the database is dumped before it is migrated. */
  readonly dumpBeforeMigrate: boolean;
}

/** What each step of an application knows of it. */
export interface AppStep {
  /** The component that the steps belong to: their names begin with its own. */
  readonly component: string;
  readonly parent: pulumi.Resource;
  readonly args: AppArgs;
  /** Whether the web server runs on this host. */
  readonly isWeb: boolean;
  readonly files: AppFiles;
  /** The timers of this host. */
  readonly timers: Readonly<Record<string, Timer>>;
  /** What its units are made for. */
  readonly place: UnitPlace;
}

export function appStep(component: string, parent: pulumi.Resource, args: AppArgs): AppStep {
  const { name, root, after, files = {} } = args;
  const isWeb = args.web ?? true;
  return {
    ...{ component, parent, args, isWeb, files },
    timers: isWeb ? (args.timers ?? {}) : {},
    place: { name, root, media: mediaRoot(args), after, hasFiles: Object.keys(files).length > 0 },
  };
}

/** Where uploaded files lie. */
export const mediaRoot = ({ root, mediaRoot }: Pick<AppArgs, "root" | "mediaRoot">): string =>
  mediaRoot ?? `${root}/media`;

/** The lines of a unit with the environment of an instance. */
export const environmentOf = ({ place }: AppStep, instance: string): string => environment(place, instance);
