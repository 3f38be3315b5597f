import assert from "node:assert/strict";
import { test } from "node:test";
import { dataNames, lossFaults, refuseLoss } from "../../components/site/data.ts";
import type { SiteConfig } from "../../components/site/schema.ts";
import { parseConfig } from "../../config/read.ts";

const local = { kind: "local" };
const app = { name: "shop", source: { directory: "." }, wsgi: "shop.wsgi" };
const configOf = (keys: Readonly<Record<string, unknown>>): SiteConfig =>
  parseConfig(
    Object.fromEntries(
      Object.entries({ host: local, app, ...keys }).map(([key, value]) => [
        `berth:${key}`,
        JSON.stringify(value),
      ]),
    ),
    "shop",
  );
const namesOf = (keys: Readonly<Record<string, unknown>> = {}) => {
  const config = configOf(keys);
  return dataNames(config, config.app.root ?? `/srv/${config.app.name}`);
};
const before = namesOf();
const existing = (hostKey: string, address = "192.0.2.7") => ({ kind: "existing", address, hostKey });
const keyOf = (fault: string) => /^([\w.]+): found (.*?); this stack's data is under (.*?): /.exec(fault);

for (const [keys, expected] of [
  [{ app: { ...app, name: "store" } }, [["app.name", "'store'", "'shop'"]]],
  [{ app: { ...app, root: "/opt/shop" } }, [["app.root", "'/opt/shop'", "'/srv/shop'"]]],
  [{ postgres: { database: "other" } }, [["postgres.database", "'other'", "'shop'"]]],
  [{ media: { store: "s3", region: "eu-central-1" } }, [["media.store", "'s3'", "'host'"]]],
  [{ media: { directory: "/shop_media" } }, [["media.directory", "'/shop_media'", "'media in app.root'"]]],
  [{ host: existing("ssh-ed25519 AAAA1") }, [["host.kind", "'existing'", "'local'"]]],
  [
    { app: { ...app, name: "store", root: "/opt/store" }, postgres: { database: "other" } },
    [
      ["app.name", "'store'", "'shop'"],
      ["app.root", "'/opt/store'", "'/srv/shop'"],
      ["postgres.database", "'other'", "'shop'"],
    ],
  ],
] as const) {
  test(`a change that would leave data behind is told by its key: ${expected.map(([key]) => key)}`, () => {
    const faults = lossFaults(before, namesOf(keys), []);
    assert.deepEqual(
      faults.map((fault) => keyOf(fault)?.slice(1)),
      expected.map((one) => [...one]),
    );
  });
}

test("a bucket of another name, and another machine, are told as well", () => {
  const bucket = (name?: string) => ({
    media: { store: "s3", region: "eu-central-1", ...(name === undefined ? {} : { bucket: name }) },
  });
  const [fault = "", ...more] = lossFaults(namesOf(bucket()), namesOf(bucket("shop-files")), []);
  assert.deepEqual(keyOf(fault)?.slice(1), ["media.bucket", "'shop-files'", "a generated name"]);
  assert.deepEqual(more, []);
  const machine = (key: string, address?: string) => namesOf({ host: existing(key, address) });
  const [here, elsewhere] = [machine("ssh-ed25519 AAAA1 a"), machine("ssh-ed25519 AAAA2", "192.0.2.8")];
  assert.match(`${lossFaults(here, elsewhere, [])}`, /^host\.address: found '192\.0\.2\.8'[^,]*, [^,]*$/);
  // The same one may get another address, or another key, of which the comment is no part.
  for (const same of [
    machine("ssh-ed25519 AAAA1 b"),
    machine("ssh-ed25519 AAAA2"),
    machine("ssh-ed25519 AAAA1", "192.0.2.8"),
  ])
    assert.deepEqual(lossFaults(here, same, []), []);
});

test("another region or network of EC2 is told, and a database that was turned off keeps its name", () => {
  const ec2 = (more: object) =>
    namesOf({
      host: {
        kind: "ec2",
        region: "eu-central-1",
        instanceType: "t4g.small",
        sshFrom: ["203.0.113.0/24"],
        ...more,
      },
    });
  const keys = (now: ReturnType<typeof ec2>) =>
    lossFaults(ec2({}), now, []).map((fault) => keyOf(fault)?.[1]);
  assert.deepEqual(keys(ec2({ region: "eu-west-1" })), ["host.region"]);
  assert.deepEqual(keys(ec2({ network: { kind: "own" } })), ["host.network"]);
  assert.deepEqual(keys(ec2({ instanceType: "t4g.large" })), []);
  const off = dataNames(configOf({ postgres: { enabled: false } }), "/srv/shop", before);
  assert.equal(off["postgres.database"], "shop");
  assert.equal(lossFaults(off, namesOf({ postgres: { database: "other" } }), []).length, 1);
});

test("what loses nothing is no fault: a new stack, the same names said in words, a database that is turned off", () => {
  assert.deepEqual(lossFaults(undefined, before, []), []);
  const said = namesOf({ app: { ...app, root: "/srv/shop" }, postgres: { database: "shop" } });
  assert.deepEqual(lossFaults(before, said, []), []);
  assert.deepEqual(lossFaults(before, namesOf({ postgres: { enabled: false } }), []), []);
  const moved = namesOf({
    app: { ...app, name: "store", root: "/srv/shop" },
    postgres: { database: "shop" },
  });
  // The account is another one, and so is the place where processes of their own account write.
  assert.equal(lossFaults(before, moved, []).length, 1);
});

test("a permission lets it through until its day", () => {
  const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
  const permission = (until: string) =>
    [{ change: "replace", resource: "data", until, why: "moved by hand" }] as const;
  const after = namesOf({ app: { ...app, name: "store" } });
  assert.deepEqual(lossFaults(before, after, permission(day(3))), []);
  assert.equal(lossFaults(before, after, permission(day(-3))).length, 1);
  assert.throws(
    () => refuseLoss(before, after, []),
    /would leave the stack's data behind:\n {2}app\.name.*\n.*Put back/,
  );
});
