// What of all that a stack's hosts tell needs attention. Pure: facts in, findings out.
import type { Obstacle } from "../outside/obstacles.ts";
import type { Certificate, Facts, Finding, HostReport, SiteReport, Unit } from "./facts.ts";
import { counted, date, long, percent, size } from "./words.ts";

/** What is judged. */
export interface Judged {
  /** What is typed after a command to name the stack: see stackFlag. */
  readonly flag: string;
  /** The host that serves the site. */
  readonly firstHost: string;
  /** Of each host: what its machine keeps while it is the stack's; absent where the stack does not tell. */
  readonly claims: Readonly<Record<string, string | undefined>>;
  /** The site's health path, and whether visitors are asked for a password. */
  readonly health: string;
  readonly asksLogin: boolean;
  readonly site: SiteReport | null;
  /** What is between visitors and the site, as this computer sees it. */
  readonly obstacles: readonly Obstacle[];
  readonly hosts: readonly HostReport[];
  /** Now, on this computer. */
  readonly now: number;
}

/** From when on something is said. Berth's own steps and alarms have the same, where they have one. */
export const limits = {
  /** Of a disk: a deployment needs space, and a host needs time to be mended in. */
  diskWarning: 0.85,
  diskFault: 0.95,
  inodes: 0.9,
  /** Of a certificate that somebody must renew: the last third of its life, and the last week of any. */
  certificateLife: 1 / 3,
  certificateDays: 7,
  /** Of one that the host renews, in the last third of its life or the last half of a short one: the rest of that. */
  certificateLate: 3 / 4,
  certificateShort: 10,
  memoryAvailable: 0.1,
  memoryPressure: 5,
  /** A process that was killed for want of memory is said for a day. */
  killed: 86_400,
  /** For each processor, for a quarter of an hour. */
  load: 4,
  connections: 0.9,
  /** Of what a service may take of memory: Redis then drops keys or refuses to write. */
  serviceMemory: 0.95,
  /** As in components/host/look.sh: certificates are refused by a clock that is off by more. */
  clockFault: 300,
  clockWarning: 30,
  /** What a unit that was restarted has to stay up for, and how often it was, to be no loop. */
  loopRestarts: 3,
  loopSeconds: 120,
  /** How long a unit may take to start. */
  starting: 60,
  /** Of backups, which are made every day; and of the database's log, which goes every minute. */
  backup: 26 * 3600,
  backupWaiting: 600,
  /** Of drills, which there are each week. */
  drill: 8 * 86_400,
  /** Upgrades are looked for and installed every night. */
  upgrades: 3 * 86_400,
};

/** Faults first, each group in the order of the hosts. */
export function judge(judged: Judged): Finding[] {
  const site = ofSite(judged);
  const findings = [
    ...site,
    ...ofObstacles(judged, site),
    ...judged.hosts.flatMap((host) => ofHost(judged, host)),
  ];
  return [
    ...findings.filter(({ kind }) => kind === "fault"),
    ...findings.filter(({ kind }) => kind === "warning"),
  ];
}

/** The exit status: a host that could not be asked comes before all else, for nobody knows what is wrong there. */
export function statusOf(hosts: readonly HostReport[], findings: readonly Finding[]): 0 | 1 | 3 {
  if (hosts.some(({ facts }) => facts === null)) return 3;
  return findings.some(({ kind }) => kind === "fault") ? 1 : 0;
}

/** A command to type about a host of the stack. */
const typed = (command: string, { flag, firstHost }: Judged, name: string, words = "") => {
  const options = `${flag}${name === firstHost || command === "maintenance" ? "" : ` --host ${name}`}${words && " "}${words}`;
  return `npm ${command === "start" ? "" : "run "}${command}${options === "" ? "" : ` --${options}`}`;
};

type Say = (code: string, what: string, next?: string) => Finding;

const saying =
  (kind: Finding["kind"], host: string | null): Say =>
  (code, what, next) => ({ kind, code, host, what, line: null, next: next ?? null });

function ofSite(of: Judged): Finding[] {
  const { site, hosts, firstHost, health, asksLogin } = of;
  const fault = saying("fault", null);
  const first = hosts.find(({ name }) => name === firstHost)?.facts;
  const own = first?.site;
  const logs = (part: string) => typed("logs", of, firstHost, part);
  // While it is shut, a health path that is the front page is shut as well, but for the host itself.
  const fine = (status: number | null) =>
    status === 200 ||
    (health === "/" &&
      ((status === 401 && asksLogin) || (status === 503 && first?.maintenance?.on === true)));
  if (own && own.status !== 200) {
    const found = own.status === null ? `does not answer: ${own.problem}` : `answers ${own.status}, not 200`;
    return [fault("site", `the site's health path ${found}`, logs(own.status === null ? "nginx" : "web"))];
  }
  if (!site) return [];
  if (site.problem !== null) {
    const what = `${site.asked} cannot be reached from here: ${site.problem}`;
    return [fault("site-out-of-reach", what, reasonOf(of)?.next)];
  }
  const { certificate } = first ?? {};
  return [
    ...(fine(site.status)
      ? []
      : [fault("site", `${site.asked} answers ${site.status} here, not 200`, logs("nginx"))]),
    ...(site.fingerprint === null ||
    site.trusted ||
    !certificate ||
    certificate.fingerprint === site.fingerprint
      ? []
      : [
          fault(
            "certificate-other",
            `${site.url} shows another certificate than its host has, and this computer does not trust it`,
          ),
        ]),
  ];
}

/** What explains, all by itself, that this computer does not reach the site. */
function reasonOf({ site, obstacles }: Judged): Obstacle | undefined {
  const asked = site === null ? undefined : new URL(site.url).hostname;
  return obstacles.find(
    ({ code, name }) => code === "port-closed" || (code === "name-unknown" && name === asked),
  );
}

/** What visitors meet on their way, but for what is told with the site. */
function ofObstacles(of: Judged, site: readonly Finding[]): Finding[] {
  const told = site.some(({ code }) => code === "site-out-of-reach") ? reasonOf(of) : undefined;
  return of.obstacles
    .filter((obstacle) => obstacle !== told)
    .map(({ code, what, next }) => saying("warning", null)(code, what, next));
}

function ofHost(judged: Judged, { name, address, problem, facts }: HostReport): Finding[] {
  if (facts === null)
    return [saying("fault", name)("host-away", `the host at ${address} could not be asked: ${problem}`)];
  return parts.flatMap((part) => part({ ...judged, name, facts }));
}

interface OfHost extends Judged {
  readonly name: string;
  readonly facts: Facts;
}

/** What is looked at, in the order in which it is told. */
const parts: readonly ((of: OfHost) => Finding[])[] = [
  ofUnknown,
  ofClaim,
  ofMaintenance,
  ofRelease,
  ofProcesses,
  ofTimers,
  ofServices,
  ofOtherUnits,
  ofBackups,
  ofCertificate,
  ofDisks,
  ofMemory,
  ofLoad,
  ofClock,
  ofUpgrades,
];

function ofUnknown({ name, facts }: OfHost): Finding[] {
  return Object.entries(facts.unknown).map(([part, why]) =>
    // A host that is slow is not broken.
    saying(/^it was not answered in /.test(why) ? "warning" : "fault", name)(
      "unknown",
      `its ${inWords(part)} could not be read: ${why}`,
    ),
  );
}

/** `failedUnits` as `failed units`. */
const inWords = (part: string) => part.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function ofClaim({ name, facts, claims }: OfHost): Finding[] {
  const fault = saying("fault", name);
  const expected = claims[name];
  if ("claim" in facts.unknown || expected === undefined) return [];
  if (facts.claim === null)
    return [
      fault("claim", "the machine does not know that it is this stack's: /var/lib/berth/claim is gone"),
    ];
  if (facts.claim.id !== expected) return [fault("claim", `the machine belongs to ${facts.claim.text}`)];
  return [];
}

function ofMaintenance(of: OfHost): Finding[] {
  const { name, firstHost, facts, now } = of;
  if (name !== firstHost || !facts.maintenance?.on) return [];
  const since = facts.maintenance.since === null ? "" : `, for ${long(now - facts.maintenance.since)}`;
  // An empty site is not to be opened: what visitors write there is lost with the restore.
  const waits = (facts.backups?.unrestored ?? null) !== null;
  const next = waits ? typed("restore", of, name, "--latest") : typed("maintenance", of, name, "off");
  return [
    saying("fault", name)("maintenance", `visitors see the maintenance page, not the site${since}`, next),
  ];
}

function ofRelease(of: OfHost): Finding[] {
  const {
    name,
    facts: { application },
    now,
  } = of;
  if (application === null) return [];
  const { release, lastTried } = application;
  const next = typed("releases", of, name);
  if (release === null) return [saying("fault", name)("no-release", "no release is live", next)];
  if (lastTried?.result !== "failed") return [];
  const ago = long(now - Date.parse(lastTried.at) / 1000);
  const why = lastTried.reason === null ? "" : `: ${lastTried.reason}`;
  const what = `release ${lastTried.to}, tried ${ago} ago, failed${why}`;
  return [saying("warning", name)("release-failed", what, next)];
}

function ofProcesses(of: OfHost): Finding[] {
  const { name, facts, now } = of;
  const live = (facts.application?.processes ?? []).filter((process) => process.live);
  return [...Map.groupBy(live, ({ process }) => process)].flatMap(([process, units]) => {
    const bad = units.filter((unit) => wrongWith(unit, now) !== undefined);
    const [first] = bad;
    if (first === undefined) return [];
    const which = units.length === 1 ? process : `${process}: ${bad.length} of ${units.length}`;
    return [
      ofUnit(name, first, `${which} ${bad.length > 1 ? "are" : "is"}`, now, typed("logs", of, name, process)),
    ];
  });
}

function ofTimers(of: OfHost): Finding[] {
  const { name, facts, now } = of;
  return (facts.timers ?? []).flatMap((unit) =>
    wrongWith(unit, now) === undefined
      ? []
      : [ofUnit(name, unit, `the timer ${unit.timer} is`, now, typed("logs", of, name, unit.timer))],
  );
}

function ofServices(of: OfHost): Finding[] {
  const { name, facts, now } = of;
  return (facts.services ?? []).flatMap((service): Finding[] => {
    const next = typed("logs", of, name, "system");
    const bad = service.units.find((unit) => wrongWith(unit, now) !== undefined);
    if (bad) return [ofUnit(name, bad, `${service.name} is`, now, next)];
    if (service.problem !== null)
      return [saying("fault", name)("service", `${service.name} does not answer: ${service.problem}`, next)];
    return service.figures.flatMap(({ what, used, limit, bytes }) => {
      const most = what === "memory" ? limits.serviceMemory : limits.connections;
      if (limit === null || used < limit * most) return [];
      const [some, all] = bytes ? [size(used), size(limit)] : [used, limit];
      const full = `${service.name} uses ${some} of its ${all}${bytes ? "" : " "}${bytes ? ` of ${what}` : what}`;
      return [saying("warning", name)("service-full", full)];
    });
  });
}

/** What is in no part above: a unit of the system, or one that somebody else has put there. */
function ofOtherUnits(of: OfHost): Finding[] {
  const { name, facts, now } = of;
  const known = [
    ...(facts.application?.processes ?? []),
    ...(facts.timers ?? []),
    ...(facts.services ?? []).flatMap(({ units }) => units),
    // What is wrong with them is told by what they remember.
    { unit: "berth-backup.service" },
    { unit: "berth-backup-files.service" },
    { unit: "berth-backup-drill.service" },
  ].map(({ unit }) => unit);
  return (facts.failedUnits ?? [])
    .filter(({ unit }) => !known.includes(unit))
    .map((unit) =>
      ofUnit(
        name,
        unit,
        `${unit.unit} is`,
        now,
        typed("ssh", of, name, `sudo systemctl status ${unit.unit}`),
      ),
    );
}

function ofUnit(host: string, unit: Unit, is: string, now: number, next: string | null): Finding {
  const { loop, what } = wrongWith(unit, now) ?? { loop: false, what: unit.state };
  return {
    kind: "fault",
    code: loop ? "unit-loop" : "unit",
    host,
    what: `${is} ${what}`,
    line: unit.line,
    next,
  };
}

/** What is wrong with a unit that should run; nothing where it does. */
export function wrongWith(
  unit: Unit,
  now: number,
): { readonly loop: boolean; readonly what: string } | undefined {
  const { state, sub, since, restarts, result } = unit;
  const lasted = since === null ? Number.POSITIVE_INFINITY : now - since;
  if (restarts >= limits.loopRestarts && (sub.startsWith("auto-restart") || lasted < limits.loopSeconds))
    return { loop: true, what: `restarting in a loop: ${counted(restarts, "time")} so far` };
  if (state === "active" || state === "reloading") return undefined;
  if (sub.startsWith("auto-restart"))
    return { loop: restarts > 0, what: `being restarted after a failure (${result})` };
  if (state === "failed") return { loop: false, what: `down after a failure (${result})` };
  if (state !== "activating")
    return { loop: false, what: state === "deactivating" ? "being stopped" : "stopped" };
  return lasted < limits.starting ? undefined : { loop: false, what: `still starting after ${long(lasted)}` };
}

function ofBackups(of: OfHost): Finding[] {
  const { name, facts, now } = of;
  const { backups } = facts;
  if (backups === null) return [];
  const fault = saying("fault", name);
  const { place, on, parts, waiting, undo, unrestored } = backups;
  if (unrestored !== null) {
    const what = `this host makes no backups: ${place} holds those of another server of this stack, and they are not restored here`;
    return [fault("backup-unrestored", what, typed("restore", of, name, "--latest"))];
  }
  const again = typed("ssh", of, name, "sudo systemctl start berth-backup");
  const ofParts = Object.entries(parts).flatMap(([part, { last, failed }]) => {
    if (failed !== null) {
      const what = `the backup of ${part} failed ${long(now - failed.at)} ago: ${failed.why}`;
      return [fault("backup-failed", what, typed("logs", of, name, "backups"))];
    }
    const since = last?.at ?? on ?? now;
    if (now - since <= limits.backup) return [];
    const late = last === null ? "there has never been one" : `the last one is ${long(now - last.at)} old`;
    return [fault("backup-late", `the backup of ${part} is late: ${late}`, again)];
  });
  const lost = waiting?.lost ?? null;
  return [
    ...(undo && !undo.finished
      ? [
          fault(
            "restore-cut-off",
            "a restore was cut off before its end",
            typed("restore", of, name, "--undo"),
          ),
        ]
      : []),
    ...ofParts,
    ...ofDrills(of),
    ...(lost !== null && lost > (parts.database?.last?.at ?? 0)
      ? [
          fault(
            "backup-lost",
            `the database's log was given up ${long(now - lost)} ago, when more of it waited than may: the points in time since are lost until the next backup`,
            again,
          ),
        ]
      : []),
    ...(waiting && waiting.since !== null && now - waiting.since > limits.backupWaiting
      ? [
          fault(
            "backup-waiting",
            `${size(waiting.bytes)} of the database's log have waited for ${place} for ${long(now - waiting.since)}; beyond ${size(waiting.limit)} it is given up` +
              (waiting.why === null ? "" : `: ${waiting.why}`),
            typed("logs", of, name, "backups"),
          ),
        ]
      : []),
  ];
}

function ofDrills(of: OfHost): Finding[] {
  const { name, facts, now } = of;
  const drill = facts.backups?.drill;
  if (drill === undefined) return [];
  const { since, last, failed } = drill;
  const again = typed("backups", of, name, "--drill");
  const fault = saying("fault", name);
  if (failed !== null)
    return [
      fault("drill-failed", `the last drill failed ${long(now - failed.at)} ago: ${failed.why}`, again),
    ];
  if (since === null || now - Math.max(since, last?.at ?? 0) <= limits.drill) return [];
  const late = last === null ? "there has never been one" : `the last one was ${long(now - last.at)} ago`;
  return [fault("drill-late", `the weekly drill of the backups is late: ${late}`, again)];
}

function ofCertificate(of: OfHost): Finding[] {
  const {
    name,
    facts: { certificate },
    now,
  } = of;
  if (certificate === null) return [];
  const { until, source, waits } = certificate;
  const left = until - now;
  const renews = source === "acme";
  const next = renews
    ? typed("ssh", of, name, "sudo systemctl status certbot.service")
    : typed("start", of, of.firstHost);
  const waiting = waits === null ? [] : [ofWaiting(of, waits, renews && left > 0)];
  if (left <= 0)
    return [
      ...waiting,
      saying("fault", name)("certificate-expired", `the certificate has expired on ${date(until)}`, next),
    ];
  if (left >= earliest(certificate)) return waiting;
  return [
    ...waiting,
    saying("warning", name)(
      "certificate-expires",
      `the certificate expires in ${long(left)}, on ${date(until)}`,
      next,
    ),
  ];
}

/** From how many seconds before its end on a certificate should have been renewed. */
function earliest({ kind, source, from, until }: Certificate): number {
  const life = until - from;
  if (source === "acme") {
    const short = life < limits.certificateShort * 86_400;
    return (life / (short ? 2 : 3)) * limits.certificateLate;
  }
  // One that the stack signs itself is renewed by an 'up' in its last month, of a year.
  return Math.max(
    kind === "self-signed" ? 0 : life * limits.certificateLife,
    limits.certificateDays * 86_400,
  );
}

/** Where another of the authority's is served meanwhile, no visitor is warned. */
function ofWaiting(of: OfHost, waits: NonNullable<Certificate["waits"]>, isTrusted: boolean): Finding {
  const served = isTrusted ? "a new certificate" : "its certificate, and browsers warn visitors";
  return saying(isTrusted ? "warning" : "fault", of.name)(
    "certificate-waits",
    `the site waits for ${served}, for ${long(of.now - waits.since)}: ${waits.reason}`,
    typed("ssh", of, of.name, "sudo python3 -IB /usr/local/lib/berth/certificate order"),
  );
}

function ofDisks({ name, facts: { disks } }: OfHost): Finding[] {
  return (disks ?? []).flatMap(({ place, free, used, inodesUsed }) => {
    const what = `the disk ${place} is ${percent(used)} full, ${size(free)} are free`;
    const next = "see 'A full disk' in docs/troubleshooting.md";
    if (used >= limits.diskFault) return [saying("fault", name)("disk-full", what, next)];
    if (used >= limits.diskWarning) return [saying("warning", name)("disk", what, next)];
    if (inodesUsed >= limits.inodes)
      return [
        saying("warning", name)(
          "inodes",
          `the disk ${place} has ${percent(inodesUsed)} of its inodes in use: very many small files`,
        ),
      ];
    return [];
  });
}

function ofMemory({ name, facts: { memory }, now }: OfHost): Finding[] {
  if (memory === null) return [];
  const warning = saying("warning", name);
  const { available, total, pressure, killed, lastKilled } = memory;
  const short = available < total * limits.memoryAvailable;
  return [
    ...(short
      ? [warning("memory", `memory is short: ${size(available)} of ${size(total)} are available`)]
      : []),
    ...(!short && pressure !== null && pressure >= limits.memoryPressure
      ? [
          warning(
            "memory",
            `memory is short: in the last 5 minutes everything waited for it ${pressure} % of the time`,
          ),
        ]
      : []),
    ...(killed && (lastKilled === null || now - lastKilled < limits.killed)
      ? [
          warning(
            "memory-killed",
            `memory ran out: the kernel has killed ${counted(killed, "process", "processes")} since the boot` +
              (lastKilled === null ? "" : `, the last ${long(now - lastKilled)} ago`),
          ),
        ]
      : []),
  ];
}

function ofLoad({ name, facts: { load } }: OfHost): Finding[] {
  const last = load?.averages.at(-1);
  if (!load || last === undefined || last < load.processors * limits.load) return [];
  const on = counted(load.processors, "processor");
  return [saying("warning", name)("load", `the load was ${last} on ${on} for the last 15 minutes`)];
}

function ofClock(of: OfHost): Finding[] {
  const {
    name,
    facts: { clock },
    now,
  } = of;
  if (clock === null) return [];
  const off = Math.abs(clock.now - now);
  const next = typed("ssh", of, name, "sudo timedatectl set-ntp true");
  if (off >= limits.clockWarning) {
    const what = `the host's clock is ${long(off)} ${clock.now < now ? "behind" : "ahead of"} this computer's`;
    return [saying(off >= limits.clockFault ? "fault" : "warning", name)("clock", what, next)];
  }
  return clock.synchronised === false
    ? [saying("warning", name)("clock", "the host's clock is not synchronised", next)]
    : [];
}

function ofUpgrades(of: OfHost): Finding[] {
  const {
    name,
    facts: { upgrades, system },
    now,
  } = of;
  if (upgrades === null) return [];
  const warning = saying("warning", name);
  const { security, looked, installed, rebootSince, rebootFor } = upgrades;
  // What has not happened yet on a host that is new is not late.
  const late = (at: number | null) => now - Math.max(at ?? 0, system?.up ?? 0) > limits.upgrades;
  const ago = (at: number | null) => (at === null ? "never" : `last ${long(now - at)} ago`);
  const waiting = `${counted(security.length, "security upgrade")} ${security.length === 1 ? "waits" : "wait"}`;
  const next = typed("ssh", of, name, "sudo unattended-upgrade");
  return [
    ...(late(looked)
      ? [warning("upgrades-unknown", `the host has not looked for upgrades for long: ${ago(looked)}`)]
      : []),
    ...(security.length > 0 && late(installed)
      ? [warning("upgrades", `${waiting}, and none were installed for long: ${ago(installed)}`, next)]
      : security.length > 0 && installed !== null && looked !== null && installed > looked
        ? [
            warning(
              "upgrades",
              `${waiting}, which the nightly upgrade has skipped: ${security.join(", ")}`,
              next,
            ),
          ]
        : []),
    ...(rebootSince === null
      ? []
      : [
          warning(
            "reboot",
            `a reboot has been needed for ${long(now - rebootSince)}${rebootFor.length === 0 ? "" : ` (${rebootFor.join(", ")})`}`,
            typed("ssh", of, name, "sudo systemctl reboot"),
          ),
        ]),
  ];
}
