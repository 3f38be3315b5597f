import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { mediaNames, mediaReferences } from "../../components/app/settings/media-references.ts";
import {
  referenceFaults,
  referenceNames,
  referencesTo,
  settle,
} from "../../components/app/settings/references.ts";
import { releaseNames, releaseReferences } from "../../components/app/settings/release-references.ts";
import { postgres } from "../../components/postgres/service.ts";
import { redis } from "../../components/redis/service.ts";

const read = (output: pulumi.Output<string> | undefined) =>
  new Promise<string>((settled) => output?.apply(settled));

const url = pulumi.secret("postgresql://shop_1a2b3c:p%40ss%2Fword@10.0.0.4:5432/shop");
const places = {
  "site.url": "https://shop.example.org",
  "site.scheme": "https",
  "site.domain": "shop.example.org",
  "paths.media": "/srv/shop/media",
  "paths.data": "/srv/shop/data",
  "paths.logs": "/srv/shop/logs",
};

test("the cache is another server than the queue, on its own host and seen from others", () => {
  const { cachePort } = redis.references.plain;
  for (const [queue, cache, port] of [
    ["redis://:tulips@127.0.0.1:6379/0", "redis://:tulips@127.0.0.1:6381/0", "6381"],
    ["redis://127.0.0.1:6379/0", "redis://127.0.0.1:6381/0", "6381"],
    [
      "rediss://:t@[fd00::1]:6380/0?ssl_cert_reqs=required",
      "rediss://:t@[fd00::1]:6382/0?ssl_cert_reqs=required",
      "6382",
    ],
  ] as const) {
    assert.equal(redis.furtherSettings?.CACHE_URL?.(queue), cache);
    assert.equal(cachePort?.(new URL(queue)), port);
  }
});

test("a setting has what it refers to, and is secret with the first part that is", async () => {
  const { env, secrets } = settle(
    {
      PGHOST: "${postgres.host}",
      PGPORT: "${postgres.port}",
      PGUSER: "${postgres.user}",
      PGPASSWORD: "${postgres.password}",
      DSN: "host=${postgres.host} password=${postgres.password} dbname=${postgres.database}",
      FROM: "noreply@${site.domain}",
      LITERAL: "$${postgres.host} costs $5, {not} $this",
    },
    referencesTo([{ service: postgres, url }], places, {}),
  );
  assert.deepEqual(Object.keys(env).sort(), ["FROM", "LITERAL", "PGHOST", "PGPORT", "PGUSER"]);
  assert.deepEqual(Object.keys(secrets).sort(), ["DSN", "PGPASSWORD"]);
  assert.equal(await read(env.PGHOST), "10.0.0.4");
  assert.equal(await read(env.PGPORT), "5432");
  assert.equal(await read(env.PGUSER), "shop_1a2b3c");
  assert.equal(await read(env.FROM), "noreply@shop.example.org");
  assert.equal(await read(env.LITERAL), "${postgres.host} costs $5, {not} $this");
  assert.equal(await read(secrets.PGPASSWORD), "p@ss/word");
  assert.equal(await read(secrets.DSN), "host=10.0.0.4 password=p@ss/word dbname=shop");
  assert.ok(await pulumi.isSecret(secrets.DSN as pulumi.Output<string>));
  assert.ok(!(await pulumi.isSecret(env.PGHOST as pulumi.Output<string>)));
});

test("a reference to what there is not is told by its setting, with what was meant", () => {
  const known = ["postgres.host", "postgres.password", "site.url"];
  assert.deepEqual(referenceFaults({ A: "${postgres.host}", B: "$${anything} ${} $x" }, known).length, 1);
  const [[setting, fault] = []] = referenceFaults({ HOST: "${postgres.hots}" }, known);
  assert.equal(setting, "HOST");
  assert.match(
    `${fault}`,
    /^expected in \$\{…\} one of postgres\.host, postgres\.password, site\.url \(Did you mean 'postgres\.host'\?\), and/,
  );
});

test("every name that may be referred to stands for something", async () => {
  const urls = [
    { service: postgres, url },
    { service: redis, url: pulumi.secret("redis://:tulips@127.0.0.1:6379/0") },
  ];
  const { plain, secret } = referencesTo(urls, places, { API_KEY: "k" });
  const names = referenceNames([postgres, redis], ["API_KEY"]);
  assert.deepEqual([...Object.keys(plain), ...Object.keys(secret)].sort(), names.sort());
  assert.equal(await read(pulumi.output(secret["redis.cacheUrl"] ?? "")), "redis://:tulips@127.0.0.1:6381/0");
});

test("what differs with each release is left for the host, in settings and in files", async () => {
  const known = releaseReferences("/srv/shop");
  assert.deepEqual(Object.keys(known.plain), releaseNames);
  const { env, secrets } = settle(
    { VERSION: "shop@${release.id}", WHITENOISE_ROOT: "${paths.static}", LITERAL: "$${release.id}" },
    known,
  );
  assert.deepEqual(Object.keys(secrets), []);
  assert.equal(await read(env.VERSION), "shop@@@berth:release.id@@");
  assert.equal(await read(env.WHITENOISE_ROOT), "/srv/shop/static/@@berth:release.id@@");
  assert.equal(await read(env.LITERAL), "${release.id}");
  const program = readFileSync("components/app/release/settings.py", "utf8");
  assert.ok(program.includes('"@@berth:release.id@@"'), "the host fills in another text");
});

test("an application gets its bucket under names of its own, and the key to it as a secret", async () => {
  const settings = {
    env: { BUCKET_NAME: "shop-media", AWS_DEFAULT_REGION: "eu-central-1" },
    secrets: { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s" },
  };
  const known = mediaReferences(settings);
  const { env, secrets } = settle(
    {
      DJANGO_AWS_STORAGE_BUCKET_NAME: "${media.bucket}",
      DJANGO_AWS_SECRET_ACCESS_KEY: "${media.secretAccessKey}",
    },
    known,
  );
  assert.equal(await read(env.DJANGO_AWS_STORAGE_BUCKET_NAME), "shop-media");
  assert.deepEqual(Object.keys(secrets), ["DJANGO_AWS_SECRET_ACCESS_KEY"]);
  const names = (byKey: boolean, hasPublicFiles: boolean) => mediaNames({ byKey, hasPublicFiles }).sort();
  assert.deepEqual(names(true, false), Object.keys({ ...known.plain, ...known.secret }).sort());
  assert.deepEqual(names(false, true), [
    "media.bucket",
    "media.publicFolder",
    "media.publicUrl",
    "media.region",
  ]);
});
