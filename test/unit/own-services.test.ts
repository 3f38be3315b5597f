// Services of a team's own: what the stack's file may say of them, and what steps they are. That they run is tested in
// test/e2e/services.test.ts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { archiveFiles } from "../../components/own-service/archive.ts";
import { checkSite } from "../../components/site/check.ts";
import type { Made } from "./aws-mocks.ts";
import { programResources, secretValue } from "./program-steps.ts";
import { textOf } from "./step-snapshots.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-keys-"));
after(() => rmSync(folder, { recursive: true }));
const key = join(folder, "vendor.asc");
writeFileSync(key, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n");
const archive = { url: "https://packages.example.org/debian", suite: "stable", key, packages: ["crate"] };
const plain = { command: "/usr/bin/crate ${services.store.port}", port: 9000 };

const check = (services: object, more: object = {}, app: object = {}) =>
  checkSite({
    host: { kind: "local" },
    app: { source: { directory: "shop" }, wsgi: "shop.wsgi", ...app },
    services,
    ...more,
  } as unknown);
function faults(services: object, more: object = {}, app: object = {}): string {
  const checked = check(services, more, app);
  assert.ok("faults" in checked, "this was taken");
  return checked.faults.join("\n");
}
const one = (store: object) => faults({ store: { ...plain, ...store } });

test("what stands in the page is taken", () => {
  const store = {
    ...plain,
    archive,
    data: true,
    env: { WORD: "${secrets.WORD}", PLACE: "${services.store.data}" },
  };
  const cache = {
    packages: ["memcached"],
    command: "memcached",
    port: 11211,
    env: { STORE: "${services.store.address}" },
  };
  const checked = check(
    { store, cache },
    {},
    { generate: ["WORD"], env: { STORE: "${services.store.port}" } },
  );
  assert.ok("config" in checked, JSON.stringify(checked));
});

test("a port that something else has, or that is the system's, is refused by its key", () => {
  assert.match(one({ port: 80 }), /^services\.store\.port: expected 1024 or more; found 80$/);
  assert.match(one({ port: 40000 }), /^services\.store\.port: expected 32767 at most; found 40000$/);
  assert.match(
    one({ port: 6379 }),
    /^services\.store\.port: expected a port that is free: redis has this one; found 6379$/,
  );
  assert.match(
    faults({ store: plain, other: { ...plain, command: "x" } }),
    /^services\.other\.port: expected a port that is free: services\.store has this one; found 9000$/,
  );
  const host = {
    kind: "existing",
    address: "192.0.2.4",
    user: "root",
    port: 9000,
    hostKey: "ssh-ed25519 AAAA",
    privateKeyFile: "k",
  };
  assert.match(faults({ store: plain }, { host }), /SSH \(host\.port\) has this one/);
});

test("a name that is taken, and a part of the system, is refused", () => {
  for (const name of ["redis", "nginx", "system", "media"])
    assert.match(faults({ [name]: { ...plain, command: "x" } }), /expected a name that no part of Berth has/);
  const app = { processes: { store: { command: "celery -A shop worker" } } };
  assert.match(faults({ store: plain }, {}, app), /no process or timer of the application has/);
  for (const name of ["S3", "s3-", "with_line", "a".repeat(20)])
    assert.match(faults({ [name]: plain }), /expected a name of lower-case letters/);
  assert.match(
    one({ packages: ["redis-server"] }),
    /packages\[0\]: expected a package that is none of Berth's own/,
  );
  assert.match(one({ files: { "../env": { content: "" } } }), /expected a relative path without '\.\.'/);
  assert.match(
    one({ data: "/srv/store" }),
    /^services\.store\.data: expected true or false; found "\/srv\/store"$/,
  );
});

test("a secret in a command, a reference to what is not there or starts later, and a setting that is there twice are refused", () => {
  const app = { generate: ["WORD"], env: { STORE: "x" } };
  const command = "crate --word ${secrets.WORD}";
  assert.match(
    faults({ store: { ...plain, command } }, {}, app),
    /^services\.store\.command: expected no secret, which every account of the host could read there: put it into 'env' or 'files'; found "\$\{secrets\.WORD\}"$/,
  );
  assert.match(one({ command: "crate ${postgres.url}" }), /expected no secret/);
  assert.match(
    one({ env: { A: "${services.store.data}" } }),
    /env\.A: expected in \$\{…\} one of .*; found "\$\{services\.store\.data\}"/,
  );
  const later = {
    store: { ...plain, env: { A: "${services.later.port}" } },
    later: { command: "x", port: 9001 },
  };
  assert.match(faults(later), /^services\.store\.env\.A: expected in/);
  assert.match(
    faults({ store: { ...plain, settings: { STORE: "x" } } }, {}, app),
    /^services\.store\.settings: expected a setting that is not given by app\.env, too: take it out of one of them; found "STORE"$/,
  );
  assert.match(
    one({ files: { "a.conf": { content: "one\n${nothing.here}\n" } } }),
    /files\.a\.conf: line 2: expected in/,
  );
});

test("an archive's key is a public key, and Debian's own archive is none", () => {
  const of = (more: object) => one({ archive: { ...archive, ...more } });
  assert.match(
    of({ key: "nowhere.asc" }),
    /^services\.store\.archive\.key: expected a file with a public key in text form/,
  );
  const secret = join(folder, "secret.asc");
  writeFileSync(secret, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n");
  assert.match(of({ key: secret }), /this one holds a private key/);
  assert.match(of({ url: "http://deb.debian.org/debian" }), /expected an archive other than Debian's/);
  assert.match(
    of({ url: "https://user:word@packages.example.org/" }),
    /expected the address of an apt archive/,
  );
  const twice = { a: { ...plain, command: "x", archive }, b: { command: "x", port: 9001, archive } };
  assert.match(
    faults(twice),
    /^services\.b\.archive\.url: expected the host of an archive that services\.a does not name/,
  );
});

test("of an archive apt takes the packages that are named, by its own key alone", () => {
  const files = archiveFiles("store", { ...archive, components: ["main"] });
  const text = (path: string) => files[path]?.content ?? "";
  assert.equal(
    text("/etc/apt/preferences.d/berth-store.pref").split("\n").slice(1).join("\n"),
    'Package: crate\nPin: origin "packages.example.org"\nPin-Priority: 600\n\nPackage: *\nPin: origin "packages.example.org"\nPin-Priority: -1\n',
  );
  assert.match(
    text("/etc/apt/sources.list.d/berth-store.sources"),
    /^Signed-By: \/etc\/apt\/keyrings\/berth-store\.asc$/m,
  );
});

let made: readonly Made[] = [];
before(async () => {
  const store = {
    ...plain,
    archive,
    data: true,
    env: { WORD: "${secrets.API_TOKEN}", PLAIN: "${services.store.files}" },
    files: { "secret.conf": { content: "word=${secrets.API_TOKEN}\n" }, "plain.conf": { content: "a\n" } },
    settings: { STORE_URL: "http://${services.store.address}" },
    health: "/health",
  };
  made = await programResources(
    { services: { store }, backup: { place: { kind: "directory", path: "/srv/backups" } } },
    { processes: { worker: { command: "celery -A shop worker", account: "shop-worker" } } },
  );
});

const step = (name: string) => {
  const found = made.find((one) => one.name === name);
  assert.ok(found, name);
  return textOf(found);
};

test("a service is a step with its unit, whose secrets are in no text", () => {
  const text = step("service-store-server");
  assert.match(text, /^ExecStart=:\/bin\/bash -c "\/usr\/bin\/crate 9000"$/m);
  for (const line of [
    "User=service-store",
    "MemoryMax=256M",
    "ReadWritePaths=/var/lib/service-store",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "EnvironmentFile=/etc/berth/services/store.secrets",
  ])
    assert.ok(text.split("\n").includes(line), line);
  assert.match(text, /^PLAIN='\/etc\/berth\/services\/store'$/m);
  assert.ok(!text.includes(secretValue));
});

test("its port is for the application's accounts, which are there before the rules that name them", () => {
  const text = step("system-firewall");
  assert.match(
    text,
    /oif lo tcp dport \{ 9000 \} .* meta skuid \$own_accounts accept\n.*reject with tcp reset/,
  );
  assert.match(
    text,
    /service-store services\.store\nshop app\.name \/srv\/shop\nshop-worker app\.processes\.worker\.account \/var\/lib\/shop-worker/,
  );
});

test("the application starts after it and is told of it, and backups have its data", () => {
  assert.match(step("app-web"), /After=.*service-store\.service/);
  assert.match(step("backup-setup"), /"directories": \[\s*"\/var\/lib\/service-store"\s*\]/);
  const archives = step("system-packages");
  assert.match(archives, /services\.store\.archive\.url packages\.example\.org/);
  assert.match(archives, /services\.store crate/);
});
