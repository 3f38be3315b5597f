// What a second host adds to the steps of a stack.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { parseConfig } from "../../config/read.ts";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources } from "./program-steps.ts";
import {
  assertSnapshot,
  asText,
  differences,
  type Step,
  type Steps,
  shown,
  stepsOf,
} from "./step-snapshots.ts";

let made: readonly Made[] = [];
let steps: Steps = {};
/** Those of the same stack with one host. */
let alone: ReturnType<typeof shown> = {};
before(async () => {
  alone = shown(stepsOf(await programResources()));
  made = await programResources(
    { hosts: { tasks: { kind: "local" } } },
    { processes: { worker: { command: "rq worker", runsOn: "tasks" } } },
  );
  steps = stepsOf(made);
});

const step = (name: string): Step => {
  const found = steps[name];
  assert.ok(found, `${name} is none of ${Object.keys(steps)}`);
  return found;
};

// The release knows the names of all processes, for the sake of its Procfile; and passwords of before hold for as long as
// the longest of them may go on.
const onFirst = [
  ...["system-firewall", "system-private", "postgres-server", "redis-server", "app-release"],
  ...["postgres-logins", "redis-passwords"],
];
const onSecond = ["tasks-system-firewall", "postgres-tasks", "redis-tasks"];

/** The step of a stack of one host that does the same. */
const sameOf = (name: string) => name.replace(/^tasks-connect$/, "web-connect").replace(/^tasks-/, "");

test("what lets a second host in, and what it does there, is this text", (t) => {
  for (const name of [...onFirst, ...onSecond]) step(name);
  const now = Object.entries(shown(steps)).map(([name, facts]): [string, object] => {
    const other = alone[sameOf(name)];
    return [name, other ? { differsFrom: sameOf(name), ...differences(other, facts) } : facts];
  });
  // What does not differ at all is in the snapshot of one host.
  const news = now.filter(([, facts]) => Object.keys(facts).join() !== "differsFrom");
  assertSnapshot(t, "steps-hosts", Object.fromEntries(news));
});

test("a second host changes no other step of the first, and has a system of its own", () => {
  for (const name of Object.keys(alone)) step(name);
  const names = Object.keys(steps);
  const more = names.filter((name) => name.startsWith("tasks-")).sort();
  assert.deepEqual(more, [
    "tasks-app-account",
    "tasks-app-live",
    "tasks-app-names",
    "tasks-app-processes",
    "tasks-app-program",
    "tasks-app-release",
    "tasks-app-settings",
    "tasks-connect",
    "tasks-system-accounts",
    "tasks-system-base",
    "tasks-system-firewall",
    "tasks-system-packages",
    "tasks-system-reached",
    "tasks-system-ssh",
  ]);
  const same = names.filter((name) => ![...onFirst, ...onSecond, ...more].includes(name));
  assert.ok(same.length >= 11, `steps: ${names}`);
  // What they come after is in the snapshot.
  const own = (facts: object = {}) => asText({ ...facts, after: undefined });
  for (const name of same) assert.equal(own(shown(steps)[name]), own(alone[name]), name);
});

/** What the release program is told. */
const factsOf = (name: string) => JSON.parse(step(name).slots.facts ?? "");

test("a process that runs on the second host is none of the first, and nothing that is done once is done there", () => {
  const slots = (name: string) => step(name).slots;
  assert.deepEqual(factsOf("app-live").processes, []);
  assert.deepEqual(
    factsOf("tasks-app-live").processes.map(({ name, kind }: { name: string; kind: string }) => [name, kind]),
    [["worker", "rq"]],
  );
  for (const name of ["tasks-app-live", "tasks-app-release"]) assert.equal(factsOf(name).django, null, name);
  const application = step("tasks-app-program").files["/usr/local/lib/berth/shop/application.json"];
  assert.match(JSON.stringify(application), /web[^,]*false/);
  assert.ok("/etc/systemd/system/shop-worker@.service" in step("tasks-app-processes").files);
  assert.match(slots("tasks-system-packages").packages ?? "", /python3-pip/);
});

test("a Procfile's line that another host runs is refused on none", () => {
  for (const name of ["app-release", "tasks-app-release"])
    assert.deepEqual(factsOf(name).all_processes, ["worker"], name);
});

test("on each host the owner may start what runs there, and no more", () => {
  const units = (name: string) => {
    const sudoers = JSON.stringify(step(name).files["/etc/sudoers.d/berth-shop"]);
    return /\(([^ ]*shop-web-start[^ ]*\))@\(/.exec(sudoers)?.[1];
  };
  assert.equal(units("app-account"), "nginx|redis-server|redis-server@cache|shop-web-start|shop-(web)");
  assert.equal(units("tasks-app-account"), "shop-web-start|shop-(worker)");
});

test("no secret is in the text of any step", () => {
  assertNoSecret(made);
});

test("a name with which a host's steps and resources would be those of another part of the stack is refused", () => {
  const isOfHost = ({ name }: Made) => name.split("-").includes("tasks");
  const others = made.filter((resource) => !isOfHost(resource));
  // Where the host's own name stands in those of its resources: 'postgres-tasks', 'tasks-connect'.
  const clashes = made.filter(isOfHost).flatMap(({ type, name }) => {
    const pattern = new RegExp(`^${name.replace("tasks", "(.+)")}$`);
    return others.flatMap((other) => (other.type === type ? (pattern.exec(other.name)?.slice(1) ?? []) : []));
  });
  const components = others.filter(({ type }) => type.startsWith("berth:")).map(({ name }) => name);
  for (const name of ["server", "database"]) assert.ok(clashes.includes(name), `clashes: ${clashes}`);
  for (const name of ["web", "app", "postgres"])
    assert.ok(components.includes(name), `components: ${components}`);
  for (const name of [...clashes, ...components]) {
    assert.throws(
      () => parseConfig({ "berth:hosts": JSON.stringify({ [name]: { kind: "local" } }) }, "shop"),
      new RegExp(`berth:hosts\\.${name}: expected (a|another) name`),
    );
  }
});
