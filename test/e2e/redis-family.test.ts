// Redis and Valkey: a cache that no queue suffers from, a change of the server with all that waits in it, and no password.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import { edit, type Run, withStack } from "./harness.ts";
import { askStatus } from "./status.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const manage = (code: string) => stack.on(`logbook-manage shell -c '${code}' | tail -n 1`);
const cli = { redis: "redis-cli", valkey: "valkey-cli" };
/** What a server answers to the application's password, or without any. */
async function ask(words: string, server: keyof typeof cli = "redis", port = 6379): Promise<string> {
  const { password } = new URL(`${(await stack.outputs()).redisUrl}`);
  const login = password === "" ? "" : `AUTH ${password}\\n`;
  const said = await stack.on(`cat | ${cli[server]} -p ${port} | tail -n ${login === "" ? "+1" : "+2"}`, {
    stdin: `${login.replace("\\n", "\n")}${words}\n`,
  });
  return said;
}
const task = "from crew.tasks import take_stock; take_stock.delay()";
const isActive = (unit: string) => stack.on(`systemctl is-active ${unit} || true`);

test("clearing the cache leaves the queue whole, and the cache keeps nothing on disk", async () => {
  const emptied = `from django.core.cache import cache; cache.set("page", 1); was = cache.get("page"); cache.clear(); print(was, cache.get("page"))`;
  assert.equal(await manage(`${task}; ${emptied}`), "1 None");
  assert.equal(await ask("LLEN logbook"), "1");
  const cache = (key: string) => ask(`CONFIG GET ${key}`, "redis", 6381);
  assert.equal(await cache("maxmemory-policy"), "maxmemory-policy\nallkeys-lru");
  assert.equal(await cache("maxmemory"), `maxmemory\n${64 * 2 ** 20}`);
  assert.deepEqual([await cache("appendonly"), await cache("save")], ["appendonly\nno", "save"]);
  assert.equal(await stack.on("redis-cli -p 6381 PING 2>&1 || true"), "NOAUTH Authentication required.");
});

test("what Valkey cannot read stays with Redis, which serves on with all that it has", async () => {
  assert.equal(await ask("HSET basket tea 1"), "1");
  assert.equal(await ask("HEXPIRE basket 3600 FIELDS 1 tea"), "1");
  assert.equal(await ask("SET session open EX 86400"), "OK");
  stack.configure({ redis: { server: "valkey" } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /Valkey does not start with the data of Redis: .*[Uu]nknown command/);
  assert.match(said(refused), /Redis serves again, with all that it had\. Set 'redis\.server: redis'\./);
  assert.equal(await ask("LLEN logbook"), "1");
  assert.equal(await ask("HGET basket tea"), "1");
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("Valkey takes the place of Redis with all that waits in it", async () => {
  assert.equal(await ask("HPERSIST basket FIELDS 1 tea"), "1");
  await stack.succeed();
  const kept = async () => [await ask("LLEN logbook", "valkey"), await ask("HGET basket tea", "valkey")];
  assert.deepEqual(await kept(), ["1", "1"]);
  assert.ok(Number(await ask("TTL session", "valkey")) > 3000);
  const units = ["redis-server", "redis-server@cache", "valkey-server", "valkey-server@cache"];
  assert.deepEqual(await Promise.all(units.map(isActive)), ["inactive", "inactive", "active", "active"]);
  assert.equal(
    await stack.on("ls -d /var/lib/*/appendonlydir /var/lib/*/.berth-* /etc/berth/redis 2>/dev/null || true"),
    "/var/lib/valkey/appendonlydir",
  );
  assert.equal(
    await stack.on("ss -Hltn 'sport >= :6379 and sport <= :6382' | awk '{ print $4 }' | sort"),
    "127.0.0.1:6379\n127.0.0.1:6381\n[::1]:6379\n[::1]:6381",
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  const status = await askStatus(stack);
  assert.match(status.stdout, /Valkey +running for .+ of 128 MiB/);
  assert.match(status.stdout, /Valkey cache +running for .+ of 64 MiB/);
  const log = await npmRun(stack, "logs", "redis", "-n", "20", "--no-follow").ended;
  assert.match(log.stdout, /valkey/i);

  const cache = () => stack.on("systemctl show valkey-server@cache -P MainPID");
  const before = await cache();
  await stack.on("systemctl restart valkey-server");
  await until("the cache to be restarted as well", async () => !["0", before].includes(await cache()));
  assert.deepEqual(await kept(), ["1", "1"]);
});

test("a worker that gives no password is refused by name, and works where none is asked for", async () => {
  edit(stack, "app/logbook/settings.py", (text) =>
    text
      .replace("CELERY_BROKER_URL = REDIS_URL", 'CELERY_BROKER_URL = "redis://127.0.0.1:6379/0"')
      .replace('"LOCATION": CACHE_URL', '"LOCATION": REDIS_URL'),
  );
  const worker = { command: "celery -A logbook worker -l INFO --concurrency 1" };
  stack.configure({ app: { processes: { worker } }, rotate: { redis: 2 } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /Redis does not let its process 'worker' in, so it would run no task\./);
  assert.match(said(refused), /CACHES of the project puts default where the queue is \(REDIS_URL\)/);
  assert.match(said(refused), /CELERY_BROKER_URL: \$\{redis\.url\}.* write redis\.password: none/);
  assert.equal((await stack.fetch("/health")).status, 200);
  // A new password, which both servers have taken.
  assert.deepEqual([await ask("PING", "valkey"), await ask("PING", "valkey", 6381)], ["PONG", "PONG"]);

  stack.configure({ redis: { server: "redis", password: "none" } });
  await stack.succeed();
  assert.equal(`${(await stack.outputs()).redisUrl}`, "redis://127.0.0.1:6379/0");
  assert.match(
    await stack.on("cat /srv/logbook/config/env"),
    /^CACHE_URL='redis:\/\/127\.0\.0\.1:6381\/0'$/m,
  );
  await until("the task that waited all the time", async () => (await ask("LLEN logbook")) === "0");
  assert.ok(Number(await ask("TTL session")) > 3000, "what Valkey held is back in Redis");
  assert.match(await ask("ACL SETUSER guest on nopass"), /NOPERM/);
});
