// 'npm run status': what of all that hosts tell needs attention, and how it is shown. What a host tells is tested in
// test/program/test_status.py.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { styleText } from "node:util";
import type { Obstacle } from "../../scripts/lib/outside/obstacles.ts";
import {
  type Facts,
  type HostReport,
  type Process,
  type Report,
  readFacts,
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
  ...changes,
});
const process = (name: string, changes: Partial<Process> = {}): Process => ({
  ...unit(`shop-${name}@b-1.c.service`),
  process: name,
  live: true,
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
  disks: [{ place: "/", size: 20 * gib, free: 12 * gib, used: 0.4, inodesUsed: 0.1 }],
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
const web = (changes: Partial<Facts> = {}): HostReport => ({
  name: "web",
  address: "203.0.113.7",
  problem: null,
  facts: { ...well, ...changes },
});
const judged = (changes: Partial<Judged> = {}): Judged => ({
  flag: " -s prod",
  firstHost: "web",
  claims: { web: "c0ffee" },
  health: "/health",
  asksLogin: false,
  site,
  obstacles: [],
  hosts: [web()],
  now,
  ...changes,
});

/** The findings of a host with these facts, one line each. */
const foundOn = (facts: Partial<Facts>) => found({ hosts: [web(facts)] });
const found = (changes: Partial<Judged>) =>
  judge(judged(changes)).map(({ kind, code, what, next }) =>
    [kind, code, what, ...(next === null ? [] : [next])].join(" | "),
  );
const withProcess = (...processes: readonly Process[]) =>
  foundOn({ application: { ...well.application, processes } as Facts["application"] });
const withMemory = (memory: Partial<NonNullable<Facts["memory"]>>) =>
  foundOn({ memory: { ...well.memory, ...memory } as Facts["memory"] });
const withUpgrades = (upgrades: Partial<NonNullable<Facts["upgrades"]>>, up = now - 9 * day) =>
  foundOn({
    upgrades: { ...well.upgrades, ...upgrades } as Facts["upgrades"],
    system: { system: "Debian 13.2", up, container: null },
  });
const withDisk = (disk: Partial<NonNullable<Facts["disks"]>[0]>) =>
  foundOn({ disks: [{ place: "/", size: 20 * gib, free: gib, used: 0.5, inodesUsed: 0.1, ...disk }] });
const withCertificate = (certificate: Partial<NonNullable<Facts["certificate"]>>) =>
  foundOn({ certificate: { ...well.certificate, ...certificate } as Facts["certificate"] });

describe("what needs attention", () => {
  test("nothing does where all is well, and the status is 0", () => {
    assert.deepEqual(found({}), []);
    assert.equal(statusOf([web()], []), 0);
  });

  test("a backup that failed or is late, a log that waits or was given up, and a restore that was cut off are faults", () => {
    const last = { at: now - hour, id: "20261128-040000F", size: gib, stored: gib, seconds: 9 };
    const late = { ...last, at: now - 27 * hour };
    const waiting = { bytes: 0, limit: gib, since: null, why: null, lost: null };
    const backups = (changes: Partial<NonNullable<Facts["backups"]>>) =>
      foundOn({
        backups: {
          place: "s3://shop/prod-shop",
          on: now - 3 * day,
          parts: { database: { last, failed: null } },
          waiting,
          unrestored: null,
          undo: null,
          ...changes,
        },
      });
    assert.deepEqual(backups({}), []);
    assert.deepEqual(backups({ undo: { at: now - hour, finished: true } }), []);
    const again = "npm run ssh -- -s prod sudo systemctl start berth-backup";
    const logs = "npm run logs -- -s prod backups";
    assert.deepEqual(
      backups({
        parts: {
          database: { last: late, failed: { at: now - hour, why: "it refuses the keys" } },
          media: { last: late, failed: null },
          redis: { last: null, failed: null },
        },
      }),
      [
        `fault | backup-failed | the backup of database failed 1 h ago: it refuses the keys | ${logs}`,
        `fault | backup-late | the backup of media is late: the last one is 27 h old | ${again}`,
        `fault | backup-late | the backup of redis is late: there has never been one | ${again}`,
      ],
    );
    assert.deepEqual(backups({ on: now - hour, parts: { redis: { last: null, failed: null } } }), []);
    assert.deepEqual(
      backups({ waiting: { ...waiting, bytes: gib / 2, since: now - hour, why: "it cannot be reached" } }),
      [
        `fault | backup-waiting | 512 MiB of the database's log have waited for s3://shop/prod-shop for 1 h; beyond 1.0 GiB it is given up: it cannot be reached | ${logs}`,
      ],
    );
    assert.deepEqual(backups({ waiting: { ...waiting, lost: now - 2 * hour } }), []);
    assert.match(backups({ waiting: { ...waiting, lost: now - 60 } })[0] ?? "", /^fault \| backup-lost \| /);
    const drill = { since: now - 20 * day, last: null, failed: null };
    const passed = { at: now - 7 * day, seconds: 9, database: null, files: {}, repository: null };
    const failed = { at: now - hour, why: "the backup is damaged", further: "" };
    const drillNow = "npm run backups -- -s prod --drill";
    assert.deepEqual(backups({ drill: { ...drill, last: passed } }), []);
    assert.deepEqual(backups({ drill: { ...drill, since: now - 7 * day } }), []);
    assert.deepEqual(backups({ drill: { ...drill, since: null } }), []);
    assert.deepEqual(backups({ drill: { ...drill, last: passed, failed } }), [
      `fault | drill-failed | the last drill failed 1 h ago: the backup is damaged | ${drillNow}`,
    ]);
    assert.deepEqual(backups({ drill: { ...drill, last: { ...passed, at: now - 9 * day } } }), [
      `fault | drill-late | the weekly drill of the backups is late: the last one was 9 days ago | ${drillNow}`,
    ]);
    assert.deepEqual(backups({ drill }), [
      `fault | drill-late | the weekly drill of the backups is late: there has never been one | ${drillNow}`,
    ]);
    assert.deepEqual(
      backups({ unrestored: { since: now - 48 * hour, until: now - hour }, undo: null }).map((line) =>
        line.split(" | ").slice(1),
      ),
      [
        [
          "backup-unrestored",
          "this host makes no backups: s3://shop/prod-shop holds those of another server of this stack, and they are not restored here",
          "npm run restore -- -s prod --latest",
        ],
      ],
    );
    assert.deepEqual(backups({ undo: { at: now - hour, finished: false } }), [
      "fault | restore-cut-off | a restore was cut off before its end | npm run restore -- -s prod --undo",
    ]);
  });

  test("a host that is away is one finding, and status 3 whatever else there is", () => {
    const away: HostReport = {
      name: "tasks",
      address: "203.0.113.8",
      problem: "no answer in 10 s",
      facts: null,
    };
    const hosts = [web({ application: null, unknown: { application: "it hangs" } }), away];
    assert.deepEqual(found({ hosts }), [
      "fault | unknown | its application could not be read: it hangs",
      "fault | host-away | the host at 203.0.113.8 could not be asked: no answer in 10 s",
    ]);
    assert.equal(statusOf(hosts, judge(judged({ hosts }))), 3);
  });

  test("faults are status 1 and come first, warnings alone are status 0", () => {
    const warned = [web({ disks: [{ place: "/", size: 1, free: 1, used: 0.9, inodesUsed: 0 }] })];
    assert.equal(statusOf(warned, judge(judged({ hosts: warned }))), 0);
    const both = [web({ ...warned[0]?.facts, maintenance: { on: true, since: now - hour } }), ...warned];
    const findings = judge(judged({ hosts: both }));
    assert.equal(statusOf(both, findings), 1);
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      ["fault", "warning", "warning"],
    );
  });

  test("a site that answers anything but 200 to its host is told once, and not again from here", () => {
    const own = { status: 502, milliseconds: 3, problem: null };
    assert.deepEqual(found({ hosts: [web({ site: own })], site: { ...site, status: 502 } }), [
      "fault | site | the site's health path answers 502, not 200 | npm run logs -- -s prod web",
    ]);
    const silent = { status: null, milliseconds: null, problem: "Connection refused" };
    assert.deepEqual(foundOn({ site: silent }), [
      "fault | site | the site's health path does not answer: Connection refused | npm run logs -- -s prod nginx",
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
    assert.deepEqual(found({ health: "/", site: { ...site, status: 503 }, hosts: shut }), [
      "fault | maintenance | visitors see the maintenance page, not the site | npm run maintenance -- -s prod off",
    ]);
  });

  test("another certificate than the host's is a fault, unless this computer trusts it", () => {
    assert.match(
      found({ site: { ...site, fingerprint: "CC:DD" } }).join(),
      /^fault \| certificate-other \| /,
    );
    assert.deepEqual(found({ site: { ...site, fingerprint: "CC:DD", trusted: true } }), []);
  });

  test("a machine that belongs to another stack, or to none, is a fault", () => {
    const other = "the stack 'other' of berth as its host 'web', since 2026-05-06";
    assert.deepEqual(foundOn({ claim: { id: "decaf", text: other } }), [
      `fault | claim | the machine belongs to ${other}`,
    ]);
    assert.match(foundOn({ claim: null }).join(), /^fault \| claim \| .*\/var\/lib\/berth\/claim is gone$/);
  });

  test("a host without a live release is a fault, a last release that failed a warning", () => {
    const none = { release: null, lastTried: null, processes: [] };
    assert.deepEqual(foundOn({ application: none }), [
      "fault | no-release | no release is live | npm run releases -- -s prod",
    ]);
    const at = new Date((now - 2 * hour) * 1000).toISOString();
    const lastTried = { at, to: "c-1", result: "failed", reason: "/health answers 500" };
    assert.deepEqual(foundOn({ application: { ...well.application, lastTried } as Facts["application"] }), [
      "warning | release-failed | release c-1, tried 2 h ago, failed: /health answers 500 | npm run releases -- -s prod",
    ]);
  });

  test("a process that is stopped, has failed, restarts in a loop or does not come up is named", () => {
    const command = "npm run logs -- -s prod worker";
    assert.deepEqual(withProcess(process("web"), process("worker", { state: "inactive", sub: "dead" })), [
      `fault | unit | worker is stopped | ${command}`,
    ]);
    assert.deepEqual(withProcess(process("worker", { state: "failed", sub: "failed", result: "oom-kill" })), [
      `fault | unit | worker is down after a failure (oom-kill) | ${command}`,
    ]);
    const looping = { state: "activating", sub: "auto-restart", restarts: 14, since: now - 1 };
    assert.deepEqual(withProcess(process("worker", looping), process("worker")), [
      `fault | unit-loop | worker: 1 of 2 is restarting in a loop: 14 times so far | ${command}`,
    ]);
    // Caught in the second in which it runs.
    const between = { state: "active", sub: "running", restarts: 14, since: now - 1 };
    assert.equal(withProcess(process("worker", between)).length, 1);
    const starting = { state: "activating", sub: "start", since: now - 5 };
    assert.deepEqual(withProcess(process("worker", starting)), []);
    assert.deepEqual(withProcess(process("worker", { ...starting, since: now - 5 * minute })), [
      `fault | unit | worker is still starting after 5 min | ${command}`,
    ]);
  });

  test("a restart of long ago is none, nor is an earlier release that finishes", () => {
    assert.deepEqual(withProcess(process("worker", { restarts: 20 })), []);
    assert.deepEqual(
      withProcess(process("worker"), process("worker", { live: false, state: "deactivating" })),
      [],
    );
  });

  test("a service that is stopped, does not answer or is nearly full is named", () => {
    const stopped = unit("redis-server.service", { state: "failed", sub: "failed", result: "exit-code" });
    const command = "npm run logs -- -s prod system";
    assert.deepEqual(foundOn({ services: [{ ...redis, units: [stopped] }], failedUnits: [stopped] }), [
      `fault | unit | Redis is down after a failure (exit-code) | ${command}`,
    ]);
    assert.deepEqual(foundOn({ services: [{ ...redis, problem: "LOADING" }] }), [
      `fault | service | Redis does not answer: LOADING | ${command}`,
    ]);
    const mib = 1024 ** 2;
    const memory = { what: "memory", used: 250 * mib, limit: 256 * mib, bytes: true };
    const connections = { what: "connections", used: 95, limit: 100, bytes: false };
    assert.deepEqual(foundOn({ services: [{ ...redis, figures: [memory, connections] }] }), [
      "warning | service-full | Redis uses 250 MiB of its 256 MiB of memory",
      "warning | service-full | Redis uses 95 of its 100 connections",
    ]);
  });

  test("any other unit that has failed is named, with the last line of its log; so is a timer that is stopped", () => {
    const failed = unit("backup.service", { state: "failed", result: "exit-code", line: "no space left" });
    assert.deepEqual(judge(judged({ hosts: [web({ failedUnits: [failed] })] })), [
      {
        kind: "fault",
        code: "unit",
        host: "web",
        what: "backup.service is down after a failure (exit-code)",
        line: "no space left",
        next: "npm run ssh -- -s prod sudo systemctl status backup.service",
      },
    ]);
    const stopped = {
      ...unit("shop-clean.timer", { state: "inactive" }),
      timer: "clean",
      next: null,
      last: null,
    };
    assert.deepEqual(foundOn({ timers: [stopped] }), [
      "fault | unit | the timer clean is stopped | npm run logs -- -s prod clean",
    ]);
  });

  test("a certificate is a warning in its last week, and in the last third of its life where others renew it", () => {
    const issued = { kind: "issued", issuer: "Let's Encrypt" } as const;
    assert.deepEqual(withCertificate({ ...issued, from: now - 50 * day, until: now + 40 * day }), []);
    assert.match(
      withCertificate({ ...issued, from: now - 70 * day, until: now + 20 * day }).join(),
      /^warning \| certificate-expires \| the certificate expires in 20 days, on 2027-02-04 \| npm start -- -s prod$/,
    );
    assert.deepEqual(withCertificate({ until: now + 20 * day }), []);
    assert.equal(withCertificate({ until: now + 6 * day }).length, 1);
    assert.match(withCertificate({ until: now - day }).join(), /^fault \| certificate-expired \| /);
  });

  test("a certificate that the host renews is a warning once it is late, however short it lives", () => {
    const acme = { kind: "issued", issuer: "Let's Encrypt", source: "acme" } as const;
    const lasting = (days: number, left: number) =>
      withCertificate({ ...acme, from: now - (days - left) * day, until: now + left * day });
    for (const [days, due] of [
      [90, 30],
      [64, 64 / 3],
      [6, 3],
    ] as const) {
      assert.deepEqual(lasting(days, due * 0.8), [], `${days} days`);
      assert.match(lasting(days, due * 0.7).join(), /^warning \| certificate-expires \| .*certbot\.service$/);
    }
  });

  test("a site that waits for its authority says why: a fault while browsers warn of what it shows", () => {
    const waits = {
      reason: "no name server knows shop.example.org.",
      since: now - 7200,
      tried: now - 60,
      next: now,
    };
    assert.deepEqual(withCertificate({ waits }), [
      "fault | certificate-waits | the site waits for its certificate, and browsers warn visitors, for 2 h: no name server knows shop.example.org. | npm run ssh -- -s prod sudo python3 -IB /usr/local/lib/berth/certificate order",
    ]);
    const issued = { kind: "issued", source: "acme", from: now - day, until: now + 80 * day } as const;
    assert.match(
      withCertificate({ ...issued, waits }).join(),
      /^warning \| certificate-waits \| the site waits for a new/,
    );
    const shown = report({
      hosts: [web({ certificate: { ...well.certificate, waits } as Facts["certificate"] })],
    });
    assert.match(
      statusText(shown, plain),
      /\n +waits for the authority, asked 1 min ago: no name server knows/,
    );
  });

  test("a disk is a warning from 85 % on and a fault from 95 % on", () => {
    assert.deepEqual(withDisk({ used: 0.849 }), []);
    assert.deepEqual(withDisk({ used: 0.85, free: 3 * gib }), [
      "warning | disk | the disk / is 85 % full, 3.0 GiB are free | see 'A full disk' in docs/troubleshooting.md",
    ]);
    assert.match(withDisk({ used: 0.95 }).join(), /^fault \| disk-full \| the disk \/ is 95 % full/);
    assert.match(withDisk({ inodesUsed: 0.92 }).join(), /^warning \| inodes \| .* 92 % of its inodes/);
  });

  test("memory that is short, and processes that were killed for want of it today, are warnings", () => {
    assert.deepEqual(withMemory({ available: 0.3 * gib }), [
      "warning | memory | memory is short: 307 MiB of 4.0 GiB are available",
    ]);
    assert.match(withMemory({ pressure: 7.5 }).join(), /everything waited for it 7\.5 % of the time$/);
    assert.deepEqual(withMemory({ killed: 2, lastKilled: now - 3 * hour }), [
      "warning | memory-killed | memory ran out: the kernel has killed 2 processes since the boot, the last 3 h ago",
    ]);
    assert.deepEqual(withMemory({ killed: 2, lastKilled: now - 3 * day }), []);
  });

  test("a load that lasts is a warning", () => {
    assert.deepEqual(foundOn({ load: { averages: [20, 20, 7.9], processors: 2 } }), []);
    assert.deepEqual(foundOn({ load: { averages: [1, 5, 8], processors: 2 } }), [
      "warning | load | the load was 8 on 2 processors for the last 15 minutes",
    ]);
  });

  test("a clock that is off is a warning, and a fault from five minutes on", () => {
    const [off] = [(seconds: number) => foundOn({ clock: { now: now + seconds, synchronised: true } })];
    assert.deepEqual(off(10), []);
    assert.match(off(45).join(), /^warning \| clock \| the host's clock is 45 s ahead of this computer's/);
    assert.match(off(-6 * minute).join(), /^fault \| clock \| the host's clock is 6 min behind/);
    assert.match(
      foundOn({ clock: { now, synchronised: false } }).join(),
      /^warning \| clock \| .*not synchron/,
    );
    assert.deepEqual(foundOn({ clock: { now, synchronised: null } }), []);
  });

  test("security upgrades that wait for longer than a night are a warning, and so is a reboot that is needed", () => {
    const security = ["libssl3t64", "openssl"];
    assert.deepEqual(withUpgrades({ waiting: 9, security }), []);
    assert.deepEqual(withUpgrades({ security, installed: now - 5 * day }), [
      "warning | upgrades | 2 security upgrades wait, and none were installed for long: last 5 days ago | " +
        "npm run ssh -- -s prod sudo unattended-upgrade",
    ]);
    assert.deepEqual(withUpgrades({ security, installed: null, looked: null }, now - day), [], "it is new");
    assert.match(
      withUpgrades({ security, looked: now - 9 * hour, installed: now - hour }).join(),
      /which the nightly upgrade has skipped: libssl3t64, openssl/,
    );
    assert.match(
      withUpgrades({ looked: now - 5 * day }).join(),
      /has not looked for upgrades for long: last/,
    );
    assert.deepEqual(withUpgrades({ rebootSince: now - 2 * day, rebootFor: ["linux-image-amd64"] }), [
      "warning | reboot | a reboot has been needed for 2 days (linux-image-amd64) | " +
        "npm run ssh -- -s prod sudo systemctl reboot",
    ]);
  });

  test("what is to be typed names the host where it is not the first, and no stack where it is 'local'", () => {
    const stopped = process("worker", { state: "inactive" });
    const tasks = {
      ...web({ application: { ...well.application, processes: [stopped] } as Facts["application"] }),
      name: "tasks",
    };
    const nextOf = (flag: string, host: HostReport) => judge(judged({ flag, hosts: [host] }))[0]?.next;
    assert.equal(nextOf(" -s prod", tasks), "npm run logs -- -s prod --host tasks worker");
    assert.equal(nextOf("", { ...tasks, name: "web" }), "npm run logs -- worker");
    const old = web({ certificate: { ...well.certificate, until: now - 1 } as Facts["certificate"] });
    assert.equal(nextOf("", old), "npm start");
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
    const stopped = process("worker", { state: "inactive", sub: "dead", line: "Warm shutdown" });
    const application = { ...well.application, processes: [process("web"), stopped] } as Facts["application"];
    const shown = statusText(
      report({ hosts: [web({ application, clock: { now, synchronised: false } }), away] }),
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
    const first = (facts: Partial<Facts>) =>
      statusText(report({ hosts: [web(facts)] }), plain).split("\n")[0];
    const disk = { place: "/", size: 1, free: 1, used: 0.9, inodesUsed: 0 };
    assert.equal(first({ disks: [disk] }), "all is well, with 1 warning:");
    assert.equal(first({ disks: [disk, { ...disk, place: "/srv" }] }), "all is well, with 2 warnings:");
    assert.equal(first({ maintenance: { on: true, since: null } }), "1 thing needs attention:");
  });

  test("a part that could not be read says so in its place", () => {
    const shown = statusText(
      report({ hosts: [web({ memory: null, unknown: { memory: "it hangs" } })] }),
      plain,
    );
    assert.match(shown, /^ {2}memory {7}unknown: it hangs$/m);
  });

  test("lines are broken at the width of the terminal between words, but for what is to be copied", () => {
    const long = unit("a-unit-with-a-long-name.service", {
      state: "failed",
      line: "words ".repeat(30).trim(),
    });
    const colours: Screen = {
      width: 60,
      paint: (style, text) => styleText(style, text, { validateStream: false }),
    };
    const shown = statusText(report({ hosts: [web({ failedUnits: [long] })] }), { ...plain, width: 60 });
    const tooLong = shown.split("\n").filter((line) => line.length > 60);
    assert.deepEqual(
      tooLong.map((line) => line.trim()),
      ["npm run ssh -- -s prod sudo systemctl status a-unit-with-a-long-name.service"],
    );
    const coloured = statusText(report({ hosts: [web({ failedUnits: [long] })] }), colours);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them.
    assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ""), shown, "colours change no layout");
  });

  test("nothing that a log holds reaches the terminal as a command", () => {
    const told = {
      ...well,
      certificate: null,
      failedUnits: [unit("x.service", { line: "a\u001b[2Jb\u202ec\r\nd" })],
    };
    assert.equal(readFacts(JSON.stringify(told)).failedUnits?.[0]?.line, "a [2Jb c d");
  });

  test("a certificate that cannot be read is said, and nothing else is lost", () => {
    const told = readFacts(JSON.stringify({ ...well, certificate: { pem: "none" } }));
    assert.equal(told.certificate, null);
    assert.match(told.unknown.certificate ?? "", /^it cannot be read: /);
    assert.equal(told.load?.processors, 2);
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
