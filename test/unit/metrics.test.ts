// Exporters for Prometheus: what the stack's file may say of them, and what steps they are. That they tell of what they are
// for is tested on real hosts in test/e2e/metrics.test.ts.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { checkSite } from "../../components/site/check.ts";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources } from "./program-steps.ts";
import { stepsOf } from "./step-snapshots.ts";

const faults = (more: object) => {
  const checked = checkSite({
    host: { kind: "local" },
    app: { source: { directory: "shop" }, wsgi: "shop.wsgi" },
    ...more,
  });
  return "faults" in checked ? checked.faults : [];
};

let made: readonly Made[] = [];
before(async () => {
  made = await programResources({
    metrics: { from: ["10.0.0.0/8", "fd00::/8"] },
    hosts: { tasks: { kind: "local" } },
  });
});
const file = (step: string, path: string, of: readonly Made[] = made) =>
  JSON.stringify(stepsOf(of)[step]?.files[path] ?? "");
const unit = (part: string) => `/etc/systemd/system/berth-metrics-${part}.service`;

test("they are off by themselves, and an empty group turns them on", async () => {
  assert.deepEqual(faults({ metrics: {} }), []);
  const without = Object.keys(stepsOf(await programResources()));
  assert.ok(!without.some((name) => name.includes("metrics")), `${without}`);
});

test("nobody opens them to everyone", () => {
  const private_ =
    "expected private networks alone, such as 10.0.0.0/8: the exporters speak plain HTTP and ask nobody for a password";
  for (const network of ["0.0.0.0/0", "::/0", "10.0.0.0/0", "0.0.0.0/00"]) {
    assert.deepEqual(faults({ metrics: { from: [network] } }), [
      `metrics.from[0]: ${private_}; found "${network}"`,
    ]);
  }
  assert.match(`${faults({ metrics: { from: ["10.0.0.1"] } })}`, /^metrics\.from\[0\]: expected a network/);
  assert.match(`${faults({ metrics: { from: [] } })}`, /^metrics\.from: expected 1 or more entries/);
});

test("nobody elsewhere reads them while Redis lets everybody in", () => {
  const open = { redis: { password: "none" } };
  assert.match(
    `${faults({ ...open, metrics: { from: ["10.0.0.0/8"] } })}`,
    /^metrics\.from: expected none, because redis\.password is 'none'/,
  );
  assert.deepEqual(faults({ ...open, metrics: {} }), []);
});

test("a service of a team's own takes no port of an exporter, and none its name", () => {
  const own = (port: number) => ({ command: "/usr/bin/x", packages: ["minio"], port });
  assert.match(
    `${faults({ metrics: {}, services: { one: own(9121) } })}`,
    /^services\.one\.port: expected a port that is free: metrics has this one/,
  );
  assert.doesNotMatch(`${faults({ services: { one: own(9121) } })}`, /services\.one\.port/);
  assert.match(`${faults({ services: { metrics: own(9300) } })}`, /^services\.metrics: expected a name/);
});

test("each host has the exporters of what it has, and no others", async () => {
  const units = (step: string, of: readonly Made[]) =>
    Object.keys(stepsOf(of)[step]?.files ?? {}).flatMap(
      (path) => /berth-metrics-(\w+)\.service$/.exec(path)?.[1] ?? [],
    );
  assert.deepEqual(units("metrics-setup", made), ["host", "nginx", "postgres", "redis", "cache"]);
  assert.deepEqual(units("tasks-metrics-setup", made), ["host"]);
  const less = await programResources(
    { metrics: {}, postgres: { enabled: false }, redis: { enabled: false } },
    { env: {} },
  );
  assert.deepEqual(units("metrics-setup", less), ["host", "nginx"]);
  assert.match(file("metrics-setup", unit("host"), less), /--web\.listen-address=127\.0\.0\.1:9100/);
  assert.doesNotMatch(file("system-firewall", "/etc/berth/firewall.nft", less), /9100/);
  const valkey = await programResources({ metrics: {}, redis: { server: "valkey" } });
  assert.equal(stepsOf(valkey)["metrics-setup"]?.slots.server, "valkey");
});

test("the firewall lets the networks in to the exporters of each host, and nobody else", () => {
  const open = (step: string) =>
    [...file(step, "/etc/berth/firewall.nft").matchAll(/ip6? saddr \S+ tcp dport 9\d+ accept/g)].flat();
  const to = (port: number) =>
    ["ip saddr 10.0.0.0/8", "ip6 saddr fd00::/8"].map((from) => `${from} tcp dport ${port} accept`);
  assert.deepEqual(open("system-firewall"), [9100, 9113, 9187, 9121, 9122].flatMap(to));
  assert.deepEqual(open("tasks-system-firewall"), to(9100));
});

test("no password is in a text of a step, and none in an argument or the environment of an exporter", () => {
  assertNoSecret(made);
  const postgres = file("metrics-setup", unit("postgres"));
  assert.match(postgres, /LoadCredential=password:/);
  assert.match(postgres, /DATA_SOURCE_PASS_FILE=%d\/password/);
  assert.match(
    file("metrics-setup", unit("redis")),
    /--redis\.password-file=\$\{CREDENTIALS_DIRECTORY\}\/passwords/,
  );
});
