// Exporters for Prometheus on a real host: they tell of what it has, to the networks named alone, and can do no harm.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import { psql, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
/** Where the test asks from: the host's way out, which may read. */
const reader = "10.219.83.1";
/** Another address of this computer, which may not. */
const stranger = "10.219.83.250";
const units = ["host", "nginx", "postgres", "redis", "cache"].map((part) => `berth-metrics-${part}`);
const ports = [9100, 9113, 9187, 9121, 9122];

const ask = (from: string, url: string) =>
  spawnSync("curl", ["-s", "-m", "5", "--noproxy", "*", "--interface", from, url], { encoding: "utf8" });
/** Shell on the host, as an account that has nothing but this exporter's number. */
const as = (unit: string, command: string) =>
  stack.ssh(
    `setpriv --reuid "$(ps -o uid= -p "$(systemctl show -P MainPID ${unit})" | tr -d ' ')" --regid 65534 --clear-groups sh -c '${command}' 2>&1`,
  );

test("each exporter tells what it sees, to the networks named and to nobody else", async () => {
  stack.configure({ metrics: { from: [`${reader}/32`] } });
  await stack.succeed();
  const address = await stack.address();
  assert.deepEqual((await stack.outputs()).metrics, { web: ports.map((port) => `${address}:${port}`) });

  // The site is asked, and a row is written: what is told is of this host, and of no other.
  await stack.fetch("/health");
  const proofs = [/^node_load1 \d/m, /^nginx_up 1$/m, /^pg_up 1$/m, /^redis_up 1$/m, /^redis_up 1$/m];
  for (const [index, proof] of proofs.entries()) {
    const { stdout, status } = ask(reader, `http://${address}:${ports[index]}/metrics`);
    assert.equal(status, 0, `${units[index]} answers`);
    assert.match(stdout, proof, units[index]);
  }
  const said = (port: number) => ask(reader, `http://${address}:${port}/metrics`).stdout;
  assert.match(said(9113), /^nginx_http_requests_total [1-9]/m);
  assert.match(said(9187), /^pg_database_size_bytes\{datname="logbook"\} [1-9]/m);
  assert.match(said(9187), /^pg_stat_database_xact_commit\{.*datname="logbook".*\} /m);
  assert.match(said(9121), /^redis_memory_max_bytes [1-9]/m);
  assert.match(said(9122), /^redis_instance_info\{.*tcp_port="6381"/m);
  assert.match(said(9100), /^node_filesystem_avail_bytes\{.*mountpoint="\/tmp"/m);
  // A local host has not all that a server has, such as udev, and lets nobody ask for its clock.
  const failed =
    said(9100)
      .match(/^node_scrape_collector_success\{.*\} 0$/gm)
      ?.join("\n") ?? "";
  assert.doesNotMatch(
    failed,
    /"(cpu|diskstats|filesystem|loadavg|meminfo|netclass|netdev|netstat|sockstat|stat|uname|vmstat)"/,
  );
  const complaints =
    "journalctl -q -o cat -u 'berth-metrics-*' | grep -i 'level=\"\\?error' | grep -vE 'timex|udev' || true";
  assert.equal(await stack.on(complaints), "");

  const device = execFileSync("ip", ["-o", "route", "get", address], { encoding: "utf8" }).match(
    /dev (\S+)/,
  )?.[1];
  assert.ok(device);
  execFileSync("ip", ["address", "add", `${stranger}/24`, "dev", device]);
  try {
    // The site is there for it, so that the way is.
    assert.equal(ask(stranger, `http://${address}/`).status, 0);
    const refused = ports.filter((port) => ask(stranger, `http://${address}:${port}/metrics`).status !== 0);
    assert.deepEqual(refused, ports);
  } finally {
    execFileSync("ip", ["address", "del", `${stranger}/24`, "dev", device]);
  }
});

test("visitors do not get what nginx counts, and neither does a reader but by its exporter", async () => {
  assert.equal((await stack.fetch("/stub_status")).status, 404);
  assert.equal((await stack.fetch("/stub_status", { headers: { host: "127.0.0.1:411" } })).status, 421);
  assert.notEqual(ask(reader, `http://${await stack.address()}:411/stub_status`).status, 0);
  assert.match(await stack.on("curl -sf http://127.0.0.1:411/stub_status"), /^Active connections/);
  // Nobody but root takes that port while nginx is away.
  const taken = await as(
    units[0] as string,
    `python3 -c "import socket; socket.create_server((\\"127.0.0.2\\", 411))"`,
  );
  assert.match(taken.stdout, /Permission denied/);
});

test("each is an account of its own in a sandbox, bounded, and Debian's own units never run", async () => {
  const accounts = await stack.on(
    `for unit in ${units.join(" ")}; do ps -o user:32= -p "$(systemctl show -P MainPID $unit)"; done`,
  );
  assert.equal(new Set(accounts.split("\n")).size, units.length, accounts);
  assert.doesNotMatch(accounts, /^(root|prometheus|postgres|redis|www-data|logbook)$/m);
  for (const unit of units) {
    const weighed = await stack.on(`systemd-analyze security --no-pager ${unit}.service | tail -n 1`);
    assert.ok(Number(/: ([\d.]+) /.exec(weighed)?.[1]) <= 2.2, `${unit}: ${weighed}`);
    assert.match(await stack.on(`systemctl show -P MemoryMax ${unit}`), /^(67108864|100663296)$/);
  }
  assert.equal(
    await stack.on("systemctl is-active prometheus-{node,nginx,postgres,redis}-exporter | sort -u || true"),
    "inactive",
  );
  assert.equal(
    await stack.on(
      "systemctl is-enabled prometheus-{node,nginx,postgres,redis}-exporter 2>&1 | sort -u || true",
    ),
    "masked",
  );
});

test("a password is in no argument, environment or log, and no exporter reads what is not its own", async () => {
  const kept = await stack.on(
    "cd /etc/berth/metrics && stat -c '%n %U %a' *password redis.json && cat *password",
  );
  const [, , , postgres = "", redis = ""] = kept.split("\n");
  assert.match(kept, /^postgres-password root 600\nredis-password root 600\nredis.json root 600\n/);
  assert.match(`${postgres} ${redis}`, /^[0-9a-f]{64} [0-9a-f]{64}$/);
  for (const unit of units) {
    const shown = await stack.on(
      `pid=$(systemctl show -P MainPID ${unit}); cat /proc/$pid/cmdline /proc/$pid/environ | tr '\\0' '\\n'; systemctl show ${unit}; journalctl -u ${unit}`,
    );
    for (const password of [postgres, redis]) assert.ok(!shown.includes(password), unit);
  }
  const log = await stack.on(
    "cat /var/log/postgresql/postgresql-17-main.log /var/lib/berth/log 2>/dev/null || true",
  );
  assert.ok(!log.includes(postgres) && !log.includes(redis));
  for (const path of [
    "/etc/berth/metrics/postgres-password",
    "/etc/berth/redis/users.d/metrics.conf",
    "/etc/berth/redis/own-password",
    "/srv/logbook/config/env",
    "/run/credentials/berth-metrics-postgres.service/password",
  ]) {
    const { stdout } = await as(units[3] as string, `cat ${path}`);
    assert.match(stdout, /Permission denied/, path);
  }

  // With its password, too.
  const sql = (database: string, statement: string) =>
    stack.ssh(
      `read -r PGPASSWORD </etc/berth/metrics/postgres-password; export PGPASSWORD; ${psql} -XAtq -h /run/postgresql -U berth_metrics ${database} 2>&1`,
      { stdin: statement },
    );
  assert.equal((await sql("postgres", "SELECT pg_has_role('pg_monitor', 'MEMBER')")).stdout.trim(), "t");
  for (const [database, statement] of [
    ["logbook", "SELECT count(*) FROM public.django_migrations"],
    ["logbook", "SET default_transaction_read_only = off; CREATE TABLE public.mine ()"],
    ["postgres", "SET default_transaction_read_only = off; CREATE TABLE public.mine ()"],
    ["postgres", "SET default_transaction_read_only = off; ALTER ROLE berth_metrics SUPERUSER"],
    ["postgres", "SELECT pg_read_file('/etc/passwd')"],
    ["postgres", "SELECT rolpassword FROM pg_authid"],
  ] as const) {
    assert.match((await sql(database, statement)).stdout, /permission denied|Only roles with/, statement);
  }
  const asked = (port: number, command: string) =>
    stack.on(
      `printf 'AUTH berth-metrics %s\\n${command}\\n' "$(cat /etc/berth/metrics/redis-password)" | redis-cli -p ${port} 2>&1 | tail -n +2`,
    );
  for (const port of [6379, 6381]) {
    assert.match(await asked(port, "INFO server"), /redis_version:/);
    for (const command of [
      "SET a b",
      "GET a",
      "KEYS *",
      "CONFIG GET *",
      "SLOWLOG GET",
      "ACL LIST",
      "FLUSHALL",
      "PUBLISH a b",
    ])
      assert.match(await asked(port, command), /^NOPERM/, `${port} ${command}`);
  }
});

test("one that does not run is named by the status, and starts again by itself; what it logs is shown", async () => {
  await stack.on("systemctl stop berth-metrics-nginx");
  const status = await npmRun(stack, "status").ended;
  assert.match(status.stdout, /fault +metrics of nginx is stopped/);
  assert.match(status.stdout, /metrics of PostgreSQL +running/);
  assert.notEqual(status.code, 0);
  await stack.on("systemctl start berth-metrics-nginx && systemctl kill --signal=KILL berth-metrics-nginx");
  await until(
    "it is there again",
    () => stack.inside("curl -sf http://127.0.0.1:9113/metrics | grep -q '^nginx_up 1'").code === 0,
  );
  const logs = await npmRun(stack, "logs", "metrics", "-n", "50", "--no-follow").ended;
  assert.equal(logs.code, 0, logs.stderr);
  assert.match(logs.stdout, /nginx/);
});

test("without the key nothing of it is left, and the site has not noticed", async () => {
  stack.configure({ metrics: undefined });
  await stack.succeed();
  assert.equal((await stack.outputs()).metrics, undefined);
  const paths =
    "/etc/berth/metrics /etc/berth/logs/metrics /etc/berth/redis/users.d /etc/nginx/conf.d/berth-metrics.conf /etc/systemd/system/berth-metrics-* /etc/systemd/system/*.wants/berth-metrics-*";
  assert.equal(await stack.on(`ls -d ${paths} 2>/dev/null || true`), "");
  assert.equal(await stack.on("systemctl list-units --all --no-legend 'berth-metrics*'"), "");
  assert.equal(await stack.on(`ss -Hltn | grep -E ':(411|${ports.join("|")}) ' || true`), "");
  assert.equal(await stack.on("nft list table inet berth | grep -E '9100|9187' || true"), "");
  assert.equal(
    await stack.on(
      `runuser -u postgres -- ${psql} -XAtq -c "SELECT count(*) FROM pg_roles WHERE rolname = 'berth_metrics'"`,
    ),
    "0",
  );
  for (const port of [6379, 6381]) {
    // Root's own may ask for no list of users; what is gone cannot log in.
    const said = await stack.on(`redis-cli -p ${port} --user berth-metrics --pass x PING 2>&1 || true`);
    assert.match(said, /WRONGPASS/);
    const gone = `printf 'AUTH berth %s\\nACL DELUSER berth-metrics\\n' "$(cat /etc/berth/redis/own-password)" | redis-cli -p ${port} | tail -n 1`;
    assert.equal(await stack.on(gone), "0");
  }
  assert.equal((await stack.fetch("/health")).status, 200);
  assert.equal(
    await stack.on(
      "systemctl is-enabled prometheus-{node,nginx,postgres,redis}-exporter 2>&1 | sort -u || true",
    ),
    "masked",
  );
});
