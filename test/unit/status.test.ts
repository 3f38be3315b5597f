// 'npm run status': what of all that is seen from here needs attention, and how it is shown. What a host tells, and what of
// that needs attention, is tested in test/program/test_status.py and test_findings.py.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { styleText } from "node:util";
import { hostFlag } from "../../components/host/flags.ts";
import type { Obstacle } from "../../scripts/lib/outside/obstacles.ts";
import {
  type Answer,
  type Facts,
  type Process,
  type Report,
  readAnswer,
  type Service,
  type SiteReport,
  type Unit,
} from "../../scripts/lib/status/facts.ts";
import { type Judged, judge, statusOf } from "../../scripts/lib/status/judge.ts";
import { type Screen, statusText } from "../../scripts/lib/status/show.ts";
import { date, long, percent, size } from "../../scripts/lib/status/words.ts";

const now = 1_800_000_000;
const [minute, hour, day, gib] = [60, 3600, 86_400, 1024 ** 3];

const unit = (name: string, changes: Partial<Unit> = {}): Unit => ({
  unit: name,
  state: "active",
  sub: "running",
  since: now - 3 * hour,
  restarts: 0,
  result: "success",
  line: null,
  wrong: null,
  ...changes,
});
const process = (name: string, changes: Partial<Process> = {}): Process => ({
  ...unit(`shop-${name}@b-1.c.service`),
  process: name,
  live: true,
  silentPorts: [],
  ...changes,
});
const redis: Service = {
  name: "Redis",
  units: [unit("redis-server.service")],
  figures: [{ what: "memory", used: 30 * 1024 ** 2, limit: 256 * 1024 ** 2, bytes: true }],
  problem: null,
};

/** A host of which nothing needs attention. */
const well: Facts = {
  clock: { now, synchronised: true },
  system: { system: "Debian 13.2", up: now - 9 * day, container: null },
  claim: { id: "c0ffee", text: "the stack 'prod' of berth as its host 'web', since 2026-01-02" },
  application: {
    release: { id: "b-1", since: now - 3 * hour, commit: "0123456789abcdef", by: "ada", from: "192.0.2.1" },
    lastTried: { at: "2027-01-15T05:00:00Z", to: "b-1", result: "release", reason: null },
    hooks: [],
    processes: [
      process("web"),
      process("worker"),
      process("worker", { unit: "shop-worker@b-1.c.2.service" }),
    ],
  },
  timers: [
    {
      ...unit("shop-clean.timer", { sub: "waiting" }),
      timer: "clean",
      next: now + 5 * hour,
      last: now - day,
    },
  ],
  services: [{ name: "nginx", units: [unit("nginx.service")], figures: [], problem: null }, redis],
  failedUnits: [],
  site: { status: 200, milliseconds: 9, problem: null },
  answers: { seconds: 300, requests: 40, errors: 0 },
  certificate: {
    kind: "self-signed",
    issuer: "shop.example.org",
    names: ["shop.example.org"],
    from: now - 100 * day,
    until: now + 265 * day,
    fingerprint: "AA:BB",
    source: "self-signed",
    waits: null,
  },
  maintenance: { on: false, since: null },
  backups: null,
  disks: [{ place: "/", size: 20 * gib, free: 12 * gib, used: 0.4, inodesUsed: 0.1, wrong: null }],
  memory: {
    total: 4 * gib,
    available: 3 * gib,
    swap: 0,
    swapFree: 0,
    pressure: 0,
    killed: 0,
    lastKilled: null,
  },
  load: { averages: [0.1, 0.2, 0.3], processors: 2 },
  upgrades: {
    waiting: 0,
    security: [],
    looked: now - 5 * hour,
    installed: now - 9 * hour,
    rebootSince: null,
    rebootFor: [],
  },
  notices: null,
  unknown: {},
};
const site: SiteReport = {
  url: "https://shop.example.org/",
  asked: "https://shop.example.org/health",
  status: 200,
  milliseconds: 18,
  problem: null,
  fingerprint: "AA:BB",
  trusted: false,
  names: [{ name: "shop.example.org", addresses: ["203.0.113.7"] }],
};
const web = (changes: Partial<Facts> = {}, findings: Answer["findings"] = []): Answer => ({
  name: "web",
  address: "203.0.113.7",
  problem: null,
  facts: { ...well, ...changes },
  findings,
});
/** Something that a host has found. */
const told = (
  kind: "fault" | "warning",
  code: string,
  what: string,
  line: string | null = null,
  next: string | null = null,
): Answer["findings"][0] => ({ kind, code, what, line, next });
const full = told("warning", "disk", "the disk / is 90 % full, 1.0 GiB are free");
const judged = (changes: Partial<Judged> = {}): Judged => ({
  flag: " -s prod",
  health: "/health",
  asksLogin: false,
  site,
  obstacles: [],
  hosts: [web()],
  now,
  ...changes,
});
const found = (changes: Partial<Judged>) =>
  judge(judged(changes)).map(({ kind, code, what, next }) =>
    [kind, code, what, ...(next === null ? [] : [next])].join(" | "),
  );

describe("what needs attention", () => {
  test("nothing does where all is well, and the status is 0", () => {
    assert.deepEqual(found({}), []);
    assert.equal(statusOf([web()], []), 0);
  });

  test("a host that is away is one finding, and status 3 whatever else there is", () => {
    const away: Answer = {
      name: "tasks",
      address: "203.0.113.8",
      problem: "no answer in 10 s",
      facts: null,
      findings: [],
    };
    const hosts = [web({}, [told("fault", "unknown", "its application could not be read: it hangs")]), away];
    assert.deepEqual(found({ hosts }), [
      "fault | unknown | its application could not be read: it hangs",
      "fault | host-away | the host at 203.0.113.8 could not be asked: no answer in 10 s",
    ]);
    assert.equal(statusOf(hosts, judge(judged({ hosts }))), 3);
  });

  test("faults are status 1 and come first, warnings alone are status 0", () => {
    const warned = [web({}, [full])];
    assert.equal(statusOf(warned, judge(judged({ hosts: warned }))), 0);
    const both = [web({}, [full, told("fault", "no-release", "no release is live")]), ...warned];
    const findings = judge(judged({ hosts: both }));
    assert.equal(statusOf(both, findings), 1);
    assert.deepEqual(
      findings.map(({ kind, host }) => [kind, host]),
      [
        ["fault", "web"],
        ["warning", "web"],
        ["warning", "web"],
      ],
    );
  });

  test("a site that answers anything but 200 to its host is told once, and not again from here", () => {
    const own = told("fault", "site", "the site's health path answers 502, not 200");
    assert.deepEqual(judge(judged({ hosts: [web({}, [own])], site: { ...site, status: 502 } })), [
      { ...own, host: null },
    ]);
  });

  test("a site that its host reaches and this computer does not is told with what is in the way", () => {
    const problem = "no name server knows shop.example.org";
    assert.deepEqual(found({ site: { ...site, status: null, problem, fingerprint: null } }), [
      `fault | site-out-of-reach | https://shop.example.org/health cannot be reached from here: ${problem}`,
    ]);
  });

  test("what is between visitors and the site is a warning, and told once where the site is out of reach for it", () => {
    const next = "make this record: shop.example.org A 203.0.113.7";
    const name = "shop.example.org";
    const unknown: Obstacle = { code: "name-unknown", name, what: `no name server knows ${name}`, next };
    const alias = { ...unknown, name: "www.example.org", what: "no name server knows www.example.org" };
    assert.deepEqual(found({ obstacles: [alias] }), [
      `warning | name-unknown | no name server knows www.example.org | ${next}`,
    ]);
    const away = { ...site, status: null, problem: unknown.what, fingerprint: null };
    assert.deepEqual(found({ site: away, obstacles: [unknown, alias] }), [
      `fault | site-out-of-reach | https://shop.example.org/health cannot be reached from here: ${unknown.what} | ${next}`,
      `warning | name-unknown | no name server knows www.example.org | ${next}`,
    ]);
    const elsewhere: Obstacle = { code: "name-elsewhere", name, what: `${name} points elsewhere`, next };
    assert.deepEqual(
      found({ site: away, obstacles: [elsewhere] }).map((line) => line.split(" | ").slice(0, 2)),
      [
        ["fault", "site-out-of-reach"],
        ["warning", "name-elsewhere"],
      ],
    );
  });

  test("a front page that is the health path may ask for a password, or be shut by the maintenance page", () => {
    const front = { health: "/", site: { ...site, status: 401 } };
    assert.deepEqual(found({ ...front, asksLogin: true }), []);
    assert.equal(found(front).length, 1);
    const shut = [web({ maintenance: { on: true, since: null } })];
    assert.deepEqual(found({ health: "/", site: { ...site, status: 503 }, hosts: shut }), []);
  });

  test("another certificate than the host's is a fault, unless this computer trusts it", () => {
    assert.match(
      found({ site: { ...site, fingerprint: "CC:DD" } }).join(),
      /^fault \| certificate-other \| /,
    );
    assert.deepEqual(found({ site: { ...site, fingerprint: "CC:DD", trusted: true } }), []);
  });

  test("a clock that is off is a warning, and a fault from five minutes on", () => {
    const off = (seconds: number, findings: Answer["findings"] = []) =>
      found({ hosts: [web({ clock: { now: now + seconds, synchronised: true } }, findings)] });
    assert.deepEqual(off(10), []);
    assert.match(off(45).join(), /^warning \| clock \| the host's clock is 45 s ahead of this computer's/);
    assert.match(off(-6 * minute).join(), /^fault \| clock \| the host's clock is 6 min behind/);
    const own = told("warning", "clock", "the host's clock is not synchronised");
    assert.deepEqual(off(0, [own]), ["warning | clock | the host's clock is not synchronised"]);
    assert.equal(off(45, [own]).length, 1, "it is told once");
  });

  test("a command names a host where it is not the one that serves the site", () => {
    assert.deepEqual(["web", "tasks"].map(hostFlag), ["", " --host tasks"]);
  });
});

const plain: Screen = { width: undefined, paint: (_, text) => text };
const report = (changes: Partial<Judged> = {}): Report => {
  const all = judged(changes);
  const findings = judge(all);
  const { site, hosts } = all;
  const status = statusOf(hosts, findings);
  return { version: 1, stack: "prod", application: "shop", at: now, status, findings, site, hosts };
};

describe("on the screen", () => {
  test("all of a host that is well fits on one", () => {
    assert.equal(
      statusText(report(), plain),
      `all is well

site           https://shop.example.org/health answers 200 in 18 ms

web            203.0.113.7, Debian 13.2, up 9 days
  release      b-1, live for 3 h, commit 0123456789, by ada from 192.0.2.1
  processes    web     running for 3 h
               worker  2 running for 3 h
  timers       clean  next in 5 h, last 24 h ago
  services     nginx  running for 3 h
               Redis  running for 3 h  30 MiB of 256 MiB
  certificate  self-signed, valid until 2027-10-07 (265 days left)
  maintenance  off
  backups      none; see docs/backups.md
  messages     none; see docs/notices.md
  disks        /  40 % full  12 GiB of 20 GiB free
  memory       1.0 GiB of 4.0 GiB in use
  load         0.10  0.20  0.30  on 2 processors
  upgrades     none waiting, looked for 5 h ago
  clock        synchronised
  belongs to   the stack 'prod' of berth as its host 'web', since 2026-01-02`,
    );
  });

  test("what needs attention comes first, with its host where there are several, and a host that is away is one line", () => {
    const away = { name: "tasks", address: "203.0.113.8", problem: "no answer in 10 s", facts: null };
    const wrong = { state: "inactive", sub: "dead", wrong: "stopped" };
    const application = {
      ...well.application,
      processes: [process("web"), process("worker", wrong)],
    } as Facts["application"];
    const [logs, clock] = [
      "npm run logs -- -s prod worker",
      "npm run ssh -- -s prod sudo timedatectl set-ntp true",
    ];
    const findings = [
      told("fault", "unit", "worker is stopped", "Warm shutdown", logs),
      told("warning", "clock", "the host's clock is not synchronised", null, clock),
    ];
    const shown = statusText(
      report({ hosts: [web({ application }, findings), { ...away, findings: [] }] }),
      plain,
    );
    assert.equal(
      shown.split("\n\n")[0],
      `2 things need attention, and 1 warning:
  fault    web: worker is stopped
           log: Warm shutdown
           npm run logs -- -s prod worker
  fault    tasks: the host at 203.0.113.8 could not be asked: no answer in 10 s
  warning  web: the host's clock is not synchronised
           npm run ssh -- -s prod sudo timedatectl set-ntp true`,
    );
    assert.match(shown, /^ {15}worker {2}stopped$/m);
    assert.match(shown, /\n\ntasks {10}203\.0\.113\.8: could not be asked: no answer in 10 s$/);
  });

  test("warnings alone leave all well, in the singular and the plural", () => {
    const first = (...findings: Answer["findings"]) =>
      statusText(report({ hosts: [web({}, findings)] }), plain).split("\n")[0];
    assert.equal(first(full), "all is well, with 1 warning:");
    assert.equal(first(full, full), "all is well, with 2 warnings:");
    assert.equal(first(told("fault", "maintenance", "it is shut")), "1 thing needs attention:");
  });

  test("who is told is shown, and when the host looked last", () => {
    const targets = {
      ops: { waiting: 0, since: null, why: null },
      chat: { waiting: 1, since: now, why: "no" },
    };
    const shown = (looked: number | null) =>
      statusText(
        report({ hosts: [web({ notices: { since: now - day, looked, refused: {}, targets } })] }),
        plain,
      );
    assert.match(shown(now - 40), /^ {2}messages {5}to ops, chat, looked 40 s ago$/m);
    assert.match(shown(null), /^ {2}messages {5}not looked yet$/m);
  });

  test("a part that could not be read says so in its place", () => {
    const shown = statusText(
      report({ hosts: [web({ memory: null, unknown: { memory: "it hangs" } })] }),
      plain,
    );
    assert.match(shown, /^ {2}memory {7}unknown: it hangs$/m);
  });

  test("lines are broken at the width of the terminal between words, but for what is to be copied", () => {
    const command = "npm run ssh -- -s prod sudo systemctl status a-unit-with-a-long-name.service";
    const down = "a-unit-with-a-long-name.service is down after a failure (exit-code)";
    const failed = told("fault", "unit", down, "words ".repeat(30).trim(), command);
    const colours: Screen = {
      width: 60,
      paint: (style, text) => styleText(style, text, { validateStream: false }),
    };
    const shown = statusText(report({ hosts: [web({}, [failed])] }), { ...plain, width: 60 });
    const tooLong = shown.split("\n").filter((line) => line.length > 60);
    assert.deepEqual(
      tooLong.map((line) => line.trim()),
      [command],
    );
    const coloured = statusText(report({ hosts: [web({}, [failed])] }), colours);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
    assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ""), shown, "colours change no layout");
  });

  test("nothing that a log holds reaches the terminal as a command", () => {
    const printed = { ...well, findings: [told("fault", "unit", "x is down", "a\u001b[2Jb\u202ec\r\nd")] };
    assert.equal(readAnswer(JSON.stringify(printed)).findings[0]?.line, "a [2Jb c d");
  });

  test("times and sizes are rounded down, so that nothing seems longer, older or fuller than it is", () => {
    assert.deepEqual([59, 119, 47 * hour, 48 * hour, -5].map(long), [
      "59 s",
      "1 min",
      "47 h",
      "2 days",
      "0 s",
    ]);
    assert.deepEqual([0, 1023, 10 * 1024, 1.5 * gib].map(size), ["0 bytes", "1.0 KiB", "10 KiB", "1.5 GiB"]);
    assert.deepEqual([percent(0.9999), date(now)], ["99 %", "2027-01-15"]);
  });
});
