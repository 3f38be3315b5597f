// What is made of what hosts say about changes by hand: words, statuses, and what the program is told to run again.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { driftSchema } from "../../components/host/drift/schema.ts";
import { again, driftVariable, learnDrift } from "../../components/host/drifted.ts";
import { stepsUndone } from "../../scripts/lib/drift/beside.ts";
import {
  type Difference,
  type Drift,
  type HostDrift,
  readDrift,
  statusOf,
} from "../../scripts/lib/drift/look.ts";
import { driftLines, driftText } from "../../scripts/lib/drift/show.ts";

const clean: HostDrift = {
  host: "web",
  problem: null,
  things: 120,
  differences: [],
  ignored: 0,
  unknown: {},
};
const changed: Difference = {
  kind: "file",
  name: "/etc/nginx/conf.d/berth.conf",
  step: "web-nginx",
  what: "was changed",
  mended: true,
  next: null,
  diff: ["--- what Berth made", "+++ what is there", "@@ -1 +1 @@", "-a", "+b"],
};
const dropIn: Difference = {
  ...changed,
  kind: "drop-in",
  name: "/etc/systemd/system/nginx.service.d/x.conf",
  what: "changes nginx.service, and Berth has not made it",
  mended: false,
  next: "sudo rm '/x' && sudo systemctl daemon-reload",
  diff: null,
};
const driftOf = (...hosts: HostDrift[]): Drift => ({
  version: 1,
  stack: "prod",
  status: statusOf(hosts),
  hosts,
});

test("the exit status tells a difference from a host that could not be looked at, and both from nothing", () => {
  const away = { ...clean, problem: "no answer in 10 s" };
  assert.equal(statusOf([clean, clean]), 0);
  assert.equal(statusOf([{ ...clean, ignored: 2 }]), 0);
  assert.equal(statusOf([clean, away]), 3);
  assert.equal(statusOf([{ ...clean, unknown: { packages: "dpkg-query did not answer in 5 s" } }]), 3);
  assert.equal(statusOf([away, { ...clean, differences: [changed] }]), 4);
});

test("text of a host reaches a terminal without its control characters, and a command names stack and host", () => {
  const told = { ...clean, differences: [{ ...dropIn, diff: ["+\u001b[2Jgone", "+\ta\u202eb"] }] };
  const read = readDrift(JSON.stringify(told), "tasks", new Set(), " -s prod");
  assert.deepEqual(read.differences[0]?.diff, ["+ [2Jgone", "+\ta b"]);
  assert.equal(read.host, "tasks");
  assert.equal(
    read.differences[0]?.next,
    `npm run ssh -- -s prod --host tasks 'sudo rm '\\''/x'\\'' && sudo systemctl daemon-reload'`,
  );
});

test("a host has none but its own steps run again, and no word of it is longer than a command takes", () => {
  const told = { ...clean, differences: [{ ...changed, what: "x".repeat(200_000) }] };
  const read = (...steps: readonly string[]) =>
    readDrift(JSON.stringify(told), "tasks", new Set(steps), "").differences[0];
  assert.equal(read("web-nginx")?.mended, true);
  assert.equal(read("tasks-connect")?.mended, false);
  assert.ok((read("web-nginx")?.what.length ?? 0) < 1000);
});

test("people see each difference with its diff, who puts it right, and what to type", () => {
  const text = driftText(
    driftOf(clean, { ...clean, host: "tasks", differences: [changed, dropIn], ignored: 1 }),
    " -s prod",
  );
  assert.equal(
    text,
    `web: all is as Berth made it (120 things)
tasks: 2 differences from what Berth made; 1 ignored
  /etc/nginx/conf.d/berth.conf was changed (step web-nginx)
      --- what Berth made
      +++ what is there
      @@ -1 +1 @@
      -a
      +b
  drop-in /etc/systemd/system/nginx.service.d/x.conf changes nginx.service, and Berth has not made it
      a deployment leaves it; to take it away: sudo rm '/x' && sudo systemctl daemon-reload
To put right what Berth made: npm start -- -s prod
To keep a change, name it in berth:drift.ignore of the stack's file; docs/drift.md says more.`,
  );
});

test("a deployment says nothing of clean hosts, one line of one that is away, and cuts a long diff", () => {
  assert.deepEqual(driftLines(driftOf(clean)), []);
  assert.deepEqual(driftLines(driftOf({ ...clean, problem: "no answer in 2 s" })), [
    "web: could not be looked at: no answer in 2 s",
  ]);
  const long = { ...changed, diff: Array.from({ length: 50 }, (_, index) => `+${index}`) };
  const lines = driftLines(driftOf({ ...clean, differences: [long] }));
  assert.equal(lines.length, 23);
  assert.match(lines.at(-1) ?? "", /… 30 more lines: npm run drift$/);
});

test("the steps to run again are those that put something right, with what was seen and when", () => {
  const many = ["a", "b", "c", "d"].map((name) => ({ ...changed, name: `/${name}` }));
  const unended = { ...changed, kind: "step", step: "web-redis" } as const;
  assert.deepEqual(
    stepsUndone(
      driftOf({ ...clean, differences: [...many, { ...dropIn, step: "web-base" }, unended] }),
      new Date(0),
    ),
    { "web-nginx": "1970-01-01T00:00:00.000Z: /a was changed; /b was changed; /c was changed; and 1 more" },
  );
});

test("the program learns from the socket which steps run again; every other input stays as it was", async () => {
  const path = join(tmpdir(), `berth-drift-${process.pid}`);
  const server = createServer((socket) => socket.end(JSON.stringify({ "web-nginx": "seen" })));
  await new Promise<void>((ready) => server.listen(path, ready));
  process.env[driftVariable] = path;
  await learnDrift();
  server.close();
  assert.deepEqual(again("web-nginx", "update"), { word: "seen", options: {} });
  assert.deepEqual(again("web-redis", "environment.BERTH_AGAIN"), {
    word: undefined,
    options: { ignoreChanges: ["environment.BERTH_AGAIN"] },
  });
});

test("berth:drift.ignore takes what 'npm run drift' shows, and nothing that means everything", () => {
  const takes = (pattern: string) => driftSchema.safeParse({ ignore: [pattern] }).success;
  for (const pattern of ["/etc/nginx/conf.d/*", "logrotate.timer", "shop-web@.service", "firewall", "libpq5"])
    assert.ok(takes(pattern), pattern);
  for (const pattern of ["*", "/*", "/", "", "nginx conf", "-x"]) assert.ok(!takes(pattern), pattern);
});
