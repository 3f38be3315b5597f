import { join } from "node:path";
import { unitQuote } from "../../host/quote.ts";
import type { StepFile } from "../../host/step.ts";
import { renderTemplate } from "../../host/template.ts";
import type { NetworkPort } from "../../system/system.ts";
import { filesPlace } from "../settings/files.ts";

/**
 * The kinds of processes: how each is told from its command, and how it is asked to take no more tasks, finish what
 * it does, and end. The patterns are read by JavaScript and by bash alike.
 *
 * https://docs.celeryq.dev/en/stable/userguide/workers.html#stopping-the-worker
 * https://huey.readthedocs.io/en/latest/consumer.html#consumer-shutdown
 * https://python-rq.org/docs/workers/#taking-down-workers
 */
const kinds = {
  "celery-beat": { pattern: "(^|[ /.])celery( .*)? beat( |$)", stop: "SIGTERM" },
  celery: { pattern: "(^|[ /.])celery( .*)? worker( |$)", stop: "SIGTERM" },
  huey: { pattern: "(^|[ /.])(huey_consumer(\\.py)?|run_huey|djangohuey)( |$)", stop: "SIGINT" },
  rq: { pattern: "(^|[ /.])(rq( .*)? worker(-pool)?|rqworker(-pool)?)( |$)", stop: "SIGTERM" },
  command: { pattern: "", stop: "SIGTERM" },
} as const;

export type Kind = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as [Kind, ...Kind[]];

/** What a command runs, as far as it can be told from its text. */
export const kindOf = (command: string): Kind =>
  kindNames.find((kind) => new RegExp(kinds[kind].pattern).test(command)) ?? "command";

/** Whether a Celery worker also sends the periodic tasks; two of these would send each twice. */
export const hasBeat = (command: string): boolean =>
  kindOf(command) === "celery" && / (-B|-EB|-BE|--beat)( |$)/.test(command);

/** The group whose members may use Docker, which is as much as being root. */
export const dockerGroup = "docker";

/** The groups that a process may be in beside the application's; nginx's own reads uploads and static files. */
export const processGroups = [dockerGroup, "www-data"] as const;

export type Group = (typeof processGroups)[number];

/** What a process may take of its host. */
export interface Limits {
  /** The most memory, in MiB. @default no limit */
  readonly memory?: number | undefined;
  /** The most computing time, in percent of one CPU. @default no limit */
  readonly cpu?: number | undefined;
}

/** A process beside the web server, as a stack's configuration has it. */
export interface ProcessConfig extends Limits {
  /** @default what the release's Procfile has under this name */
  readonly command?: string | undefined;
  /** @default told from the command */
  readonly kind?: Kind | undefined;
  /** How many of it run, 0 for none. @default 1 */
  readonly count: number;
  /** Its system account. @default the application's */
  readonly account?: string | undefined;
  /** Groups of the host that it is in, beside the application's. @default none */
  readonly groups?: readonly Group[] | undefined;
  /** How long a task that it has begun may take, in seconds, when it is to stop. */
  readonly stopTimeout: number;
  /** Whether a release starts it anew, or leaves it on the release that it runs. */
  readonly onRelease: "restart" | "keep";
  /** The ports at which it listens. @default none */
  readonly ports?: readonly NetworkPort[] | undefined;
  /** The host that it runs on, by its name. @default the one that serves the site */
  readonly runsOn?: string | undefined;
}

/** A process as it runs. */
export interface Process extends ProcessConfig {
  readonly name: string;
  readonly kind: Kind;
  /** Whether it is a pool of RQ's, which tells its workers itself when to end. */
  readonly isPool: boolean;
}

/** Names with another meaning: the web server, and the command that migrates. */
export const reservedNames = ["web", "release"];

/** Names that units may have, the application's before them. */
export const processNamePattern = /^[a-z][a-z0-9_-]{0,22}$/;

/** The lines of a Procfile: names of processes, and their commands. https://devcenter.heroku.com/articles/procfile */
export function readProcfile(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").map((line) => /^([\w-]+):\s*(\S.*?)\s*$/.exec(line));
  return Object.fromEntries(lines.flatMap((line) => (line ? [[line[1], line[2]]] : [])));
}

const usual: ProcessConfig = { count: 1, stopTimeout: 600, onRelease: "restart" };

/**
 * The processes of an application: those that its stack names, and those of its Procfile.
 *
 * @param procfile the Procfile's lines; undefined where only the host sees them: then the stack must name them all
 * @throws when a process has no command, or the Procfile holds what cannot be run
 */
export function wantedProcesses(
  configured: Readonly<Record<string, ProcessConfig>>,
  procfile: Readonly<Record<string, string>> | undefined,
): Process[] {
  const lines = procfile ?? {};
  const names = [...new Set([...Object.keys(configured), ...Object.keys(lines)])]
    .filter((name) => !reservedNames.includes(name))
    .sort();
  const processes = names.map((name): Process => {
    const process = configured[name] ?? usual;
    const command = process.command ?? lines[name] ?? "";
    const kind = process.kind ?? kindOf(command);
    return { ...process, name, kind, isPool: kind === "rq" && /-pool( |$)/.test(command) };
  });
  const faults = processes.flatMap((process) => {
    const { name } = process;
    const command = process.command ?? lines[name];
    if (!processNamePattern.test(name)) {
      return [
        `its Procfile's '${name}': expected a lower-case letter, then letters, digits, hyphens or underscores, 23 at most`,
      ];
    }
    if (command === undefined) {
      return procfile === undefined
        ? []
        : [`app.processes.${name}.command: expected a command; the source has no Procfile line of that name`];
    }
    if (process.command !== undefined || process.count === 0) return [];
    if (hasBeat(command)) return [`its Procfile's '${name}': ${withoutBeat}`];
    if (hasPorts(process) && !withoutTasks(process.kind))
      return [`app.processes.${name}.ports: ${withoutPorts}`];
    return process.kind === "celery-beat" && process.count > 1
      ? [`app.processes.${name}.count: ${oneBeat}; found ${process.count}`]
      : [];
  });
  if (faults.length > 0) {
    throw new Error(["The application's processes have faults:", ...faults].join("\n  "));
  }
  return processes;
}

/** What is expected where beats would be two. */
export const withoutBeat =
  "expected a worker without beat (-B), for while one takes over from the other there are two: " +
  "make beat a process of its own, with 'celery … beat' for its command";
/** Whether one of this kind can end at once for another to take its place. */
export const withoutTasks = (kind: Kind): boolean => kind === "command" || kind === "celery-beat";
export const withoutPorts =
  "expected none: a worker finishes its tasks while the next one works, and two cannot listen at one port. " +
  "Give the ports to a process of its own";
export const oneBeat = "expected 1: two celery beats would send every periodic task twice";

/** How long a timer's run may take where nothing is said, in seconds: a day. */
export const longestRun = 86_400;

/** A command that runs at certain times. */
export interface Timer extends Limits {
  readonly command: string;
  /** When, as systemd.time(7) has it; without a time zone, in UTC. */
  readonly at: string;
  /** How long a run may take, in seconds. @default {@link longestRun} */
  readonly timeout?: number;
  /** @default the application's */
  readonly account?: string | undefined;
  /** Groups of the host that it is in, beside the application's. @default none */
  readonly groups?: readonly Group[] | undefined;
}

/** A time of systemd.time(7) with its time zone. */
export function inZone(at: string): string {
  const last = at.split(" ").at(-1) ?? "";
  return /^([A-Z]{3,4}|[A-Z]\w+\/[\w+/-]+)$/.test(last) ? at : `${at} UTC`;
}

/** What all units of an application have in common. */
export interface UnitPlace {
  readonly name: string;
  readonly root: string;
  /** Where uploaded files lie. */
  readonly media: string;
  /** Units that must run before. */
  readonly after: readonly string[];
  /** Whether there are files beside its code: see {@link openFiles}. */
  readonly hasFiles: boolean;
}

const here = (file: string) => join(import.meta.dirname, file);

/** The lines that shut a unit in; the same for the web server and for every process. */
export const sandbox = ({ root, media }: Pick<UnitPlace, "root" | "media">): string =>
  renderTemplate(here("sandbox.conf.liquid"), { root, media }).trim();

/**
 * The lines with the environment of the application's code, the same wherever it runs: its server, its processes, its
 * timers and its commands. The release program has them for migrations and checks (release/inside.py).
 *
 * @param instance whose settings they are: its name, or `current`
 * @param home what may be written as the home of the account: `berth-NAME` in /var/cache, or a directory
 */
export const environment = (
  { name, root, hasFiles }: Omit<UnitPlace, "media">,
  instance: string,
  home = `/var/cache/berth-${name}`,
): string =>
  renderTemplate(here("environment.conf.liquid"), {
    instance: `${root}/config/web/${instance}`,
    home,
    files: hasFiles ? filesPlace(root) : "",
  }).trim();

/** The lines that bound what a unit may take. */
export function limitLines({ memory, cpu }: Limits): string[] {
  return [
    ...(memory === undefined ? [] : [`MemoryMax=${memory}M`]),
    ...(cpu === undefined ? [] : [`CPUQuota=${cpu}%`]),
  ];
}

const hasPorts = ({ ports = [] }: ProcessConfig) => ports.length > 0;

/** Only one of it may ever run: two beats send all tasks twice, and two programs cannot listen at one port. */
const isAlone = (process: Process) => process.kind === "celery-beat" || hasPorts(process);

/** The template unit of a process: an instance of it is a release with its settings. */
function processUnit(place: UnitPlace, process: Process): string {
  const { name, root, media, after } = place;
  return renderTemplate(here("process.service.liquid"), {
    name,
    root,
    media,
    after,
    process: process.name,
    account: process.account ?? name,
    groups: process.groups ?? [],
    // Beat keeps its schedule there; what has an account of its own can write nowhere else.
    has_state: process.kind === "celery-beat" || process.account !== undefined,
    has_cache: process.account === undefined,
    environment: environment(
      place,
      "%i",
      process.account === undefined ? undefined : `/var/lib/${name}-${process.name}`,
    ),
    celery: process.kind === "celery",
    rq: process.kind === "rq" && !process.isPool,
    // Its tasks have the rest of the time.
    drain: Math.min(30, Math.floor(process.stopTimeout / 2)),
    stop_signal: kinds[process.kind].stop,
    // While it ends there is none; a beat has no task to finish.
    stop_timeout: isAlone(process) ? Math.min(process.stopTimeout, 30) : process.stopTimeout,
    limits: limitLines(process),
    sandbox: sandbox(place),
    ports: (process.ports ?? []).map(({ port }) => port),
  });
}

/** The units of the processes, by their path on the host: what an instance's own are made from. */
export function processFiles(
  place: UnitPlace,
  processes: readonly Process[],
): Readonly<Record<string, StepFile>> {
  return Object.fromEntries(
    processes.map((process) => [
      `/etc/systemd/system/${place.name}-${process.name}@.service`,
      { content: processUnit(place, process) },
    ]),
  );
}

/** The files of the timers: of each one its times, and what runs then. */
export function timerFiles(
  place: UnitPlace,
  timers: Readonly<Record<string, Timer>>,
): Readonly<Record<string, StepFile>> {
  const { name, root, media, after } = place;
  const files = Object.entries(timers).flatMap(([timer, wanted]): [string, StepFile][] => [
    [
      `/etc/systemd/system/${name}-${timer}.timer`,
      { content: renderTemplate(here("timer.liquid"), { name, timer, at: inZone(wanted.at) }) },
    ],
    [
      `/etc/systemd/system/${name}-${timer}.service`,
      {
        content: renderTemplate(here("timer.service.liquid"), {
          name,
          root,
          media,
          after,
          timer,
          command: unitQuote(wanted.command),
          account: wanted.account ?? name,
          groups: wanted.groups ?? [],
          has_state: wanted.account !== undefined,
          environment: environment(
            place,
            "current",
            wanted.account === undefined ? undefined : `/var/lib/${name}-${timer}`,
          ),
          timeout: wanted.timeout ?? longestRun,
          limits: limitLines(wanted),
          sandbox: sandbox(place),
        }),
      },
    ],
  ]);
  return Object.fromEntries(files);
}

/** A line for each timer: its name, its account and its times. */
export const timerTable = (name: string, timers: Readonly<Record<string, Timer>>): string =>
  Object.entries(timers)
    .map(([timer, { account, at }]) => `${timer} ${account ?? name} ${inZone(at)}`)
    .join("\n");

/** How the host tells kinds: each with its pattern; the first that fits counts. */
export const processKinds: readonly (readonly [Kind, string])[] = kindNames
  .filter((kind) => kinds[kind].pattern !== "")
  .map((kind) => [kind, kinds[kind].pattern]);

/** A line for each process: its name and its account. */
export const processTable = (name: string, processes: readonly Process[]): string =>
  processes.map((process) => `${process.name} ${process.account ?? name}`).join("\n");

/** What the release program must know of the processes (release/facts.py). */
export const processFacts = (processes: readonly Process[]) =>
  processes.map((process) => ({
    name: process.name,
    kind: process.kind,
    count: process.count,
    alone: isAlone(process),
    keep: process.onRelease === "keep",
    ports: (process.ports ?? []).map(({ port }) => port),
    command: process.command ?? null,
  }));
