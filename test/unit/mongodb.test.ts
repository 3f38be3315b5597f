// MongoDB by FerretDB: what its hosts are told, and where its program comes from.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { ferretProgram, ferretSha256 } from "../../components/mongodb/ferretdb.ts";
import type { Made } from "./aws-mocks.ts";
import { assertNoSecret, programResources } from "./program-steps.ts";
import { type Steps, stepsOf } from "./step-snapshots.ts";

const program = { url: "https://files.example.org/ferretdb" };
let made: readonly Made[] = [];
let steps: Steps = {};
before(async () => {
  made = await programResources({
    mongodb: { enabled: true, program },
    hosts: { tasks: { kind: "local" } },
  });
  steps = stepsOf(made);
});

const fileOf = (step: string, path: string): string => JSON.stringify(steps[step]?.files[path]);

test("its steps come after the database's, and no text of them holds a secret", () => {
  assertNoSecret(made);
  assert.deepEqual(steps["mongodb-server"]?.after, ["mongodb-database"]);
  assert.deepEqual(steps["mongodb-tasks"]?.after.includes("mongodb-server"), true);
  assert.match(`${steps["mongodb-database"]?.slots.login}`, /^shop_mongodb_[0-9a-f]{6}$/);
  assert.equal(steps["mongodb-server"]?.slots.sha256, ferretSha256("x86_64"));
  assert.equal(steps["mongodb-server"]?.slots.source, program.url);
  assert.equal(
    made.some(({ name }) => name === "mongodb-program"),
    false,
    "what is fetched is not built",
  );
});

test("FerretDB has no login of its own, listens where it must and no further, and other hosts get TLS", () => {
  const unit = fileOf("mongodb-server", "/etc/systemd/system/ferretdb.service");
  assert.match(unit, /postgres:\/\/127\.0\.0\.1:5432\/shop_mongodb\?/);
  assert.match(unit, /--listen-addr=127\.0\.0\.1:27017 --listen-tls=192\.0\.2\.7:27017 /);
  assert.match(unit, /GOMEMLIMIT=230MiB/);
  assert.doesNotMatch(unit, /test-enable-new-auth|setup-password/);
  assert.match(fileOf("system-firewall", "/etc/berth/listeners.nft"), /27017.*ferretdb/);
  assert.equal(steps["system-firewall"]?.slots.service_accounts, "ferretdb mongodb.enabled");
  assert.ok("/etc/berth/private/ferretdb.crt" in (steps["mongodb-tasks"]?.files ?? {}));
});

test("a stack without it has none of it, and no account for it", async () => {
  const without = stepsOf(await programResources());
  assert.deepEqual(
    Object.keys(without).filter((name) => name.startsWith("mongodb")),
    [],
  );
  assert.equal(without["system-firewall"]?.slots.service_accounts, undefined);
});

test("a program that another compiler would make, or that somebody has put in its place, is not used", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "berth-ferret-"));
  const { PATH, XDG_CACHE_HOME } = process.env;
  t.after(() => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    rmSync(folder, { recursive: true, force: true });
  });
  process.env.XDG_CACHE_HOME = join(folder, "cache");
  process.env.PATH = "/nowhere";
  await assert.rejects(
    ferretProgram("x86_64"),
    /there is no Go on the PATH\. Install Go .* mongodb\.program/,
  );

  // Something else than Go, which answers as it does and builds another program.
  const source = join(folder, "module");
  mkdirSync(join(source, "build/version"), { recursive: true });
  const answer = (sum: string) => JSON.stringify({ Dir: source, Sum: sum });
  const go = (sum: string) => {
    const path = join(folder, "bin/go");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      `#!/bin/sh\nif [ "$1" = mod ]; then echo '${answer(sum)}'; exit; fi\nwhile [ "$1" != -o ]; do shift; done; echo other >"$2"\n`,
    );
    chmodSync(path, 0o755);
  };
  process.env.PATH = `${join(folder, "bin")}:/usr/bin:/bin`;
  go("h1:another");
  await assert.rejects(ferretProgram("x86_64"), /has the sum h1:another, and h1:\S+ was expected/);
  go("h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw=");
  await assert.rejects(
    ferretProgram("x86_64"),
    /is not the program that was expected, with the SHA-256 1bfbd1/,
  );
  const cache = join(folder, "cache/berth/ferretdb");
  assert.equal(existsSync(join(cache, `1.24.2-${ferretSha256("x86_64").slice(0, 12)}-x86_64`)), false);
});
