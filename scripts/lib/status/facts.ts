// What a host tells of itself, as components/status/program/host_status gathers it, and the report that is made of it for people and programs:
// docs/status.md says what its parts mean. Times are in seconds since 1970, sizes in bytes.
import type { BackupFacts } from "../backups.ts";

/** A unit of systemd. */
export interface Unit {
  readonly unit: string;
  /** `active`, `inactive`, `failed`, `activating`, `deactivating`. */
  readonly state: string;
  /** The finer state that systemd has: `running`, `dead`, `auto-restart`. */
  readonly sub: string;
  /** Since when it is in that state. */
  readonly since: number | null;
  /** How often systemd has restarted it by itself. */
  readonly restarts: number;
  readonly result: string;
  /** The last line of its log, where it is not active. */
  readonly line: string | null;
  /** What is wrong with it, where it should run and does not. */
  readonly wrong: string | null;
}

export interface Process extends Unit {
  /** `web`, or its name in berth:app.processes. */
  readonly process: string;
  /** Whether it belongs to the release that is live; one that does not is finishing. */
  readonly live: boolean;
  /** Those of its ports at which nothing listens. */
  readonly silentPorts: readonly number[];
}

export interface Timer extends Unit {
  readonly timer: string;
  readonly next: number | null;
  readonly last: number | null;
}

/** How much of something is used. */
export interface Figure {
  /** `connections`, `memory`, `size`. */
  readonly what: string;
  readonly used: number;
  /** `null` where it has no limit of its own. */
  readonly limit: number | null;
  /** Whether it counts bytes. */
  readonly bytes: boolean;
}

export interface Service {
  readonly name: string;
  readonly units: readonly Unit[];
  readonly figures: readonly Figure[];
  /** Why it does not answer when it is asked. */
  readonly problem: string | null;
}

export interface Release {
  readonly id: string;
  readonly since: number;
  readonly commit: string | null;
  /** The account that released it, and the address it logged in from. */
  readonly by: string | null;
  readonly from: string | null;
}

export interface Disk {
  readonly place: string;
  readonly size: number;
  readonly free: number;
  /** From 0 to 1. */
  readonly used: number;
  readonly inodesUsed: number;
  /** Whether it is too full. */
  readonly wrong: "fault" | "warning" | null;
}

export interface Certificate {
  readonly kind: "self-signed" | "issued";
  readonly issuer: string;
  readonly names: readonly string[];
  readonly from: number;
  readonly until: number;
  /** The SHA-256 of it. */
  readonly fingerprint: string;
  /** `self-signed`, `own` or `acme`; `null` where Berth has not put it there. */
  readonly source: string | null;
  /** What keeps the site from the certificate of its authority, where it waits for one. */
  readonly waits: {
    readonly reason: string;
    readonly since: number;
    readonly tried: number;
    readonly next: number;
  } | null;
}

/** All that a host tells. A part that could not be found out is `null`, and `unknown` says why. */
export interface Facts {
  readonly clock: { readonly now: number; readonly synchronised: boolean | null } | null;
  readonly system: {
    readonly system: string;
    /** Since when it has been up. */
    readonly up: number | null;
    readonly container: string | null;
  } | null;
  readonly claim: { readonly id: string; readonly text: string } | null;
  readonly application: {
    readonly release: Release | null;
    /** The last line of the record: see docs/releases.md. */
    readonly lastTried: {
      readonly at: string;
      readonly to: string;
      readonly result: string;
      readonly reason: string | null;
    } | null;
    /** How the last run of each hook went (`app.hooks`). */
    readonly hooks: readonly {
      readonly event: string;
      readonly release: string;
      readonly at: number;
      readonly state: "waiting" | "done" | "failed";
      readonly why: string | null;
    }[];
    readonly processes: readonly Process[];
  } | null;
  readonly timers: readonly Timer[] | null;
  readonly services: readonly Service[] | null;
  /** Every unit of the host that has failed, or that systemd starts again and again. */
  readonly failedUnits: readonly Unit[] | null;
  /** What the host itself gets from the site; `null` where it serves none. */
  readonly site: {
    readonly status: number | null;
    readonly milliseconds: number | null;
    readonly problem: string | null;
  } | null;
  /** What visitors got of late; `null` where it serves no site. */
  readonly answers: {
    readonly seconds: number;
    readonly requests: number;
    /** Those that got an error of the server (5xx). */
    readonly errors: number;
  } | null;
  /** `null` where it has none. */
  readonly certificate: Certificate | null;
  readonly maintenance: { readonly on: boolean; readonly since: number | null } | null;
  /** `null` where it makes none. */
  readonly backups: BackupFacts | null;
  readonly disks: readonly Disk[] | null;
  readonly memory: {
    readonly total: number;
    readonly available: number;
    readonly swap: number;
    readonly swapFree: number;
    /** How long everything waited for memory in the last five minutes, in percent. */
    readonly pressure: number | null;
    /** How many processes the kernel has killed for want of it since the boot. */
    readonly killed: number | null;
    readonly lastKilled: number | null;
  } | null;
  readonly load: { readonly averages: readonly number[]; readonly processors: number } | null;
  readonly upgrades: {
    readonly waiting: number;
    /** The packages among them that are about security. */
    readonly security: readonly string[];
    /** When the host last asked which there are, and last installed some by itself. */
    readonly looked: number | null;
    readonly installed: number | null;
    /** Since when a reboot is needed, and for which packages. */
    readonly rebootSince: number | null;
    readonly rebootFor: readonly string[];
  } | null;
  /** The messages that it sends; `null` where it sends none. */
  readonly notices: {
    readonly since: number | null;
    /** When it looked last whether anybody is to be told something. */
    readonly looked: number | null;
    /** Why targets took neither their first message nor a test nor anything since. */
    readonly refused: Readonly<Record<string, string>>;
    /** What waits for each target, since when it has taken none, and why. */
    readonly targets: Readonly<
      Record<string, { readonly waiting: number; readonly since: number | null; readonly why: string | null }>
    >;
  } | null;
  readonly unknown: Readonly<Record<string, string>>;
}

/** A host, and what it told; `null` where it could not be asked, and `problem` says why. */
export interface HostReport {
  readonly name: string;
  readonly address: string;
  readonly problem: string | null;
  readonly facts: Facts | null;
}

/** A host's report, and what of it needs attention by its own judgement. */
export interface Answer extends HostReport {
  readonly findings: readonly Omit<Finding, "host">[];
}

/** What this computer gets from the site. */
export interface SiteReport {
  readonly url: string;
  /** What was asked: the health path. */
  readonly asked: string;
  readonly status: number | null;
  readonly milliseconds: number | null;
  /** What is in the way, where nothing answered. */
  readonly problem: string | null;
  /** The SHA-256 of the certificate that was shown; `null` without TLS, or where nothing answered. */
  readonly fingerprint: string | null;
  /** Whether this computer trusts it. */
  readonly trusted: boolean;
  /** Where the site's names lead: their addresses, or `null` where name servers did not answer. None on a local host. */
  readonly names: readonly { readonly name: string; readonly addresses: readonly string[] | null }[];
}

/** Something that is wrong (a fault), or will be, or may be (a warning). */
export interface Finding {
  readonly kind: "fault" | "warning";
  /** What sort of finding it is, for programs. */
  readonly code: string;
  /** `null` where it is about none of the hosts. */
  readonly host: string | null;
  readonly what: string;
  /** The last line of a log, which may say why. */
  readonly line: string | null;
  /** A command to type next, or another way to mend it. */
  readonly next: string | null;
}

/** All of it, as `--json` prints it. */
export interface Report {
  /** Of this shape: raised by a change that breaks a reader. */
  readonly version: 1;
  readonly stack: string;
  readonly application: string;
  /** When it was asked. */
  readonly at: number;
  /** That of the command, which docs/status.md explains. */
  readonly status: 0 | 1 | 3;
  readonly findings: readonly Finding[];
  /** `null` where the stack has not told a URL yet. */
  readonly site: SiteReport | null;
  readonly hosts: readonly HostReport[];
}

/** What a host printed, read. Text of its logs may be anything, so nothing in it reaches a terminal as a command. */
export function readAnswer(printed: string): Pick<Answer, "facts" | "findings"> {
  const { findings, ...facts } = harmless(JSON.parse(printed) as Facts & Pick<Answer, "findings">);
  return { facts, findings };
}

/** The same without control characters in any of its texts. Tabs stay, which indent lines of files and move nothing else. */
export function harmless<T>(value: T): T {
  if (typeof value === "string") return value.replaceAll(/(?:(?!\t)[\p{Cc}\p{Cf}\u2028\u2029])+/gu, " ") as T;
  if (Array.isArray(value)) return value.map(harmless) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [harmless(key), harmless(inner)]),
  ) as T;
}
