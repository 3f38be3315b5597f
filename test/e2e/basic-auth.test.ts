// A site that asks every visitor for a password: from one that does not, through a rotation, and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Stack, withStack } from "./harness.ts";

const passwordFile = "/etc/nginx/berth.htpasswd";

/** The status of a path for a visitor without a password, or with one. */
async function status(stack: Stack, path: string, password?: string): Promise<number> {
  const login = `Basic ${Buffer.from(`team:${password}`).toString("base64")}`;
  const headers = password === undefined ? {} : { authorization: login };
  return (await stack.fetch(path, { headers })).status;
}

test("a site asks for a password while its stack says so", async (t) => {
  const stack = await withStack(t, { deployed: true });
  stack.configure({ site: { basicAuth: { user: "team", except: ["/api/"] } } });
  await stack.succeed();
  const passwordOf = async () => `${(await stack.outputs()).basicAuthPassword}`;
  const first = await passwordOf();

  await t.test(
    "nothing but the health path is shown without it, static files and uploads neither",
    async () => {
      for (const path of [
        "/",
        "/static/logbook/site.css",
        "/media/photos/a.jpg",
        "/health/../",
        "/healthy",
      ]) {
        assert.equal(await status(stack, path), 401, path);
      }
      assert.equal(await status(stack, "/", "wrong"), 401);
      assert.equal(await status(stack, "/", first), 200);
      assert.equal(await status(stack, "/health"), 200);
    },
  );

  await t.test("a path that is left out is open, and leads to nothing that is not", async () => {
    const statuses = (...paths: string[]) =>
      stack.on(
        `for path in ${paths.map((path) => `'${path}'`).join(" ")}; do curl -sk --path-as-is -o /dev/null -w '%{http_code}\\n' "https://$(hostname -I | cut -d' ' -f1)$path"; done | sort | uniq -c | tr -s ' '`,
      );
    assert.equal(await statuses("/api/", "/api", "/api/x?y"), "3 404");
    assert.equal(await statuses("/apis", "//api/", "/?/api/"), "3 401");
    assert.equal(await statuses("/admin/../api/", "/api/..%2fadmin/"), "2 400");
  });

  await t.test(
    "the host has a hash of it that nginx's workers can read, and other accounts cannot",
    async () => {
      assert.equal(await stack.on(`stat -c '%U:%G %a' ${passwordFile}`), "root:www-data 640");
      assert.match(await stack.on(`cat ${passwordFile}`), /^team:\$6\$[^$]+\$\S+$/);
      // By standard input: sudo writes a command into the journal.
      const found = await stack.on(
        "grep -rlF -f /dev/stdin /etc /run/berth* /var/log /var/lib/berth || true",
        {
          stdin: `${first}\n`,
        },
      );
      assert.equal(found, "");
    },
  );

  await t.test("a second up changes nothing", async () => {
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
  });

  await t.test("a rotation puts a new one in its place", async () => {
    stack.configure({ rotate: { basicAuth: 2 } });
    const { changes } = await stack.succeed();
    assert.deepEqual(Object.keys(changes).sort(), ["nginx-basic-auth", "nginx-site", "secrets-basic-auth"]);
    const second = await passwordOf();
    assert.notEqual(second, first);
    assert.equal(await status(stack, "/", first), 401);
    assert.equal(await status(stack, "/", second), 200);
  });

  await t.test("a site that no longer asks shows itself to everyone, and keeps no hash", async () => {
    stack.configure({ site: { basicAuth: undefined }, rotate: undefined });
    await stack.succeed();
    assert.equal(await status(stack, "/"), 200);
    assert.equal((await stack.ssh(`test -e ${passwordFile}`)).code, 1);
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
  });
});
