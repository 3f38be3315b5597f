// Applications of other shapes: code in src/, a front end pinned by pnpm or yarn, and requests that wait for each other.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { until } from "../until.ts";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const built = () => stack.on("cat /srv/queue/current/built.txt");
const integrity =
  "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==";

edit(
  stack,
  "app/src/shapes/web.py",
  () => `import os
import threading
import time

together = threading.Barrier(3)


def app(environ, start_response):
    if environ["PATH_INFO"] == "/together":
        together.wait(timeout=50)
    if environ["PATH_INFO"] == "/stuck":
        time.sleep(600)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/own":
        return [f"{os.environ['OWN']} {os.environ['ASKED']} {environ['REMOTE_ADDR']} {os.getpid()}".encode()]
    return [b"here"]
`,
);
edit(stack, "app/src/shapes/__init__.py", () => "");
edit(
  stack,
  "app/gunicorn.conf.py",
  () => `import os

workers = 64
bind = "0.0.0.0:8000"
proc_name = "shapes"


def post_worker_init(worker):
    os.environ["OWN"] = worker.cfg.proc_name


def post_request(worker, request):
    os.environ["ASKED"] = request.path
`,
);
edit(stack, "app/package.json", () =>
  JSON.stringify({
    name: "shapes",
    version: "1.0.0",
    license: "MIT",
    dependencies: { "left-pad": "1.3.0" },
    scripts: {
      build:
        "node -e \"require('fs').writeFileSync('built.txt', require('left-pad')(process.env.WITH, 6, '-'))\"",
    },
  }),
);

test("code in a folder of its own is refused with the line to write, and is served with it", async () => {
  stack.configure({
    app: { wsgi: "shapes.web:app", workers: 1, threads: 3, build: { env: { WITH: "pnpm" } } },
    site: { timeout: 10 },
  });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /It is in src\/: write PYTHONPATH: src below app\.env/);
  stack.configure({ app: { env: { PYTHONPATH: "src" } } });
  const unpinned = await stack.up();
  assert.match(
    said(unpinned),
    /no package-lock\.json, pnpm-lock\.yaml or yarn\.lock, so its packages are not pinned/,
  );
  edit(
    stack,
    "app/pnpm-lock.yaml",
    () => `lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .:
    dependencies:
      left-pad:
        specifier: 1.3.0
        version: 1.3.0

packages:

  left-pad@1.3.0:
    resolution: {integrity: ${integrity}}
    deprecated: use String.prototype.padStart()

snapshots:

  left-pad@1.3.0: {}
`,
  );
  const run = await stack.succeed();
  const overruled = [
    ...said(run).matchAll(/gunicorn\.conf\.py is read, but its '(\w+)' does not count: (.*) decides$/gm),
  ];
  assert.deepEqual(
    overruled.map(([, name, decides]) => `${name}: ${decides}`),
    ["workers: app.workers", "bind: the unit of systemd"],
  );
  assert.equal((await stack.fetch("/")).text, "here");
  assert.equal(await built(), "--pnpm");
});

/** What the application says of itself: what its gunicorn.conf.py has set, what was asked last, who asks, and its process. */
const own = async () => (await stack.fetch("/own")).text.split(" ");
const allAtOnce = async (path: string) => {
  const answers = await Promise.all(["a", "b", "c"].map((one) => stack.fetch(`${path}?${one}`)));
  return answers.map(({ status }) => status);
};

test("the settings and functions of a gunicorn.conf.py count next to Berth's own", async () => {
  const here = (await stack.address()).replace(/\d+$/, "1");
  let found: string[] = [];
  // gunicorn calls the function when the visitor has the answer already.
  await until(
    "what was asked to be noted",
    async () => {
      await stack.fetch("/before");
      found = (await own()).slice(0, 3);
      return found[1] === "/before";
    },
    () => found.join(" "),
  );
  assert.deepEqual(found, ["shapes", "/before", here]);
});

test("each worker serves as many requests at the same time as it has threads, and is replaced when all stand still", async () => {
  assert.deepEqual(await allAtOnce("/together"), [200, 200, 200]);
  const worker = (await own())[3];
  for (const status of await allAtOnce("/stuck")) assert.ok([502, 504].includes(status), `${status}`);
  assert.notEqual((await own())[3], worker);
});

test("a front end that yarn has pinned is built by yarn, and one whose lock file does not fit is refused", async () => {
  rmSync(join(stack.project, "app/pnpm-lock.yaml"));
  edit(stack, "app/yarn.lock", () => "# yarn lockfile v1\n\n");
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /'yarn install' failed\..* run 'yarn install' in the source and commit what it writes/s,
  );
  edit(
    stack,
    "app/yarn.lock",
    () => `# yarn lockfile v1


left-pad@1.3.0:
  version "1.3.0"
  resolved "https://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz#5b8a3a7765dfe001261dde915589e782f8c94d1e"
  integrity ${integrity}
`,
  );
  stack.configure({ app: { build: { env: { WITH: "yarn" } } } });
  await stack.succeed();
  assert.equal(await built(), "--yarn");
});

test("a class of workers that the release does not have is refused, and one that it has serves", async () => {
  stack.configure({ app: { threads: undefined, workerClass: "gevent" } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /cannot load the class 'gevent' of gunicorn's workers \(app\.workerClass\)\. Add gevent to the application's requirements/,
  );
  assert.match((await stack.fetch("/")).text, /^here$/);
  edit(
    stack,
    "app/requirements.txt",
    (text) => `${text.replaceAll(/ \\\n +--hash=\S+/g, "")}gevent==26.9.0\n`,
  );
  await stack.succeed();
  const [name, , from] = await own();
  assert.deepEqual([name, from], ["shapes", (await stack.address()).replace(/\d+$/, "1")]);
  assert.deepEqual(await allAtOnce("/together"), [200, 200, 200]);
});
