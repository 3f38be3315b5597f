// Passwords of services that change: the one of before holds until the new one is live, and for what still finishes with it.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { addLoadViews, assertEachKindAnswered, assertNothingLost, loadOn, stopLoads } from "../load.ts";
import { until } from "../until.ts";
import { edit, psql, type Run, reboot, untilWell, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string) => stack.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -c "${query}"`);
/** The logins of the role that owns the database. */
const logins = async () =>
  (await sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^logbook_[0-9a-f]{6}\\$' ORDER BY 1")).split(
    "\n",
  );
const current = () => stack.on("basename $(readlink /srv/logbook/current)");

interface Urls {
  readonly database: string;
  readonly redis: string;
}
const urls = async (): Promise<Urls> => {
  const { databaseUrl, redisUrl } = await stack.outputs();
  return { database: `${databaseUrl}`, redis: `${redisUrl}` };
};
/** Which services let these in. */
async function letIn({ database, redis }: Urls): Promise<string[]> {
  const asks = {
    database: `psql -XAtq -d '${database}' -c 'SELECT 1' >/dev/null 2>&1`,
    redis: `[ "$(REDISCLI_AUTH='${new URL(redis).password}' redis-cli -e ping 2>&1)" = PONG ]`,
  };
  const answers = Object.entries(asks).map(async ([name, ask]) =>
    (await stack.ssh(ask)).code === 0 ? [name] : [],
  );
  return (await Promise.all(answers)).flat();
}

afterEach(stopLoads);
before(async () => {
  stack.configure({ site: { timeout: 5 }, app: { workers: 4 } });
  addLoadViews(stack);
  await stack.succeed();
});

test("both passwords change while people use the site: no request fails; those of before hold for a while, and no longer", async () => {
  const old = await urls();
  const load = await loadOn(stack, { rate: 8, long: 2 });
  stack.configure({ rotate: { database: 2, redis: 2 } });
  const run = await stack.succeed();
  const now = await urls();
  const result = await load.stop();
  await assertNothingLost(stack, result);
  assertEachKindAnswered(result);
  assert.match(
    said(run),
    /the previous password stays valid for 25 s, for requests and tasks that began with it/,
  );
  assert.deepEqual(await letIn(now), ["database", "redis"]);
  await until("the passwords of before to end", async () => (await letIn(old)).length === 0);
  await until("the login of before to be gone", async () => (await logins()).length === 1);
  assert.equal(new URL(now.database).username, (await logins())[0]);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("what either login makes belongs to the role, which nobody logs in as", async () => {
  assert.equal(await sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"), "logbook");
  assert.equal(await sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'logbook'"), "f");
});

test("what the role puts in the place of PostgreSQL's own is run by no superuser", async () => {
  const { database } = await urls();
  const rise =
    "BEGIN IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN ALTER ROLE logbook SUPERUSER; END IF; RETURN 0; END";
  const trap = `CREATE FUNCTION public.count(boolean) RETURNS bigint LANGUAGE plpgsql AS '${rise}'`;
  const settings = "ALTER DATABASE logbook SET search_path = public, pg_catalog";
  const made = await stack.ssh(
    `psql -XAtq -v ON_ERROR_STOP=1 -d '${database}' -c "${trap}" -c "${settings}"`,
  );
  assert.equal(made.code, 0, made.stderr);
  // What makes the login of before stay, unless it is looked for there.
  const elsewhere = "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC";
  const left = await stack.ssh(
    `psql -XAtq -d '${database.replace(/\/logbook$/, "/postgres")}' -c "SET ROLE NONE" -c "${elsewhere}"`,
  );
  assert.equal(left.code, 0, left.stderr);
  // A session that stays, for the superuser to end.
  await stack.on(`systemd-run --quiet --collect psql -d '${database}' -c 'SELECT pg_sleep(600)'`);
  const before = await logins();
  stack.configure({ rotate: { database: 3, redis: 2 } });
  await stack.succeed();
  await until("the login of before to be gone", async () => !(await logins()).includes(`${before[0]}`));
  assert.equal(await sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'logbook'"), "f");
});

test("a release that fails with the new passwords leaves the one before its own, also after a boot", async () => {
  const old = await urls();
  const release = await current();
  const load = await loadOn(stack, { rate: 8, long: 2 });
  stack.configure({ rotate: { database: 4, redis: 3 } });
  edit(stack, "app/logbook/wsgi.py", (text) => `${text}\nraise RuntimeError("this cannot start")\n`);
  const run = await stack.up();
  assert.match(said(run), /this cannot start[\s\S]*is unhealthy/);
  await assertNothingLost(stack, await load.stop());
  assert.equal(await current(), release);
  assert.deepEqual(await letIn(old), ["database", "redis"]);
  await reboot(stack.machine);
  await untilWell(stack);
  assert.equal(await current(), release);
  assert.deepEqual(await letIn(old), ["database", "redis"]);

  edit(stack, "app/logbook/wsgi.py", (text) => text.replace(/\nraise .*\n$/, ""));
  await stack.succeed();
  await until("the passwords of before to end", async () => (await letIn(old)).length === 0);
  assert.deepEqual(await letIn(await urls()), ["database", "redis"]);
});

test("a boot between the new passwords and the release that uses them: the release before serves, the next run finishes", async () => {
  const old = await urls();
  stack.configure({ rotate: { database: 5, redis: 4 } });
  const run = stack.startUp();
  await until("the new passwords", async () => (await logins()).length === 2);
  await until(
    "Redis to have taken both",
    async () => (await stack.on("grep -o '#' /etc/berth/redis/users.conf | wc -l")) === "3",
  );
  await reboot(stack.machine);
  await run.ended;
  await untilWell(stack);
  await stack.succeed();
  await untilWell(stack);
  await until("the passwords of before to end", async () => (await letIn(old)).length === 0);
});

test("a password that is taken back while the one of before still holds goes on to hold", async () => {
  const own = "a".repeat(32);
  stack.configure({ secrets: { database: own } });
  await stack.succeed();
  const back = await urls();
  stack.configure({ secrets: { database: "b".repeat(32) } });
  await stack.succeed();
  stack.configure({ secrets: { database: own } });
  await stack.succeed();
  await wait(30_000);
  assert.deepEqual(await letIn(back), ["database", "redis"]);
  assert.equal((await stack.fetch("/health")).status, 200);
});
