// MongoDB by FerretDB on a real host: a Flask application that writes and reads by PyMongo, and all that a service promises.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { ferretProgram, ferretSha256 } from "../../components/mongodb/ferretdb.ts";
import { until } from "../until.ts";
import { backUp, moment } from "./backups.ts";
import { npmRun } from "./checkout.ts";
import { execute, psql, type Run, withStack } from "./harness.ts";
import { statusOnce } from "./status.ts";

const stack = await withStack(
  { after },
  {
    app: "test/fixtures/notes",
    config: {
      app: { name: "notes", wsgi: "wsgi:app", settings: undefined },
      redis: { enabled: false },
      mongodb: { enabled: true },
    },
  },
);
const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string, database = "notes_mongodb") =>
  stack.on(`runuser -u postgres -- ${psql} -XAtq -d ${database} -c "${query}"`);
const url = async () => `${(await stack.outputs()).mongodbUrl}`;
const notes = async () => JSON.parse((await stack.fetch("/")).text) as string[];

async function write(text: string): Promise<void> {
  const answer = await stack.fetch("/", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ text }).toString(),
  });
  assert.equal(answer.status, 201, answer.text);
}

/** What the application's own PyMongo finds there by a URL, or how it is refused. */
const asks = (address: string, what = "client.get_database('notes').notes.count_documents({})") =>
  stack.on(
    `printf %s '${address}' | /srv/notes/current/.venv/bin/python -c "
import sys, pymongo
client = pymongo.MongoClient(sys.stdin.read(), serverSelectionTimeoutMS=4000)
try:
    print(${what})
except pymongo.errors.PyMongoError as fault:
    print('refused:', fault)"`,
  );
const refused = /^refused: .*(password authentication failed|no password supplied)/s;

test("an application writes and reads by the URL that it is given, and the output says what answers", async () => {
  const run = await stack.succeed();
  assert.match(
    said(run),
    /served by FerretDB 1\.24\.2, which has no TTL, text or partial indexes, no \$lookup/,
  );
  assert.equal((await stack.fetch("/health")).status, 200);
  for (const text of ["first", "second"]) await write(text);
  assert.deepEqual(await notes(), ["first", "second"]);
  assert.match(
    await url(),
    /^mongodb:\/\/notes_mongodb_[0-9a-f]{6}:\w{32}@127\.0\.0\.1:27017\/notes\?authMechanism=PLAIN$/,
  );
  const env = await stack.on("cat /srv/notes/config/env");
  for (const name of ["MONGODB_URL", "MONGO_URI"]) assert.ok(env.includes(`${name}='${await url()}'`), env);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("only who has the password gets anything, and nobody from outside of the host", async () => {
  const own = await url();
  assert.equal(await asks(own), "2");
  assert.match(await asks(own.replace(/:\w{32}@/, ":another-password-of-somebody@")), refused);
  assert.match(await asks("mongodb://127.0.0.1:27017/"), refused);
  assert.match(await asks("mongodb://127.0.0.1:27017/", "client.list_database_names()"), refused);
  assert.match(await asks(own, "client.notes.command('createUser', 'x', pwd='y', roles=[])"), /^refused: /);
  assert.equal(await stack.on("ss -Hltn 'sport = :27017' | awk '{ print $4 }'"), "127.0.0.1:27017");
  const knock = `exec 3<>/dev/tcp/${await stack.address()}/27017`;
  assert.equal(
    (await execute("timeout", ["2", "bash", "-c", knock])).code,
    124,
    "nothing answers from outside",
  );
  // The login reaches its own database of PostgreSQL, and is no login of the application's.
  const { username, password } = new URL(own);
  const other = `postgresql://${username}:${password}@127.0.0.1:5432/notes`;
  assert.notEqual((await stack.ssh(`${psql} -XAtq '${other}' -c 'CREATE TABLE public.mine ()'`)).code, 0);
});

test("FerretDB runs as an account of its own, bounded, in a sandbox, and is shown and logged by name", async () => {
  const shown = await stack.on("systemctl show ferretdb -P User -P MemoryMax -P Environment");
  assert.deepEqual(shown.split("\n").sort(), ["268435456", "GOMEMLIMIT=230MiB", "ferretdb"].sort());
  const weighed = await stack.on("systemd-analyze security --no-pager ferretdb.service | tail -n 1");
  assert.ok(Number(/: ([\d.]+) /.exec(weighed)?.[1]) <= 2.5, weighed);
  const secret = new URL(await url()).password;
  assert.notEqual((await stack.ssh(`journalctl -u ferretdb | grep -q ${secret}`)).code, 0);
  await statusOnce(stack, ({ stdout }) => /MongoDB by FerretDB +running/.test(stdout));
  const logs = await npmRun(stack, "logs", "mongodb", "--no-follow").ended;
  assert.equal(logs.code, 0, logs.stderr);
});

test("a program with another digest is not used, and the site goes on; the right one comes from an address", async (t) => {
  const program = readFileSync(await ferretProgram("x86_64"));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url}`);
    response.end(program);
  });
  await new Promise<void>((settle) => server.listen(0, "0.0.0.0", settle));
  t.after(() => server.close());
  const address = `http://10.219.83.1:${(server.address() as AddressInfo).port}/ferretdb`;

  const wrong = "0".repeat(64);
  stack.configure({ mongodb: { enabled: true, program: { url: address, sha256: wrong } } });
  const refusal = await stack.up();
  assert.match(
    said(refusal),
    new RegExp(`has the SHA-256 ${ferretSha256("x86_64")}, and ${wrong} was expected. It is not used.`),
  );
  assert.deepEqual(await notes(), ["first", "second"]);

  // Another password at the same time, and where backups go.
  await stack.on("mkdir /srv/backups");
  await stack.on("mv /usr/local/lib/berth/mongodb/ferretdb-* /root/");
  const old = await url();
  stack.configure({
    mongodb: { enabled: true, memory: 320, program: { url: address } },
    rotate: { mongodb: 2 },
    site: { timeout: 5 },
    backup: { place: { kind: "directory", path: "/srv/backups" }, drill: { every: "never" } },
  });
  const run = await stack.succeed();
  assert.deepEqual(asked, ["/ferretdb", "/ferretdb"]);
  assert.match(said(run), /mongodb-logins: the previous password stays valid for \d+ s/);
  assert.notEqual(await url(), old);
  assert.equal(await asks(await url()), "2");
  assert.deepEqual(await notes(), ["first", "second"]);
  await until("the password of before to end", async () => refused.test(await asks(old)));
  assert.equal(await stack.on("systemctl show ferretdb -P MemoryMax"), `${320 * 2 ** 20}`);
});

test("a restore to a moment brings its documents back, and FerretDB knows of it", async () => {
  await backUp(stack);
  await write("third");
  const at = await moment(stack);
  assert.equal(await asks(await url(), "client.drop_database('notes')"), "None");
  assert.deepEqual(await notes(), []);
  const restored = await npmRun(stack, "restore", "--at", at, "--only", "database", "--yes").ended;
  assert.equal(restored.code, 0, restored.stderr);
  await until("the documents", async () => (await notes()).length === 3);
  assert.deepEqual(await notes(), ["first", "second", "third"]);
  await write("fourth");
});

test("taken out, it stops and lets nobody in, and the data stays", async () => {
  const own = await url();
  stack.configure({ mongodb: undefined, rotate: { mongodb: 2 } });
  const { changes } = await stack.succeed();
  assert.equal(changes["mongodb-server"], "delete");
  assert.notEqual((await stack.ssh("systemctl is-active ferretdb")).code, 0);
  assert.equal(await stack.on("ss -Hltn 'sport = :27017'"), "");
  assert.equal(
    await stack.on(
      "ls /usr/local/lib/berth/mongodb /etc/systemd/system/ferretdb.service 2>/dev/null | wc -l",
    ),
    "0",
  );
  assert.equal(
    await sql("SELECT count(*) FROM pg_roles WHERE rolname ~ '^notes_mongodb_' AND rolcanlogin"),
    "0",
  );
  assert.equal(
    await sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'notes' AND tablename LIKE 'notes%'"),
    "1",
  );
  assert.match(await asks(own), /^refused: /);
  assert.equal((await stack.fetch("/health")).status, 200);
});
