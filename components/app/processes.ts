import { join } from "node:path";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";

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
  /** How many of it run. @default 1 */
  readonly count: number;
  /** Its system account. @default the application's */
  readonly account?: string | undefined;
  /** How long a task that it has begun may take, in seconds, when it is to stop. */
  readonly stopTimeout: number;
  /** Whether a release starts it anew, or leaves it on the release that it runs. */
  readonly onRelease: "restart" | "keep";
  /** The host that it runs on, by its name. @default the one that serves the site */
  readonly runsOn?: string | undefined;
}

/** A process as it runs. */
export interface Process extends ProcessConfig {
  readonly name: string;
  readonly kind: Kind;
}

/** Names with another meaning: the web server, and the command that migrates. */
export const reservedNames = ["web", "release"];

/** The processes that a configuration asks for. */
export function wantedProcesses(configured: Readonly<Record<string, ProcessConfig>>): Process[] {
  return Object.entries(configured)
    .filter(([name]) => !reservedNames.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, process]) => ({ ...process, name, kind: process.kind ?? kindOf(process.command ?? "") }));
}

/** What all units of an application have in common. */
export interface UnitPlace {
  readonly name: string;
  readonly root: string;
  /** Units that must run before. */
  readonly after: readonly string[];
}

const here = (file: string) => join(import.meta.dirname, file);

/** The lines that shut a unit in; the same for the web server and for every process. */
export const sandbox = (root: string): string =>
  renderTemplate(here("sandbox.conf.liquid"), { root, in_home: root.startsWith("/home/") }).trim();

/** The lines that bound what a unit may take. */
export function limitLines({ memory, cpu }: Limits): string[] {
  return [
    ...(memory === undefined ? [] : [`MemoryMax=${memory}M`]),
    ...(cpu === undefined ? [] : [`CPUQuota=${cpu}%`]),
  ];
}

/** Only one of it may ever run. */
const isAlone = (process: Process) => process.kind === "celery-beat";

/** The template unit of a process: an instance of it is a release with its settings. */
function processUnit(place: UnitPlace, process: Process): string {
  const { name, root, after } = place;
  return renderTemplate(here("process.service.liquid"), {
    name,
    root,
    after,
    process: process.name,
    account: process.account ?? name,
    // Beat keeps its schedule there; what has an account of its own can write nowhere else.
    has_state: isAlone(process) || process.account !== undefined,
    celery: process.kind === "celery",
    stop_signal: kinds[process.kind].stop,
    // Beat has no task to finish, and while it ends there is none.
    stop_timeout: isAlone(process) ? Math.min(process.stopTimeout, 30) : process.stopTimeout,
    limits: limitLines(process),
    sandbox: sandbox(root),
  });
}

/** The files of the processes by their path on the host: each one's unit, and its command when the stack gives it. */
export function processFiles(
  place: UnitPlace,
  processes: readonly Process[],
): Readonly<Record<string, StepFile>> {
  const files = processes.flatMap((process): [string, StepFile][] => [
    [`/etc/systemd/system/${place.name}-${process.name}@.service`, { content: processUnit(place, process) }],
    ...(process.command === undefined
      ? []
      : [
          [`/etc/berth/${place.name}/processes/${process.name}`, { content: process.command }] as [
            string,
            StepFile,
          ],
        ]),
  ]);
  return Object.fromEntries(files);
}

/** The table that processes.sh reads: a line for each, its fields with spaces between them. */
export const processTable = (name: string, processes: readonly Process[]): string =>
  processes
    .map((process) =>
      [
        process.name,
        process.kind,
        process.count,
        isAlone(process) ? "alone" : "beside",
        process.onRelease,
        process.account ?? name,
        process.command === undefined ? "procfile" : "configured",
      ].join(" "),
    )
    .join("\n");
