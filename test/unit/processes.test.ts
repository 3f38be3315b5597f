import assert from "node:assert/strict";
import { test } from "node:test";
import {
  environment,
  hasBeat,
  inZone,
  type Kind,
  kindOf,
  type ProcessConfig,
  processFacts,
  processFiles,
  processTable,
  readProcfile,
  sandbox,
  timerFiles,
  wantedProcesses,
} from "../../components/app/processes/processes.ts";

const place = {
  name: "shop",
  root: "/srv/shop",
  media: "/srv/shop/media",
  after: ["postgresql.service", "redis-server.service"],
  hasFiles: false,
};
const usual = { count: 1, stopTimeout: 600, onRelease: "restart" } as const;
const files = (processes: Record<string, Partial<ProcessConfig>>) =>
  processFiles(
    place,
    wantedProcesses(
      Object.fromEntries(Object.entries(processes).map(([name, one]) => [name, { ...usual, ...one }])),
      undefined,
    ),
  );
const unit = (one: Partial<ProcessConfig>) =>
  files({ worker: one })["/etc/systemd/system/shop-worker@.service"]?.content ?? "";

const commands: Record<string, Kind> = {
  "celery -A shop worker -l INFO": "celery",
  "python -m celery -A shop worker": "celery",
  "celery --app=shop.celery:app worker -Q mail,default": "celery",
  "nice -n 10 .venv/bin/celery -A shop worker": "celery",
  "celery -A shop beat": "celery-beat",
  "celery beat -A shop --max-interval 60": "celery-beat",
  "huey_consumer tasks.huey -w 4": "huey",
  "huey_consumer.py tasks.huey": "huey",
  "python manage.py run_huey -w 2": "huey",
  "django-admin djangohuey --queue mail": "huey",
  "rq worker high low": "rq",
  "rq -q worker": "rq",
  "rq worker-pool -n 3": "rq",
  "python manage.py rqworker default": "rq",
  "python -m shop.consume": "command",
  "celery -A shop flower": "command",
  "python celery_beat_report.py": "command",
  "sleep infinity": "command",
};

test("what a process is, is told from its command", () => {
  for (const [command, kind] of Object.entries(commands)) assert.equal(kindOf(command), kind, command);
});

test("a worker that would also be a beat is told from one that is not", () => {
  for (const command of [
    "celery -A shop worker -B",
    "celery -A shop worker --beat -l INFO",
    "celery worker -BE",
  ])
    assert.ok(hasBeat(command), command);
  for (const command of [
    "celery -A shop worker",
    "celery -A shop worker -lDEBUG",
    "celery -A shop beat",
    "program -B",
  ])
    assert.ok(!hasBeat(command), command);
});

test("each kind is stopped by the signal on which it finishes the task that it has begun", () => {
  const signal = (kind: Kind) => /KillSignal=(\w+)/.exec(unit({ kind, command: "x" }))?.[1];
  assert.deepEqual((["celery", "celery-beat", "rq", "huey", "command"] as const).map(signal), [
    "SIGTERM",
    "SIGTERM",
    "SIGTERM",
    "SIGINT",
    "SIGTERM",
  ]);
  // Only to the main process: a worker's own children go on until it tells them.
  assert.match(unit({ command: "rq worker" }), /^KillMode=mixed$/m);
});

test("limits, the time to finish and an account are in the unit as the stack says", () => {
  const limited = unit({ command: "rq worker", memory: 300, cpu: 50, stopTimeout: 1200, account: "sorter" });
  for (const line of [
    "MemoryMax=300M",
    "CPUQuota=50%",
    "TimeoutStopSec=1200",
    "User=sorter",
    "Group=shop",
    "StateDirectory=shop-worker",
  ])
    assert.ok(limited.split("\n").includes(line), line);
  assert.doesNotMatch(unit({ command: "rq worker" }), /MemoryMax|CPUQuota|StateDirectory/);
});

test("beat has a place for its schedule, and does not keep a release waiting", () => {
  const beat = unit({ command: "celery -A shop beat" });
  assert.match(beat, /^StateDirectory=shop-worker$/m);
  assert.match(beat, /^TimeoutStopSec=30$/m);
});

test("a process with ports ends before the next one starts, and no worker with tasks does", () => {
  const ports = [{ port: 7000, from: ["0.0.0.0/0"] }];
  const door = { ...usual, command: "daphne shop.asgi:app", ports };
  const [facts] = processFacts(wantedProcesses({ door }, undefined));
  assert.deepEqual([facts?.alone, facts?.ports], [true, [7000]]);
  const text = unit({ command: "daphne shop.asgi:app", ports });
  assert.match(text, /^TimeoutStopSec=30$/m);
  assert.doesNotMatch(text, /StateDirectory/);
  assert.throws(
    () => wantedProcesses({ door: { ...usual, ports } }, { door: "celery -A shop worker" }),
    /app\.processes\.door\.ports: expected none: a worker finishes its tasks .*a process of its own/,
  );
});

test("a process is shut in by the same lines wherever the application lies", () => {
  assert.ok(unit({ command: "rq worker" }).includes(sandbox(place)));
  assert.match(sandbox(place), /^ProtectHome=yes$/m);
});

test("a process starts after the services that it asks", () => {
  assert.match(unit({ command: "rq worker" }), /^After=.*postgresql\.service redis-server\.service$/m);
});

test("the web server's limits make no process", () => {
  assert.deepEqual(files({ web: { memory: 500 } }), {});
});

test("the host is told of each process what it needs, in the order of their names", () => {
  const wanted = wantedProcesses(
    {
      worker: { ...usual, command: "celery -A shop worker", count: 3, onRelease: "keep" },
      beat: { ...usual, command: "celery -A shop beat" },
      sorter: { ...usual, kind: "huey", account: "sorter" },
    },
    undefined,
  );
  assert.equal(processTable("shop", wanted), "beat shop\nsorter sorter\nworker shop");
  const once = { count: 1, alone: false, keep: false, ports: [] };
  assert.deepEqual(processFacts(wanted), [
    { ...once, name: "beat", kind: "celery-beat", alone: true, command: "celery -A shop beat" },
    { ...once, name: "sorter", kind: "huey", command: null },
    { ...once, name: "worker", kind: "celery", count: 3, keep: true, command: "celery -A shop worker" },
  ]);
});

test("the server, processes and timers have one environment, but for the home of an account of its own", () => {
  const own = unit({ command: "rq worker", account: "sorter" });
  const environmentOf = (text: string) => text.split("\n").filter((line) => line.startsWith("Environment"));
  const shared = environment(place, "%i").split("\n");
  assert.deepEqual(environmentOf(unit({ command: "rq worker" })), shared);
  assert.deepEqual(
    environmentOf(own),
    shared.map((line) => line.replaceAll("/var/cache/berth-shop", "/var/lib/shop-worker")),
  );
});

const lines = readProcfile(
  "web: gunicorn shop.wsgi\r\n# none\nrelease: python manage.py migrate\n\nworker:  celery -A shop worker \nbeat: celery -A shop beat\n",
);

test("a Procfile's lines are its processes; the web server and the release's command are not among them", () => {
  assert.deepEqual(Object.keys(lines), ["web", "release", "worker", "beat"]);
  assert.equal(lines.worker, "celery -A shop worker");
  assert.deepEqual(
    wantedProcesses({}, lines).map(({ name, kind, command }) => [name, kind, command]),
    [
      ["beat", "celery-beat", undefined],
      ["worker", "celery", undefined],
    ],
  );
});

test("the stack's command for a name of the Procfile wins, and its settings hold for the Procfile's command", () => {
  const [, worker] = wantedProcesses({ worker: { ...usual, command: "rq worker", count: 2 } }, lines);
  assert.deepEqual([worker?.kind, worker?.count], ["rq", 2]);
  const [, counted] = wantedProcesses({ worker: { ...usual, count: 3 } }, lines);
  assert.deepEqual([counted?.kind, counted?.count, counted?.command], ["celery", 3, undefined]);
});

test("a process that neither the stack nor the Procfile gives a command is a fault, and so are two beats", () => {
  assert.throws(
    () => wantedProcesses({ mailer: usual }, lines),
    /app\.processes\.mailer\.command: expected a command/,
  );
  assert.throws(
    () => wantedProcesses({ beat: { ...usual, count: 2 } }, lines),
    /app\.processes\.beat\.count: expected 1/,
  );
  assert.throws(
    () => wantedProcesses({}, { worker: "celery -A shop worker -B" }),
    /'worker': expected a worker without beat/,
  );
  assert.throws(() => wantedProcesses({}, { Worker: "rq worker" }), /'Worker': expected a lower-case letter/);
  // Where only the host sees the Procfile, it says so there.
  assert.equal(wantedProcesses({ mailer: usual }, undefined)[0]?.kind, "command");
});

test("a timer's times are in UTC unless they name a zone", () => {
  for (const [at, expected] of [
    ["daily", "daily UTC"],
    ["Mon 03:00", "Mon 03:00 UTC"],
    ["Mon..Fri *-*-* 08:30", "Mon..Fri *-*-* 08:30 UTC"],
    ["Mon 03:00 Europe/Berlin", "Mon 03:00 Europe/Berlin"],
    ["Mon", "Mon UTC"],
    ["daily UTC", "daily UTC"],
    ["*:0/15", "*:0/15 UTC"],
  ] as const)
    assert.equal(inZone(at), expected);
});

test("a timer runs the live release, shut in as all else, under its account", () => {
  const made = timerFiles(place, {
    clean: { command: "python clean.py", at: "hourly", account: "cleaner", cpu: 20 },
  });
  const service = made["/etc/systemd/system/shop-clean.service"]?.content ?? "";
  for (const line of [
    "WorkingDirectory=/srv/shop/config/web/current/release",
    "User=cleaner",
    "Group=shop",
    "CPUQuota=20%",
    "Type=oneshot",
    "RequiresMountsFor=/srv/shop/media",
    'ExecStart=:/bin/bash -c "python clean.py"',
  ])
    assert.ok(service.split("\n").includes(line), line);
  assert.ok(service.includes(sandbox(place)));
  assert.match(made["/etc/systemd/system/shop-clean.timer"]?.content ?? "", /^OnCalendar=hourly UTC$/m);
});
