// uvicorn: pages and WebSockets side by side, with the promises of gunicorn.
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { WebSocket } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import tls from "node:tls";
import { tools } from "../../components/app/web/tools.ts";
import { root } from "../engine/harness.ts";
import { addLoadViews, assertEachKindAnswered, assertNothingLost, loadOn, stopLoads } from "../load.ts";
import { until } from "../until.ts";
import { edit, type Run, withStack } from "./harness.ts";
import { closeRooms, openVisitors } from "./room.ts";
import { openStream } from "./stream.ts";

const stack = await withStack({ after }, { deployed: true, config: { app: { workers: 2 } } });
const timeout = 20;
const said = (run: Run) => run.stdout + run.stderr;
const current = () => stack.on("basename $(readlink /srv/logbook/current)");
const unit = () => stack.on('echo "logbook-web@$(readlink /srv/logbook/config/web/current).service"');
const running = () =>
  stack.on("systemctl list-units --plain --no-legend --state=active 'logbook-web@*.service' | wc -l");
/** The command of the server that people are led to. */
const serving = async () =>
  stack.on(`tr '\\0' ' ' <"/proc/$(systemctl show -P MainPID "${await unit()}")/cmdline"`);
const workers = async () =>
  (await stack.on(`pgrep -P "$(systemctl show -P MainPID "${await unit()}")"`)).split("\n");
/** The lines of a requirements file, each package with its hashes, by its name. */
const pins = (text: string) =>
  new Map([...text.matchAll(/^([\w.-]+)==(?:.*\\\n)*.*\n/gm)].map(([lines, name]) => [name, lines]));

/** The harbour log with the room of examples/channels, and with what tells how it is asked. */
const asgi = `import asyncio, json, os, time
from redis.asyncio import Redis
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logbook.settings")
pages = get_asgi_application()
from radio.consumers import sockets

routed = ProtocolTypeRouter({"http": pages, "websocket": AllowedHostsOriginValidator(URLRouter(sockets))})

async def events(scope, send):
    queue = Redis.from_url(os.environ["REDIS_URL"])
    if scope["path"] == "/heard":
        await queue.rpush("heard", 1)
    kind = b"text/event-stream" if scope["path"] == "/events" else b"text/plain"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    count, how = 0, scope["query_string"]
    while kind == b"text/event-stream" and not (how == b"heard" and count == 3):
        part = f"data: {os.readlink('/run/logbook/web.sock') if how == b'on' else count}\\n\\n"
        await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
        count += 1
        if how == b"heard":
            await queue.blpop("heard", 60)
        else:
            await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b""})

async def application(scope, receive, send):
    if scope.get("path") == "/block":
        time.sleep(600)
    if scope.get("path") in ("/events", "/heard"):
        return await events(scope, send)
    if scope.get("path") not in ("/scope",):
        return await routed(scope, receive, send)
    headers = dict(scope["headers"])
    told = json.dumps({
        "client": scope["client"], "scheme": scope["scheme"], "server": scope["server"],
        "headers": len([name for name in headers if name.startswith(b"x-many")]),
        "long": len(headers.get(b"x-long", b"")), "query": len(scope["query_string"]),
        "upgrade": headers.get(b"upgrade", b"").decode(),
    })
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": told.encode()})
    else:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": told})
        await send({"type": "websocket.close", "code": 1000})
`;

/** What a WebSocket is told at an address of the application above, and how it ends. */
async function asks(path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`wss://${await stack.address()}${path}`, { headers });
  const messages: string[] = [];
  socket.addEventListener("message", ({ data }) => messages.push(`${data}`));
  const code = await new Promise((resolve) =>
    socket.addEventListener("close", (event) => resolve(event.code)),
  );
  return { code, told: messages.map((one) => JSON.parse(one))[0] };
}

let ofGunicorn = "";
afterEach(stopLoads);
afterEach(closeRooms);
before(async () => {
  addLoadViews(stack);
  cpSync(join(root, "examples/channels/radio"), join(stack.project, "app/radio"), { recursive: true });
  edit(stack, "app/logbook/asgi.py", () => asgi);
  edit(stack, "app/logbook/settings.py", (text) =>
    text
      .replace('    "crew",\n', '    "channels",\n    "radio",\n    "crew",\n')
      // As Django's documentation has it for ASGI.
      .replace('"CONN_MAX_AGE": 60', '"CONN_MAX_AGE": 0')
      .concat(
        'CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}\n',
      ),
  );
  edit(stack, "app/requirements.txt", (text) => {
    const there = pins(text);
    const more = pins(readFileSync(join(root, "examples/channels/requirements.txt"), "utf8"));
    return text + [...more].flatMap(([name, lines]) => (there.has(name) ? [] : [lines])).join("");
  });
  stack.configure({ site: { timeout }, app: { asgi: "logbook.asgi:application", keep: 10 } });
  await stack.succeed();
  ofGunicorn = await current();
  assert.match(await serving(), /bin\/gunicorn/);
  const certificate = `${(await stack.resource("nginx-certificate")).outputs.certPem}`;
  tls.setDefaultCACertificates([...tls.getCACertificates(), certificate]);
});

test("from gunicorn to uvicorn, with 60 WebSockets through two releases: no request fails, no message is lost", async (t) => {
  const load = await loadOn(stack, { rate: 5, long: 8 });
  stack.configure({ app: { server: "uvicorn" } });
  await stack.succeed();
  assert.notEqual(await current(), ofGunicorn, "another server is another release");
  assert.match(await serving(), /bin\/python .*\/asgi\.py/);
  assert.equal((await workers()).length, 2);
  const site = await stack.address();
  const visitors = await openVisitors(site, { count: 60, rooms: 30 });
  assert.deepEqual(visitors.takeEnds(), []);
  for (const text of ["one", "two"]) {
    const old = { unit: await unit(), release: await current() };
    const sockets = visitors.all.map((one) => one.socket);
    const stream = await openStream(site, "/events?on");
    edit(stack, "app/notes.txt", () => `${text}\n`);
    const up = stack.startUp();
    const state = () => stack.on(`systemctl is-active '${old.unit}' || true`);
    await until("the old one to be told to end", async () => (await state()) === "deactivating");
    const told = Date.parse(
      await stack.on(`systemctl show --timestamp=us+utc -P StateChangeTimestamp '${old.unit}'`),
    );
    // The new release serves, every WebSocket of the old one is open, and is answered by it.
    assert.ok(visitors.all.every(({ by, socket }) => by === old.release && socket.readyState === 1));
    assert.deepEqual(await visitors.answeredBy(20), new Map([[old.release, 20]]));
    assert.equal((await up.ended).code, 0, up.said());
    const now = await current();
    // An answer that had begun has gone on, with the old release, for as long.
    assert.ok((await stream.ended) >= told + timeout * 1000 - 1);
    assert.match(stream.lines[0] ?? "", new RegExp(old.release));
    assert.match(stream.lines.at(-1) ?? "", new RegExp(now));
    await until("all to be with the new release", () => visitors.all.every(({ by }) => by === now));
    const ends = visitors.takeEnds();
    const failed = ends.filter(({ wasOpen }) => !wasOpen);
    if (failed.length > 0)
      assert.fail(
        `${failed.length} could not connect again, such as ${JSON.stringify(failed[0])}\n${await stack.on("tail -n 20 /var/log/nginx/*error.log")}`,
      );
    assert.equal(ends.length, 60);
    for (const end of ends) {
      assert.equal(end.code, 1012, `${JSON.stringify(end)}`);
      assert.ok(
        end.at >= told + timeout * 1000 - 1,
        `closed ${end.at - told} ms after the release's end began`,
      );
    }
    assert.ok(visitors.all.every(({ socket }) => !sockets.includes(socket)));
    assert.equal(await running(), "1");
  }
  const { sent, missing, twice } = await visitors.close();
  assert.deepEqual({ missing, twice }, { missing: [], twice: [] });
  const result = await load.stop();
  await assertNothingLost(stack, result);
  assertEachKindAnswered(result);
  t.diagnostic(`${result.sent} requests, 0 failed; ${sent} messages, 0 lost`);
});

test("the application learns who visits, and gets all that a browser may send, in a request as in a WebSocket", async () => {
  const [, version = ""] = /uvicorn==([\d.]+)/.exec(tools.uvicorn[0]) ?? [];
  const libraries = await stack.on("ls /srv/logbook/current/.venv/lib/python3*/site-packages");
  assert.match(libraries, new RegExp(`^uvicorn-${version}\\.dist-info$`, "m"));
  const site = await stack.address();
  const from = site.replace(/\d+$/, "1");
  const forged = {
    "x-real-ip": "198.51.100.1",
    "x-forwarded-for": "198.51.100.1",
    "x-forwarded-proto": "http",
  };
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-many-${index}`, "1"]));
  const headers = { ...forged, ...many, "x-long": "h".repeat(8000) };
  const path = `/scope?${"q".repeat(8000)}`;
  const common = { client: [from, 0], server: [site, 443], headers: 300, long: 8000, query: 8000 };
  assert.deepEqual(JSON.parse((await stack.fetch(path, { headers })).text), {
    ...common,
    ...{ scheme: "https", upgrade: "" },
  });
  assert.deepEqual(await asks(path, headers), {
    code: 1000,
    told: { ...common, scheme: "wss", upgrade: "websocket" },
  });
  // What is no WebSocket's does not pass.
  const other = await stack.fetch("/scope", { headers: { connection: "upgrade", upgrade: "h2c" } });
  assert.equal(JSON.parse(other.text).upgrade, "");
  // One from another site's page is the application's to refuse, and is.
  const foreign = await asks("/rooms/harbour", { origin: "https://elsewhere.example" });
  assert.deepEqual(foreign, { code: 1006, told: undefined });
});

test("each server-sent event arrives before the next is made", async () => {
  const heard = await openStream(await stack.address(), "/events?heard", { "accept-encoding": "gzip" });
  assert.deepEqual(
    [heard.headers["content-encoding"], heard.headers["x-accel-buffering"]],
    [undefined, undefined],
  );
  for (const count of [0, 1, 2]) {
    await until(`event ${count}`, () => heard.lines.at(-1) === `data: ${count}`);
    await stack.fetch("/heard");
  }
  await heard.ended;
  assert.equal(heard.lines.length, 3);
});

test("a worker that dies is replaced, and so is one that stands still", async () => {
  const first = await workers();
  await stack.on(`kill -KILL ${first[0]}`);
  await until("another worker", async () => {
    const now = await workers();
    return now.length === 2 && !now.includes(first[0] as string);
  });
  const second = await workers();
  // nginx gives up after the same time: which of the two is first, is chance.
  const { status } = await stack.fetch("/block");
  assert.ok([502, 504].includes(status), `${status}`);
  await until("the other to be replaced", async () => {
    const now = await workers();
    return now.length === 2 && now.join() !== second.join();
  });
  const log = await stack.on(`journalctl -u '${await unit()}' -o cat`);
  assert.match(log, /berth: worker \d+ was killed by signal 9$/m);
  assert.match(log, /berth: worker \d+ has stood still for 20 s, and is replaced$/m);
  assert.match(log, /logbook\/asgi\.py", line \d+ in application$/m);
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("one that does not start is unnoticed, and says why", async () => {
  const live = await current();
  const load = await loadOn(stack, { rate: 5, long: 5 });
  edit(stack, "app/logbook/asgi.py", () => `${asgi}\nraise RuntimeError("this cannot start")\n`);
  const run = await stack.up();
  await assertNothingLost(stack, await load.stop());
  assert.notEqual(run.code, 0);
  assert.match(
    said(run),
    /this cannot start[\s\S]*\/health does not answer, and 200 was expected\. It did not go live/,
  );
  assert.equal(await current(), live);
  assert.equal(await running(), "1");
  edit(stack, "app/logbook/asgi.py", () => asgi);
});

test("a release made for gunicorn is gone back to while uvicorn is configured, and returned from", async () => {
  const newest = await current();
  const load = await loadOn(stack, { rate: 5, long: 5 });
  stack.configure({ app: { release: ofGunicorn } });
  await stack.succeed();
  assert.match(await serving(), /bin\/gunicorn/);
  stack.configure({ app: { release: undefined } });
  await stack.succeed();
  assert.equal(await current(), newest);
  assert.match(await serving(), /\/asgi\.py/);
  await assertNothingLost(stack, await load.stop());
});

test("examples/channels is deployed as it is, without a WSGI application", async () => {
  const example = { server: "uvicorn", asgi: "radio.asgi:application", settings: "radio.settings" };
  const source = { directory: join(root, "examples/channels") };
  stack.configure({ app: { ...example, wsgi: undefined, source, processes: undefined } });
  await stack.succeed();
  const page = await stack.fetch("/");
  assert.match(page.text, /<h1>The harbour radio<\/h1>/);
  const script = await stack.fetch(/src="([^"]+\.js)"/.exec(page.text)?.[1] ?? "");
  assert.equal(script.headers["content-type"], "application/javascript");
  assert.deepEqual(JSON.parse((await stack.fetch("/health")).text), { status: "ok" });
  const visitors = await openVisitors(await stack.address(), { count: 4, rooms: 2 });
  assert.deepEqual(await visitors.answeredBy(4), new Map([[await current(), 4]]));
  const { missing, twice } = await visitors.close();
  assert.deepEqual({ missing, twice }, { missing: [], twice: [] });
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});
