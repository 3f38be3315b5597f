import assert from "node:assert/strict";
import test from "node:test";
import { permissionFaults, protectedUnlessAllowed } from "../../components/aws/permission.ts";
import { parseConfig } from "../../config/read.ts";

const today = new Date("2026-03-10T23:59:00Z");
const permission = {
  change: "replace",
  resource: "web-data",
  until: "2026-03-12",
  why: "a new zone",
} as const;
const until = (day: string) => [{ ...permission, until: day }];

test("data is protected unless a permission of the day names it", () => {
  assert.equal(protectedUnlessAllowed("web-data", [], today), true);
  assert.equal(protectedUnlessAllowed("web-data", [permission], today), false);
  assert.equal(protectedUnlessAllowed("media-bucket", [permission], today), true);
});

test("a permission holds through its last day, and 30 days ahead at most", () => {
  assert.equal(protectedUnlessAllowed("web-data", until("2026-03-10"), today), false);
  assert.equal(protectedUnlessAllowed("web-data", until("2026-03-09"), today), true);
  assert.equal(protectedUnlessAllowed("web-data", until("2026-04-09"), today), false);
  assert.equal(protectedUnlessAllowed("web-data", until("2026-04-10"), today), true);
});

test("a day counts as well when YAML has taken it for a time", () => {
  assert.equal(protectedUnlessAllowed("web-data", until("2026-03-12 00:00:00 +0000 UTC"), today), false);
  assert.equal(protectedUnlessAllowed("web-data", until("2026-03-09 00:00:00 +0000 UTC"), today), true);
});

test("every fault of a permission names its key, what was found and what was expected", () => {
  assert.deepEqual(permissionFaults([permission], ["web-data"], today), []);
  assert.deepEqual(
    permissionFaults(
      [
        permission,
        { ...permission, until: "2026-03-09" },
        { ...permission, resource: "webdata", until: "soon" },
      ],
      ["web-data", "media-bucket"],
      today,
    ),
    [
      "allow[1].until: 2026-03-09 is over: take the entry out, or give it a new day (expected a day such as 2026-03-17, 30 days ahead at most)",
      'allow[2].until: expected a day such as 2026-03-17, 30 days ahead at most; found "soon"',
      'allow[2].resource: found "webdata"; expected a resource that holds data: web-data, media-bucket',
    ],
  );
  assert.match(permissionFaults(until("2026-04-10"), ["web-data"], today)[0] ?? "", /too far ahead/);
});

test("a permission may have its day without quotes, which the engine hands on as a time", () => {
  const given = { ...permission, until: "2026-03-12 00:00:00 +0000 UTC" };
  const config = parseConfig(
    {
      "berth:host": JSON.stringify({ kind: "local" }),
      "berth:app": JSON.stringify({ source: { directory: "app" }, wsgi: "shop.wsgi" }),
      "berth:allow": JSON.stringify([given]),
    },
    "prod",
  );
  assert.deepEqual(config.allow, [permission]);
});
