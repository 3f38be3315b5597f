// Keys that people know from other tools, and what does the same here.

const timer = 'What runs at certain times is a timer: app.timers: {NAME: {command: …, at: "*:0/15"}}.';
const time = "When it runs is 'at', as systemd has it: *:0/15, or Mon 03:00 Europe/Berlin.";
const count = "How many of it run is 'count'.";

/** By the group that a key stands in, with `*` for a name of the author's own. */
const groups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    database: "The database is 'postgres'.",
    db: "The database is 'postgres'.",
    domain: "The domain is 'site.domain'.",
    env: "The environment is 'app.env'.",
    backups: "Backups are 'backup'.",
    workers: "Processes beside the web server are 'app.processes'.",
    cron: timer,
    timers: timer,
    processes: "Processes are 'app.processes'.",
  },
  app: {
    cron: timer,
    crons: timer,
    schedule: timer,
    domain: "The domain is 'site.domain'.",
    domains: "The domain is 'site.domain', and others are 'site.aliases'.",
    environment: "The environment is 'env'.",
    volumes: "Directories that outlive a release are 'shared'.",
    user: "The account of the application is called as the application, 'name'; its files are the owner's, 'owner'.",
    command: "The web server is made from 'wsgi' or 'asgi'; other commands are 'processes'.",
    server_command: "The web server is made from 'wsgi' or 'asgi'.",
    module: "The module of the application is 'wsgi' or 'asgi', such as shop.wsgi:application.",
    git: "The repository is 'source: {git: …, ref: …}'.",
    repository: "The repository is 'source: {git: …, ref: …}'.",
    branch: "The branch is 'source.ref'.",
    path: "The directory of the application is 'source.directory'.",
    migrate: "Django's migrate runs by itself; another command is 'processes.release.command'.",
  },
  "app.processes.*": {
    schedule: timer,
    at: timer,
    cron: timer,
    every: timer,
    replicas: count,
    scale: count,
    instances: count,
    numprocs: count,
    user: "Its account is 'account'.",
    cmd: "Its command is 'command'.",
    host: "The host that it runs on is 'runsOn'.",
    hosts: "The host that it runs on is 'runsOn'.",
    env: "All processes have the settings of 'app.env'; before a command, NAME=VALUE sets one more.",
    port: "Its ports are 'ports: [{port: …}]'.",
  },
  "app.timers.*": {
    schedule: time,
    cron: time,
    every: time,
    user: "Its account is 'account'.",
  },
  site: {
    domains: "The domain is 'domain', and others are 'aliases'.",
    ssl: "The certificate is 'tls'.",
    letsencrypt: "Certificates by Let's Encrypt are 'tls: acme'.",
    https: "The certificate is 'tls'.",
  },
};

/** ` …` with what is the same here, for a key of another tool's; nothing for any other. */
export function otherWord(group: readonly PropertyKey[], key: string): string {
  const path = group.map(String);
  const found = Object.entries(groups).find(([pattern]) => {
    const parts = pattern === "" ? [] : pattern.split(".");
    return parts.length === path.length && parts.every((part, index) => part === "*" || part === path[index]);
  });
  const told = found !== undefined && Object.hasOwn(found[1], key) ? found[1][key] : undefined;
  return told === undefined ? "" : ` ${told}`;
}
