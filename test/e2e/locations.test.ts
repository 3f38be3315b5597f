// What answers under which path: a front end at the front page, files of the release and of the host, the application.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { withStack } from "./harness.ts";

test("a front end is at the front page, the application below its own paths, and files of the host at theirs", async (t) => {
  const stack = await withStack(t, { app: "test/fixtures/queue", deployed: true });
  const source = (path: string, content: string) => {
    const file = join(stack.project, "app", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  const page = (script: string) =>
    `<!doctype html><title>shop</title><script src=/assets/${script}></script>`;
  source("web/dist/index.html", page("main-one.js"));
  source("web/dist/assets/main-one.js", `// one ${"x".repeat(3000)}`);
  source("web/dist/help/index.html", "help");
  source("web/dist/.env", "of nobody");
  source("web/dist/.well-known/assetlinks.json", "[]");
  source("art/icon.ico", "icon");
  await stack.on(
    "mkdir -p /srv/handbook && cd /srv/handbook && echo contents >index.html && echo of nobody >.secret && ln -s /etc/berth whole; install -d -o nobody /srv/pub /srv/pub/notes && cd /srv/pub && runuser -u nobody -- sh -c 'echo note | tee note.txt >notes/index.html'",
  );
  const locations = {
    "/": { release: "web/dist", fallback: "index.html", immutable: ["assets"] },
    "/api/": "application",
    "/handbook/": { host: "/srv/handbook" },
    "/favicon.ico": { release: "art/icon.ico" },
    "/note.txt": { host: "/srv/pub/note.txt" },
    "/notes/": { host: "/srv/pub/notes" },
  };
  const withLocations = (site: Record<string, unknown>) => stack.configure({ site: { locations: site } });
  withLocations(locations);
  await stack.succeed();
  const get = async (path: string, headers = {}) => {
    const { status, text, headers: all } = await stack.fetch(path, { headers });
    return { status, text, cache: all["cache-control"], encoding: all["content-encoding"], all };
  };
  const release = `${(await stack.outputs()).release}`;

  await t.test("each path has its own answer", async () => {
    for (const path of ["/", "/orders/7", "/orders/jane.doe", "/index.html"]) {
      const found = await get(path);
      assert.deepEqual([found.status, found.text, found.cache], [200, page("main-one.js"), "no-cache"], path);
      assert.equal(found.all["x-content-type-options"], "nosniff");
    }
    const part = await get("/assets/main-one.js", { "accept-encoding": "gzip" });
    assert.deepEqual([part.status, part.encoding], [200, "gzip"]);
    assert.equal(part.cache, "public, max-age=31536000, immutable");
    assert.deepEqual([(await get("/help/")).text, (await get("/help")).status], ["help", 301]);
    assert.equal((await get("/assets/gone.js")).status, 404);
    for (const path of ["/health", "/api", "/api/", "/api/orders?page=2"])
      assert.deepEqual([(await get(path)).status, (await get(path)).text], [200, release], path);
    assert.equal((await get("/favicon.ico")).text, "icon");
    assert.equal((await get("/.well-known/assetlinks.json")).text, "[]");
    const moved = await get("/handbook");
    assert.deepEqual(
      [moved.status, new URL(`${moved.all.location}`, "https://x").pathname],
      [301, "/handbook/"],
    );
    assert.deepEqual(
      [(await get("/handbook/")).text, (await get("/handbook/index.html")).status],
      ["contents\n", 200],
    );
  });

  await t.test(
    "what is not there, and what is nobody's, is the application's or the front end's page",
    async () => {
      for (const path of ["/handbook/gone", "/handbook/.secret", "/handbook/whole/queue.json"])
        assert.equal((await get(path)).text, release, path);
      assert.equal((await get("/.env")).text, page("main-one.js"));
      // The application has nothing there to post to, and says so itself.
      assert.equal((await stack.fetch("/handbook/", { method: "POST" })).status, 500);
      assert.equal((await stack.fetch("/", { method: "POST" })).status, 405);
    },
  );

  await t.test(
    "an account that owns what is served can put no link to what is another's in its place",
    async () => {
      for (const path of ["/note.txt", "/notes/"]) assert.equal((await get(path)).text, "note\n", path);
      await stack.on(
        "runuser -u nobody -- sh -c 'cd /srv/pub && rm -r note.txt notes && ln -s /srv/handbook/index.html note.txt && ln -s /srv/handbook notes'",
      );
      for (const path of ["/note.txt", "/notes/", "/notes/index.html"])
        assert.equal((await get(path)).text, release, path);
      await stack.on(
        "runuser -u nobody -- sh -c 'cd /srv/pub && rm note.txt notes && mkdir notes && echo note | tee note.txt >notes/index.html'",
      );
    },
  );

  await t.test(
    "a page of the release before still gets its own files, and the maintenance page hides them",
    async () => {
      renameSync(
        join(stack.project, "app/web/dist/assets/main-one.js"),
        join(stack.project, "app/web/dist/assets/main-two.js"),
      );
      source("web/dist/index.html", page("main-two.js"));
      await stack.succeed();
      assert.equal((await get("/orders/7")).text, page("main-two.js"));
      for (const file of ["main-one.js", "main-two.js"]) {
        const { status, cache } = await get(`/assets/${file}`);
        assert.deepEqual([status, cache], [200, "public, max-age=31536000, immutable"], file);
      }
      await stack.on("touch /etc/berth/queue/maintenance");
      for (const path of ["/", "/handbook/", "/api/"]) assert.equal((await get(path)).status, 503, path);
      assert.equal((await get("/health")).status, 200);
      await stack.on("rm /etc/berth/queue/maintenance");
    },
  );

  await t.test(
    "a place that is not there, or that nginx cannot read, is refused and changes nothing",
    async () => {
      await stack.on("mkdir -m 0700 /srv/closed");
      for (const host of ["/srv/gone", "/srv/closed"]) {
        withLocations({ ...locations, "/more/": { host } });
        const refused = await stack.up();
        assert.equal(refused.code, 1);
        assert.match(
          `${refused.stdout}${refused.stderr}`,
          new RegExp(`${host} \\(site\\.locations, /more/\\) is no directory that nginx can read`),
        );
        assert.equal((await get("/")).text, page("main-two.js"));
      }
      withLocations({ ...locations, "/": { release: "web/dist", fallback: "200.html" } });
      const without = await stack.up();
      assert.match(
        `${without.stdout}${without.stderr}`,
        /the release has no file 'web\/dist\/200\.html' \(site\.locations\)/,
      );
      withLocations({ ...locations, "/more/": { release: "web/gone" } });
      const missing = await stack.up();
      assert.match(
        `${missing.stdout}${missing.stderr}`,
        /the release has no directory 'web\/gone' \(site\.locations\)/,
      );
      assert.equal((await get("/orders/7")).text, page("main-two.js"));
    },
  );

  await t.test("without them all is the application's again", async () => {
    stack.configure({ site: { locations: undefined } });
    await stack.succeed();
    const now = `${(await stack.outputs()).release}`;
    for (const path of ["/", "/handbook/", "/favicon.ico"]) assert.equal((await get(path)).text, now, path);
  });
});
