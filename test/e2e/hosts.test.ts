// A stack with more than one host: what the second one reaches of the first, what nobody else does, and its end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../until.ts";
import { insideMachine, machinesLeft, reboot, type Stack, withStack } from "./harness.ts";

const certificate = (service: string) => `/etc/berth/private/${service}.crt`;

test("a second host reaches PostgreSQL, Redis and MongoDB of the first over the private network, and nobody else does", async (t) => {
  const stack = await withStack(t, {
    deployed: true,
    config: {
      hosts: { tasks: { kind: "local", memory: 768, disk: 4 } },
      mongodb: { enabled: true },
    },
  });
  await stack.succeed();
  const first = await stack.address();
  const { databaseUrl, redisUrl, otherHosts } = await stack.outputs();
  const login = new URL(`${databaseUrl}`).username;
  const password = { database: new URL(`${databaseUrl}`).password, redis: new URL(`${redisUrl}`).password };
  const { address: second } = (otherHosts as { tasks: { address: string } }).tasks;
  const machine = `berth-${stack.name}-tasks`;
  const onTasks = (command: string) => {
    const { code, stdout, stderr } = insideMachine(machine, command);
    return { code, said: (stdout + stderr).trim() };
  };
  const sql = (place: string, how = "", secret = password.database) =>
    onTasks(
      `PGPASSWORD=${secret} PGCONNECT_TIMEOUT=4 psql -XAtqw "postgres://${login}@${place}?sslmode=verify-ca&sslrootcert=${certificate("postgres")}${how}" -c "SELECT 'in as ' || current_user"`,
    );
  const withTls = (port: number) => `--tls --cacert ${certificate("redis")} -p ${port}`;
  const redis = (words: string, how = withTls(6380)) =>
    onTasks(`printf '${words}PING\n' | timeout 4 redis-cli -h ${first} ${how} 2>&1 | awk NF | tail -n 1`)
      .said;

  /** How the second host's PyMongo fares with the URL that the application has there, or with another. */
  const mongo = (change = (url: string) => url) => {
    const env = onTasks("sed -n \"s/^MONGODB_URL='\\(.*\\)'$/\\1/p\" /srv/logbook/config/env").said;
    return onTasks(`printf '%s\n' '${change(env)}' | timeout 30 python3 -B /usr/local/lib/berth/mongodb/ask`)
      .said;
  };

  await t.test("the site is well, and a second up finds nothing to change", async () => {
    assert.equal((await stack.fetch("/health")).status, 200);
    const again = await stack.up("--expect-no-changes");
    assert.equal(again.code, 0, again.stdout + again.stderr);
  });

  await t.test("the second host logs in to all with their passwords, encrypted", () => {
    assert.deepEqual(sql(`${first}/logbook`), { code: 0, said: "in as logbook" });
    assert.equal(redis(`AUTH ${password.redis}\\n`), "PONG");
    assert.equal(mongo(), "well");
    assert.equal(redis(`AUTH ${password.redis}\\n`, withTls(6382)), "PONG", "the cache");
  });

  await t.test("a Python there takes the certificates, as strictly as Python does by itself", () => {
    const connect =
      "import socket, ssl, sys\n" +
      `trust = ssl.create_default_context(cafile="${certificate("redis")}")\n` +
      `with trust.wrap_socket(socket.create_connection(("${first}", 6380), 4), server_hostname="${first}") as one: print(one.version())`;
    assert.deepEqual(onTasks(`python3 -c '${connect}'`), { code: 0, said: "TLSv1.3" });
  });

  await t.test(
    "a wrong password, another database, a connection in the clear and another server are refused",
    () => {
      assert.match(sql(`${first}/logbook`, "", "wrong").said, /password authentication failed/);
      assert.match(sql(`${first}/postgres`).said, /no pg_hba.conf entry/);
      assert.match(sql(`${first}/logbook`, "&sslmode=disable").said, /no pg_hba.conf entry .* no encryption/);
      const other = `&sslrootcert=${certificate("redis")}`;
      assert.match(sql(`${first}/logbook`, other).said, /certificate verify failed/);
      assert.match(redis("AUTH wrong\\n"), /NOAUTH/);
      assert.match(redis(""), /NOAUTH/);
      const mistaken = `--tls --cacert ${certificate("postgres")} -p 6380`;
      assert.match(redis(`AUTH ${password.redis}\\n`, mistaken), /certificate verify failed/);
      assert.match(
        mongo((url) => url.replace("ferretdb.crt", "redis.crt")),
        /certificate verify failed/,
      );
      assert.doesNotMatch(
        mongo((url) => url.replace("&tls=true", "&tls=false").replace(/&tlsCAFile.*/, "")),
        /^well/,
      );
      assert.match(
        mongo((url) => url.replace(/:\w{32}@/, ":wrong@")),
        /password authentication failed/,
      );
      assert.equal(redis(`AUTH ${password.redis}\\n`, "-p 6379"), "", "the port without TLS is closed");
    },
  );

  await t.test("the firewall lets no other address in, on the same network neither", () => {
    const python = (from: string, port: number) =>
      `python3 -c 'import socket; socket.create_connection(("${first}", ${port}), 3, ("${from}", 0))'`;
    const stranger = `${first.split(".").slice(0, 3).join(".")}.253`;
    onTasks(`ip address add ${stranger}/24 dev host0`);
    for (const port of [5432, 6380, 6382, 27017]) {
      assert.deepEqual(onTasks(python(second, port)), { code: 0, said: "" });
      assert.match(onTasks(python(stranger, port)).said, /timed out/, `${port} from ${stranger}`);
    }
    for (const port of [6379, 6381])
      assert.match(onTasks(python(second, port)).said, /timed out/, `Redis without TLS: ${port}`);
    assert.equal(onTasks(`ip address del ${stranger}/24 dev host0`).code, 0);
    const answer = stack.inside(`timeout 3 bash -c 'exec 3<>/dev/tcp/${second}/80'; echo $?`).stdout;
    assert.equal(answer.trim(), "124", "the second host is closed to the first");
  });

  await t.test("after a reboot of the first host all are there again for the second", async () => {
    await reboot(stack.machine);
    await until(
      "PostgreSQL, Redis and MongoDB to be back for the second host",
      () =>
        [6380, 6382].every((port) => redis(`AUTH ${password.redis}\\n`, withTls(port)) === "PONG") &&
        sql(`${first}/logbook`).code === 0 &&
        mongo() === "well",
    );
    assert.equal(stack.inside("systemctl --failed --plain --no-legend").stdout, "");
  });

  await t.test("taken out of the configuration, the second host goes, and all is closed again", async () => {
    const open = await listening(stack);
    assert.deepEqual(
      open,
      [27017, 5432, 6379, 6380, 6381, 6382].map((port) => `${first}:${port}`),
    );
    stack.configure({ hosts: undefined });
    await stack.succeed();
    assert.deepEqual(await listening(stack), []);
    assert.doesNotMatch(await stack.on("nft list table inet berth"), /5432|638[02]|27017/);
    assert.equal(await stack.on("ls /etc/berth/private 2>/dev/null || true"), "");
    assert.equal(await stack.on("sysctl -n net.ipv4.ip_nonlocal_bind"), "0");
    assert.doesNotMatch(await stack.on("cat /etc/berth/postgresql/pg_hba.conf"), /hostssl/);
    assert.ok(!machinesLeft().includes(machine), "the machine is gone");
    assert.equal((await stack.fetch("/health")).status, 200);
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
  });
});

/** Where the services listen on the first host beside the loopback address. */
async function listening(stack: Stack): Promise<string[]> {
  const all = await stack.on("ss -Hltnp | awk '/\"(postgres|redis-server|ferretdb)\"/ { print $4 }'");
  return all
    .split("\n")
    .filter((place) => !/^(127\.0\.0\.1|\[::1\]):/.test(place))
    .sort();
}
