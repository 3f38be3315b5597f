// Workers on a second host, which comes to a stack that runs: they do what the site on the first one queues, over
// releases, failures and reboots.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { watchSite } from "../faults/faults.ts";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import {
  edit,
  insideMachine,
  machinesLeft,
  psql,
  type Run,
  reboot,
  untilWell,
  withStack,
} from "./harness.ts";
import { statusOnce } from "./status.ts";

const stack = await withStack(
  { after },
  {
    app: "test/fixtures/queue",
    deployed: true,
    // The second host has what Berth puts there, and nothing else.
    bare: true,
  },
);
const machine = `berth-${stack.name}-tasks`;
const first = (command: string) => stack.inside(command).stdout.trim();
const second = (command: string) => insideMachine(machine, command).stdout.trim();
const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string) => first(`runuser -u postgres -- ${psql} -XAtq queue -c "${query}"`);
const queues = ["celery", "huey", "rq"];
const processes = {
  celery: { command: "celery -A tasks worker -l INFO -c 2", runsOn: "tasks" },
  huey: { command: "huey_consumer tasks.huey -w 2", runsOn: "tasks" },
  rq: { command: "rq worker -c rq_settings", runsOn: "tasks" },
  idle: { command: "sleep infinity" },
};
/** The same with one host. */
const allHere = Object.fromEntries(
  Object.entries(processes).map(([name, { command }]) => [name, { command }]),
);

const running = (on: typeof first) =>
  on(
    "systemctl list-units --plain --no-legend --state=active,activating 'queue-*@*.service' | sed 's/^queue-//; s/@.*//'",
  )
    .split("\n")
    .filter(Boolean)
    .sort();
const releaseOn = (on: typeof first) => on("basename $(readlink /srv/queue/current)");

let batch = 0;
/** Queues tasks with each of the queues, and tells their names. */
async function queued(count: number, seconds: number): Promise<string[]> {
  batch += 1;
  const all: string[] = [];
  for (const where of queues) {
    const names = Array.from({ length: count }, (_, index) => `${where}-${batch}-${index}`);
    all.push(...names);
    const body = names.map((name) => `${name} ${seconds}`).join("\n");
    assert.equal((await stack.fetch(`/${where}`, { method: "POST", body })).status, 200);
  }
  return all;
}

/** Waits until each of the tasks was finished, once. */
async function done(names: readonly string[]): Promise<void> {
  const left = () => {
    const ended = sql("SELECT name FROM runs WHERE ended IS NOT NULL").split("\n");
    return names.filter((name) => !ended.includes(name));
  };
  await until(
    `${names.length} tasks to be done`,
    () => left().length === 0,
    () => `not done: ${left().join(" ")}`,
  );
  const twice = sql("SELECT name FROM runs GROUP BY name HAVING count(*) > 1").split("\n");
  assert.deepEqual(
    twice.filter((name) => names.includes(name)),
    [],
    "run twice",
  );
}

before(async () => {
  // Which host beat runs on is a test of its own.
  edit(stack, "app/Procfile", (text) => text.replace(/^beat: .*\n/m, ""));
  stack.configure({ app: { name: "queue", wsgi: "wsgi:app", settings: undefined, processes: allHere } });
  await stack.succeed();
});

test("a second host comes to a stack that runs: the site answers throughout, and the workers move there", async () => {
  assert.deepEqual(running(first), [...queues, "idle", "web"].sort());
  const site = watchSite(stack, "/");
  stack.configure({ app: { processes }, hosts: { tasks: { kind: "local", memory: 1024, disk: 6 } } });
  await stack.succeed();
  assert.deepEqual(Object.keys(await site.stop()), ["200"]);
  await until("the workers here to have ended", () => running(first).length === 2);
});

test("each process runs on the host that the stack names, and there is no web server on the second", async () => {
  assert.deepEqual(running(first), ["idle", "web"]);
  assert.deepEqual(running(second), queues);
  assert.equal(releaseOn(second), releaseOn(first));
  assert.equal(second("ss -Hltn '! sport = :22' | grep -v '127.0.0.5[34]'"), "");
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("what the site queues is done on the second host, by Celery, huey and RQ alike", async () => {
  await done(await queued(5, 0.1));
});

test("logs of a process on the second host are found by its name, and followed there with --host", async () => {
  const found = await npmRun(stack, "logs", "celery", "-n", "200", "--no-follow").ended;
  assert.match(found.stdout, /celery-\S+@tasks\S* ready\./, found.stderr);
  const logs = npmRun(stack, "logs", "--host", "tasks", "rq", "-n", "1");
  await until("it follows", () => /^(?!berth: )./m.test(logs.said()), logs.said);
  const names = await queued(1, 0.1);
  await until("the task to be seen", () => logs.said().includes(names.at(-1) as string), logs.said);
  logs.interrupt();
  assert.equal((await logs.ended).stderr, `berth: stack ${stack.name}: the log of rq on host tasks\n`);
  const wrong = await npmRun(stack, "logs", "--host", "tasks", "web", "--no-follow").ended;
  assert.match(wrong.stderr, /berth: expected one of celery, huey, rq, system; found web/);
});

test("status shows what runs on each host, and the first as usual while the second is away", async () => {
  const all = await statusOnce(stack, ({ code }) => code === 0);
  const [, , here = "", there = ""] = all.stdout.split("\n\n");
  assert.match(
    here,
    /^web .*\n {2}release .*\n {2}processes {4}web +running for .*\n {15}idle +running for /,
  );
  assert.match(
    there,
    /^tasks .*\n {2}release .*\n {2}processes {4}celery +running for .*\n {15}huey +running for /,
  );
  assert.doesNotMatch(there, /services|certificate|maintenance|backups/);
  assert.match(there, / of berth as its host 'tasks', since /);

  second("systemctl stop ssh.socket ssh.service");
  const line = "tasks +\\S+: could not be asked: port 22: Connection refused";
  const alone = new RegExp(`^1 thing needs attention.*\n  fault    tasks: [^]*\n\n${line}\n$`);
  const away = await statusOnce(stack, ({ code, stdout }) => code === 3 && alone.test(stdout));
  second("systemctl start ssh.service");
  assert.match(away.stdout, /^web .*\n {2}release /m);
});

test("the settings with their passwords can be read by the processes' account alone", () => {
  assert.equal(second("stat -c '%U:%G %a' /srv/queue/config/env"), "root:queue 640");
  assert.match(second("cat /srv/queue/config/env"), /REDIS_URL='rediss:.*DATABASE_URL=|sslmode=verify-ca/s);
});

test("a release reaches the second host after the first, and loses no task", async () => {
  const before = releaseOn(second);
  const long = await queued(1, 6);
  await until("the long tasks to begin", () =>
    long.every((name) => sql(`SELECT count(*) FROM runs WHERE name = '${name}'`) === "1"),
  );
  const waiting = await queued(20, 0.2);
  edit(stack, "app/wsgi.py", (text) => `${text}\n# Another release.\n`);
  await stack.succeed();
  await done([...long, ...waiting]);
  assert.notEqual(releaseOn(second), before);
  assert.equal(releaseOn(second), releaseOn(first));
  const switched = (on: typeof first) => Number(on("stat -c %Y /srv/queue/config/web/current"));
  assert.ok(switched(first) <= switched(second), "the first host's switch comes first");
  assert.deepEqual(
    new Set(sql(`SELECT release FROM runs WHERE name LIKE '%-${batch - 1}-0'`).split("\n")),
    new Set([before]),
    "what had begun was finished on the release that had begun it",
  );
});

test("a worker that does not start there fails the update, and those of before go on", async () => {
  const bad = { ...processes, celery: { ...processes.celery, command: "celery -A missing worker" } };
  stack.configure({ app: { processes: bad } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /berth: tasks-app-live: .*its process 'celery' ended by itself/);
  assert.equal((await stack.fetch("/")).status, 200);
  assert.deepEqual(running(second), queues);
  await done(await queued(2, 0.1));
  stack.configure({ app: { processes } });
  await stack.succeed();
  assert.deepEqual(running(second), queues);
});

test("a release that cannot be prepared on the second host goes live nowhere", async () => {
  const before = releaseOn(first);
  insideMachine(machine, "mv /srv/queue/venvs /srv/queue/venvs-away; touch /srv/queue/venvs");
  edit(stack, "app/wsgi.py", (text) => `${text}\n# One more.\n`);
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /tasks-app-release/);
  assert.equal(releaseOn(first), before);
  assert.equal((await stack.fetch("/")).text, before);
  insideMachine(machine, "rm /srv/queue/venvs; mv /srv/queue/venvs-away /srv/queue/venvs");
  await stack.succeed();
  assert.notEqual(releaseOn(first), before);
  assert.equal(releaseOn(second), releaseOn(first));
});

for (const [which, name] of [
  ["second", machine],
  ["first", stack.machine],
] as const) {
  test(`after a reboot of the ${which} host the workers do what is queued`, async () => {
    await reboot(name);
    await untilWell(stack);
    await until("the workers", () => `${running(second)}` === `${queues}`);
    await done(await queued(3, 0.1));
    assert.equal(second("systemctl --failed --plain --no-legend"), "");
  });
}

test("Celery's beat moves to the second host and back, and there are never two, late though it ends", async () => {
  const beat = { kind: "celery-beat", command: "python late_beat.py -A tasks beat -l INFO" };
  const at = { first, second };
  const begins = first("date +%s.%N");
  for (const where of ["first", "second", "first"] as const) {
    const place = where === "second" ? { runsOn: "tasks" } : {};
    stack.configure({ app: { processes: { ...processes, beat: { ...beat, ...place } } } });
    await stack.succeed();
    assert.ok(running(at[where]).includes("beat"), where);
  }
  const events = [first, second].flatMap((on) =>
    on("journalctl -q -o short-unix -u 'queue-beat@*' _PID=1 | awk '{ print $1, $4, $5 }'").split("\n"),
  );
  const beats = events
    // It ends with 1 where the signal comes while it waits for the broker's answer: its connection is closed under it.
    .filter(
      (event) =>
        Number.parseFloat(event) > Number(begins) && / (Started |.*: (Deactivated|Failed))/.test(event),
    )
    .sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b))
    .map((event) => (event.includes(" Started ") ? "starts" : "ends"));
  assert.deepEqual(beats, ["starts", "ends", "starts", "ends", "starts"], events.join("\n"));
  stack.configure({ app: { processes } });
  await stack.succeed();
});

test("with the second host taken out the workers run on the first, and its machine is gone", async () => {
  stack.configure({ app: { processes: allHere }, hosts: undefined });
  await stack.succeed();
  assert.deepEqual(running(first), [...queues, "idle", "web"].sort());
  assert.ok(!machinesLeft().includes(machine));
  await done(await queued(3, 0.1));
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});
