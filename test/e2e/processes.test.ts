// Workers of Celery, huey and RQ, Celery's beat and a plain command, with real queues: no task is lost, none is run twice.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { watchSite } from "../faults/faults.ts";
import { until } from "../until.ts";
import { edit, psql, type Run, reboot, tidied, withStack } from "./harness.ts";
import { statusOnce } from "./status.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue" });
const host = (command: string) => stack.inside(command).stdout.trim();
const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string) => host(`runuser -u postgres -- ${psql} -XAtq queue -c "${query}"`);
const live = () => host("readlink /srv/queue/config/web/current");
const current = () => host("basename $(readlink /srv/queue/current)");

// Beat, Celery's command and the command that makes the table come from the application's Procfile.
const processes = {
  celery: { count: 2 },
  huey: { command: "huey_consumer tasks.huey -w 2", account: "huey", memory: 256, cpu: 150 },
  rq: { command: "rq worker -c rq_settings -w late_rq.LateWorker" },
  idle: { command: "sleep infinity", stopTimeout: 10 },
  door: {
    command: "python door.py 0.0.0.0 7000 7001",
    ports: [{ port: 7000 }, { port: 7001, from: ["192.0.2.0/24"] }],
  },
  web: { memory: 512, cpu: 180 },
};
const queues = ["celery", "huey", "rq"];

/** The units of processes that run, as `process@instance`. */
const running = () =>
  host(
    `${tidied}systemctl list-units --plain --no-legend --state=active,activating,deactivating 'queue-*@*.service' | cut -d' ' -f1`,
  )
    .split("\n")
    .filter((unit) => unit !== "" && !unit.startsWith("queue-web@"))
    .map((unit) => unit.replace(/^queue-(.*)\.service$/, "$1"))
    .sort();

/** What runs of one instance and of nothing else. */
const expected = (instance = live()) =>
  [
    ...["beat", "celery", "door", "huey", "idle", "rq"].map((process) => `${process}@${instance}`),
    `celery@${instance}.2`,
  ].sort();

async function queue(where: string, names: readonly string[], seconds: number): Promise<void> {
  const body = names.map((name) => `${name} ${seconds}`).join("\n");
  assert.equal((await stack.fetch(`/${where}`, { method: "POST", body })).status, 200);
}

const numbered = (what: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${what}-${index}`);

/** Those of the tasks that were never finished, and those that were begun more than once. */
function faultsOf(names: readonly string[]): { lost: string[]; twice: string[] } {
  const lines = sql("SELECT name, count(*), count(ended) FROM runs GROUP BY name").split("\n");
  const runs = new Map(
    lines.map((line) => line.split("|")).map(([name, begun, ended]) => [name, { begun, ended }]),
  );
  return {
    lost: names.filter((name) => Number(runs.get(name)?.ended ?? 0) === 0),
    twice: names.filter((name) => Number(runs.get(name)?.begun ?? 0) > 1),
  };
}

// Only where tests are about it, for every run of it starts a Python.
const timers = { tock: { command: "python -c 'import work; work.work(\"tock\", 2)'", at: "*:*:0/3" } };

before(async () => {
  stack.configure({
    app: { name: "queue", wsgi: "wsgi:app", settings: undefined, processes },
  });
  const run = await stack.succeed();
  assert.match(said(run), /the Procfile's line 'web' is not run: gunicorn serves the application/);
});

test("the Procfile's release line runs before the release goes live, and the database is dumped before it", () => {
  assert.equal(sql("SELECT tableowner FROM pg_tables WHERE tablename = 'runs'"), "queue");
  assert.match(
    host(`pg_restore --list /var/backups/berth/queue/${current()}.dump`),
    /Dumped from database version: 17/,
  );
});

test("each process has its own unit, log and limits, the web server too, and runs as often as the stack says", async () => {
  assert.deepEqual(running(), expected());
  const instance = live();
  const of = (process: string, property: string) =>
    host(`systemctl show 'queue-${process}@${instance}.service' -P ${property}`);
  assert.equal(of("huey", "MemoryMax"), `${256 * 1024 * 1024}`);
  assert.equal(of("huey", "CPUQuotaPerSecUSec"), "1.500000s");
  assert.equal(of("huey", "KillSignal"), "2");
  assert.equal(of("web", "MemoryMax"), `${512 * 1024 * 1024}`);
  assert.equal(of("web", "CPUQuotaPerSecUSec"), "1.800000s");
  const log = () => host(`journalctl -o cat -u 'queue-celery@${instance}.service'`);
  await until("Celery to be ready", () => /celery-\S+@\S+ ready\./.test(log()), log);
  for (const [process, program] of [
    ["celery", /bin\/celery/],
    ["huey", /huey_consumer/],
    ["rq", /bin\/rq/],
    ["idle", /^sleep/],
  ] as const)
    assert.match(host(`tr '\\0' ' ' </proc/${of(process, "MainPID")}/cmdline`), program);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

const answersAtPort = async () => (await fetch(`http://${await stack.address()}:7000/`)).text();

test("a process answers at its ports those whom the stack lets in", async () => {
  assert.equal(await answersAtPort(), current());
  const rules = host("nft list table inet berth");
  assert.match(rules, /ip saddr 192\.0\.2\.0\/24 tcp dport 7001 accept/);
  assert.deepEqual(rules.match(/dport 7001/g)?.length, 1);
});

test("a changed limit reaches nothing that runs, and a drop-in of yours all of it", async () => {
  const unit = `queue-huey@${live()}.service`;
  const of = (property: string) => host(`systemctl show ${unit} -P ${property}`);
  const pid = of("MainPID");
  stack.configure({ app: { processes: { ...processes, huey: { ...processes.huey, memory: 128 } } } });
  edit(stack, "app/wsgi.py", (text) => `${text}\nraise RuntimeError("this cannot start")\n`);
  assert.match(said(await stack.up()), /this cannot start[\s\S]*is unhealthy/);
  const place = "/etc/systemd/system/queue-huey@.service.d";
  host(
    `${tidied}mkdir ${place}; printf '[Service]\\nMemoryHigh=1G\\n' >${place}/own.conf; systemctl daemon-reload; rm -r ${place}`,
  );
  assert.deepEqual([of("MemoryMax"), of("MemoryHigh"), of("MainPID")], [`${256 << 20}`, `${1 << 30}`, pid]);
  edit(stack, "app/wsgi.py", (text) => text.replace(/\nraise .*\n$/, ""));
  await stack.succeed();
  assert.equal(host(`systemctl show 'queue-huey@${live()}.service' -P MemoryMax`), `${128 << 20}`);
  stack.configure({ app: { processes } });
  await stack.succeed();
});

test("each process is shut in as the web server is", () => {
  for (const unit of ["web", "celery", "beat", "huey", "rq", "idle"]) {
    const level = /exposure level[^:]*: ([\d.]+)/.exec(
      host(`systemd-analyze security --no-pager queue-${unit}@0.service`),
    );
    assert.ok(Number(level?.[1]) <= 2.5, `${unit}: ${level?.[1]}`);
  }
});

test("a process with an account of its own reads the code, and writes neither it nor the application's files", () => {
  // One of before may still be at its last task.
  const pid = host(`systemctl show queue-huey@${live()}.service -P MainPID`);
  const as = (command: string) =>
    stack.inside(`nsenter -t ${pid} -m -- setpriv --reuid huey --regid queue --clear-groups -- ${command}`)
      .code;
  assert.equal(host(`ps -o user= -p ${pid}`), "huey");
  assert.equal(as("test -r /srv/queue/current/tasks.py"), 0);
  for (const place of ["current/tasks.py", "current", "venvs", "media", "data", "logs", "config/web"])
    assert.notEqual(as(`test -w /srv/queue/${place}`), 0, place);
  assert.equal(as("test -r /srv/queue/data"), 0);
  assert.equal(as("touch /var/lib/queue-huey/written"), 0);
});

test("a release with 200 tasks and more under way: none lost, none run twice, and what had begun is finished", async (t) => {
  const old = current();
  host(
    `systemd-run --quiet --unit count-beats bash -c 'while sleep 0.02; do pgrep -fc "^/[^ ]*python[^ ]* [^ ]*celery -A tasks beat" >>/run/beats; done'`,
  );
  const long = queues.map((where) => `${where}-long`);
  for (const where of queues) await queue(where, [`${where}-long`], 8);
  await until(
    "the long tasks to begin",
    () => sql("SELECT count(*) FROM runs WHERE name LIKE '%-long'") === "3",
  );
  const names = { celery: numbered("celery", 200), huey: numbered("huey", 100), rq: numbered("rq", 20) };
  for (const [where, tasks] of Object.entries(names)) await queue(where, tasks, 0.3);
  const short = Object.values(names).flat();

  edit(stack, "app/notes.txt", () => "another\n");
  const began = Date.now();
  const run = await stack.succeed();
  t.diagnostic(`the release took ${((Date.now() - began) / 1000).toFixed(1)} s`);
  assert.notEqual(current(), old);

  await until("the queues to be empty", () => faultsOf([...long, ...short]).lost.length === 0).catch(
    () => {},
  );
  assert.deepEqual(faultsOf([...long, ...short]), { lost: [], twice: [] });
  assert.equal(sql(`SELECT count(*) FROM runs WHERE name LIKE '%-long' AND release = '${old}'`), "3");
  assert.ok(Number(sql(`SELECT count(*) FROM runs WHERE release = '${current()}'`)) > 0, said(run));
  await until("the old workers to end", () => running().length === expected().length);
  assert.deepEqual(running(), expected());

  host("systemctl stop count-beats");
  const counts = host("sort /run/beats | uniq -c");
  t.diagnostic(`beats at a time: ${counts.replaceAll(/\s+/g, " ")}`);
  assert.deepEqual(
    host("sort -u /run/beats")
      .split("\n")
      .filter((count) => count !== "0"),
    ["1"],
  );
});

test("passwords change while tasks are under way: none lost, none run twice, and long ones finish with those of before", async () => {
  const old = live();
  const long = queues.map((where) => `${where}-changing`);
  for (const where of queues) await queue(where, [`${where}-changing`], 8);
  const begun = () => sql("SELECT count(*) FROM runs WHERE name LIKE '%-changing'") === "3";
  await until("the long tasks to begin", begun);
  const names = { celery: numbered("c", 100), huey: numbered("h", 50), rq: numbered("r", 10) };
  for (const [where, tasks] of Object.entries(names)) await queue(where, tasks, 0.3);
  const site = watchSite(stack);

  stack.configure({ rotate: { database: 2, redis: 2 } });
  await stack.succeed();
  assert.notEqual(live(), old);
  const all = [...long, ...Object.values(names).flat()];
  await until("the queues to be empty", () => faultsOf(all).lost.length === 0).catch(() => {});
  assert.deepEqual(faultsOf(all), { lost: [], twice: [] });
  assert.deepEqual(Object.keys(await site.stop()), ["200"]);
  await until("the old workers to end", () => running().length === expected().length);
});

test("workers that are stopped while they do many short tasks lose none, and run none twice", async () => {
  const names: string[] = [];
  const ended = () => Number(sql("SELECT count(ended) FROM runs WHERE name LIKE 'short-%'"));
  // Processes that come late to their turn, as on a busy host: between what a worker hands to one and its saying so
  // there is time then.
  const late = "late-for-a-test";
  const turns = `
    trap 'kill -CONT $pids; exit' TERM
    while :; do
      pids=$(for main in $(systemctl show -P MainPID 'queue-celery@*.service' | grep -vx 0); do pgrep -P $main; done)
      for _ in 1 2 3 4 5; do kill -STOP $pids; sleep 0.09; kill -CONT $pids; sleep 0.01; done 2>/dev/null
    done`;
  stack.inside(
    `systemd-run --quiet --expand-environment=no --unit ${late} bash -c '${turns.replaceAll("'", "'\\''")}'`,
  );
  try {
    for (let round = 1; round <= 6; round++) {
      // However quick the workers are, and however long a round takes, there is more to do than they will have done.
      while (names.length - ended() < 500) {
        const more = numbered(`short-${names.length}`, 500);
        names.push(...more);
        await queue("celery", more, 0.01);
      }
      const before = ended();
      await until("more tasks to be done", () => ended() > before + 30);
      assert.equal(stack.inside("systemctl restart 'queue-celery@*.service'").code, 0);
      assert.ok(ended() < names.length, "the queue was full throughout");
    }
  } finally {
    stack.inside(`systemctl stop ${late}`);
  }
  await until("all tasks to be done", () => faultsOf(names).lost.length === 0);
  assert.deepEqual(faultsOf(names), { lost: [], twice: [] });
  const log = host("journalctl -b -o cat -u 'queue-celery@*.service'");
  assert.doesNotMatch(log, /celery_drain|does not answer/);
});

test("a worker of RQ that is stopped between two jobs loses none, and runs none twice", async () => {
  const names = numbered("quick", 40);
  const ended = () => Number(sql("SELECT count(ended) FROM runs WHERE name LIKE 'quick-%'"));
  host("touch /srv/queue/media/late");
  await queue("rq", names, 0);
  for (let round = 1; round <= 3; round++) {
    const before = ended();
    await until("another job to be done", () => ended() > before);
    assert.equal(stack.inside("systemctl restart 'queue-rq@*.service'").code, 0);
    assert.ok(ended() < names.length, "the queue was full throughout");
  }
  host("rm /srv/queue/media/late");
  await until("all jobs to be done", () => faultsOf(names).lost.length === 0).catch(() => {});
  assert.deepEqual(faultsOf(names), { lost: [], twice: [] });
  // At an empty queue there is nothing to lose, and nothing to wait for.
  assert.equal(stack.inside("systemctl restart 'queue-rq@*.service'").code, 0);
  assert.doesNotMatch(host("journalctl -b -o cat -u 'queue-rq@*.service'"), /rq_drain|cold shut/);
});

test("a timer runs the live release at its times, and never twice at once", async () => {
  stack.configure({ app: { timers } });
  await stack.succeed();
  await until(
    "the timer to run",
    () => sql(`SELECT count(*) FROM runs WHERE name = 'tock' AND release = '${current()}'`) > "1",
  );
  assert.equal(host("systemctl show -P Result queue-tock.service"), "success");
  assert.equal(sql("SELECT count(*) > 1 FROM runs WHERE name = 'tock' AND ended IS NULL"), "f");
});

test("a timer with wrong times is refused by its key, and those of before go on until there is a right one", async () => {
  const files = () =>
    host(
      "cd /etc; cat systemd/system/queue-*.timer; cat systemd/system/queue-tock.service; ls systemd/system/queue-*",
    );
  const runs = () => Number(sql("SELECT count(*) FROM runs WHERE name = 'tock'"));
  const before = files();
  // What systemd and the shell read in their own ways arrives as it is.
  const late = {
    command: String.raw`until [ -e "$MEDIA_ROOT/enough" ]; do sleep 0.2; done; [ "$(printf '%s\%%' "a;b")" = 'a;b\%' ] && exec python -c 'import work; work.work("late", 0)'`,
    at: "*:*:0/2",
    memory: 200,
  };
  stack.configure({ app: { timers: { tock: { ...timers.tock, at: "when it rains" }, late } } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /app\.timers\.tock\.at: expected times of systemd\.time\(7\)[^\n]*; found 'when it rains'\./,
  );
  assert.equal(files(), before);
  const count = runs();
  await until("the timer of before to run", () => runs() > count);

  stack.configure({ app: { timers: { ...timers, late } } });
  await stack.succeed();
  assert.equal(host("systemctl is-active queue-late.timer queue-tock.timer"), "active\nactive");
});

test("a timer that is taken out goes with its units, and what it has started runs to its end as it began", async () => {
  const of = (property: string) => host(`systemctl show -P ${property} queue-late.service`);
  await until("it to start its command", () => of("ActiveState") === "activating");
  stack.configure({ app: { timers } });
  await stack.succeed();
  assert.equal(host("find /etc/systemd/system /etc/berth/queue -name '*late*'"), "");
  assert.notEqual(stack.inside("systemctl is-active queue-late.timer").code, 0);
  assert.deepEqual(
    ["ActiveState", "TimeoutStartUSec", "MemoryMax"].map(of),
    ["activating", "1d", `${200 * 1024 * 1024}`],
    "under way, as it began: for a day at most, with its own limits",
  );
  host("touch /srv/queue/media/enough");
  await until("its end", () => sql("SELECT count(ended) FROM runs WHERE name = 'late'") === "1");
  await until(
    "nothing of it to be left",
    () =>
      host(
        "systemctl list-units --all --plain --no-legend 'queue-late*'; ls /run/systemd/system/queue-late* 2>&1",
      ) === "ls: cannot access '/run/systemd/system/queue-late*': No such file or directory",
  );
  stack.configure({ app: { timers: undefined } });
});

test("a release that is gone back to runs the commands of its own Procfile", async () => {
  const back = current();
  const children = () => host("pgrep -fc '^/[^ ]*python[^ ]* [^ ]*celery -A run worker'");
  await until("each worker to have its processes", () => children() === "6");
  edit(stack, "app/Procfile", (text) => text.replace("-c 2", "-c 3"));
  await stack.succeed();
  await until("the old workers to end", () => children() === "8");
  const [newer, there] = [current(), running()];
  const settings = `/srv/queue/releases/${back}/rq_settings.py`;
  host(`cp -p ${settings} /run/; echo 'raise SystemExit("it does not start any more")' >>${settings}`);
  stack.configure({ app: { release: back } });
  assert.match(
    said(await stack.up()),
    /it does not start any more[\s\S]*its process 'rq' ended by itself[^\n]* still serves/,
  );
  assert.equal(current(), newer);
  assert.deepEqual(running(), there, "those of the release that was to be left, beat among them");
  host(`mv /run/rq_settings.py ${settings}`);
  stack.configure({ app: { release: back, retry: back } });
  await stack.succeed();
  assert.equal(current(), back);
  await until("the workers of before to run", () => children() === "6");
  assert.deepEqual(running(), expected());
  edit(stack, "app/Procfile", (text) => text.replace("-c 3", "-c 2"));
  stack.configure({ app: { release: undefined, retry: undefined } });
  await stack.succeed();
});

test("what a second release has left is tidied up by the one that still waits for the first", () => {
  const gone = "gone.000000";
  const unit = `queue-idle@${gone}.service`;
  const place = "/srv/queue/config/web";
  const record = { name: gone, state: "leaving", since: 0, boot: "", reason: "", words: "" };
  const text = JSON.stringify({ ...record, units: [{ name: unit, process: "idle", alone: false }] });
  host(`cp -a ${place}/${live()} ${place}/${gone}
    cp /etc/systemd/system/queue-idle@${live()}.service /etc/systemd/system/${unit}
    echo '${text}' >/var/lib/berth/app-queue/instances/${gone}.json
    mkdir -p /run/systemd/system/${unit}.d && printf '[Service]\\nTimeoutStopSec=300\\nExecStop=/bin/sh -c "until [ -e /run/enough ]; do sleep 0.1; done"\\n' >/run/systemd/system/${unit}.d/late.conf
    systemctl daemon-reload`);
  // A step at work: it takes the lock, and ends when it is told to.
  host(`flock -o /run/berth.lock systemd-run --quiet --wait --unit trial-step sleep infinity >/dev/null 2>&1 &
    until systemctl --quiet is-active trial-step; do sleep 0.1; done
    systemd-run --quiet --collect --unit berth-queue-tidy /usr/local/lib/berth/queue/berth-release tidy
    until grep -q -- '-> FLOCK' /proc/locks; do sleep 0.1; done
    systemctl start ${unit}; systemctl stop --no-block ${unit}; systemctl stop trial-step`);
  assert.equal(host(`systemctl is-active ${unit}`), "deactivating");
  host(
    `touch /run/enough; ${tidied} rm -r /run/enough /run/systemd/system/${unit}.d; systemctl daemon-reload`,
  );
  assert.equal(
    host(`ls -d ${place}/${gone} /etc/systemd/system/${unit}; systemctl is-active ${unit}`),
    "inactive",
  );
  assert.deepEqual(running(), expected());
});

test("a process that is to be kept is left on the release that it runs, until it is not to be kept", async () => {
  const pid = () => host(`${tidied}systemctl show -P MainPID 'queue-idle@*.service'`);
  const [was, old] = [pid(), live()];
  stack.configure({ app: { processes: { ...processes, idle: { ...processes.idle, onRelease: "keep" } } } });
  await stack.succeed();
  edit(stack, "app/notes.txt", () => "kept\n");
  assert.doesNotMatch(said(await stack.succeed()), /finishes its requests and tasks/, "nobody waits for it");
  assert.notEqual(live(), old);
  assert.equal(pid(), was);
  assert.deepEqual(
    running(),
    expected()
      .map((unit) => (unit === `idle@${live()}` ? `idle@${old}` : unit))
      .sort(),
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  // With a password that ends it could not go on.
  stack.configure({ rotate: { redis: 3 } });
  await stack.succeed();
  assert.notEqual(pid(), was);
  stack.configure({ app: { processes } });
  await stack.succeed();
  assert.deepEqual(running(), expected());
});

test("a release whose worker cannot start leaves the server, the workers and beat of the one before", async () => {
  const [release, before] = [current(), running()];
  const pids = () => host(`${tidied}systemctl show -P MainPID 'queue-*@*.service' | sort`);
  const were = pids();
  stack.configure({
    app: { processes: { ...processes, idle: { command: "python -c 'raise SystemExit(\"no work here\")'" } } },
  });
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(said(run), /no work here[\s\S]*is unhealthy: its process 'idle' ended by itself/);
  stack.configure({ app: { processes: { ...processes, idle: { command: "sleep infinity; true" } } } });
  assert.match(said(await stack.up()), /the command of its process 'idle' leaves a shell waiting for it/);
  assert.equal(current(), release);
  assert.deepEqual(running(), before);
  assert.equal(pids(), were);
  assert.equal((await stack.fetch("/health")).text, release);
  stack.configure({
    app: {
      processes: { ...processes, door: { ...processes.door, command: "python door.py 127.0.0.1 7000 7001" } },
    },
  });
  assert.match(
    said(await stack.up()),
    /its process 'door' does not listen at port 7000 \(app\.processes\.door\.ports\), or only at 127\.0\.0\.1/,
  );
  assert.deepEqual(running(), before);
  await until("its port to answer", async () => (await answersAtPort()) === release);
  stack.configure({ app: { processes } });
  await stack.succeed();
  assert.deepEqual(running(), before);

  // One that stops listening later runs on, and is told.
  await stack.on("systemctl kill --signal=SIGUSR1 'queue-door@*'");
  const told = /door runs, and nothing listens at its ports 7000 and 7001 \(app\.processes\.door\.ports\)/;
  await statusOnce(stack, ({ stdout }) => told.test(stdout));
  await stack.on("systemctl restart 'queue-door@*'");
  await until("its port to answer again", async () => (await answersAtPort().catch(() => "")) === release);
});

test("a beat that cannot start is noticed after the switch: server, workers and beat of before run again", async () => {
  const [release, before] = [current(), running()];
  edit(stack, "app/broken.py", () => "raise RuntimeError('beat cannot start')\n");
  stack.configure({ app: { processes: { ...processes, beat: { command: "celery -A broken beat" } } } });
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(said(run), /its process 'beat' ended by itself[\s\S]*The previous release, \S+, serves again/);
  assert.equal(current(), release);
  assert.deepEqual(running(), before);
  assert.equal((await stack.fetch("/health")).text, release);
  stack.configure({ app: { processes } });
  await stack.succeed();
});

test("a process that is taken out finishes its task, ends, and leaves no unit", async () => {
  await queue("rq", ["rq-last"], 5);
  await until("the task to begin", () => sql("SELECT count(*) FROM runs WHERE name = 'rq-last'") === "1");
  const { rq: _, ...rest } = processes;
  stack.configure({ app: { processes: rest } });
  await stack.succeed();
  await until("the task to end", () => sql("SELECT count(ended) FROM runs WHERE name = 'rq-last'") === "1");
  assert.deepEqual(
    running(),
    expected().filter((unit) => !unit.startsWith("rq@")),
  );
  assert.equal(
    host("ls -d /etc/systemd/system/queue-rq@* 2>/dev/null; find /srv/queue/config/web -name 'rq*'"),
    "",
  );
  stack.configure({ app: { processes, timers } });
  await stack.succeed();
});

test("after a reboot exactly the processes of the live release run", async () => {
  const should = expected();
  await reboot(stack.machine);
  await until("its processes to run", () => running().length === should.length);
  assert.deepEqual(running(), should);
  await until("the site to answer", () =>
    stack.fetch("/health").then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("all processes and timers are taken out at once: the site serves throughout, tasks are finished, nothing is left", async () => {
  const last = queues.map((where) => `${where}-at-last`);
  for (const where of queues) await queue(where, [`${where}-at-last`], 6);
  await until(
    "the tasks to begin",
    () => sql("SELECT count(*) FROM runs WHERE name LIKE '%-at-last'") === "3",
  );
  const site = watchSite(stack);
  edit(stack, "app/Procfile", (text) => text.replaceAll(/^(celery|beat): .*\n/gm, ""));
  stack.configure({ app: { processes: undefined, timers: undefined } });
  await stack.succeed();
  assert.deepEqual(Object.keys(await site.stop()), ["200"]);
  await until("the workers to end", () => running().length === 0);
  assert.deepEqual(faultsOf(last), { lost: [], twice: [] });
  assert.equal(
    host(
      "find /etc/systemd /run/systemd/system -name 'queue-*' ! -name 'queue-web*'; ls -A /etc/berth/queue",
    ),
    "gunicorn.py\nuwsgi-application.py\nuwsgi.ini\nwrapper.sh",
  );
  assert.equal(host("systemctl list-units --all --plain --no-legend 'queue-*' | grep -v '^queue-web'"), "");
  assert.match(host("cat /etc/sudoers.d/berth-queue"), /\|queue-web-start\|queue-\(web\)@/);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});
