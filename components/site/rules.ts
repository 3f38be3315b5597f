import { statSync } from "node:fs";
import { reservedNames } from "../app/processes/processes.ts";
import { anotherAccount, processFaults } from "../app/processes/schema.ts";
import { pagesOf } from "../app/program/pages-schema.ts";
import { envTexts } from "../app/schema.ts";
import { commandFaults } from "../app/settings/commands.ts";
import { fileFaults } from "../app/settings/files.ts";
import { mediaNames } from "../app/settings/media-references.ts";
import { referenceFaults, referenceNames } from "../app/settings/references.ts";
import { releaseNames } from "../app/settings/release-references.ts";
import { faultsOfHosts } from "../fleet/schema.ts";
import { isWildcard } from "../nginx/certificate/names.ts";
import { tlsFaults } from "../nginx/certificate/own.ts";
import { isByDns, tlsOf } from "../nginx/certificate/schema.ts";
import { namesServed, shapeFaults } from "../nginx/schema.ts";
import { ownServiceFaults } from "../own-service/faults.ts";
import { placesOf } from "../secrets/from/schema.ts";
import { generatedOf } from "../secrets/generate-schema.ts";
import type { Service } from "../service/service.ts";
import { allowedHostsFaults } from "./allowed-hosts.ts";
import { dockerFaults } from "./docker.ts";
import { portFaults, takenPorts } from "./ports.ts";
import { parts, plansOf, type SiteConfig } from "./schema.ts";

/** The configuration of a stack, with what holds between its parts. */
export const configSchema = parts.superRefine((config, context) => {
  const fault = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: path.split("."), message, input: at(config, path) });
  const { host, hosts, site, app, media, secrets, admins, backup, copy } = config;
  const running = plansOf(config).filter(({ plan }) => plan.server !== undefined);
  const names = referenceNames(
    running.map(({ service }) => service),
    [
      ...Object.keys(app.secrets),
      ...Object.keys(placesOf(app.secretFrom)),
      ...generatedOf(app.generate).map(({ name }) => name),
    ],
  );
  const ofStack = running.flatMap(({ service, plan: { server } }) => [
    ...settingsOf(service),
    // Those of services of a team's own are compared with these below.
    ...(server?.at === undefined ? Object.keys(server?.settings ?? {}) : []),
  ]);
  for (const [index, { name }] of generatedOf(app.generate).entries()) {
    const others = {
      "app.env": Object.keys(app.env),
      "app.secrets": Object.keys(app.secrets),
      "the stack itself": ["SECRET_KEY", ...ofStack],
    };
    const other = Object.entries(others).find(([, names]) => names.includes(name))?.[0];
    if (other !== undefined) {
      const message = `expected a setting that is not given by ${other}`;
      context.addIssue({ code: "custom", path: ["app", "generate", index], message, input: name });
    }
  }
  for (const [name, other] of settledTwice(config, ofStack)) {
    const message = `expected a name that is not given by ${other}, too: take it out of one of them`;
    context.addIssue({ code: "custom", path: ["app", "secretFrom", "names"], message, input: name });
  }
  const ofApplication = [
    ...names,
    ...releaseNames,
    ...(media.store === "s3"
      ? mediaNames({
          byKey: host.kind !== "ec2" || media.access === "user",
          hasPublicFiles: media.publicFiles !== undefined,
        })
      : []),
  ];
  for (const [name, message] of referenceFaults(envTexts(app), ofApplication))
    fault(`app.env.${name}`, message);
  for (const [name, message] of allowedHostsFaults(envTexts(app), site.domain))
    fault(`app.env.${name}`, message);
  for (const { path, message, found } of fileFaults(app.files, ofApplication)) {
    context.addIssue({ code: "custom", path: ["app", "files", ...path], message, input: found });
  }
  for (const [path, message, found] of commandFaults(app, ofApplication))
    context.addIssue({ code: "custom", path: ["app", ...path], message, input: found });
  const ofNginx = [
    ...(app.settings === undefined && app.static === undefined ? [] : ["/static/"]),
    ...(media.public ? ["/media/"] : []),
  ];
  for (const [index, page] of pagesOf(app.pages).entries()) {
    const place = ofNginx.find((one) => page.path.startsWith(one));
    if (place !== undefined) {
      const message = `expected a page of the application: nginx itself answers below ${place}, and some static files are asked for without being named`;
      context.addIssue({ code: "custom", path: ["app", "pages", index], message, input: page.path });
    }
  }
  if (app.build.afterCollectstatic.length > 0 && (app.settings === undefined || app.static !== undefined)) {
    fault(
      "app.build.afterCollectstatic",
      "expected none: without 'settings', or with 'static', nothing is collected",
    );
  }
  for (const { path, message, found } of ownServiceFaults(config.services, {
    ports: takenPorts(config, running),
    names: [...Object.keys(app.processes), ...Object.keys(app.timers)],
    settings: {
      "app.env": Object.keys(app.env),
      "app.secrets": Object.keys(app.secrets),
      "app.generate": generatedOf(app.generate).map(({ name }) => name),
      "app.secretFrom": Object.keys(placesOf(app.secretFrom)),
      "the stack itself": ["SECRET_KEY", ...ofStack],
    },
    references: names,
  })) {
    context.addIssue({ code: "custom", path: ["services", ...path], message, input: found });
  }
  if (config.mongodb.enabled && !config.postgres.enabled) {
    fault("mongodb.enabled", "expected false where 'postgres.enabled' is: the data is kept in PostgreSQL");
  }
  for (const [path, message, found] of dockerFaults(config, names))
    context.addIssue({ code: "custom", path: [...path], message, input: found });
  for (const [path, message] of faultsOfHosts(host, hosts)) fault(path, message);
  if (config.redis.enabled && config.redis.password === "none" && Object.keys(hosts).length > 0) {
    const why = "whoever gets into the network between the hosts could use Redis";
    fault("hosts", `expected none, because redis.password is 'none' and ${why}: take one of them out`);
  }
  if (config.redis.enabled && config.redis.password === "none" && config.metrics?.from !== undefined) {
    const why = "the exporter asks any server for whoever reads it, so they could read all of Redis";
    fault("metrics.from", `expected none, because redis.password is 'none' and ${why}: take one of them out`);
  }
  if (host.kind === "ec2" && host.sshFrom.length === 0 && host.reach === undefined) {
    fault("host.sshFrom", "expected a network, or a tunnel as 'reach': Berth itself comes by SSH");
  }
  // What builds a release, every dependency's own scripts among it, runs as the owner.
  const mayAll = [...admins.map(({ name }) => name), ...(host.kind === "existing" ? [host.user] : [])];
  if (mayAll.includes(app.owner)) {
    fault("app.owner", `expected an account that is not root's equal: '${app.owner}' may do all by sudo`);
  }
  if (app.root?.startsWith("/home/") && !app.root.startsWith(`/home/${app.owner}/`)) {
    fault("app.root", `expected a place in the home of 'app.owner', /home/${app.owner}, or outside of homes`);
  }
  for (const path of Object.keys(app.shared)) {
    if (app.static !== undefined && (path === app.static || path.startsWith(`${app.static}/`))) {
      // nginx has a copy of the static files, and follows no link out of it.
      const why = "its content changes, and nginx serves a copy that does not";
      fault(
        "app.shared",
        `expected no path in '${app.static}' (app.static), such as '${path}': ${why}. Take app.static out: the application serves both then`,
      );
    }
  }
  if (media.store === "s3" && host.kind !== "ec2") {
    if (media.region === undefined) fault("media.region", "expected an AWS region for the bucket");
    if (media.access === "role") fault("media.access", "expected 'user': only an EC2 host has a role");
  }
  if (backup?.place.kind === "aws" && host.kind !== "ec2") {
    if ((backup.place.region ?? media.region) === undefined)
      fault("backup.place.region", "expected an AWS region for the bucket");
  }
  if (media.store === "s3" && media.public !== undefined) {
    fault("media.public", "expected none: uploads in a bucket have addresses of their own");
  }
  if (media.directory !== undefined) {
    if (media.store === "s3") fault("media.directory", "expected none: uploads are in a bucket");
    const root = app.root ?? `/srv/${app.name}`;
    if (`${media.directory}/`.startsWith(`${root}/`) || `${root}/`.startsWith(`${media.directory}/`))
      fault(
        "media.directory",
        `expected a directory beside 'app.root', ${root}, and neither in it nor above it`,
      );
  }
  if (media.store === "host" && media.publicFiles !== undefined) {
    fault("media.publicFiles", "expected none: only a bucket (media.store: s3) has public files");
  }
  if (site.zone !== undefined) {
    for (const name of namesServed(site)) {
      if (name !== site.zone && !name.endsWith(`.${site.zone}`)) {
        fault("site.zone", `expected the zone of '${name}'`);
      }
    }
    if (site.domain === undefined) fault("site.domain", "expected a name in the zone that 'zone' names");
  }
  const tls = tlsOf(site.tls);
  if (tls.kind === "acme" && site.domain === undefined) {
    fault("site.domain", "expected the name that the certificate is for");
  }
  for (const [index, name] of site.aliases.entries()) {
    if (!isWildcard(name) || tls.kind !== "acme" || isByDns(tls)) continue;
    const line =
      host.kind === "ec2"
        ? "tls: {acme: {challenge: route53}}"
        : "tls: {acme: {challenge: {rfc2136: {server: …, name: …, secret: …}}}}";
    const message = `expected a name without '*': only by a record in its zone does an authority give a certificate for it. Write below site: ${line}; docs/certificates.md has the rest`;
    context.addIssue({ code: "custom", path: ["site", "aliases", index], message, input: name });
  }
  if (tls.kind === "acme" && isByDns(tls)) {
    if (tls.checkDns)
      fault("site.tls.acme.checkDns", "expected none: for this challenge names need not point anywhere");
    if (tls.challenge === "route53" && host.kind !== "ec2")
      fault("site.tls.acme.challenge", "expected http or rfc2136: only an EC2 host has a role for Route 53");
    else if (tls.challenge === "route53" && site.zone === undefined)
      fault(
        "site.zone",
        "expected the Route 53 zone of the site's names, which 'route53' changes records in",
      );
  }
  for (const [key, message] of tlsFaults(tls, namesServed(site))) fault(`site.tls.${key}`, message);
  const around = {
    asked: [app.health, ...pagesOf(app.pages).map(({ path }) => path)],
    mediaStore: media.store,
    mediaPublic: media.public ?? false,
    pages: pagesOf(app.pages).map(({ path }) => new URL(path, "http://host").pathname),
    hasStatic: app.settings !== undefined || app.static !== undefined,
    // Of an application in a home, the files are below /srv.
    own: [app.root, `/srv/${app.name}`, media.directory].filter((place) => place !== undefined),
  };
  for (const [path, message] of shapeFaults(site, app.health, around)) {
    context.addIssue({
      code: "custom",
      path: ["site", ...path],
      message,
      input: path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)[key], site),
    });
  }
  for (const [name, wanted] of Object.entries(config.app.processes)) {
    processFaults(name, wanted, config.app.owner).forEach(([key, message]) => {
      fault(`app.processes.${name}.${key}`, message);
    });
    if (wanted.runsOn !== undefined && (name === "web" || hosts[wanted.runsOn] === undefined)) {
      const names = Object.keys(hosts).join(", ");
      const expected =
        name === "web"
          ? "none: the web server runs on the first host"
          : `a name in 'hosts': ${names || "there is none"}`;
      fault(`app.processes.${name}.runsOn`, `expected ${expected}`);
    }
  }
  for (const { path, message, found } of portFaults(config, running))
    context.addIssue({ code: "custom", path: ["app", "processes", ...path], message, input: found });
  for (const [name, { account }] of Object.entries(config.app.timers)) {
    if (reservedNames.includes(name) || name === "web-start" || name in config.app.processes) {
      fault(
        `app.timers.${name}`,
        "expected a name that no process has, and none of web, release and web-start",
      );
    }
    if (account === config.app.owner) fault(`app.timers.${name}.account`, anotherAccount);
  }
  if (copy?.sql !== undefined && !statSync(copy.sql, { throwIfNoEntry: false })?.isFile())
    fault("copy.sql", `expected a file with SQL, from ${process.cwd()}`);
  if (host.kind !== "ec2") {
    if (site.zone !== undefined) fault("site.zone", "expected none: only an EC2 stack makes records");
    if (secrets.mirror !== "none") fault("secrets.mirror", "expected 'none': only an EC2 stack mirrors");
  }
});

/** The settings from elsewhere that something else gives as well, and what: which of them wins is never a question. */
function settledTwice(
  { app, secrets }: SiteConfig,
  ofStack: readonly string[],
): [setting: string, other: string][] {
  const others = {
    "app.env": Object.keys(app.env),
    "app.secrets": Object.keys(app.secrets),
    "app.generate": generatedOf(app.generate).map(({ name }) => name),
    "secrets.signingKey": secrets.signingKey === undefined ? [] : ["SECRET_KEY"],
    "the stack itself": ofStack,
  };
  return Object.keys(placesOf(app.secretFrom)).flatMap((name) =>
    Object.entries(others)
      .filter(([, names]) => names.includes(name))
      .map(([other]): [string, string] => [name, other]),
  );
}

const settingsOf = ({ setting, furtherSettings }: Service): string[] => [
  ...(setting === undefined ? [] : [setting]),
  ...Object.keys(furtherSettings ?? {}),
];

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value);
}
