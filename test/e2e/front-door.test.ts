// What lies between a visitor and the application, and between the application and the host: nothing that the
// application answers, asks or needs is lost on the way.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { edit, withStack } from "./harness.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true });

const views = `

def make():
    import json, socket

    own = {
        "X-Frame-Options": "SAMEORIGIN",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "Referrer-Policy": "strict-origin",
        "X-Content-Type-Options": "nosniff",
    }
    long = [("Set-Cookie", f"{name}={name * 3000}") for name in "abcd"]

    def answers(environ, start_response):
        path = environ["PATH_INFO"]
        if path not in ("/own", "/long", "/asks", "/queue") and not path.startswith("/media/"):
            return app(environ, start_response)
        start_response("200 OK", list(own.items()) if path == "/own" else long if path == "/long" else [])
        if path == "/queue":
            queue, cache = (Redis.from_url(os.environ[name]) for name in ("REDIS_URL", "CACHE_URL"))
            queue.rpush("tasks", "one")
            cache.set("page", "cached")
            cache.flushdb()
            return [json.dumps([queue.llen("tasks"), cache.dbsize()]).encode()]
        told = {
            "method": environ["REQUEST_METHOD"],
            "path": path,
            "from": environ["REMOTE_ADDR"],
            "header": len(environ.get("HTTP_X_LONG", "")),
            "query": len(environ["QUERY_STRING"]),
            "database": os.environ["DATABASE_URL"].split(":")[0],
            "settings": dict(os.environ),
            "memory": open("/proc/meminfo").readline().split(":")[0],
            "interfaces": [name for _, name in socket.if_nameindex() if name == "lo"],
        }
        return [json.dumps(told).encode()]

    return answers
`;

before(async () => {
  edit(stack, "app/wsgi.py", (text) => text + views);
  edit(stack, "app/Procfile", (text) => `${text}css: tailwindcss --watch\n`);
  mkdirSync(join(stack.project, "app/static"));
  for (const file of ["viewer.mjs", "site.webmanifest", ".hidden"])
    writeFileSync(join(stack.project, "app/static", file), "");
  stack.configure({
    app: {
      wsgi: "wsgi:make()",
      static: "static",
      build: {
        commands: ["python -c 'import redis' && echo $GREETING >built.txt"],
        env: { GREETING: "hello" },
      },
      processes: { css: { count: 0 } },
      env: { PLAIN: "here" },
    },
  });
  await stack.succeed();
});

const asks = async (path = "/asks", how = {}) => JSON.parse((await stack.fetch(path, how)).text);

for (const server of ["gunicorn", "uwsgi"])
  test(`${server}: the application learns who visits, and gets all that a browser may send`, async () => {
    stack.configure({ app: { server } });
    await stack.succeed();
    const { from } = await asks();
    // This computer, in the network of the local host.
    assert.equal(from, (await stack.address()).replace(/\d+$/, "1"));
    const forged = { headers: { "x-real-ip": "198.51.100.1", "x-forwarded-for": "198.51.100.1" } };
    assert.equal((await asks("/asks", forged)).from, from);
    const long = await asks(`/asks?${"q".repeat(8000)}`, { headers: { "x-long": "h".repeat(8000) } });
    assert.deepEqual([long.query, long.header], [8000, 8000]);
    const { status, headers } = await stack.fetch("/long");
    assert.deepEqual([status, headers["set-cookie"]?.length], [200, 4]);
  });

test("security headers that the application has chosen stay, and where it has none there are strict ones", async () => {
  const names = [
    "x-frame-options",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
  ];
  const headersOf = async (path: string) => {
    const { headers } = await stack.fetch(path);
    return names.map((name) => headers[name]);
  };
  assert.deepEqual(await headersOf("/own"), [
    "SAMEORIGIN",
    "same-origin-allow-popups",
    "strict-origin",
    "nosniff",
  ]);
  assert.deepEqual(await headersOf("/asks"), ["DENY", "same-origin", "same-origin", "nosniff"]);
  await stack.on("runuser -u queue -- sh -c 'echo text >/srv/queue/media/shown.txt'");
  assert.deepEqual(await headersOf("/media/shown.txt"), [
    "SAMEORIGIN",
    "same-origin",
    "same-origin",
    "nosniff",
  ]);
});

test("what a browser runs or installs has its type", async () => {
  const typeOf = async (file: string) => (await stack.fetch(`/static/${file}`)).headers["content-type"];
  assert.equal(await typeOf("viewer.mjs"), "text/javascript");
  assert.equal(await typeOf("site.webmanifest"), "application/manifest+json");
});

test("a hidden file among static files is nobody's to read", async () => {
  assert.equal(await stack.on("ls -A /srv/queue/static/current/ | grep -c '^.hidden$'"), "1");
  assert.equal((await stack.fetch("/static/.hidden")).status, 404);
});

test("a path below /media/ that is no upload is the application's, and so is one of a hidden file", async () => {
  await stack.on(
    "runuser -u queue -- sh -c 'cd /srv/queue/media; echo text >a.txt; mkdir -p .git; echo x >.git/config'",
  );
  assert.equal((await stack.fetch("/media/a.txt")).text, "text\n");
  assert.equal((await asks("/media/library?page=1")).path, "/media/library");
  assert.equal((await asks("/media/a.txt", { method: "POST", body: "x" })).method, "POST");
  assert.equal((await asks("/media/.git/config")).path, "/media/.git/config");
});

test("an emptied cache takes no task of a queue with it", async () => {
  assert.deepEqual(await asks("/queue"), [1, 0]);
});

test("the application sees what libraries ask of a host, and its database under a name that all of them read", async () => {
  const told = await asks();
  assert.deepEqual([told.memory, told.interfaces, told.database], ["MemTotal", ["lo"], "postgresql"]);
});

const written = `      ZIP: 0123
      PYTHON: 3.10
      GUILD: 987654321098765433
      LAUNCH: 2025-01-01
      DEBUG: False
`;

test("a setting arrives as it is written in the stack's file", async () => {
  edit(stack, `Pulumi.${stack.name}.yaml`, (text) => text.replace("PLAIN: here", `PLAIN: here\n${written}`));
  await stack.succeed();
  const told = await asks();
  for (const line of written.trim().split("\n")) {
    const [name = "", value] = line.trim().split(": ");
    assert.equal(told.settings[name], value);
  }
});

test("a setting has what it refers to, and no output shows the secret in it", async () => {
  stack.configure({
    app: {
      env: {
        DSN: "host=${postgres.host} user=${postgres.user} password=${postgres.password}",
        PRICE: "$${5}",
      },
    },
  });
  const run = await stack.succeed();
  const { settings } = await asks();
  const { hostname, username, password } = new URL(`${(await stack.outputs()).databaseUrl}`);
  assert.equal(settings.DSN, `host=${hostname} user=${username} password=${password}`);
  assert.equal(settings.PRICE, "${5}");
  assert.ok(!`${run.stdout}${run.stderr}`.includes(password));
});

test("a build's command has the environment's programs and no setting of the application, and fails by its name", async () => {
  assert.equal(await stack.on("cat /srv/queue/current/built.txt"), "hello");
  const { release } = await stack.outputs();
  stack.configure({
    app: { build: { commands: ['[ -z "$SECRET_KEY$REDIS_URL$PRICE" ] && echo none of them >&2; false'] } },
  });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    `${refused.stdout}${refused.stderr}`,
    /none of them[\s\S]*' failed \(berth:app\.build\.commands\)\./,
  );
  assert.equal(await stack.on("basename $(readlink /srv/queue/current)"), release);
  stack.configure({ app: { build: undefined } });
  await stack.succeed();
});

test("a Procfile's line of which a stack wants none does not run", async () => {
  assert.equal(await stack.on("systemctl list-units --all --plain --no-legend 'queue-css*' | wc -l"), "0");
  assert.equal(await stack.on("ls /etc/systemd/system | grep -c '^queue-css' || true"), "0");
});
