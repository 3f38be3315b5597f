// Applications of other shapes: code in src/, a front end pinned by pnpm or yarn, and requests that wait for each other.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const built = () => stack.on("cat /srv/queue/current/built.txt");
const integrity =
  "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==";

edit(
  stack,
  "app/src/shapes/web.py",
  () => `import threading

together = threading.Barrier(3)


def app(environ, start_response):
    if environ["PATH_INFO"] == "/together":
        together.wait(timeout=50)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
`,
);
edit(stack, "app/src/shapes/__init__.py", () => "");
edit(stack, "app/gunicorn.conf.py", () => "workers = 64\n");
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
  assert.match(said(run), /gunicorn\.conf\.py is not read: app\.workers, app\.threads/);
  assert.equal((await stack.fetch("/")).text, "here");
  assert.equal(await built(), "--pnpm");
});

test("each worker serves as many requests at the same time as it has threads", async () => {
  const answers = await Promise.all(["a", "b", "c"].map((one) => stack.fetch(`/together?${one}`)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
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
