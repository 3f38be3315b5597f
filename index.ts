import * as pulumi from "@pulumi/pulumi";
import { App, type AppArgs } from "./components/app/app.ts";
import { openFiles } from "./components/app/files.ts";
import { referencesTo, settle } from "./components/app/references.ts";
import { openSource, processesOf, sourceOf } from "./components/app/source.ts";
import type { MediaSettings } from "./components/aws/cloud.ts";
import { createHost } from "./components/host/create-host.ts";
import { firstHost, type Host } from "./components/host/host.ts";
import { Nginx } from "./components/nginx/nginx.ts";
import { Postgres } from "./components/postgres/postgres.ts";
import { Redis } from "./components/redis/redis.ts";
import { Secrets } from "./components/secrets/secrets.ts";
import { System } from "./components/system/system.ts";
import { type HostConfig, type OtherHostConfig, readConfig } from "./config.ts";
import { asWritten } from "./config-env.ts";
import { stackOutputs } from "./outputs.ts";

const config = readConfig();
const { site, app: application, postgres: database, redis: cache } = config;
const anywhere = ["0.0.0.0/0", "::/0"];
const ownSettings = await asWritten(application.env, `Pulumi.${pulumi.getStack()}.yaml`);
const internal = `${pulumi
  .getStack()
  .toLowerCase()
  .replaceAll(/[^a-z0-9-]/g, "-")}.internal`;
const scheme = site.tls === "off" ? "http" : "https";

// First of all: a source that is not there stops the program while nothing has been made.
const source = await openSource(
  "app",
  sourceOf(application.source, application.release),
  application.wsgi.split(":")[0] ?? "",
);
const known = processesOf(source, application.processes);
const processes = known.filter(({ count }) => count > 0);
const processesOn = (name: string) => processes.filter((one) => (one.runsOn ?? firstHost) === name);
// What lies in a home can be moved by the account whose home it is; there is a link there instead.
const atHome = application.root?.startsWith("/home/") ? application.root : undefined;
const root = (atHome === undefined ? application.root : undefined) ?? `/srv/${application.name}`;
// So does what AWS cannot give. A stack without AWS loads nothing of it.
const onEc2 = config.host.kind === "ec2";
const cloud =
  onEc2 || config.media.store === "s3"
    ? await (await import("./components/aws/cloud.ts")).openCloud("cloud", {
        config,
        data: [
          ...(database.enabled ? [Postgres.data()] : []),
          ...(cache.enabled ? [Redis.data()] : []),
          App.data(application.name, root, processesOn(firstHost), application.timers),
        ],
        reached: Object.fromEntries([
          ...(database.enabled ? [["postgres", Postgres.privatePort]] : []),
          ...(cache.enabled ? [["redis", Redis.privatePort]] : []),
        ]),
      })
    : undefined;
const secrets = new Secrets("secrets", {
  own: config.secrets,
  rotate: config.rotate,
  basicAuth: site.basicAuth !== undefined,
});
// The name that people use comes first; a domain that no name server knows does not reach a local host.
const named = [...(site.domain === undefined ? [] : [site.domain]), ...site.aliases];
const accounts = { [application.owner]: "berth:app.owner", [application.name]: "berth:app.name" };
const host =
  config.host.kind === "ec2"
    ? (cloud?.host as Host)
    : createHost(firstHost, config.host, [
        System.look([80, 443], accounts),
        Nginx.look(application.name, named),
        ...(database.enabled ? [Postgres.look(database.version)] : []),
        ...(cache.enabled ? [Redis.look(Object.keys(config.hosts).length > 0)] : []),
      ]);
const serverNames =
  config.host.kind === "local" || named.length === 0
    ? host.address.apply((ip) => [ip, ...named])
    : pulumi.output(named);
const domain = serverNames.apply((names) => names[0] as string);

// What every host's system has of its own settings, and of the stack's.
const common = (settings: HostConfig | OtherHostConfig) => ({
  timezone: settings.timezone,
  locale: settings.locale,
  admins: config.admins,
  owner: application.owner,
  ownerKeys: application.ownerKeys,
  ssh: {
    port: settings.kind === "existing" ? settings.port : 22,
    // In front of an EC2 host the security group says from where; its own firewall also lets tunnels in.
    from: settings.kind === "ec2" ? anywhere : settings.sshFrom,
    asRoot: settings.kind === "existing" && settings.user === "root",
  },
});
// One that is elsewhere is dumped before it is migrated, too; Django's may have any name in the settings.
const hasDatabase =
  database.enabled ||
  (application.dumpBeforeMigrate &&
    ("DATABASE_URL" in application.secrets || application.settings !== undefined));
// More hosts come first, for the first one's firewall lets them in by their addresses.
const others = Object.entries(config.hosts).map(([name, settings]) => {
  const other =
    settings.kind === "ec2"
      ? (cloud?.others[name] as Host)
      : createHost(name, settings, [System.look([], accounts)]);
  const ready = new System(`${name}-system`, {
    ...common(settings),
    host: other,
    fqdn: `${name}.${internal}`,
    openPorts: [],
    packages: [
      App.packages(application.packages),
      ...(hasDatabase ? [Postgres.clientPackages(database.version)] : []),
      ...(cache.enabled ? [Redis.clientPackages()] : []),
    ],
  });
  return { ...other, ready };
});
const system = new System("system", {
  ...common(config.host),
  host,
  fqdn: site.domain ?? `${firstHost}.${internal}`,
  openPorts: [80, 443],
  packages: [
    Nginx.packages(),
    App.packages(application.packages),
    ...(hasDatabase && !database.enabled ? [Postgres.clientPackages(database.version)] : []),
    ...(database.enabled ? [Postgres.packages(database.version, database.extensions)] : []),
    ...(cache.enabled ? [Redis.packages()] : []),
  ],
  privately: {
    ports: [
      ...(database.enabled ? [Postgres.privatePort] : []),
      ...(cache.enabled ? [Redis.privatePort] : []),
    ],
    to: others,
  },
  listeners: [
    ...(database.enabled ? [Postgres.listener()] : []),
    ...(cache.enabled ? [Redis.listener()] : []),
  ],
});

// One after the other: steps on one host never overlap.
const postgres = database.enabled
  ? new Postgres(
      "postgres",
      {
        host,
        version: database.version,
        locale: config.host.locale,
        database: database.database ?? application.name,
        role: database.role ?? application.name,
        extensions: database.extensions,
        password: secrets.database,
        others,
      },
      { dependsOn: [system] },
    )
  : undefined;
const redis = cache.enabled
  ? new Redis(
      "redis",
      { host, memory: cache.memory, policy: cache.policy, password: secrets.redis, others },
      { dependsOn: [postgres ?? system] },
    )
  : undefined;

const mediaOn = (on: Host, ready: pulumi.Resource) =>
  cloud?.mediaSettings(on, application.name, root, redis ?? postgres ?? ready);
const media = mediaOn(host, system);

const asSecrets = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pulumi.secret(value)]));

// The application as every host has it: the same release and settings, and the processes that run there.
const applicationOn = (
  on: Host,
  media: MediaSettings | undefined,
): Omit<AppArgs, "after" | "ownerServices"> => {
  const urls = {
    ...(postgres ? { postgres: postgres.urlOn(on) } : {}),
    ...(redis ? { redis: redis.urlOn(on) } : {}),
  };
  const references = referencesTo(
    urls,
    {
      "site.url": pulumi.interpolate`${scheme}://${domain}`,
      "site.domain": domain,
      "paths.media": `${root}/media`,
      "paths.logs": `${root}/logs`,
    },
    application.secrets,
  );
  const own = settle(ownSettings, references);
  return {
    ...application,
    processes: processesOn(on.name),
    processNames: known.map((process) => process.name),
    root,
    link: atHome,
    source,
    host: on,
    domain,
    scheme,
    timeout: site.timeout,
    env: {
      ALLOWED_HOSTS: serverNames.apply((names) => names.join(",")),
      CSRF_TRUSTED_ORIGINS: serverNames.apply((names) =>
        names.map((name) => `${scheme}://${name}`).join(","),
      ),
      ...media?.env,
      ...own.env,
    },
    files: openFiles(application.files, references),
    indexLogins: asSecrets(application.indexLogins),
    secrets: {
      SECRET_KEY: secrets.signingKey,
      ...(postgres ? { DATABASE_URL: postgres.urlOn(on) } : {}),
      ...(redis ? { REDIS_URL: redis.urlOn(on), CACHE_URL: redis.cacheUrlOn(on) } : {}),
      ...media?.secrets,
      ...own.secrets,
      ...asSecrets(application.secrets),
    },
  };
};
// A release is prepared on every host before it goes live on the first, and there, migrations and all, before another.
const firstIsLive = Promise.withResolvers<pulumi.Resource>();
const elsewhere = others.map((other) => {
  const media = mediaOn(other, other.ready);
  const there = { web: false, after: [], ownerServices: [], liveAfter: [firstIsLive.promise] };
  return new App(
    `${other.name}-app`,
    { ...applicationOn(other, media), ...there },
    { dependsOn: [media?.ready ?? redis ?? postgres ?? other.ready] },
  );
});
if (processes.length > processesOn(firstHost).length && config.media.store === "host") {
  pulumi.log.info(
    "Processes with 'runsOn' do not see uploaded files, which lie on the first host's disk. 'media.store: s3' puts them where both do.",
  );
}
const app = new App(
  "app",
  {
    ...applicationOn(host, media),
    limits: application.processes.web,
    releaseCommand: application.processes.release?.command,
    ownerServices: ["nginx", ...(redis ? ["redis-server"] : [])],
    after: [...(postgres ? ["postgresql.service"] : []), ...(redis ? ["redis-server.service"] : [])],
    liveAfter: elsewhere.map((one) => one.prepared),
  },
  { dependsOn: [media?.ready ?? redis ?? postgres ?? system] },
);
firstIsLive.resolve(app.live);

const nginx = new Nginx(
  "nginx",
  {
    host,
    name: application.name,
    serverNames,
    tls: site.tls,
    maxBody: site.maxBody,
    timeout: site.timeout,
    socket: app.socket,
    staticRoot: app.staticRoot,
    mediaRoot: app.mediaRoot,
    health: application.health,
    basicAuth:
      site.basicAuth && secrets.basicAuth
        ? { user: site.basicAuth.user, password: secrets.basicAuth }
        : undefined,
  },
  { dependsOn: [app] },
);

// A secret of before goes when the new one is live on every host, and what finishes with the old one has had its time.
const grace = 10 + Math.max(site.timeout + 10, ...processes.map(({ stopTimeout }) => stopTimeout));
const everywhere = [nginx, ...elsewhere];
const logins = postgres?.endPasswordsOfBefore(grace, everywhere);
redis?.endPasswordsOfBefore(grace, logins ? [logins] : everywhere);

cloud?.watch(firstHost, nginx);
others.forEach(({ name }, index) => {
  cloud?.watch(name, elsewhere[index] as App);
});

const mirrored = cloud?.mirror({
  SECRET_KEY: secrets.signingKey,
  ...(postgres ? { DATABASE_URL: postgres.url } : {}),
  ...(redis ? { REDIS_URL: redis.url } : {}),
  ...(secrets.basicAuth ? { BASIC_AUTH_PASSWORD: secrets.basicAuth } : {}),
});

export default stackOutputs({
  url: nginx.url,
  hostAddress: host.address,
  sshCommand: host.sshCommand,
  hostKey: host.hostKey,
  databaseUrl: postgres?.url,
  redisUrl: redis?.url,
  media: cloud?.bucket ? pulumi.interpolate`s3://${cloud.bucket.bucketName}` : app.mediaRoot,
  publicFiles: cloud?.bucket?.publicUrl,
  otherHosts:
    others.length === 0
      ? undefined
      : Object.fromEntries(
          others.map(({ name, address, sshCommand, hostKey }) => [
            name,
            { address, sshCommand, hostKey, ...cloud?.outputsOf(name) },
          ]),
        ),
  deployKey: app.deployKey,
  release: app.release,
  basicAuthPassword: secrets.basicAuth,
  instanceId: cloud?.host?.instanceId,
  imageOffer: cloud?.host?.imageOffer,
  dns: cloud?.dns,
  mirroredSecrets: mirrored,
});
