import { createHash } from "node:crypto";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import { headBehind } from "../service/request.ts";
import type { DjangoRun, FilesBackup } from "../service/service.ts";
import type { PackageSet, ServiceData } from "../system/system.ts";
import {
  environment,
  type Limits,
  limitLines,
  type Process,
  processFacts,
  processFiles,
  processKinds,
  processTable,
  sandbox,
  type Timer,
  timerFiles,
  timerTable,
} from "./processes/processes.ts";
import type { Check } from "./program/check-schema.ts";
import type { Once } from "./program/once-schema.ts";
import { type PagesConfig, pagesOf } from "./program/pages-schema.ts";
import { copyArchive, ReleaseProgram } from "./program/program.ts";
import { type AppFiles, fileDigests, fileLinks, filesOfStep, secretsIn } from "./settings/files.ts";
import { environmentFile } from "./settings/settings.ts";
import { isReleaseId, releaseId, type Source } from "./source/source.ts";
import { entryOf, type ServerName, settingsFiles } from "./web/servers.ts";
import { tools } from "./web/tools.ts";

const here = (file: string) => join(import.meta.dirname, file);

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
  /** Directories in a release that outlive it: see `app.shared` of the configuration. */
  readonly shared: Readonly<Record<string, string>>;
  /** Whether nginx serves uploads: see `media.public` of the configuration. @default not said */
  readonly mediaPublic?: boolean | undefined;
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

/** A Django or Flask application: its account, settings and units, and the release that runs. */
export class App extends pulumi.ComponentResource {
  /** The socket that the application answers at. */
  readonly socket: string;
  /** Where uploaded files lie. */
  readonly mediaRoot: string;
  /** Where the static files of the running release lie. */
  readonly staticRoot: string | undefined;
  /** The release made beside what runs: what may go wrong without a trace has not. */
  readonly prepared: pulumi.Resource;
  /** The switch to the release. */
  readonly live: pulumi.Resource;
  /** The id of the release that runs, once it is healthy. */
  readonly release: pulumi.Output<string>;
  /** The public key that a private repository must know, once there is one. */
  readonly deployKey: pulumi.Output<string> | undefined;

  /** What applications need from Debian. */
  static packages(more: readonly string[]): PackageSet {
    return { packages: ["python3", "python3-pip", "brotli", "git", ...more] };
  }

  /** What of an application must survive its machine. */
  static data(
    name: string,
    root: string,
    processes: readonly Process[],
    timers: Readonly<Record<string, Timer>>,
  ): ServiceData {
    const units = [
      ...processes.map((process) => `${name}-${process.name}@.service`),
      ...Object.keys(timers).map((timer) => `${name}-${timer}.service`),
    ];
    return {
      directories: [`${root}/media`, `${root}/data`, `/var/lib/berth/once-${name}`],
      services: [`${name}-web-start.service`, `${name}-web@.service`, ...units],
    };
  }

  /**
   * What of an application a backup has.
   *
   * @param media whether uploaded files lie on the host
   */
  static backup(name: string, root: string, media: boolean): FilesBackup {
    const directories = [...(media ? [`${root}/media`] : []), `${root}/data`];
    return { kind: "files", name: "media", account: name, directories };
  }

  /** How a command of Django's runs in the live release, as its account. */
  static django(name: string, root: string, hasFiles: boolean): DjangoRun {
    const live = `${root}/config/web/current`;
    return {
      program: `${root}/current/.venv/bin/python`,
      live,
      properties: [
        `WorkingDirectory=${live}/release`,
        ...environment({ name, root, after: [], hasFiles }, "current").split("\n"),
      ],
    };
  }

  readonly #name: string;
  readonly #args: AppArgs;
  readonly #root: string;
  readonly #isWeb: boolean;
  readonly #files: AppFiles;
  readonly #timers: Readonly<Record<string, Timer>>;
  /** The lines of a unit with the environment of an instance. */
  readonly #environment: (instance: string) => string;
  readonly #processFiles: Readonly<Record<string, StepFile>>;
  readonly #units: Readonly<Record<"socket" | "service", string>> &
    Readonly<Partial<Record<ServerName, string>>>;

  constructor(name: string, args: AppArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:app:App", name, {}, options);
    this.#name = name;
    this.#args = args;
    this.#root = args.root;
    this.#isWeb = args.web ?? true;
    this.#files = args.files ?? {};
    this.socket = `/run/${args.name}/web.sock`;
    this.mediaRoot = `${this.#root}/media`;
    const hasStatic = this.#isWeb && (args.settings !== undefined || args.static !== undefined);
    this.staticRoot = hasStatic ? `${this.#root}/static/current` : undefined;

    const hasFiles = Object.keys(this.#files).length > 0;
    const place = { name: args.name, root: args.root, after: args.after, hasFiles };
    this.#environment = (instance) => environment(place, instance);
    this.#units = this.#unitTexts();
    this.#processFiles = processFiles(place, args.processes);
    this.#timers = this.#isWeb ? (args.timers ?? {}) : {};

    const { source } = args;
    const account = this.#account();
    const settings = this.#settings(source, account);
    const program = this.#program(settings);
    const web = this.#isWeb ? this.#web(program) : program;
    const hasUnits = args.processes.length > 0 || Object.keys(this.#timers).length > 0 || !this.#isWeb;
    const units = hasUnits ? this.#processUnits(web, timerFiles(place, this.#timers)) : web;
    const [id, prepared] = this.#prepare(source, units);
    const live = this.#live(id, prepared);

    this.prepared = prepared;
    this.live = live;
    this.release = pulumi.all([id, live.id]).apply(([release]) => release);
    this.deployKey = source.deployKey?.key.publicKeyOpenssh.apply((key) => key.trim());
    this.registerOutputs(this.#isWeb ? { keeps: `private files in ${this.#root}/data` } : {});
  }

  #account(): HostScript {
    const { name, owner, ownerServices } = this.#args;
    return new HostScript(
      `${this.#name}-account`,
      {
        host: this.#args.host,
        application: name,
        script: here("account/account.sh"),
        removal: here("account/account-removal.sh"),
        slots: { name, owner, root: this.#root, link: this.#args.link ?? "" },
        files: {
          [`/etc/logrotate.d/${name}`]: {
            content: renderTemplate(here("account/logrotate.conf.liquid"), { name, root: this.#root }),
          },
          [`/etc/sudoers.d/berth-${name}`]: {
            content: renderTemplate(here("account/owner.sudoers.liquid"), {
              name,
              owner,
              services: ownerServices,
              timers: Object.keys(this.#timers),
              processes: [
                ...(this.#isWeb ? ["web"] : []),
                ...this.#args.processes.map((process) => process.name),
              ],
            }),
            mode: "0440",
          },
        },
      },
      { parent: this },
    );
  }

  #settings(source: Source, account: HostScript): HostScript {
    const { name, owner, build, indexLogins: logins = {} } = this.#args;
    const deployKey = source.deployKey;
    const own = filesOfStep(name, this.#root, this.#files);
    const secretFiles = {
      netrc: Object.keys(logins).length > 0,
      "build-secrets": Object.keys(build.secrets).length > 0,
    };
    return new HostScript(
      `${this.#name}-settings`,
      {
        host: this.#args.host,
        application: name,
        script: here("settings/settings.sh"),
        slots: {
          name,
          root: this.#root,
          files: Object.keys(this.#files).join("\n"),
        },
        secretFiles: {
          [`${this.#root}/config/env`]: {
            content: pulumi
              .all([this.#plainSettings(), this.#args.secrets])
              .apply(([plain, secret]) => environmentFile({ ...plain, ...secret })),
            owner: `root:${name}`,
            mode: "0640",
          },
          ...own.secretFiles,
          ...(!secretFiles.netrc
            ? {}
            : {
                [`/etc/berth/${name}/netrc`]: {
                  content: pulumi.output(logins).apply(netrc),
                  owner: `root:${owner}`,
                  mode: "0640",
                },
              }),
          ...(!secretFiles["build-secrets"]
            ? {}
            : {
                [`/etc/berth/${name}/build-secrets`]: {
                  content: pulumi.output(build.secrets).apply((all) => JSON.stringify(all)),
                },
              }),
          ...(deployKey === undefined
            ? {}
            : {
                [`/etc/berth/${name}/deploy-key`]: {
                  content: deployKey.key.privateKeyOpenssh,
                  owner: `${owner}:${owner}`,
                  mode: "0400",
                },
              }),
        },
        files: {
          ...own.files,
          ...(deployKey === undefined
            ? {}
            : { [`/etc/berth/${name}/known_hosts`]: { content: deployKey.knownHosts } }),
        },
      },
      { parent: this, dependsOn: [account] },
    );
  }

  /** What every application is told, under the names that twelve-factor applications use (https://12factor.net/config). */
  #plainSettings(): pulumi.Output<Record<string, string>> {
    const { env, settings, domain, scheme } = this.#args;
    return pulumi.all([env, domain]).apply(
      ([own, host]): Record<string, string> => ({
        ...(settings === undefined ? {} : { DJANGO_SETTINGS_MODULE: settings }),
        LANG: "C.UTF-8",
        PYTHONUNBUFFERED: "1",
        SITE_URL: `${scheme}://${host}`,
        STATIC_URL: "/static/",
        MEDIA_URL: "/media/",
        MEDIA_ROOT: this.mediaRoot,
        DATA_ROOT: `${this.#root}/data`,
        BERTH_STACK: pulumi.getStack(),
        BERTH_HOST: this.#args.host.name,
        ...own,
      }),
    );
  }

  /** What decides how an instance runs: a change of it is another instance. */
  #unitTexts() {
    const { name, wsgi, asgi, workers, threads, timeout, after } = this.#args;
    const root = this.#root;
    const common = { workers, timeout, head_bytes: headBehind.bytes, head_fields: headBehind.fields };
    return {
      socket: renderTemplate(here("web/web.socket.liquid"), { name }),
      service: renderTemplate(here("web/web.service.liquid"), {
        name,
        root,
        after,
        stop_timeout: timeout + 10,
        has_sockets: this.#args.server === "uvicorn",
        limits: limitLines(this.#args.limits ?? {}),
        environment: this.#environment("%i"),
        sandbox: sandbox(root),
      }),
      ...(wsgi === undefined
        ? {}
        : {
            gunicorn: renderTemplate(here("web/gunicorn.py.liquid"), { ...common, wsgi, threads }),
            uwsgi: renderTemplate(here("web/uwsgi.ini.liquid"), { ...common, wsgi, threads }),
          }),
      ...(asgi === undefined
        ? {}
        : { uvicorn: renderTemplate(here("web/asgi.py.liquid"), { ...common, asgi }) }),
    };
  }

  #web(before: HostScript): HostScript {
    const { name } = this.#args;
    const root = this.#root;
    const settings = Object.entries(settingsFiles).flatMap(([server, file]) => {
      const content = this.#units[server as ServerName];
      return content === undefined ? [] : [[`/etc/berth/${name}/${file}`, { content }] as const];
    });
    return new HostScript(
      `${this.#name}-web`,
      {
        host: this.#args.host,
        application: name,
        script: ["processes/units.sh", "web/web.sh"].map(here),
        removal: here("web/web-removal.sh"),
        slots: { name, root },
        files: {
          [`/etc/systemd/system/${name}-web@.socket`]: { content: this.#units.socket },
          [`/etc/systemd/system/${name}-web@.service`]: { content: this.#units.service },
          [`/usr/local/lib/berth/${name}/serve`]: {
            content: renderTemplate(here("web/serve.sh.liquid"), { name, root }),
            mode: "0755",
          },
          // For each server: a release that is rolled back to runs with the one that it was prepared for.
          ...Object.fromEntries(settings),
          [`/usr/local/bin/${name}-run`]: {
            content: renderTemplate(here("web/run.sh.liquid"), {
              name,
              root,
              environment: this.#environment("current").split("\n"),
            }),
            mode: "0755",
          },
          ...(this.#args.settings === undefined
            ? {}
            : {
                [`/usr/local/bin/${name}-manage`]: {
                  content: renderTemplate(here("web/manage.sh.liquid"), { name }),
                  mode: "0755",
                },
              }),
        },
      },
      { parent: this, dependsOn: [before] },
    );
  }

  /** What prepares releases, takes them live and back, and starts the live one as the host boots. */
  #program(settings: HostScript): HostScript {
    const { host, name, owner } = this.#args;
    return new ReleaseProgram(
      `${this.#name}-program`,
      { host, name, owner, root: this.#root, web: this.#isWeb },
      { parent: this, dependsOn: [settings] },
    );
  }

  /** The units of the processes, and the timers. Which processes run is a release's, as it goes live. */
  #processUnits(before: HostScript, timers: Readonly<Record<string, StepFile>>): HostScript {
    const { name, owner } = this.#args;
    return new HostScript(
      `${this.#name}-processes`,
      {
        host: this.#args.host,
        check: here("processes/timers-check.sh"),
        application: name,
        script: ["processes/units.sh", "processes/process-units.sh"].map(here),
        removal: here("processes/process-units-removal.sh"),
        slots: {
          name,
          owner,
          root: this.#root,
          web: this.#isWeb ? "yes" : "",
          processes: processTable(name, this.#args.processes),
          timers: timerTable(name, this.#timers),
        },
        files: { ...this.#processFiles, ...timers },
      },
      { parent: this, dependsOn: [before] },
    );
  }

  /** What the host must know of the processes to prepare a release and to take it live. */
  #processFacts() {
    return { processes: processFacts(this.#args.processes), kinds: processKinds };
  }

  /** The release, made beside what runs. */
  #prepare(source: Source, before: HostScript): [pulumi.Output<string>, HostScript] {
    const { host, name, python, requirements, server, settings, release, processes } = this.#args;
    const statics = this.#args.static;
    const { commands, env, afterCollectstatic = [] } = this.#args.build;
    const build = { commands, env };
    const after = this.#isWeb ? afterCollectstatic : [];
    const files = fileLinks(this.#files);
    const { groups = [], extras = [] } = this.#args;
    const asked = groups.length + extras.length === 0 ? {} : { groups, extras };
    const own = [
      commands.length + Object.keys(env).length === 0 ? {} : build,
      files,
      this.#args.shared,
      afterCollectstatic,
      asked,
    ]
      .filter((part) => Object.keys(part).length > 0)
      .map((part) => JSON.stringify(part))
      .join("");
    const recipe = [python, requirements, source.git?.path, tools[server].join(", "), settings, statics, own];
    const ofSource = source.version.apply((version) =>
      releaseId(
        version,
        recipe.map((part) => part ?? ""),
      ),
    );
    const id = release !== undefined && isReleaseId(release) ? pulumi.output(release) : ofSource;
    const archive =
      source.archive === undefined
        ? undefined
        : copyArchive(
            `${this.#name}-archive`,
            host,
            source.archive,
            ofSource.apply((own) => `.berth-${name}-${own}.tar`),
          );
    const prepared = new HostScript(
      `${this.#name}-release`,
      {
        host,
        script: here("program/prepare.sh"),
        slots: {
          name,
          facts: factsText({
            release: id,
            kept: release !== undefined,
            archive:
              archive === undefined
                ? null
                : { name: archive.remotePath, sha256: source.archive?.sha256 ?? "" },
            git: source.git ?? null,
            python: python ?? null,
            python_mirror: this.#args.pythonMirror ?? null,
            index: this.#args.index ?? null,
            requirements: requirements ?? null,
            groups,
            extras,
            build: { ...build, after_collectstatic: after },
            files,
            server,
            module: entryOf(this.#args).module,
            django: (this.#isWeb ? settings : undefined) ?? null,
            check: this.#args.check?.enabled === false ? null : (this.#args.check?.tags ?? []),
            static: (this.#isWeb ? statics : undefined) ?? null,
            shared: this.#args.shared,
            media_public: this.#args.mediaPublic ?? null,
            secrets: Object.keys(this.#args.secrets).sort(),
            ...this.#processFacts(),
            all_processes: this.#args.processNames ?? processes.map((process) => process.name),
          }),
        },
      },
      { parent: this, dependsOn: archive === undefined ? [before] : [before, archive] },
    );
    return [id, prepared];
  }

  /** The switch to the release. */
  #live(release: pulumi.Output<string>, prepared: HostScript): HostScript {
    const args = this.#args;
    return new HostScript(
      `${this.#name}-live`,
      {
        host: args.host,
        script: here("program/live.sh"),
        slots: {
          name: args.name,
          facts: factsText({
            release,
            kept: args.release !== undefined,
            retry: args.retry ?? null,
            keep: args.keep,
            django: (this.#isWeb ? args.settings : undefined) ?? null,
            release_command: args.releaseCommand ?? null,
            once: this.#isWeb ? (args.once ?? []) : [],
            dump: args.dumpBeforeMigrate,
            secrets: Object.keys(args.secrets).sort(),
            ...this.#processFacts(),
            health: args.health,
            pages: this.#isWeb ? pagesOf(args.pages ?? []) : [],
            domain: args.domain,
            scheme: args.scheme,
            door: args.door,
            packages: args.packages,
            timeout: args.timeout,
            changes: {
              units: digest(JSON.stringify([this.#units, this.#processFiles])),
              settings: this.#plainSettings().apply((plain) => digest(JSON.stringify(plain))),
              files: fileDigests(this.#files),
            },
          }),
        },
        // Not for use: a changed secret must start the service anew, and what fails must not print one.
        secrets: pulumi.output({ ...secretsIn(this.#files), ...args.secrets }).apply(withPasswords),
      },
      { parent: this, dependsOn: pulumi.output(args.liveAfter ?? []).apply((those) => [prepared, ...those]) },
    );
  }
}

/** What the release program is told, a line each, so that a preview shows which one changes. */
const factsText = (facts: pulumi.Input<object>): pulumi.Output<string> =>
  pulumi.output(facts).apply((known) => JSON.stringify(known, null, 2));

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** Logins as curl, uv and others read them: https://everything.curl.dev/usingcurl/netrc.html */
export const netrc = (logins: Readonly<Record<string, string>>): string =>
  Object.entries(logins)
    .map(([host, login]) => {
      const [user = "", ...password] = login.split(":");
      return `machine ${host} login ${user} password ${password.join(":")}\n`;
    })
    .join("");

/** The secrets, and beside each URL with a password in it that password, which may be printed without its URL. */
function withPasswords(secrets: Record<string, string>): Record<string, string> {
  const passwords = Object.entries(secrets).flatMap(([name, value]) => {
    const password = URL.canParse(value) ? new URL(value).password : "";
    return password === "" ? [] : [[`${name}-password`, decodeURIComponent(password)]];
  });
  return { ...secrets, ...Object.fromEntries(passwords) };
}
