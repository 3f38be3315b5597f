// Backups: what the stack's file may say of them, what steps they are, and what people read of them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Place, placeOf } from "../../components/backup/place.ts";
import { checkSite } from "../../components/site/check.ts";
import { drillText, type Listing, listingText } from "../../scripts/lib/backups.ts";
import { parse, UsageError } from "../../scripts/lib/command-line.ts";
import { commands } from "../../scripts/lib/commands.ts";
import { countsText } from "../../scripts/lib/undelete/undelete.ts";
import { actFor, countsOf, timeOfId, type Version } from "../../scripts/lib/undelete/versions.ts";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources } from "./program-steps.ts";
import { assertSnapshot, shown, stepsOf } from "./step-snapshots.ts";

const bucket = {
  kind: "s3",
  bucket: "shop-backups",
  endpoint: "s3.example.com:9000",
  accessKey: "AKIAEXAMPLE",
  secretKey: "secret-of-the-test-and-more",
};
const check = (backup: object) =>
  checkSite({
    host: { kind: "local" },
    app: { source: { directory: "shop" }, wsgi: "shop.wsgi" },
    backup,
  });
const faults = (backup: object) => {
  const checked = check(backup);
  assert.ok("faults" in checked, "this was taken");
  return checked.faults;
};
const taken = (backup: object) => {
  const checked = check(backup);
  assert.ok("config" in checked && checked.config.backup, JSON.stringify(checked));
  return checked.config.backup;
};

/** A bucket as the stack's file names it, without its key. */
const choice = (place: object) => {
  const found = taken({ place }).place;
  assert.ok(found.kind === "s3");
  return found;
};

const setting = ({ pgbackrest }: Place, ...names: string[]) =>
  names.map((name) => pgbackrest[`repo1-${name}`]);

let made: readonly Made[] = [];
before(async () => {
  made = await programResources({ backup: { place: bucket } });
});

test("a place is enough; the rest has defaults", () => {
  assert.deepEqual(taken({ place: { kind: "directory", path: "/mnt/backups" } }), {
    place: { kind: "directory", path: "/mnt/backups" },
    keep: { points: 7, daily: 30, monthly: 12 },
    time: "04:00",
    uploads: "hourly",
    drill: { every: "week", day: "sunday", time: "05:00" },
    walLimit: 1024,
  });
});

test("what is wrong is said by its key, and no secret is shown", () => {
  assert.match(faults({})[0] ?? "", /^backup\.place: /);
  assert.match(
    faults({ place: { kind: "ftp" } })[0] ?? "",
    /^backup\.place\.kind: expected "directory" or "s3" or "sftp" or "aws"/,
  );
  assert.match(
    faults({ place: { kind: "directory", path: "backups" } })[0] ?? "",
    /^backup\.place\.path: expected an absolute path/,
  );
  assert.match(faults({ place: bucket, time: "4:00" })[0] ?? "", /^backup\.time: expected a time in quotes/);
  assert.match(faults({ place: bucket, drill: { day: "Sunday" } })[0] ?? "", /^backup\.drill\.day: /);
  assert.match(
    faults({ place: bucket, drill: { time: "5" } })[0] ?? "",
    /^backup\.drill\.time: expected a time in quotes/,
  );
  assert.match(
    faults({ place: { ...bucket, endpoint: "https://s3.example.com" } })[0] ?? "",
    /^backup\.place\.endpoint: expected a host name/,
  );
  const short = faults({ place: bucket, passphrase: "tulips" });
  assert.match(short[0] ?? "", /^backup\.passphrase: /);
  assert.doesNotMatch(short.join(), /tulips/);
  assert.doesNotMatch(faults({ place: { ...bucket, secretKey: 12_345_678 } }).join(), /12345678/);
});

test("a bucket of Amazon's is asked by its own name, another service by its endpoint's", () => {
  const amazon = placeOf(choice({ ...bucket, endpoint: undefined, region: "eu-central-1" }), "prod-shop");
  assert.equal(amazon.repository, "s3:https://s3.eu-central-1.amazonaws.com/shop-backups/prod-shop/files");
  assert.deepEqual(setting(amazon, "s3-uri-style", "storage-port"), ["host", "443"]);
  const other = placeOf(choice({ ...bucket, prefix: "berth/shop" }), "prod-shop");
  assert.equal(other.repository, "s3:https://s3.example.com:9000/shop-backups/berth/shop/files");
  assert.deepEqual(setting(other, "s3-uri-style", "s3-endpoint", "storage-port", "path"), [
    "path",
    "s3.example.com",
    "9000",
    "/berth/shop/postgresql",
  ]);
});

test("a service that forbids its endpoint's own name is asked by the bucket's, by both tools", () => {
  const at = (more: object) => {
    const place = placeOf(choice({ ...bucket, ...more }), "prod-shop");
    const lookup = place.options
      .find((one) => one.startsWith("--option=s3.bucket-lookup="))
      ?.split("=")
      .at(-1);
    return [lookup, ...setting(place, "s3-uri-style", "s3-endpoint")];
  };
  const oss = "oss-cn-hangzhou.aliyuncs.com";
  assert.deepEqual(at({ endpoint: oss }), ["path", "path", oss]);
  assert.deepEqual(at({ endpoint: oss, addressing: "host" }), ["dns", "host", oss]);
  const china = "s3.cn-north-1.amazonaws.com.cn";
  assert.deepEqual(at({ endpoint: undefined, region: "cn-north-1" }), ["dns", "host", china]);
  assert.deepEqual(at({ endpoint: china, addressing: "path" }), ["path", "path", china]);
  assert.match(
    faults({ place: { ...bucket, endpoint: "192.0.2.1:9000", addressing: "host" } })[0] ?? "",
    /^backup\.place\.addressing: expected `path` with an endpoint that is an IP address/,
  );
});

const box = {
  kind: "sftp",
  host: "u1.box.example.com",
  port: 23,
  user: "u1-sub2",
  path: "/backups/shop/",
  hostKeys: ["ssh-ed25519 AAAAC3Nza", "ecdsa-sha2-nistp256 AAAAE2Vj"],
};

test("an account of SFTP is reached by both tools with one key and the host keys that are named", async () => {
  const steps = stepsOf(await programResources({ backup: { place: box } }));
  const step = steps["backup-setup"];
  assert.equal(step?.slots.place, "sftp://u1-sub2@u1.box.example.com:23/backups/shop");
  const conf = JSON.stringify(step?.files["/etc/berth/backup/pgbackrest.conf"]);
  for (const line of [
    /repo1-type=sftp/,
    /repo1-sftp-host=u1\.box\.example\.com\\nrepo1-sftp-host-port=23\\nrepo1-sftp-host-user=u1-sub2/,
    /repo1-sftp-host-key-check-type=strict/,
    /repo1-path=\/backups\/shop\/postgresql/,
  ])
    assert.match(conf, line);
  const plan = JSON.stringify(step?.files["/etc/berth/backup/plan.json"]);
  assert.match(plan, /"sftp:\/\/u1-sub2@u1\.box\.example\.com:23\/\/backups\/shop\/files/);
  assert.deepEqual(
    Object.keys(step?.secretFiles ?? {})
      .map((path) => path.replace("/etc/berth/backup/", ""))
      .sort(),
    ["known-hosts", "passphrase", "pgbackrest.d/secret.conf", "sftp-key", "sftp-key-of-postgres"],
  );
});

test("a host without PostgreSQL keeps nothing for its account", async () => {
  const made = await programResources({ backup: { place: box }, postgres: { enabled: false } }, { env: {} });
  const files = stepsOf(made)["backup-setup"]?.secretFiles ?? {};
  assert.deepEqual(
    Object.keys(files).sort(),
    ["known-hosts", "passphrase", "sftp-key"].map((name) => `/etc/berth/backup/${name}`),
  );
  assert.doesNotMatch(JSON.stringify(files), /root:postgres/);
});

test("a key of one's own ends with the end of a line, without which ssh reads none", async () => {
  const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret-of-the-test\n-----END OPENSSH PRIVATE KEY-----";
  const steps = await programResources({ backup: { place: { ...box, privateKey: key } } });
  const { stdin = "" } = steps.find(({ name }) => name === "backup-setup")?.inputs ?? {};
  const arrived = `${stdin}`
    .split("\n")
    .map((line) => Buffer.from(line.split(" ")[1] ?? "", "base64").toString());
  assert.equal(arrived.filter((text) => text === `${key}\n`).length, 2);
});

test("what is wrong with an account of SFTP is said by its key, and no private key is shown", () => {
  const [wrong] = faults({ place: { ...box, hostKeys: ["u1.box.example.com ssh-ed25519 AAAA"] } });
  assert.match(
    wrong ?? "",
    /^backup\.place\.hostKeys\[?\.?0\]?: expected a host key as 'ssh-keyscan' shows it behind/,
  );
  assert.match(faults({ place: { ...box, hostKeys: [] } })[0] ?? "", /^backup\.place\.hostKeys: /);
  assert.match(faults({ place: { ...box, path: "backups" } })[0] ?? "", /expected an absolute path/);
  assert.match(faults({ place: { ...box, host: "-oProxyCommand=x" } })[0] ?? "", /^backup\.place\.host: /);
  const key = faults({ place: { ...box, privateKey: "tulips in PEM" } });
  assert.match(key[0] ?? "", /^backup\.place\.privateKey: /);
  assert.doesNotMatch(key.join(), /tulips/);
});

test("the step of backups is this text, and no secret is in it", (t) => {
  const steps = stepsOf(made);
  const step = Object.entries(steps).filter(([name]) => name === "backup-setup");
  assert.equal(step.length, 1, Object.keys(steps).join());
  const [[name, facts] = []] = step;
  assert.ok(name && facts);
  assertSnapshot(t, "backup", shown({ [name]: facts }));
  assertNoSecret(made);
  for (const secret of [bucket.secretKey, bucket.accessKey])
    assert.ok(!JSON.stringify(shown(steps)).includes(secret), secret);
  assert.match(`${steps["system-packages"]?.slots.packages}`, /pgbackrest .*restic/);
  assert.equal(steps["postgres-server"]?.slots.archived, "yes");
});

test("drills are weekly by default, and 'never' leaves the command alone", async () => {
  const paths = async (drill?: object) => {
    const steps = stepsOf(await programResources({ backup: { place: bucket, ...(drill && { drill }) } }));
    const step = steps["backup-setup"];
    return { timers: step?.slots.timers, files: step?.files ?? {} };
  };
  const timer = "/etc/systemd/system/berth-backup-drill.timer";
  const tuesday = await paths({ day: "tuesday", time: "02:30" });
  assert.match(`${JSON.stringify(tuesday.files[timer])}`, /OnCalendar=Tue \*-\*-\* 02:30:00 UTC/);
  const never = await paths({ every: "never" });
  assert.equal(never.timers, "berth-backup.timer berth-backup-files.timer");
  assert.equal(never.files[timer], undefined);
  assert.ok(never.files["/etc/systemd/system/berth-backup-drill.service"]);
  assert.match(JSON.stringify(never.files["/etc/berth/backup/plan.json"]), /drills\S+ false/);
});

test("without the key nothing of it is there", async () => {
  const steps = stepsOf(await programResources());
  assert.doesNotMatch(Object.keys(steps).join(), /backup/);
  assert.doesNotMatch(`${steps["system-packages"]?.slots.packages}`, /pgbackrest|restic/);
  assert.equal(steps["postgres-server"]?.slots.archived, "");
});

const now = Date.parse("2026-11-28T15:00:00Z") / 1000;
const listing: Listing = {
  place: "s3://shop-backups/prod-shop",
  stanza: "prod-shop",
  on: now - 1000,
  parts: {
    database: { last: null, failed: null },
    media: { last: null, failed: { at: now - 120, why: "it refuses the keys" } },
  },
  waiting: { bytes: 32 << 20, limit: 1 << 30, since: now - 60, why: null, lost: null },
  unrestored: null,
  undo: { at: now - 3600, finished: true },
  database: {
    points: now - 7 * 86_400,
    backups: [
      { id: "20261128-040000F", at: now - 11 * 3600, size: 40 << 20, stored: 8 << 20, full: true },
      {
        id: "20261128-040000F_20261128-140000D",
        at: now - 3600,
        size: 41 << 20,
        stored: 1 << 20,
        full: false,
      },
    ],
  },
  files: { media: [{ id: "017e9938", at: now - 1800, size: 3 << 20 }] },
};

test("people read what there is, since when, how large, what failed, and how to go back", () => {
  assert.equal(
    listingText(listing, now),
    `place: s3://shop-backups/prod-shop
FAILED media, 2 min ago: it refuses the keys
waiting for the place: 32 MiB of the database's log, of 1.0 GiB at most

database: every point in time since 2026-11-21 15:00:00 UTC, and these:
  2026-11-28 04:00:00 UTC  20261128-040000F                   full                    40 MiB, 8.0 MiB stored
  2026-11-28 14:00:00 UTC  20261128-040000F_20261128-140000D  what has changed since  41 MiB, 1.0 MiB stored

media:
  2026-11-28 14:30:00 UTC  017e9938  3.0 MiB

restored at 2026-11-28 14:00:00 UTC; what was there before is kept; npm run restore brings it back with --undo`,
  );
});

test("people read what a drill has found, and what to do when it failed", () => {
  const database = {
    ...{
      backup: "20261128-040000F",
      size: 40 << 20,
      seconds: 12,
      found: now - 65,
      lost: 12,
      tables: 9,
      rows: 1234,
    },
    migrations: null,
  };
  const last = {
    at: now - 60,
    seconds: 42,
    database,
    files: { media: { at: now - 600, sampled: 20, compared: 18 } },
    repository: true,
  };
  assert.equal(
    drillText({ since: now, last, failed: null }, now),
    `drill: passed 1 min ago, in 42 s
  RTO 12 s: the database of 40 MiB was restored from 20261128-040000F, with its log up to 2026-11-28 14:58:55 UTC
  RPO 12 s: commits since then were not in the place yet
  9 tables with 1234 rows, every page is sound
  the live release fits: all its migrations are applied
  media: 20 files of 2026-11-28 14:50:00 UTC read, 18 of them compared with the disk`,
  );
  const failed = { at: now - 30, why: "the backup is damaged", further: "Look at the place." };
  const both = drillText({ since: now, last, failed }, now);
  assert.match(
    both,
    /^drill: FAILED 30 s ago: the backup is damaged\n {2}Look at the place\.\ndrill: the last that passed 1 min ago/,
  );
  assert.equal(drillText({ since: now, last: null, failed: null }, now), "drill: none yet");
  assert.equal(drillText({ since: null, last: null, failed: null }, now), "drill: none yet; none is planned");
  assert.match(
    listingText({ ...listing, drill: { since: now, last, failed: null } }, now),
    /\n\ndrill: passed 1 min/,
  );
});

test("a time is in UTC unless it names a zone, and what is none is refused", () => {
  const at = (text: string) => {
    const line = parse(commands.restore, ["--at", text]);
    assert.ok(line !== "help");
    return line.at;
  };
  const wanted = Date.parse("2026-11-28T14:03:07Z") / 1000;
  for (const text of ["2026-11-28 14:03:07", "2026-11-28T14:03:07Z", "2026-11-28 15:03:07+01:00"])
    assert.equal(at(text), wanted, text);
  assert.equal(at("2026-11-28 14:03:07.25"), wanted + 0.25);
  for (const text of ["yesterday", "14:03:07", "2026-11-31 99:00:00", "2026-11-28"])
    assert.throws(() => at(text), UsageError, text);
  assert.throws(() => parse(commands.restore, ["--only", "all"]), /expected database, media or redis/);
});

test("a stack takes another one's data only where it says so, with its scrub and its own names", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-scrub-"));
  try {
    const file = join(folder, "scrub.sql");
    writeFileSync(file, "UPDATE auth_user SET email = '';\n");
    const config = { copy: { scrub: "python manage.py scrub", sql: file }, postgres: { role: "keeper" } };
    const resources = await programResources(config);
    const steps = stepsOf(resources);
    assertNoSecret(resources);
    const told = JSON.stringify(steps["copy-setup"]?.files["/etc/berth/copy/plan.json"]);
    for (const one of ["python manage.py scrub", "UPDATE auth_user", "keeper"])
      assert.ok(told.includes(one), told);
    assert.match(`${steps["system-packages"]?.slots.packages}`, /pgbackrest .*restic/);
    assert.equal(steps["postgres-server"]?.slots.archived, "", "it makes no backups of its own");
  } finally {
    rmSync(folder, { recursive: true });
  }
  const missing = checkSite({
    host: { kind: "local" },
    app: { source: { directory: "shop" }, wsgi: "shop.wsgi" },
    copy: { sql: "missing.sql" },
  });
  assert.match("faults" in missing ? missing.faults.join() : "", /copy\.sql: expected a file with SQL/);
  assert.doesNotMatch(Object.keys(stepsOf(made)).join(), /copy-setup/);
});

test("a bucket that the stack makes needs a region where the host is not on AWS, and has a key that AWS makes", async () => {
  const wanted = { place: { kind: "aws", region: "eu-central-1" } };
  assert.deepEqual(taken(wanted).place, { ...wanted.place, keepDeleted: 30 });
  assert.match(
    faults({ place: { kind: "aws" } })[0] ?? "",
    /^backup\.place\.region: expected an AWS region for the bucket/,
  );
  assert.match(
    faults({ place: { ...wanted.place, keepDeleted: 0 } })[0] ?? "",
    /^backup\.place\.keepDeleted: /,
  );
  const steps = stepsOf(await programResources({ backup: wanted }));
  assert.ok(!JSON.stringify(shown(steps)).includes("secret-of-the-test"));
  const step = steps["backup-setup"];
  assert.equal(step?.slots.place, "s3://berth-prod-backups-0badcafe/prod-shop");
  assert.match(JSON.stringify(step?.files), /repo1-s3-endpoint=s3\.eu-central-1\.amazonaws\.com/);
  assert.ok(step?.secretFiles["/etc/berth/backup/s3-key"]);
  assert.match(`${steps["backup-key-proof"]?.slots.bucket}`, /\/berth-prod-backups-0badcafe$/);
});

/** An object's past, the newest first as S3 tells it: `o1@5` an object with content 1 of second 5, `x@7` a deletion. */
const past = (text: string): Version[] =>
  text.split(" ").map((one, index) => {
    const [, kind, content = "", second = ""] = /^([ox])(\d?)@(\d+)$/.exec(one) ?? [];
    const version = { key: "a", id: one, at: Number(second), latest: index === 0 };
    return kind === "x" ? version : { ...version, content: { etag: content, size: 10 } };
  });
const act = (text: string, at: number, isLock = false) => actFor(past(text), at, isLock);

test("what was deleted is uncovered, what was overwritten is copied back, what came later is hidden", () => {
  assert.equal(act("o1@5", 9), undefined);
  assert.deepEqual(act("x@12 x@11 o1@5", 9), { act: "uncover", key: "a", marks: ["x@12", "x@11"], size: 10 });
  const copy = { act: "copy", key: "a", id: "o1@5", marks: [] as string[], size: 10, alike: false };
  assert.deepEqual(act("o2@11 o1@5", 9), copy);
  assert.deepEqual(act("x@12 o2@11 o1@5", 9), { ...copy, marks: ["x@12"] });
  // A service that shows another version than the newest one, once a mark is deleted.
  assert.deepEqual(act("o2@3 o1@5", 9), copy);
  assert.deepEqual(act("o1@11", 9), { act: "hide", key: "a" });
  assert.deepEqual(act("o2@11 x@8 o1@5", 9), { act: "hide", key: "a" });
  assert.equal(act("x@12 o1@11", 9), undefined);
  assert.equal(act("x@8 o1@5", 9), undefined);
});

test("a second run does nothing again, a lock never comes back, and of one second the object counts", () => {
  assert.equal(act("o1@20 x@12 o2@11 o1@5", 9), undefined, "the copy is what it was copied from");
  assert.deepEqual(act("o1@5", 9, true), { act: "hide", key: "a" });
  assert.equal(act("x@12 o1@5", 9, true), undefined);
  assert.deepEqual(act("x@12 x@5 o1@5", 9), { act: "uncover", key: "a", marks: ["x@12"], size: 10 });
});

test("the time of a version is in a ULID, and in no id of Amazon's or MinIO's", () => {
  assert.equal(timeOfId("01ARZ3NDEKTSV4RRFFQ69G5FAV"), 1_469_922_850.259);
  for (const id of ["null", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"])
    assert.equal(timeOfId(id), undefined);
  assert.equal(timeOfId("fb1ba8a4-1a1c-4d4f-a5b1-8f1b1a1c4d4f"), undefined);
});

test("people read what would come back before they agree", () => {
  const acts = ["x@12 o1@5", "o2@11 o1@5", "o1@11"].flatMap((text) => act(text, 9) ?? []);
  assert.equal(
    countsText(countsOf(acts, 5), 1_795_874_587),
    [
      "The backups as they were at 2026-11-28 14:03:07 UTC:",
      "  2 objects as they were",
      "  1 object deleted since then, to be brought back (10 bytes)",
      "  1 object overwritten since then, to be brought back (10 bytes)",
      "  1 object written since then, to be hidden; a later --at brings it back",
    ].join("\n"),
  );
});
