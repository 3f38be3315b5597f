// Two instances in a stack: workers on the second do what the site on the first queues, over the private network.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edit } from "../e2e/harness.ts";
import { until } from "../until.ts";
import type { Thing } from "./aws/cloud.ts";
import { type Cloud, type CloudStack, withCloudStack } from "./harness.ts";

const command = "celery -A tasks worker -l INFO -c 2";
const tasks = {
  kind: "ec2",
  instanceType: process.arch === "arm64" ? "t4g.micro" : "t3.micro",
  rootVolume: 8,
};

let stack: CloudStack;
let cloud: Cloud;
const ended = Promise.withResolvers<void>();
let whole: Promise<void> = Promise.resolve();
before(async () => {
  const begun = Promise.withResolvers<void>();
  whole = withCloudStack(
    {
      app: "test/fixtures/queue",
      config: {
        site: { domain: undefined },
        host: { alarms: {}, protect: true },
        media: { public: undefined, store: "s3" },
        app: { name: "queue", wsgi: "wsgi:app", settings: undefined, processes: { celery: { command } } },
      },
    },
    async (...made) => {
      [stack, cloud] = made;
      begun.resolve();
      await ended.promise;
    },
  );
  await Promise.race([begun.promise, whole]);
  edit(stack, "app/Procfile", (text) => text.replace(/^beat: .*\n/m, ""));
  await stack.succeed();
});
after(async () => {
  ended.resolve();
  await whole;
});

const web = () => cloud.instance("web");
const second = () => cloud.instance("tasks");
const on = (instance: Thing, line: string) => {
  const { code, stdout, stderr } = cloud.inside(line, instance.id);
  assert.equal(code, 0, `${line}: ${stderr}`);
  return stdout.trim();
};
const running = (instance: Thing) =>
  on(
    instance,
    "systemctl list-units --plain --no-legend --state=active 'queue-*@*.service' | sed 's/^queue-//; s/@.*//'",
  )
    .split("\n")
    .filter(Boolean)
    .sort();

let batch = 0;
async function queuedIsDone(): Promise<void> {
  batch += 1;
  const names = ["one", "two", "three"].map((name) => `${name}-${batch}`);
  const body = names.map((name) => `${name} 0.1`).join("\n");
  assert.equal((await stack.fetch("/celery", { method: "POST", body })).status, 200);
  const done = () =>
    on(web(), `runuser -u postgres -- psql -XAtq queue -c "SELECT name FROM runs WHERE ended IS NOT NULL"`);
  await until("the tasks to be done", () => names.every((name) => done().split("\n").includes(name)));
}

test("a second instance comes to a stack that has one, and nothing of that one is made anew or in the way", async () => {
  const first = web().id;
  stack.configure({ hosts: { tasks }, app: { processes: { celery: { command, runsOn: "tasks" } } } });
  const { changes } = await stack.succeed("--policy-pack", "policy");
  assert.equal(web().id, first);
  const others = Object.entries(changes).filter(([, op]) => op !== "create");
  const gone = others.filter(([, op]) => op !== "update");
  assert.deepEqual(gone, [["app-processes", "delete"]], "only its worker, which has moved");
  assert.deepEqual(
    others.filter(([name]) => !/^((system|postgres|redis|app)-[a-z]+|web-data-volume)$/.test(name)),
    [],
    "nothing but steps on the host is changed",
  );
});

test("what the site queues is done on the second instance, by Redis and PostgreSQL of the first", async () => {
  assert.deepEqual([running(web()), running(second())], [["web"], ["celery"]]);
  await queuedIsDone();
  const settings = on(second(), "cat /srv/queue/config/env");
  assert.ok(settings.includes(`@${web().privateIp}:5432/`), "at the private address");
  assert.ok(settings.includes(`@${web().privateIp}:6380/`), "at the private address");
  const again = await stack.up("--expect-no-changes");
  assert.equal(again.code, 0, again.stdout + again.stderr);
});

test("the outputs say where the second instance is, and how to log in to it", async () => {
  const { otherHosts } = (await stack.outputs()) as { otherHosts: Record<string, Record<string, string>> };
  const told = otherHosts.tasks ?? {};
  assert.equal(told.address, cloud.address(second().id));
  assert.equal(told.instanceId, second().id);
  assert.equal(told.sshCommand, `npm run ssh -- -s ${stack.name} --host tasks`);
  assert.equal(told.hostKey, on(second(), "cut -d' ' -f1-2 /etc/ssh/ssh_host_ed25519_key.pub"));
});

test("the worker has the instance's role, and it has no more: the metadata service is closed to it", () => {
  const as = (line: string) => cloud.inside(`runuser -u queue -- ${line}`, second().id);
  assert.match(as("cat /run/berth-credentials/queue.json").stdout, /"AccessKeyId"/);
  assert.match(
    on(second(), "cat /srv/queue/config/env"),
    /AWS_CONFIG_FILE='?\/etc\/berth\/queue\/aws-config/,
  );
  assert.notEqual(as("curl -sfm 5 -X PUT http://169.254.169.254/latest/api/token").code, 0);
});

test("the security groups by themselves open PostgreSQL and Redis to the second instance, and to nobody else", () => {
  const answers = (from: Thing, to: Thing, port: number) =>
    cloud.inside(`timeout 2 bash -c '</dev/tcp/${to.privateIp}/${port}'`, from.id).code === 0;
  for (const one of [web(), second()]) on(one, "nft delete table inet berth");
  // Something to reach, were it not for the group.
  on(second(), "systemd-run --quiet --collect --unit trial-listener python3 -m http.server 5432");
  on(second(), "until timeout 2 bash -c '</dev/tcp/127.0.0.1/5432'; do sleep 0.1; done");
  const open = (from: Thing, to: Thing) =>
    [22, 443, 5432, 6379, 6380, 6381, 6382].filter((port) => answers(from, to, port));
  assert.deepEqual(open(second(), web()), [443, 5432, 6380, 6382]);
  assert.deepEqual(open(web(), second()), []);
  const public5432 = cloud.inside(`timeout 2 bash -c '</dev/tcp/${cloud.address()}/5432'`, second().id);
  assert.notEqual(public5432.code, 0, "nor at the public address");
  on(second(), "systemctl stop trial-listener");
  for (const one of [web(), second()]) on(one, "systemctl restart berth-firewall.service");
});

test("each instance is watched, and one topic tells of all", () => {
  const alarms = cloud.things("alarms");
  const watched = alarms.map(({ dimensions }) => (dimensions as Record<string, string>).InstanceId);
  assert.deepEqual(new Set(watched), new Set([web().id, second().id]));
  assert.equal(new Set(alarms.map(({ alarmActions }) => `${alarmActions}`)).size, 1);
});

test("a protected second instance goes when the stack allows it, and its work is the first one's", async () => {
  const hosts = { tasks };
  stack.configure({ app: { processes: { celery: { command } } }, hosts: undefined });
  const refused = await stack.preview();
  assert.notEqual(refused.code, 0);
  assert.match(refused.stdout + refused.stderr, /tasks-(instance|address)" cannot be deleted/);

  const lastDay = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  const allow = ["tasks-instance", "tasks-address"].map((resource) => ({
    change: "delete",
    resource,
    until: lastDay,
    why: "the workers run on the first host again",
  }));
  stack.configure({ hosts, allow });
  await stack.succeed();
  stack.configure({ hosts: undefined, allow: undefined });
  await stack.succeed();
  assert.deepEqual(running(web()), ["celery", "web"]);
  await queuedIsDone();
  const kinds = ["instances", "addresses", "security-groups", "key-pairs", "volumes"];
  const left = () => kinds.map((kind) => cloud.things(kind).length);
  assert.deepEqual(left(), [1, 1, 1, 1, 1]);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);

  stack.configure({ host: { protect: false, retainDataVolume: false }, media: { retainBucket: false } });
  await stack.succeed();
  const end = await stack.destroy();
  assert.equal(end.code, 0, end.stdout + end.stderr);
  assert.deepEqual(left(), [0, 0, 0, 0, 0]);
});
