// What of all that a stack's hosts tell needs attention. Pure: facts in, findings out. What only a host sees it judges
// itself: see components/status/program/host_status/judge.py.
import { hostFlag } from "../../../components/host/flags.ts";
import { firstHost } from "../../../components/host/host.ts";
import type { Obstacle } from "../outside/obstacles.ts";
import type { Answer, Finding, HostReport, SiteReport } from "./facts.ts";
import { long } from "./words.ts";

/** What is judged. */
export interface Judged {
  /** What is typed after a command to name the stack: see stackFlag. */
  readonly flag: string;
  /** The site's health path, and whether visitors are asked for a password. */
  readonly health: string;
  readonly asksLogin: boolean;
  readonly site: SiteReport | null;
  /** What is between visitors and the site, as this computer sees it. */
  readonly obstacles: readonly Obstacle[];
  readonly hosts: readonly Answer[];
  /** Now, on this computer. */
  readonly now: number;
}

/** A clock that is off, in seconds: as in components/host/look.sh, certificates are refused by one that is off by more. */
const limits = { clockFault: 300, clockWarning: 30 };

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

type Say = (code: string, what: string, next?: string) => Finding;

const saying =
  (kind: Finding["kind"], host: string | null): Say =>
  (code, what, next) => ({ kind, code, host, what, line: null, next: next ?? null });

function ofSite(of: Judged): Finding[] {
  const { flag, site, hosts, health, asksLogin } = of;
  const fault = saying("fault", null);
  const told = hosts.find(({ name }) => name === firstHost);
  const first = told?.facts;
  // While it is shut, a health path that is the front page is shut as well, but for the host itself.
  const fine = (status: number | null) =>
    status === 200 ||
    (health === "/" &&
      ((status === 401 && asksLogin) || (status === 503 && first?.maintenance?.on === true)));
  // It is told once.
  if (told?.findings.some(({ code }) => code === "site")) return [];
  if (!site) return [];
  if (site.problem !== null) {
    const what = `${site.asked} cannot be reached from here: ${site.problem}`;
    return [fault("site-out-of-reach", what, reasonOf(of)?.next)];
  }
  const { certificate } = first ?? {};
  return [
    ...(fine(site.status)
      ? []
      : [
          fault("site", `${site.asked} answers ${site.status} here, not 200`, `npm run logs --${flag} nginx`),
        ]),
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

function ofHost(judged: Judged, { name, address, problem, facts, findings }: Answer): Finding[] {
  if (facts === null)
    return [saying("fault", name)("host-away", `the host at ${address} could not be asked: ${problem}`)];
  const off = ofClock(judged, name, facts.clock?.now);
  return [
    ...findings
      .filter(({ code }) => code !== "clock" || off.length === 0)
      .map(({ kind, code, what, line, next }) => ({
        kind,
        code,
        // The site is one, whichever host tells of it.
        host: code === "site" ? null : name,
        what,
        line,
        next,
      })),
    ...off,
  ];
}

/** A host cannot tell by itself that its clock is wrong. */
function ofClock({ flag, now }: Judged, name: string, clock: number | undefined): Finding[] {
  const off = Math.abs((clock ?? now) - now);
  if (clock === undefined || off < limits.clockWarning) return [];
  const what = `the host's clock is ${long(off)} ${clock < now ? "behind" : "ahead of"} this computer's`;
  const next = `npm run ssh --${flag}${hostFlag(name)} sudo timedatectl set-ntp true`;
  return [saying(off >= limits.clockFault ? "fault" : "warning", name)("clock", what, next)];
}
