// What lies between a visitor and the application, and between the application and the host: nothing that the
// application answers, asks or needs is lost on the way.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { until } from "../until.ts";
import { edit, withStack } from "./harness.ts";
import { openStream } from "./stream.ts";

// Some of its answers wait for another request.
const config = { app: { workers: 2 } };
const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true, config });

const views = `

def make():
    import json, socket, time
    from urllib.parse import parse_qs

    own = {
        "X-Frame-Options": "SAMEORIGIN",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "Referrer-Policy": "strict-origin",
        "X-Content-Type-Options": "nosniff",
    }
    long = [("Set-Cookie", f"{name}={name * 3000}") for name in "abcd"]

    def streams(environ, start_response):
        queue, how = Redis.from_url(os.environ["REDIS_URL"]), environ["QUERY_STRING"]
        is_marked = environ["PATH_INFO"] == "/streamed"
        kind = "text/plain" if is_marked else "text/event-stream; charset=utf-8"
        start_response("200 OK", [("Content-Type", kind)] + [("X-Accel-Buffering", "no")] * is_marked)
        yield b"data: first\\n\\n"
        if how == "silent":
            time.sleep(600)
        for number in range({"heard": 2, "lasting": 13, "on": 600}[how]):
            if how == "heard":
                queue.blpop("heard", 60)
            else:
                time.sleep(1)
            yield f"data: {os.readlink('/run/queue/web.sock') if how == 'on' else number}\\n\\n".encode()
        yield b"data: last\\n\\n"

    def answers(environ, start_response):
        path = environ["PATH_INFO"]
        if path in ("/events", "/streamed"):
            return streams(environ, start_response)
        if path == "/heard":
            Redis.from_url(os.environ["REDIS_URL"]).rpush("heard", 1)
        if path.startswith("/shown/"):
            told = parse_qs(environ["QUERY_STRING"])
            headers = [(name, value) for name, (value,) in told.items()]
            start_response("200 OK", [("X-Accel-Redirect", path[len("/shown"):]), *headers])
            return [b"in place of a file"]
        if path not in ("/own", "/long", "/longer", "/asks", "/queue", "/new/a", "/heard") and not path.startswith("/media/"):
            return app(environ, start_response)
        start_response("200 OK", list(own.items()) if path == "/own" else long if path == "/long" else long * 3 if path == "/longer" else [])
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
            "scheme": environ["HTTP_X_FORWARDED_PROTO"],
            "told": sorted(name for name in environ if name.startswith(("HTTP_X_F", "HTTP_CF", "HTTP_TRUE", "HTTP_FORW"))),
            "header": len(environ.get("HTTP_X_LONG", "")),
            "headers": len([name for name in environ if name.startswith("HTTP_X_MANY")]),
            "cookies": len(environ.get("HTTP_COOKIE", "")),
            "body": len(environ["wsgi.input"].read()),
            "query": len(environ["QUERY_STRING"]),
            "database": os.environ["DATABASE_URL"].split(":")[0],
            "settings": dict(os.environ),
            "memory": open("/proc/meminfo").readline().split(":")[0],
            "interfaces": [name for _, name in socket.if_nameindex() if name == "lo"],
        }
        return [json.dumps(told).encode()]

    return answers
`;

/** What a browser takes a file for, by the end of its name. */
const types = {
  mjs: "text/javascript",
  js: "application/javascript",
  css: "text/css",
  webmanifest: "application/manifest+json",
  wasm: "application/wasm",
  json: "application/json",
  map: "application/json",
  svg: "image/svg+xml",
  avif: "image/avif",
  webp: "image/webp",
  jxl: "image/jxl",
  woff: "font/woff",
  woff2: "font/woff2",
  ttf: "font/ttf",
  otf: "font/otf",
  vtt: "text/vtt",
  webm: "video/webm",
  mp4: "video/mp4",
  opus: "audio/ogg",
  glb: "model/gltf-binary",
  ics: "text/calendar",
  xml: "text/xml",
  pdf: "application/pdf",
};

/** A name that the certificate has from the beginning, and from which visitors are sent on; longer than nginx likes. */
const furtherName = {
  from: "the-branch-of-somebody-with-a-long-name.staging.example.org",
  to: "https://shop.example.org",
  status: 308,
};

before(async () => {
  edit(stack, "app/wsgi.py", (text) => text + views);
  // As newrelic-admin and ddtrace-run do it.
  writeFileSync(join(stack.project, "app/with.sh"), 'WRAPPED=$2\nexport WRAPPED\nshift 2\nexec "$@"\n');
  edit(stack, "app/Procfile", (text) => `${text}css: tailwindcss --watch\n`);
  mkdirSync(join(stack.project, "app/static"));
  for (const file of [...Object.keys(types).map((end) => `a.${end}`), ".hidden"])
    writeFileSync(join(stack.project, "app/static", file), "");
  stack.configure({
    site: { redirects: [furtherName], accel: { "/protected": "${paths.media}/invoices" } },
    app: {
      wsgi: "wsgi:make()",
      wrapper: "sh with.sh --as shop",
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

/** The status of a request of HTTP/1.1 with these lines; none where nginx ends the connection without a word. */
async function statusOf(...lines: readonly string[]): Promise<number | undefined> {
  const host = await stack.address();
  const socket = tls.connect({ host, port: 443, rejectUnauthorized: false });
  let said = "";
  socket.on("error", () => {}).setEncoding("latin1");
  socket.on("data", (text) => (said += text));
  socket.write(`${[...lines, `Host: ${host}`].join("\r\n")}\r\n\r\n`);
  await once(socket, "close");
  const status = /^HTTP\/1\.1 (\d+)/.exec(said)?.[1];
  return status === undefined ? undefined : Number(status);
}

/** What the application is told of a request of HTTP/2. */
async function asksByHttp2(headers: http2.OutgoingHttpHeaders) {
  const connection = http2.connect(`https://${await stack.address()}`, { rejectUnauthorized: false });
  try {
    const asked = connection.request({ ":path": "/asks", ...headers });
    let text = "";
    for await (const part of asked.setEncoding("utf8")) text += part;
    return JSON.parse(text);
  } finally {
    connection.close();
  }
}

const asks = async (path = "/asks", how = {}) => JSON.parse((await stack.fetch(path, how)).text);

/** An answer that has begun goes on with the release that has begun it, and ends when that ends. */
async function whileStreaming(run: () => Promise<unknown>): Promise<void> {
  const stream = await openStream(await stack.address(), "/events?on");
  const live = () => stack.on("readlink /run/queue/web.sock");
  const old = await live();
  await until("it to go on", () => stream.lines.includes(`data: ${old}`));
  await run();
  await stream.ended;
  assert.equal(stream.lines.at(-1), `data: ${await live()}`);
}

for (const server of ["gunicorn", "uwsgi"]) {
  test(`${server}: the application learns who visits, and gets all that a browser may send`, async () => {
    stack.configure({ app: { server }, site: { maxBody: 1, timeout: 10 } });
    if (server === "gunicorn") await stack.succeed();
    else await whileStreaming(() => stack.succeed());
    const { from, settings } = await asks();
    assert.equal(settings.WRAPPED, "shop");
    // This computer, in the network of the local host.
    assert.equal(from, (await stack.address()).replace(/\d+$/, "1"));
    const forged = { headers: { "x-real-ip": "198.51.100.1", "x-forwarded-for": "198.51.100.1" } };
    assert.equal((await asks("/asks", forged)).from, from);
    const long = await asks(`/asks?${"q".repeat(8000)}`, { headers: { "x-long": "h".repeat(8000) } });
    assert.deepEqual([long.query, long.header], [8000, 8000]);
    const { status, headers } = await stack.fetch("/long");
    assert.deepEqual([status, headers["set-cookie"]?.length], [200, 4]);

    // Of each bound: what just fits passes every layer, and what is one beyond gets the status that says so.
    const [close, log] = ["Connection: close", "/var/log/nginx/queue"];
    const from408 = await stack.on(`grep -c '" 408 ' ${log}.access.log || true`);
    const slow = statusOf("POST /asks?slow HTTP/1.1", "Content-Length: 10");
    const line = (length: number) => `GET /asks?${"q".repeat(length - 19)} HTTP/1.1`;
    assert.equal(line(8190).length, 8190);
    assert.deepEqual([await statusOf(line(8190), close), await statusOf(line(8191), close)], [200, 414]);
    const field = (length: number) =>
      statusOf("GET /asks HTTP/1.1", `X-Long: ${"h".repeat(length - 8)}`, close);
    assert.deepEqual([await field(8190), await field(8191)], [200, 431]);
    const fields = (count: number) =>
      statusOf(
        "GET /asks HTTP/1.1",
        ...Array.from({ length: count }, (_, index) => `X-Many-${index}: 1`),
        close,
      );
    assert.deepEqual([await fields(998), await fields(999)], [200, 431]);
    const [cookie, count] = [`c=${"c".repeat(3900)}`, 8];
    const { cookies } = await asksByHttp2({ cookie: Array(count).fill(cookie) });
    assert.equal(cookies, count * cookie.length + (count - 1) * 2);
    const body = async (length: number) =>
      (await stack.fetch("/asks", { method: "POST", body: Buffer.alloc(length) })).status;
    assert.deepEqual([await body(1 << 20), await body((1 << 20) + 1)], [200, 413]);
    assert.equal((await stack.fetch("/longer")).status, 502);
    assert.match(await stack.on(`tail -n 3 ${log}.error.log`), /upstream sent too big header/);
    // nginx ends such a connection without a word.
    assert.equal(await slow, undefined);
    const logged = await stack.on(
      `grep -o '" 4[013][0-9] ' ${log}.access.log | sort -u | tr -d '" ' | paste -sd' '; grep -c '" 408 ' ${log}.access.log`,
    );
    assert.match(logged, new RegExp(`408 413 414 431\\n${Number(from408) + 1}$`));
  });

  test(`${server}: each part of an answer arrives at once, for as long as it is not silent for site.timeout`, async () => {
    const site = await stack.address();
    for (const [path, encoding] of [
      ["/events?heard", undefined],
      ["/streamed?heard", "gzip"],
    ] as const) {
      const heard = await openStream(site, path, { "accept-encoding": "gzip" });
      assert.deepEqual(
        [heard.headers["content-encoding"], heard.headers["x-accel-buffering"]],
        [encoding, undefined],
      );
      // The next part is not made before this one has arrived.
      for (const part of ["first", "0"]) {
        await until(`${part} of ${path}`, () => heard.lines.at(-1) === `data: ${part}`);
        await asks("/heard");
      }
      await heard.ended;
      assert.equal(heard.lines.join(), "data: first,data: 0,data: 1,data: last");
    }
    const [lasting, silent] = await Promise.all(
      ["lasting", "silent"].map((how) => openStream(site, `/events?${how}`)),
    );
    await Promise.all([lasting?.ended, silent?.ended]);
    assert.equal(lasting?.lines.length, 15);
    assert.deepEqual(silent?.lines, ["data: first"]);
  });
}

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

test("what a browser runs, shows or installs has its type", async () => {
  for (const [end, type] of Object.entries(types))
    assert.equal((await stack.fetch(`/static/a.${end}`)).headers["content-type"], type, end);
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

const invoices = "/srv/queue/media/invoices";
const asApplication = (script: string) =>
  stack.on(`runuser -u queue -- sh -eu -c 'cd ${invoices}; ${script}'`);

test("a private file reaches whom the application shows it to, in parts and with the type that it says", async () => {
  assert.equal(await stack.on(`stat -c '%U:%G %a' ${invoices}`), "queue:www-data 2750");
  await asApplication("umask 027; mkdir -p 2026; echo 0123456789 >2026/größe.pdf");
  for (const account of ["deployer", "nobody"])
    assert.notEqual(
      (await stack.ssh(`sudo runuser -u ${account} -- cat ${invoices}/2026/größe.pdf`)).code,
      0,
    );
  const path = "/shown/protected/2026/gr%25C3%25B6%25C3%259Fe.pdf";
  const { status, text, headers } = await stack.fetch(path);
  assert.deepEqual([status, text, headers["content-type"]], [200, "0123456789\n", "application/pdf"]);
  assert.deepEqual(
    ["cache-control", "x-content-type-options", "referrer-policy"].map((name) => headers[name]),
    ["private, no-cache", "nosniff", "same-origin"],
  );
  assert.match(`${headers["content-security-policy"]}`, /script-src 'none'/);
  const own =
    "Content-Type=text/csv&Content-Disposition=attachment&Cache-Control=no-store&Referrer-Policy=origin";
  const told = await stack.fetch(`${path}?${own}`, { headers: { range: "bytes=2-4" } });
  assert.deepEqual([told.status, told.text, told.headers["content-range"]], [206, "234", "bytes 2-4/11"]);
  assert.deepEqual(
    ["content-type", "content-disposition", "cache-control", "referrer-policy"].map(
      (name) => told.headers[name],
    ),
    ["text/csv", "attachment", "no-store", "origin"],
  );
});

test("a private file is nobody's to ask for, and no path leads out of its directory", async () => {
  await asApplication(
    "echo secret >a.txt; mkdir -p .git; echo secret >.git/config; echo secret >.env; echo secret >../other.txt; " +
      "ln -sfn ../other.txt link; ln -sfn .. up; ln -sfn /var/log/nginx logs; ln -sfn /etc/passwd passwd; ln -sfn invoices ../door",
  );
  assert.equal((await stack.fetch("/shown/protected/a.txt")).text, "secret\n");
  const outside = [
    "/protected/a.txt",
    "//protected/a.txt",
    "/%70rotected/a.txt",
    "/./protected//a.txt",
    "/protected/",
  ];
  // They are public, but for this directory of them.
  const media = [
    "invoices/a.txt",
    "/invoices/a.txt",
    "%69nvoices/a.txt",
    "./invoices/a.txt",
    "invoices/%61.txt",
    "door/a.txt",
  ];
  const shown = [
    ...[
      ".git/config",
      ".env",
      "link",
      "up/other.txt",
      "up/invoices/a.txt",
      "logs/queue.access.log",
      "passwd",
    ],
    ...[
      "../other.txt",
      "%252e%252e/other.txt",
      "..%252fother.txt",
      "2026/../../other.txt",
      "/../other.txt",
      "",
    ],
  ];
  const paths = [
    ...outside,
    ...media.map((path) => `/media/${path}`),
    ...shown.map((path) => `/shown/protected/${path}`),
    "/berth/before/static/../../media/invoices/a.txt",
  ];
  const site = `https://${await stack.address()}`;
  const answers = await stack.on(
    paths.map((path) => `curl -sk --path-as-is -w '\\n%{http_code}\\n====\\n' '${site}${path}'`).join("; "),
  );
  const all = answers.split(/\n====\n?/).slice(0, -1);
  assert.equal(all.length, paths.length);
  for (const [index, answer] of all.entries()) {
    assert.doesNotMatch(answer, /secret|root:|"GET \//, paths[index]);
    assert.match(answer, /\n(400|403|404)$|"path": "\/media\//, paths[index]);
  }
  assert.equal((await stack.fetch("/media/other.txt")).text, "secret\n", "the rest of them is public");
});

test("what the application puts in the place of a private directory opens nothing, and no step follows it", async () => {
  await asApplication("cd ..; mv invoices kept; ln -s /var/log/nginx invoices");
  assert.match(await directly("/shown/protected/queue.access.log"), /\n(403|404)$/);
  const accel = {
    "/protected/": "${paths.media}/invoices",
    "/contracts/": "${paths.media}/contracts/signed",
  };
  stack.configure({ site: { accel } });
  await stack.on("runuser -u queue -- ln -s /var/tmp /srv/queue/media/contracts");
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    `${refused.stdout}${refused.stderr}`,
    /\/srv\/queue\/media\/(invoices|contracts\/signed) \(site\.accel\) is a link or lies behind one/,
  );
  await stack.on("cd /srv/queue/media && rm invoices contracts && mv kept invoices");
  await stack.succeed();
  assert.equal((await stack.fetch("/shown/protected/a.txt")).text, "secret\n");
  assert.match(await directly("/contracts/"), /\n404$/);
  assert.equal(await stack.on("stat -c '%U:%G %a' /srv/queue/media/contracts/signed"), "queue:www-data 2750");
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
  await whileStreaming(() => stack.succeed());
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
    /none of them[\s\S]*' failed \(app\.build\.commands\)\./,
  );
  assert.equal(await stack.on("basename $(readlink /srv/queue/current)"), release);
  stack.configure({ app: { build: undefined } });
  await stack.succeed();
});

test("a Procfile's line of which a stack wants none does not run", async () => {
  assert.equal(await stack.on("systemctl list-units --all --plain --no-legend 'queue-css*' | wc -l"), "0");
  assert.equal(await stack.on("ls /etc/systemd/system | grep -c '^queue-css' || true"), "0");
});

/** Runs something while visitors ask; each of them is answered. */
async function whileVisited<T>(run: () => Promise<T>): Promise<T> {
  let isOver = false;
  const visits = (async () => {
    let count = 0;
    for (; !isOver; count++) assert.equal((await stack.fetch("/asks")).status, 200);
    return count;
  })();
  try {
    return await run();
  } finally {
    isOver = true;
    assert.ok((await visits) > 0);
  }
}

/** Asks from the host itself, at its own address: a visitor who is none of the proxies. */
const directly = async (path: string, ...how: readonly string[]) => {
  const place = await stack.address();
  return stack.on(`curl -sk --path-as-is -w '\\n%{http_code}' ${how.join(" ")} https://${place}${path}`);
};
const proxied = (address: string, scheme = "https") => ({
  headers: { "x-forwarded-for": `203.0.113.1, ${address}`, "x-forwarded-proto": scheme },
});
const forged = [
  ...["X-Forwarded-For: 198.51.100.7", "X-Real-IP: 198.51.100.7", "CF-Connecting-IP: 198.51.100.7"],
  ...["True-Client-IP: 198.51.100.7", "Forwarded: for=198.51.100.7", "X-Forwarded-Proto: http"],
].map((header) => `-H '${header}'`);

test("behind a proxy the visitor's own address and scheme count, and nobody else can say them", async (t) => {
  const here = (await stack.address()).replace(/\d+$/, "1");
  const snippet = 'location = /hello {\n  include snippets/berth-headers.conf;\n  return 200 "hello";\n}';
  stack.configure({
    site: {
      maxBody: 1,
      timeout: 10,
      behind: [`${here}/32`],
      headers: {
        "X-Frame-Options": null,
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": 'geolocation=(self "https://example.org")',
      },
      redirects: [{ from: "/old/*", to: "/new/*" }, furtherName],
      allow: { "/own/": ["198.51.100.0/24"] },
      limits: { "/long": { requests: 1, per: "minute", burst: 1 } },
      nginx: snippet,
    },
  });
  const { changes } = await whileVisited(() => stack.succeed());
  assert.deepEqual(changes, { "nginx-site": "update" });

  await t.test("to the application and the log", async () => {
    const told = await asks("/asks", proxied("198.51.100.7"));
    assert.deepEqual([told.from, told.scheme], ["198.51.100.7", "https"]);
    assert.match(await stack.on("tail -n 1 /var/log/nginx/queue.access.log"), /^198\.51\.100\.7 /);
    const [place, hostile] = [await stack.address(), await directly("/asks", ...forged)];
    const { from, scheme, told: names } = JSON.parse(hostile.split("\n")[0] ?? "");
    assert.deepEqual([from, scheme], [place, "https"]);
    assert.deepEqual(names, ["HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"]);
  });

  await t.test("a proxy may ask by HTTP for who asks it by HTTPS, and others are sent on", async () => {
    const byHttp = async (how: { headers: Record<string, string> }) => {
      const { status, headers } = await stack.fetch("/asks?a=1", { scheme: "http", ...how });
      return [status, headers.location];
    };
    const onward = [301, `https://${await stack.address()}/asks?a=1`];
    assert.deepEqual(await byHttp(proxied("198.51.100.7")), [200, undefined]);
    assert.deepEqual(await byHttp(proxied("198.51.100.7", "http")), onward);
    assert.deepEqual(await byHttp({ headers: {} }), onward);
    const place = await stack.address();
    const sent = await stack.on(
      `curl -s -o /dev/null -w '%{http_code}' -H 'X-Forwarded-Proto: https' http://${place}/asks`,
    );
    assert.equal(sent, "301");
  });

  await t.test("a balancer asks for the health path by any name, and nobody else", async () => {
    const host = "10.0.0.9";
    assert.equal((await stack.fetch("/", { headers: { host } })).status, 421);
    assert.equal((await stack.fetch("/health", { headers: { host } })).status, 200);
    assert.match(await directly("/health", "-H 'Host: 10.0.0.9'"), /\n421$/);
    assert.equal(
      (await stack.fetch("/health", { method: "POST", body: "a=b", headers: { host } })).status,
      403,
    );
  });

  await t.test("to what is open to some networks, whichever way the path is written", async () => {
    const own = async (address: string) => (await stack.fetch("/own", proxied(address))).status;
    assert.deepEqual([await own("198.51.100.7"), await own("192.0.2.7")], [200, 403]);
    const statuses = async (...paths: string[]) =>
      stack.on(
        `for path in ${paths.join(" ")}; do curl -sk --path-as-is -o /dev/null -w '%{http_code}\\n' ${forged.join(" ")} "https://${await stack.address()}$path"; done | sort | uniq -c | tr -s ' '`,
      );
    assert.equal(await statuses("/own", "//own", "/%6fwn", "/own/", "/./own"), "5 403");
    // Nor is it open to the host itself, where an application may be talked into asking.
    const own403 = `curl -sk -o /dev/null -w '%{http_code}' -H "Host: ${await stack.address()}" https://127.0.0.1/own`;
    assert.equal(await stack.on(own403), "403");
    assert.equal(await statuses("/x/../own", "/own/../asks", "/x/%2e%2E/own", "/own%2f..%2fasks"), "4 400");
  });

  await t.test("to the limits, and what is more is told when to come again", async () => {
    const long = (address: string) => stack.fetch("/long", proxied(address));
    const statuses = [];
    for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"])
      statuses.push((await long(address)).status);
    assert.deepEqual(statuses, [200, 200, 429, 200]);
    const { status, headers } = await long("192.0.2.1");
    assert.deepEqual([status, headers["retry-after"]], [429, "60"]);
    assert.match(await stack.on("tail -n 3 /var/log/nginx/queue.error.log"), /limiting requests/);
    // Of IPv6, whoever has one address has them all.
    const wide = [];
    for (const end of [1, 2, 3]) wide.push((await long(`2001:db8::${end}`)).status);
    assert.deepEqual(wide, [200, 200, 429]);
  });

  await t.test("what has moved is sent on, and to no other site than was said", async () => {
    const sent = async (path: string, headers = {}) => {
      const answer = await stack.fetch(path, { headers });
      return [answer.status, answer.headers.location];
    };
    assert.deepEqual(await sent("/old/a?b=1"), [301, "/new/a?b=1"]);
    const moved = await sent("/a/b?c=1", {
      host: "the-branch-of-somebody-with-a-long-name.staging.example.org",
    });
    assert.deepEqual(moved, [308, "https://shop.example.org/a/b?c=1"]);
    const elsewhere = await directly("/old//evil.example", "-D -");
    assert.match(elsewhere, /^location: \/new\/evil\.example\r$/m);
    assert.doesNotMatch(await directly("/old/%0d%0aX-Evil:1", "-D -"), /^x-evil/im);
  });

  await t.test("headers of the stack's file come where the application has none", async () => {
    const names = ["x-frame-options", "referrer-policy", "permissions-policy", "x-content-type-options"];
    const headersOf = async (path: string) => {
      const { headers } = await stack.fetch(path, proxied("198.51.100.7"));
      return names.map((name) => headers[name]);
    };
    const wanted = [undefined, "no-referrer", 'geolocation=(self "https://example.org")', "nosniff"];
    for (const path of ["/asks", "/static/a.css", "/hello"])
      assert.deepEqual(await headersOf(path), wanted, path);
    assert.deepEqual((await headersOf("/own")).slice(0, 2), ["SAMEORIGIN", "strict-origin"]);
  });

  await t.test("a wrong line for nginx is refused with nginx's own words, and changes nothing", async () => {
    const all = () => stack.on("find -L /etc/nginx -type f -exec sha256sum {} + | sort; ls -A /etc/nginx/*");
    const before = await all();
    for (const [lines, expected] of [
      [
        "location = /hello { retrn 200; }",
        /unknown directive "retrn" in \/etc\/nginx\/snippets\/berth-own\.conf:1/,
      ],
      ["}\nserver { listen 80;", /unexpected "}" in \/etc\/nginx\/snippets\/berth-own\.conf:1/],
    ] as const) {
      stack.configure({ site: { nginx: lines, maxBody: 2 } });
      const refused = await whileVisited(() => stack.up());
      assert.notEqual(refused.code, 0);
      assert.match(`${refused.stdout}${refused.stderr}`, expected);
      assert.equal(await all(), before);
      assert.equal((await stack.fetch("/hello")).text, "hello");
    }
  });
});

test("a host without IPv6 is served, and listens to it once there is some", async () => {
  const sockets = "nginx -T 2>/dev/null | grep -c 'listen \\[::\\]' || true";
  assert.notEqual((await stack.on(sockets)).trim(), "0");
  const ipv6 = (off: 0 | 1) => stack.on(`sysctl -qw net.ipv6.conf.all.disable_ipv6=${off}`);
  await ipv6(1);
  stack.configure({ site: { nginx: undefined, maxBody: 12 } });
  await stack.succeed();
  assert.equal((await stack.on(sockets)).trim(), "0");
  assert.equal((await stack.fetch("/health")).status, 200);
  await ipv6(0);
  stack.configure({ site: { maxBody: 13 } });
  await stack.succeed();
  assert.notEqual((await stack.on(sockets)).trim(), "0");
});

test("where a proxy in front ends HTTPS, its word counts, and the firewall may be closed to others", async () => {
  const here = (await stack.address()).replace(/\d+$/, "1");
  const behind = { proxies: [`${here}/32`], header: "CF-Connecting-IP", only: true };
  const none = {
    nginx: undefined,
    headers: undefined,
    redirects: undefined,
    allow: undefined,
    limits: undefined,
  };
  stack.configure({ site: { ...none, tls: "upstream", behind, hsts: { maxAge: 300 } } });
  await stack.succeed();
  const by = (scheme?: string) => ({
    scheme: "http" as const,
    headers: { "cf-connecting-ip": "2001:db8::7", ...(scheme ? { "x-forwarded-proto": scheme } : {}) },
  });
  const { from, scheme } = await asks("/asks", by("https"));
  assert.deepEqual([from, scheme], ["2001:db8::7", "https"]);
  assert.equal((await asks("/asks", by())).scheme, "https", "a proxy that says nothing");
  const plain = await stack.fetch("/asks", by("http"));
  assert.deepEqual([plain.status, plain.headers.location], [301, `https://${await stack.address()}/asks`]);
  assert.equal((await stack.fetch("/asks", by("https"))).headers["strict-transport-security"], "max-age=300");
  const rules = await stack.on("nft list chain inet berth input");
  assert.match(rules, new RegExp(`ip saddr ${here} tcp dport \\{ 80, 443 \\} accept`));
  assert.equal(rules.match(/dport \{ 80, 443 \}/g)?.length, 1);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});
