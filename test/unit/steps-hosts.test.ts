// What a second host adds to the steps of a stack.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { ownText, programSteps, type Steps, secretValue } from "./program-steps.ts";

let shown: Steps = {};
before(async () => {
  shown = await programSteps(
    { hosts: { tasks: { kind: "local" } } },
    { processes: { worker: { command: "rq worker", runsOn: "tasks" } } },
  );
});

const snapshot = (folder: string, name: string) =>
  join(import.meta.dirname, "snapshots", folder, `${name}.sh`);

// The release knows the names of all processes, for the sake of its Procfile.
const onFirst = ["system-firewall", "system-private", "postgres-server", "redis-server", "app-release"];
const onSecond = ["tasks-system-firewall", "postgres-tasks", "redis-tasks"];

test("what lets a second host in, and what it does there, is this text", (t) => {
  for (const name of [...onFirst, ...onSecond]) {
    t.assert.fileSnapshot(ownText(shown[name] ?? ""), snapshot("steps-hosts", name), {
      serializers: [(value: string) => value],
    });
  }
});

test("a second host changes no other step of the first, and has a system of its own", () => {
  const steps = Object.keys(shown);
  const more = steps.filter((name) => name.startsWith("tasks-")).sort();
  assert.deepEqual(more, [
    "tasks-app-account",
    "tasks-app-live",
    "tasks-app-processes",
    "tasks-app-release",
    "tasks-app-settings",
    "tasks-connect",
    "tasks-system-accounts",
    "tasks-system-base",
    "tasks-system-firewall",
    "tasks-system-packages",
    "tasks-system-ssh",
  ]);
  const same = steps.filter((name) => ![...onFirst, ...onSecond, ...more].includes(name));
  assert.ok(same.length >= 11, `steps: ${steps}`);
  for (const name of same) {
    assert.equal(
      ownText(shown[name] ?? "").trimEnd(),
      readFileSync(snapshot("steps", name), "utf8").trimEnd(),
      name,
    );
  }
});

test("a process that runs on the second host is none of the first, and nothing that is done once is done there", () => {
  const slots = (step: string) => shown[step] ?? "";
  assert.match(slots("app-live"), /^processes=''$/m);
  assert.match(slots("tasks-app-live"), /^processes='worker rq 1 /m);
  for (const step of ["tasks-app-live", "tasks-app-release"]) assert.match(slots(step), /^django=''$/m, step);
  assert.match(slots("tasks-app-live"), /^web=''$/m);
  assert.match(slots("tasks-app-processes"), /shop-worker@\.service/);
  assert.match(slots("tasks-system-packages"), /python3-venv/);
});

test("a Procfile's line that another host runs is refused on none", () => {
  for (const step of ["app-release", "tasks-app-release"])
    assert.match(shown[step] ?? "", /^process_names='worker'$/m, step);
});

test("on each host the owner may start what runs there, and no more", () => {
  const units = (step: string) =>
    /\(([^ ]*shop-web-start[^ ]*)\)\(/.exec(shown[step] ?? "")?.[1]?.split("@")[0];
  assert.equal(units("app-account"), "nginx|redis-server|shop-web-start|shop-(web)");
  assert.equal(units("tasks-app-account"), "shop-web-start|shop-(worker)");
});

test("no secret is in the text of any step", () => {
  for (const [name, text] of Object.entries(shown)) {
    assert.ok(!text.includes(secretValue), `${name} holds a secret`);
  }
});
