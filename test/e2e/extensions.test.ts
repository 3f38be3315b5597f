// The services as a stack shapes them: extensions that only PostgreSQL's superuser may make, its settings, Redis's memory.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { needRestart } from "../../components/postgres/settings.ts";
import { psql, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const asSuperuser = (statement: string) =>
  stack.on(`runuser -u postgres -- ${psql} -XAtq logbook -c "${statement}"`);
const asApplication = async (statement: string) => {
  const { databaseUrl } = await stack.outputs();
  return stack.on('read -r url; PGOPTIONS= psql -XAtq "$url" -c "$(cat)" 2>&1 || true', {
    stdin: `${databaseUrl}\n${statement}`,
  });
};

test("a schema that is not the superuser's takes no extension, whose scripts run as the superuser", async () => {
  assert.equal(await asApplication("CREATE SCHEMA extensions"), "");
  stack.configure({ postgres: { extensions: ["earthdistance"] } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /the schema 'extensions' of the database 'logbook' is not the superuser's/);
  assert.equal(await asSuperuser("SELECT count(*) FROM pg_extension WHERE extname = 'earthdistance'"), "0");
  assert.equal(await asApplication("ALTER SCHEMA extensions RENAME TO mine"), "");
});

test("an extension and what it needs are there for the application, which could not make it", async () => {
  assert.match(
    await asApplication("CREATE EXTENSION earthdistance CASCADE"),
    /permission denied to create extension/,
  );
  // It may make one of those that are trusted, where it likes; scripts of the superuser's would look there.
  assert.equal(await asApplication("CREATE SCHEMA own; CREATE EXTENSION cube SCHEMA own"), "");
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /it needs cube, which lies in a schema of the application's/);
  assert.equal(await asApplication("DROP EXTENSION cube"), "");
  await stack.succeed();
  assert.equal(
    await asApplication("SELECT round(earth_distance(ll_to_earth(0, 0), ll_to_earth(0, 0)))"),
    "0",
  );
  assert.match(
    await asApplication("CREATE FUNCTION extensions.one() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    /permission denied/,
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("a new password's login finds them as well", async () => {
  stack.configure({ rotate: { database: 2 } });
  await stack.succeed();
  assert.equal(
    await asApplication("SELECT round(earth_distance(ll_to_earth(0, 0), ll_to_earth(0, 0)))"),
    "0",
  );
});

test("an extension that PostgreSQL does not have is refused by its name", async () => {
  stack.configure({ postgres: { extensions: ["earthdistance", "postgres"] } });
  const refused = await stack.up();
  assert.match(
    said(refused),
    /this PostgreSQL has no extension 'postgres' \(postgres\.extensions\)\. Name the Debian package/,
  );
});

const shown = (name: string) => asSuperuser(`SHOW ${name}`);
const serverProcess = () => stack.on("systemctl show postgresql@17-main -P MainPID");

test("settings of the stack's own win, are taken over as PostgreSQL runs, and restart it only where they must", async () => {
  const before = await serverProcess();
  const usual = await shown("random_page_cost");
  stack.configure({
    postgres: {
      extensions: ["earthdistance"],
      settings: { random_page_cost: 2.5, "app.motto": "it's C:\\here" },
    },
  });
  await stack.succeed();
  assert.equal(await shown("random_page_cost"), "2.5");
  assert.equal(await shown("app.motto"), "it's C:\\here");
  assert.equal(await serverProcess(), before);

  stack.configure({
    postgres: { settings: { max_connections: 120, shared_preload_libraries: "auto_explain" } },
  });
  const preview = await stack.preview("--diff");
  assert.match(said(preview), /A CHANGE OF THESE RESTARTS POSTGRESQL/);
  await stack.succeed();
  assert.equal(await shown("max_connections"), "120");
  assert.equal(await shown("shared_preload_libraries"), "auto_explain");
  assert.equal(await shown("random_page_cost"), usual);
  assert.notEqual(await serverProcess(), before);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  const names = await asSuperuser(
    "SELECT name FROM pg_settings WHERE context = 'postmaster' AND name NOT LIKE '%.%'",
  );
  assert.deepEqual([...needRestart].sort(), names.split("\n").sort());
});

test("settings that PostgreSQL does not take are refused in its own words, and it runs on with those of before", async () => {
  for (const [settings, reason] of [
    [{ work_mem: "a lot" }, /invalid value for parameter "work_mem": "a lot"/],
    [{ wrok_mem: "8MB" }, /unrecognized configuration parameter "wrok_mem"/],
    [{ shared_preload_libraries: "no_such_library" }, /could not access file "no_such_library"/],
  ] as const) {
    stack.configure({ postgres: { settings } });
    const refused = await stack.up();
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), reason);
    assert.match(said(refused), /Those of before are in use/);
    assert.equal(await shown("max_connections"), "120");
    assert.equal((await stack.fetch("/")).status, 200);
  }
  stack.configure({ postgres: { settings: undefined } });
  await stack.succeed();
  assert.equal(await shown("max_connections"), "100");
});

test("Redis takes another memory as it runs, and a memory that its data does not fit into is refused", async () => {
  const running = () => stack.on("systemctl show redis-server -P MainPID");
  const memory = () =>
    stack.on(
      "printf 'AUTH berth %s\\nCONFIG GET maxmemory\\n' \"$(cat /etc/berth/redis/own-password)\" | redis-cli | tail -n 1",
    );
  const before = await running();
  stack.configure({ redis: { memory: 64 } });
  await stack.succeed();
  assert.equal(await memory(), `${64 * 2 ** 20}`);
  assert.equal(await running(), before, "it was not restarted");
  const { redisUrl } = await stack.outputs();
  const asApp = (command: string) =>
    stack.on(`read -r REDISCLI_AUTH; export REDISCLI_AUTH; ${command}`, {
      stdin: `${new URL(`${redisUrl}`).password}\n`,
    });
  await asApp("head -c 20000000 /dev/zero | redis-cli -x SET large");
  stack.configure({ redis: { memory: 16 } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /Redis holds \d+ MiB, and redis\.memory is 16: nothing more could be written/);
  assert.equal(await memory(), `${64 * 2 ** 20}`);
  await asApp("redis-cli DEL large");
  await stack.succeed();
  assert.equal(await memory(), `${16 * 2 ** 20}`);
});
