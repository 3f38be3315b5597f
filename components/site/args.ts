// What the parts of a site are told, of its plan and of each other.

import * as pulumi from "@pulumi/pulumi";
import { App } from "../app/app.ts";
import type { NamesArgs } from "../app/names/names.ts";
import type { FrontArgs } from "../app/program/front.ts";
import { pagesOf } from "../app/program/pages-schema.ts";
import type { Cloud, CloudArgs, MadePlace } from "../aws/cloud.ts";
import { Backup, type BackupArgs } from "../backup/backup.ts";
import type { CopiesArgs } from "../backup/copies.ts";
import type { FleetArgs } from "../fleet/fleet.ts";
import { hostFlag, stackFlag } from "../host/flags.ts";
import { firstAccount, firstHost, type Host } from "../host/host.ts";
import { tlsOf } from "../nginx/certificate/schema.ts";
import { behindOf } from "../nginx/front/behind.ts";
import { Nginx, type NginxArgs } from "../nginx/nginx.ts";
import { namesGiven, namesServed } from "../nginx/schema.ts";
import type { RebootsArgs } from "../reboots/reboots.ts";
import { generatedOf } from "../secrets/generate-schema.ts";
import type { Secrets, SecretsArgs } from "../secrets/secrets.ts";
import type { ServiceBackup } from "../service/service.ts";
import type { ServiceSecret } from "../services.ts";
import { Notices, type NoticesArgs } from "../status/notices.ts";
import { Syslog, type SyslogArgs } from "../syslog/syslog.ts";
import type { ApplicationAccount, PackageSet } from "../system/system.ts";
import type { SiteNames } from "./names.ts";
import { processesOn, type SitePlan } from "./plan.ts";

export const secretsArgs = ({ config, services }: SitePlan): SecretsArgs => ({
  own: config.secrets,
  rotate: config.rotate,
  services: services.flatMap(({ service, plan }) =>
    plan.server === undefined ? [] : (Object.keys(service.secrets) as ServiceSecret[]),
  ),
  generate: generatedOf(config.app.generate),
  basicAuth: config.site.basicAuth !== undefined,
});

export function cloudArgs(plan: SitePlan): CloudArgs {
  const { config, services } = plan;
  const servers = services.flatMap(({ plan: { server } }) => server ?? []);
  return {
    config,
    data: [
      ...servers.flatMap(({ data }) => data ?? []),
      ...Nginx.data(tlsOf(config.site.tls)),
      App.data({ ...plan, name: config.app.name }, processesOn(plan, firstHost), config.app.timers),
    ],
    reached: Object.assign({}, ...servers.map(({ privatePorts }) => privatePorts ?? {})),
  };
}

export function fleetArgs(plan: SitePlan, cloud: Cloud | undefined): FleetArgs {
  const { config, services } = plan;
  const { app, site, host, hosts, admins } = config;
  const stack = pulumi.getStack().toLowerCase();
  const behind = behindOf(site.behind);
  return {
    host,
    hosts,
    instances: cloud?.hosts ?? {},
    domain: site.domain,
    internal: internalOf(stack),
    admins,
    owner: app.owner,
    ownerKeys: app.ownerKeys,
    accounts: { [app.owner]: "app.owner", [app.name]: "app.name" },
    ofApplication: accountsOf(plan),
    services,
    packages: { all: packagesOfAll(plan), first: firstPackages(plan) },
    visitorsFrom: behind?.only ? behind.networks : undefined,
    looks: [Nginx.look(app.name, namesServed(site))],
  };
}

/** The accounts that the application's code has on the first host. */
function accountsOf({ config: { app }, processes, root }: SitePlan): ApplicationAccount[] {
  const own = (kind: string, name: string, account: string | undefined) =>
    account === undefined || account === app.name
      ? []
      : [{ name: account, home: `/var/lib/${app.name}-${name}`, key: `app.${kind}.${name}.account` }];
  return [
    { name: app.name, home: root, key: "app.name" },
    ...processes
      .filter(({ count, runsOn }) => count > 0 && (runsOn ?? firstHost) === firstHost)
      .flatMap(({ name, account }) => own("processes", name, account)),
    ...Object.entries(app.timers).flatMap(([name, { account }]) => own("timers", name, account)),
  ];
}

/** What every host needs from Debian. */
function packagesOfAll({ config: { app, notify, syslog } }: SitePlan): PackageSet {
  const own = App.packages(app.packages);
  const more = [
    ...(notify === undefined ? [] : Notices.packages().packages),
    ...(syslog === undefined ? [] : Syslog.packages().packages),
  ];
  return { ...own, packages: [...own.packages, ...more] };
}

/** What the host that serves the site needs from Debian beside what its services need. */
function firstPackages(plan: SitePlan): PackageSet {
  const nginx = Nginx.packages(tlsOf(plan.config.site.tls));
  if (plan.config.backup === undefined && plan.config.copy === undefined) return nginx;
  return { ...nginx, packages: [...nginx.packages, ...Backup.packages(backupParts(plan)).packages] };
}

/** What there is to back up: of each service on the first host its part, and what the application keeps. */
const backupParts = (plan: SitePlan): ServiceBackup[] => [
  ...plan.services.flatMap(({ plan: { server } }) => server?.backup ?? []),
  uploadsOf(plan),
];

const uploadsOf = ({ config, root, mediaRoot }: SitePlan) =>
  App.backup(config.app.name, root, config.media.store === "host" ? mediaRoot : undefined);

const releaseOf = ({ config: { app }, root }: SitePlan) =>
  App.django(app.name, root, Object.keys(app.files ?? {}).length > 0);

/** Undefined where there are no backups. */
export function backupArgs(
  plan: SitePlan,
  host: Host,
  names: SiteNames,
  keeper: Secrets,
  made: MadePlace | undefined,
): BackupArgs | undefined {
  const { app, backup } = plan.config;
  if (backup === undefined) return undefined;
  return {
    host,
    ...placeOf(backup, made),
    config: backup,
    stack: pulumi.getStack(),
    application: app.name,
    parts: backupParts(plan),
    django: app.settings === undefined ? undefined : releaseOf(plan),
    keeper,
    site: { scheme: names.scheme, domain: names.domain, health: app.health },
  };
}

/** Where backups are kept, as the stack's file says or as the stack has made it. */
function placeOf(
  { place }: NonNullable<SitePlan["config"]["backup"]>,
  made: MadePlace | undefined,
): Pick<BackupArgs, "place" | "key" | "ca"> {
  switch (place.kind) {
    case "directory":
      return { place, key: undefined, ca: undefined };
    case "s3": {
      const { accessKey: id, secretKey: secret, ...choice } = place;
      return { place: choice, key: { kind: "bucket", id, secret }, ca: place.ca };
    }
    case "sftp": {
      const { privateKey: _, ...choice } = place;
      return { place: choice, key: undefined, ca: undefined };
    }
    case "aws": {
      if (made === undefined) throw new Error("the bucket for backups was not made");
      const { bucketName, region, accessKeyId: id, secretAccessKey: secret } = made;
      const choice = pulumi.output(bucketName).apply((bucket) => ({ kind: "s3" as const, bucket, region }));
      return { place: choice, key: { kind: "bucket", id, secret }, ca: undefined };
    }
  }
}

/** Undefined where the data of another stack never comes here. */
export function copiesArgs(plan: SitePlan, host: Host, names: SiteNames): CopiesArgs | undefined {
  const { app, copy } = plan.config;
  if (copy === undefined) return undefined;
  return {
    host,
    config: copy,
    stack: pulumi.getStack(),
    application: app.name,
    database: backupParts(plan).find((part) => part.kind === "postgresql"),
    uploads: uploadsOf(plan),
    release: releaseOf(plan),
    django: app.settings !== undefined,
    releaseCommand: app.processes.release?.command,
    site: { scheme: names.scheme, domain: names.domain, health: app.health },
  };
}

/** Undefined where visitors get nothing that could be asked for. */
export function frontArgs(
  { config: { app } }: SitePlan,
  host: Host,
  names: SiteNames,
  { staticRoot, filesRoot }: App,
): FrontArgs | undefined {
  if (app.pages.length === 0 && staticRoot === undefined && filesRoot === undefined) return undefined;
  const { domain, door } = names;
  return { host, name: app.name, pages: app.pages, staticRoot, filesRoot, domain, door };
}

/** Undefined where nobody is told. */
export function noticesArgs(
  { config }: SitePlan,
  host: Host,
  { scheme, domain }: SiteNames,
): NoticesArgs | undefined {
  const { app, notify, admins } = config;
  if (notify === undefined) return undefined;
  const machine = host.name === firstHost ? config.host : config.hosts[host.name];
  const engine = machine?.kind === "existing" ? machine.user : firstAccount;
  const stack = pulumi.getStack();
  const first = host.name === firstHost;
  return {
    host,
    config: notify,
    label: `${app.name} (${stack}, ${host.name})`,
    application: app.name,
    site: { scheme, domain, health: app.health },
    first,
    people: [...admins.map(({ name }) => name), "root"].filter((name) => name !== engine),
    flags: { stack: stackFlag(stack), host: hostFlag(host.name) },
  };
}

/** The last part of the names that a stack's hosts have without a domain. */
const internalOf = (stack: string) => `${stack.replaceAll(/[^a-z0-9-]/g, "-")}.internal`;

/** Where the logs of a host go; undefined where they stay. */
export function syslogArgs({ config: { site, syslog } }: SitePlan, host: Host): SyslogArgs | undefined {
  if (syslog === undefined) return undefined;
  const own = host.name === firstHost ? site.domain : undefined;
  return { host, config: syslog, label: own ?? `${host.name}.${internalOf(pulumi.getStack())}` };
}

/** When a host may reboot by itself; undefined where it may not. */
export function rebootsArgs(
  { config: { app, host: first, hosts } }: SitePlan,
  host: Host,
  { door, domain }: SiteNames,
): RebootsArgs | undefined {
  const serves = host.name === firstHost;
  const at = (serves ? first : hosts[host.name])?.rebootAt;
  if (at === undefined) return undefined;
  return {
    host,
    at,
    application: app.name,
    ...(serves ? { site: { scheme: door, domain, health: app.health } } : {}),
  };
}

/** What of the names of an application may be left on a host, under names that it has no longer. */
export const namesArgs = (plan: SitePlan, host: Host): NamesArgs => ({
  host,
  name: plan.config.app.name,
  owner: plan.config.app.owner,
  root: plan.root,
  processes: processesOn(plan, host.name),
  timers: host.name === firstHost ? plan.config.app.timers : {},
});

export function nginxArgs(
  { config: { app, site, media } }: SitePlan,
  host: Host,
  names: SiteNames,
  application: App,
  secrets: Secrets,
): NginxArgs {
  const tls = tlsOf(site.tls);
  return {
    host,
    name: app.name,
    serverNames: names.all,
    // Behind a proxy the names point at that.
    tls: tls.kind === "acme" ? { ...tls, checkDns: tls.checkDns ?? site.behind === undefined } : tls,
    domains: namesGiven(site),
    behind: behindOf(site.behind),
    shape: site,
    asked: pagesOf(app.pages).map(({ path }) => path),
    maxBody: site.maxBody,
    timeout: site.timeout,
    websockets: app.server === "uvicorn",
    socket: application.socket,
    staticRoot: application.staticRoot,
    filesRoot: application.filesRoot,
    mediaRoot: application.mediaRoot,
    mediaPublic: media.public ?? false,
    health: app.health,
    basicAuth:
      site.basicAuth && secrets.basicAuth ? { ...site.basicAuth, password: secrets.basicAuth } : undefined,
  };
}
