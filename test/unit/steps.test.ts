// What a preview of a whole stack shows: every step.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources } from "./program-steps.ts";
import { assertSnapshot, shown, stepsOf } from "./step-snapshots.ts";

let made: readonly Made[] = [];
before(async () => {
  made = await programResources();
});

test("every step of a stack is this text", (t) => {
  const steps = stepsOf(made);
  assert.ok(Object.keys(steps).length >= 12, `steps: ${Object.keys(steps)}`);
  assertSnapshot(t, "steps", shown(steps));
});

test("no secret is in the text of any step", () => {
  assertNoSecret(made);
});

test("no step puts a file where Debian lets another account than root write", () => {
  const places = Object.values(stepsOf(made)).flatMap(({ files, secretFiles }) => [
    ...Object.keys(files),
    ...Object.keys(secretFiles),
  ]);
  assert.ok(places.includes("/etc/berth/redis/redis.conf"), `files: ${places}`);
  const foreign =
    /^\/(etc\/(redis|postgresql)|var\/(lib|log)\/(redis|postgresql|nginx)|home|tmp|var\/tmp|dev)\//;
  assert.deepEqual(
    places.filter((path) => foreign.test(path)),
    [],
  );
});

test("a host has what its database needs: extensions, or the means to dump one that is elsewhere", async () => {
  const packagesOf = async (postgres: object, app: object = {}) => {
    const steps = stepsOf(await programResources({ postgres }, { env: {}, ...app }));
    return `${steps["system-packages"]?.slots.packages}`.split(" ");
  };
  const elsewhere = { DATABASE_URL: "postgresql://shop:tulips-and-more@db.example.com/shop" };
  for (const app of [{ secrets: elsewhere, settings: undefined }, {}])
    assert.ok((await packagesOf({ enabled: false }, app)).includes("postgresql-client-17"));
  const none = await packagesOf({ enabled: false }, { dumpBeforeMigrate: false });
  assert.deepEqual(
    none.filter((name) => name.startsWith("postgresql")),
    [],
  );
  const ours = await packagesOf({ extensions: ["postgis", "vector", "earthdistance"] });
  assert.deepEqual(
    ours.filter((name) => name.startsWith("postgresql")),
    ["postgresql-17", "postgresql-17-pgvector", "postgresql-17-postgis-3"],
  );
});

test("uvicorn gets a program of its own, and nginx hands WebSockets on to it alone", async () => {
  const filesOf = async (app: object) => {
    const steps = stepsOf(await programResources({}, { ...app }));
    return { ...steps["app-web"]?.files, ...steps["nginx-site"]?.files } as Record<string, unknown>;
  };
  const text = (files: Record<string, unknown>, path: string) => JSON.stringify(files[path] ?? "none");
  const served = await filesOf({ server: "uvicorn", asgi: "shop.wsgi:app", wsgi: undefined });
  assert.match(text(served, "/etc/berth/shop/asgi.py"), /APPLICATION = \\"shop\.wsgi:app\\"/);
  assert.match(text(served, "/etc/systemd/system/shop-web@.service"), /LimitNOFILE=65536/);
  for (const other of ["gunicorn.py", "uwsgi.ini"]) assert.ok(!(`/etc/berth/shop/${other}` in served), other);
  const proxy = "/etc/berth/nginx/snippets/berth-proxy.conf";
  assert.match(text(served, proxy), /proxy_set_header Upgrade \$berth_upgrade;/);
  const usual = await filesOf({ asgi: "shop.wsgi:app" });
  assert.ok("/etc/berth/shop/gunicorn.py" in usual && "/etc/berth/shop/asgi.py" in usual);
  assert.doesNotMatch(text(usual, proxy), /Upgrade/);
});
