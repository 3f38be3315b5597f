import * as pulumi from "@pulumi/pulumi";
import type { DjangoRun, FilesBackup } from "../service/service.ts";
import type { PackageSet, ServiceData } from "../system/system.ts";
import { accountStep } from "./account/step.ts";
import { type AppArgs, appStep, mediaRoot } from "./args.ts";
import { environment, type Process, type Timer } from "./processes/processes.ts";
import { processUnitsStep } from "./processes/step.ts";
import { liveStep } from "./program/live-step.ts";
import { prepareStep } from "./program/prepare-step.ts";
import { ReleaseProgram } from "./program/program.ts";
import { settingsStep } from "./settings/step.ts";
import { unitTexts, webStep } from "./web/step.ts";

export type { AppArgs } from "./args.ts";

/** Below the static files of a release; with a dot, so that it is no part of `/static/`. See release/static.py. */
const furtherFiles = ".at";

/** A Django or Flask application: its account, settings and units, and the release that runs. */
export class App extends pulumi.ComponentResource {
  /** The socket that the application answers at. */
  readonly socket: string;
  /** Where uploaded files lie. */
  readonly mediaRoot: string;
  /** Where the static files of the running release lie. */
  readonly staticRoot: string | undefined;
  /** Where further files of the running release lie that nginx serves: see `served` of the arguments. */
  readonly filesRoot: string | undefined;
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
    { name, root, mediaRoot: media }: { name: string; root: string; mediaRoot: string },
    processes: readonly Process[],
    timers: Readonly<Record<string, Timer>>,
  ): ServiceData {
    const units = [
      ...processes.map((process) => `${name}-${process.name}@.service`),
      ...Object.keys(timers).map((timer) => `${name}-${timer}.service`),
    ];
    return {
      directories: [media, `${root}/data`, `/var/lib/berth/once-${name}`],
      services: [`${name}-web-start.service`, `${name}-web@.service`, ...units],
    };
  }

  /**
   * What of an application a backup has.
   *
   * @param media where uploaded files lie; undefined where that is not on the host
   */
  static backup(name: string, root: string, media: string | undefined): FilesBackup {
    const directories = [...(media === undefined ? [] : [media]), `${root}/data`];
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

  constructor(name: string, args: AppArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:app:App", name, {}, options);
    const { host, root, source } = args;
    const step = appStep(name, this, args);
    const { isWeb } = step;
    const hasStatic = isWeb && (args.settings !== undefined || args.static !== undefined);
    this.socket = `/run/${args.name}/web.sock`;
    this.mediaRoot = mediaRoot(args);
    this.staticRoot = hasStatic ? `${root}/static/current` : undefined;
    const hasFiles = isWeb && Object.keys(args.served ?? {}).length > 0;
    this.filesRoot = hasFiles ? `${root}/static/current/${furtherFiles}` : undefined;

    const texts = unitTexts(step);
    const settings = settingsStep(step, accountStep(step));
    const program = new ReleaseProgram(
      `${name}-program`,
      { host, name: args.name, owner: args.owner, root, media: this.mediaRoot, web: isWeb },
      { parent: this, dependsOn: [settings] },
    );
    const web = isWeb ? webStep(step, texts, program) : program;
    const hasUnits = args.processes.length > 0 || Object.keys(step.timers).length > 0 || !isWeb;
    const units = hasUnits ? processUnitsStep(step, web) : web;
    const [id, prepared] = prepareStep(step, units);
    const live = liveStep(step, texts, id, prepared);

    this.prepared = prepared;
    this.live = live;
    this.release = pulumi.all([id, live.id]).apply(([release]) => release);
    this.deployKey = source.deployKey?.key.publicKeyOpenssh.apply((key) => key.trim());
    this.registerOutputs(isWeb ? { keeps: `private files in ${root}/data` } : {});
  }
}
