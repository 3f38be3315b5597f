// uWSGI in place of gunicorn: the same promises.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { tools } from "../../components/app/web/tools.ts";
import {
  addLoadViews,
  assertEachKindAnswered,
  assertNothingLost,
  crashAfterSwitch,
  loadOn,
  stopLoads,
} from "../load.ts";
import { until } from "../until.ts";
import { edit, type Run, reboot, untilWell, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const current = () => stack.on("basename $(readlink /srv/logbook/current)");
/** The command of the server that people are led to. */
const serving = () =>
  stack.on(
    `tr '\\0' ' ' <"/proc/$(systemctl show -P MainPID "logbook-web@$(readlink /srv/logbook/config/web/current).service")/cmdline"`,
  );
const running = () =>
  stack.on("systemctl list-units --plain --no-legend --state=active 'logbook-web@*.service' | wc -l");
let wsgi = "";
let ofGunicorn = "";

async function release(text: string): Promise<Run> {
  edit(stack, "app/notes.txt", () => `${text}\n`);
  return await stack.succeed();
}

afterEach(stopLoads);
before(async () => {
  stack.configure({ app: { workers: 4 }, site: { timeout: 30 } });
  addLoadViews(stack);
  wsgi = readFileSync(join(stack.project, "app/logbook/wsgi.py"), "utf8");
  await stack.succeed();
  ofGunicorn = await current();
  assert.match(await serving(), /bin\/gunicorn/);
});

test("from gunicorn to uWSGI, two releases and a changed setting: no request fails, no POST is lost or written twice", async (t) => {
  const load = await loadOn(stack, { rate: 8, long: 15 });
  stack.configure({ app: { server: "uwsgi" } });
  await stack.succeed();
  assert.notEqual(await current(), ofGunicorn, "another server is another release");
  assert.match(await serving(), /bin\/uwsgi/);
  assert.equal(
    await stack.on(
      "/srv/logbook/current/.venv/bin/python -m pip --version >/dev/null 2>&1 || ls -d /srv/logbook/current/.venv/lib/python3*/site-packages/pyuwsgi-*.dist-info | xargs -n 1 basename",
    ),
    `${tools.uwsgi[0].replace("==", "-")}.dist-info`,
  );
  for (const text of ["one", "two"]) await release(text);
  stack.configure({ app: { env: { SITE_NAME: "Renamed logbook" } } });
  await stack.succeed();
  assert.match((await stack.fetch("/")).text, /Renamed logbook/);
  const result = await load.stop();
  await assertNothingLost(stack, result);
  assertEachKindAnswered(result);
  assert.equal(await running(), "1");
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  t.diagnostic(`${result.sent} requests, 0 failed`);
});

test("an upload that is refused without having been read gets the application's answer, by either server", async () => {
  const body = Buffer.alloc(16 << 20, "u");
  const answers = async () => {
    const statuses = [];
    for (let count = 0; count < 15; count++)
      statuses.push((await stack.fetch("/load/refuse", { method: "POST", body })).status);
    return statuses;
  };
  const all = Array(15).fill(413);
  assert.deepEqual(await answers(), all);
  stack.configure({ app: { release: ofGunicorn } });
  await stack.succeed();
  assert.match(await serving(), /bin\/gunicorn/);
  assert.deepEqual(await answers(), all);
  stack.configure({ app: { release: undefined } });
  await stack.succeed();
});

test("a request that takes longer than site.timeout is ended, and its worker is replaced", async () => {
  stack.configure({ site: { timeout: 10 } });
  await stack.succeed();
  const pids = () => stack.on("pgrep -u logbook uwsgi | sort | paste -sd' '");
  const before = await pids();
  // nginx gives up after the same time: which of the two is first, is chance.
  const { status } = await stack.fetch("/load/long?seconds=300");
  assert.ok([502, 504].includes(status), `${status}`);
  await until("its worker to be replaced", async () => (await pids()) !== before);
  assert.equal((await stack.fetch("/health")).status, 200);
  stack.configure({ site: { timeout: 30 } });
  await stack.succeed();
});

test("one that does not start is unnoticed, and says why", async () => {
  const release = await current();
  const load = await loadOn(stack, { rate: 5, long: 5 });
  edit(stack, "app/logbook/wsgi.py", () => `${wsgi}\nraise RuntimeError("this cannot start")\n`);
  const run = await stack.up();
  await assertNothingLost(stack, await load.stop());
  assert.notEqual(run.code, 0);
  assert.match(
    said(run),
    /this cannot start[\s\S]*\/health does not answer, and 200 was expected\. It did not go live/,
  );
  assert.equal(await current(), release);
  assert.equal(await running(), "1");
});

// What the process was working on as it died may be asked again only where it writes nothing.
for (const [what, whom] of [
  ["server", "os.getppid()"],
  ["worker", "os.getpid()"],
] as const) {
  test(`one whose ${what} crashes right after the switch is gone back from, and no request is lost that has no answer yet`, async () => {
    const release = await current();
    const load = await loadOn(stack, { rate: 5, long: 5, writes: false });
    edit(stack, "app/logbook/wsgi.py", () => `${wsgi}\n${crashAfterSwitch(whom)}`);
    const run = await stack.up();
    await assertNothingLost(stack, await load.stop());
    assert.notEqual(run.code, 0, run.stdout);
    assert.match(said(run), /It was healthy before the switch\. The previous release, \S+, serves again\./);
    assert.equal(await current(), release);
    assert.match(await serving(), /bin\/uwsgi/);
    assert.equal(await running(), "1");
  });
}

test("a release made for gunicorn is gone back to while uWSGI is configured, and returned from, without a lost request", async () => {
  edit(stack, "app/logbook/wsgi.py", () => wsgi);
  await release("good again");
  const newest = await current();
  const load = await loadOn(stack, { rate: 8, long: 5 });
  stack.configure({ app: { release: ofGunicorn } });
  await stack.succeed();
  assert.equal(await current(), ofGunicorn);
  assert.match(await serving(), /bin\/gunicorn/);
  stack.configure({ app: { release: undefined } });
  await stack.succeed();
  assert.equal(await current(), newest);
  assert.match(await serving(), /bin\/uwsgi/);
  await assertNothingLost(stack, await load.stop());
});

test("the host rebooted: uWSGI serves the release that was live", async () => {
  const release = await current();
  await reboot(stack.machine);
  await untilWell(stack);
  assert.equal(await current(), release);
  assert.match(await serving(), /bin\/uwsgi/);
});
