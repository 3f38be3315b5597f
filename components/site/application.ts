import * as pulumi from "@pulumi/pulumi";
import { App, type AppArgs } from "../app/app.ts";
import { openHooks } from "../app/hooks/hooks.ts";
import { envTexts } from "../app/schema.ts";
import { openFiles } from "../app/settings/files.ts";
import { mediaReferences } from "../app/settings/media-references.ts";
import { type References, referencesTo, settle } from "../app/settings/references.ts";
import { releaseReferences } from "../app/settings/release-references.ts";
import type { Cloud, MediaSettings } from "../aws/cloud.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Host } from "../host/host.ts";
import { accelRules } from "../nginx/front/accel.ts";
import { releaseFiles } from "../nginx/front/locations.ts";
import type { SiteNames } from "./names.ts";
import { processesOn, type SitePlan } from "./plan.ts";
import type { ReferencesTo, Services } from "./services.ts";

export interface ApplicationArgs {
  readonly plan: SitePlan;
  readonly fleet: Fleet;
  readonly services: Services;
  readonly cloud: Cloud | undefined;
  /** The key that the application signs with. */
  readonly signingKey: pulumi.Output<string>;
  /** Secrets that it has for itself, by their settings. */
  readonly generated: Readonly<Record<string, pulumi.Output<string>>>;
  readonly names: SiteNames;
  /** What its settings and files may refer to. */
  readonly references: ReferencesTo;
}

/**
 * The application on all hosts of a fleet: the same release and settings everywhere, and the processes that run there. A
 * release is prepared on every host before it goes live on the first, and there, migrations and all, before another.
 */
export class Application {
  /** As it is on the host that serves the site. */
  readonly first: App;
  /** As it is on the hosts beside that one. */
  readonly elsewhere: readonly App[];

  readonly #args: ApplicationArgs;

  constructor(args: ApplicationArgs) {
    this.#args = args;
    const { plan, fleet } = args;
    const { config, services } = plan;
    const servers = services.flatMap(({ plan: { server } }) => server ?? []);
    const firstIsLive = Promise.withResolvers<pulumi.Resource>();
    const media = this.#mediaOn(fleet.first);
    this.elsewhere = fleet.others.map((host) => {
      const there = { web: false, after: [], ownerServices: [], liveAfter: [firstIsLive.promise] };
      const own = { ...this.#on(host, this.#mediaOn(host)), ...there };
      return fleet.next(host, (options) => new App(`${host.name}-app`, own, options));
    });
    const here = {
      ...this.#on(fleet.first, media),
      hooks: openHooks(config.app.hooks),
      limits: config.app.processes.web,
      releaseCommand: config.app.processes.release?.command,
      ownerServices: ["nginx", ...servers.flatMap(({ ownerUnits }) => ownerUnits ?? [])],
      after: servers.flatMap(({ units }) => units),
      liveAfter: this.elsewhere.map((one) => one.prepared),
    };
    this.first = fleet.next(fleet.first, (options) => new App("app", here, options));
    firstIsLive.resolve(this.first.live);
  }

  /** How it gets at its bucket, once it can. */
  #mediaOn(host: Host): MediaSettings | undefined {
    const { cloud, fleet, plan } = this.#args;
    const media = cloud?.mediaSettings(host, plan.config.app.name, plan.root, fleet.last(host));
    if (media !== undefined) fleet.follows(host, media.ready);
    return media;
  }

  #on(host: Host, media: MediaSettings | undefined): Omit<AppArgs, "after" | "ownerServices"> {
    const { plan, names, services, signingKey, generated } = this.#args;
    const { app, site } = plan.config;
    const known = both(this.#args.references(services.urlsOn(host)), releaseReferences(plan.root));
    const references = media === undefined ? known : both(known, mediaReferences(media));
    const own = settle({ ...services.textsOn(host), ...envTexts(app) }, references);
    return {
      ...app,
      hooks: undefined,
      processes: processesOn(plan, host.name),
      processNames: plan.processes.map((process) => process.name),
      root: plan.root,
      mediaRoot: plan.mediaRoot,
      mediaPublic: plan.config.media.public,
      shown: accelRules(site.accel).flatMap(({ directory }) => (directory === "" ? [] : [directory])),
      served: releaseFiles(site.locations),
      link: plan.link,
      source: plan.source,
      host,
      domain: names.domain,
      scheme: names.scheme,
      door: names.door,
      timeout: site.timeout,
      env: {
        // As Django writes '*.NAME'.
        ALLOWED_HOSTS: names.all.apply((all) => all.map((name) => name.replace(/^\*\./, ".")).join(",")),
        CSRF_TRUSTED_ORIGINS: names.all.apply((all) =>
          all.map((name) => `${names.scheme}://${name}`).join(","),
        ),
        ...media?.env,
        ...own.env,
      },
      files: openFiles(app.files, references),
      indexLogins: asSecrets(app.indexLogins),
      build: { ...app.build, secrets: asSecrets(app.build.secrets) },
      secrets: {
        ...without(own.env, {
          SECRET_KEY: signingKey,
          ...services.settingsOn(host),
          ...media?.secrets,
        }),
        ...own.secrets,
        ...generated,
        ...asSecrets(app.secrets),
      },
    };
  }
}

/** What the stack's own settings and files may refer to. */
export function referencesOf(
  { config, root, mediaRoot }: SitePlan,
  names: SiteNames,
  generated: ApplicationArgs["generated"],
): ReferencesTo {
  const places = {
    "site.url": names.url,
    "site.scheme": names.scheme,
    "site.domain": names.domain,
    "paths.media": mediaRoot,
    "paths.data": `${root}/data`,
    "paths.logs": `${root}/logs`,
  };
  return (urls) => referencesTo(urls, places, { ...generated, ...config.app.secrets });
}

const both = (one: References, other: References): References => ({
  plain: { ...one.plain, ...other.plain },
  secret: { ...one.secret, ...other.secret },
});

/** The settings that are not among these: what the stack's file says wins. */
const without = (those: object, settings: Readonly<Record<string, pulumi.Input<string>>>) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in those)));

const asSecrets = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pulumi.secret(value)]));
