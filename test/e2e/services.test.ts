// Further programs of a team's own: one from an archive that the test makes, one of Debian's, as docs/services.md has it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { until } from "../until.ts";
import { backUp } from "./backups.ts";
import { npmRun } from "./checkout.ts";
import { edit, type Run, withStack } from "./harness.ts";
import { askStatus } from "./status.ts";

type Service = Readonly<Record<string, unknown>>;

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const work = mkdtempSync(join(tmpdir(), "berth-archive-"));
after(() => rmSync(work, { recursive: true, force: true }));

/** Keeps what is PUT, and gives it back, to whoever knows the word. */
const crate = `#!/usr/bin/python3 -I
import http.server, os, pathlib, sys
word, place = os.environ["CRATE_WORD"], pathlib.Path(sys.argv[2])
greeting = pathlib.Path(os.environ["CRATE_FILES"], "greeting.conf").read_text()
class Crate(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        if self.path == "/health": return self.answer(200, greeting.encode())
        if self.headers.get("Authorization") != word: return self.answer(403)
        file = place / os.path.basename(self.path)
        self.answer(200, file.read_bytes()) if file.is_file() else self.answer(404)
    def do_PUT(self):
        if self.headers.get("Authorization") != word: return self.answer(403)
        (place / os.path.basename(self.path)).write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201)
print("the crate is open", flush=True)
http.server.ThreadingHTTPServer((os.environ.get("CRATE_HOST", "127.0.0.1"), int(sys.argv[1])), Crate).serve_forever()
`;

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(work, path)), { recursive: true });
  writeFileSync(join(work, path), text, { mode });
}

function makePackage(name: string, version: string, files: Readonly<Record<string, string>>): void {
  const tree = `${name}_${version}`;
  for (const [path, text] of Object.entries(files))
    write(`${tree}/${path}`, text, path.includes("bin/") ? 0o755 : 0o644);
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: The tests <tests@example.test>\nDescription: of the tests\n`;
  write(`${tree}/DEBIAN/control`, control);
  const unit = Object.keys(files)
    .find((path) => path.endsWith(".service"))
    ?.split("/")
    .at(-1);
  if (unit !== undefined)
    write(
      `${tree}/DEBIAN/postinst`,
      `#!/bin/sh\nset -e\ndeb-systemd-helper enable ${unit} >/dev/null || true\nif [ -d /run/systemd/system ]; then systemctl daemon-reload; deb-systemd-invoke start ${unit} >/dev/null || true; fi\n`,
      0o755,
    );
  mkdirSync(join(work, "archive/pool"), { recursive: true });

  execFileSync("dpkg-deb", ["--root-owner-group", "--build", tree, "archive/pool/"], {
    cwd: work,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

const gpg = (...args: string[]) =>
  execFileSync("gpg", ["--homedir", join(work, "gnupg"), "--batch", "--quiet", ...args], { cwd: work });

/** Puts the archive, with an index that is signed, onto the host. */
async function publish(): Promise<void> {
  const archive = join(work, "archive");
  const index = execFileSync("dpkg-scanpackages", ["--multiversion", "pool"], {
    cwd: archive,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const place = "dists/stable/main/binary-amd64";
  write(`archive/${place}/Packages`, `${index}`);
  const [digest] = `${execFileSync("sha256sum", [join(archive, place, "Packages")])}`.split(" ");
  write(
    "archive/dists/stable/Release",
    // It says that it is Debian's.
    `Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: trixie\nArchitectures: amd64 arm64\nComponents: main\nDate: ${new Date().toUTCString()}\nSHA256:\n ${digest} ${index.length} main/binary-amd64/Packages\n ${digest} ${index.length} main/binary-arm64/Packages\n`,
  );
  write("archive/dists/stable/main/binary-arm64/Packages", `${index}`);
  gpg("--yes", "--clearsign", "--output", "archive/dists/stable/InRelease", "archive/dists/stable/Release");
  const tar = execFileSync("tar", ["-c", "-C", work, "archive"], { maxBuffer: 2 ** 26 });
  await stack.on(
    "rm -rf /srv/archive && base64 -d | tar -x -C /srv --no-same-owner && chmod -R a+rX /srv/archive",
    {
      stdin: tar.toString("base64"),
    },
  );
}

/** What docs/services.md says, as it stands there. */
const [{ cache }, { store: onThePage }] = [
  ...readFileSync(join(root, "docs/services.md"), "utf8").matchAll(/^```yaml\n([\s\S]*?)^```$/gm),
].map(([, text = ""]) => {
  const page = parse(text);
  return (page.config ?? page)["berth:services"];
}) as [Record<string, Service>, Record<string, Service>];
assert.ok(cache && onThePage);
const store = { ...onThePage, archive: { ...(onThePage.archive as Service), url: "file:///srv/archive" } };
const changed = { ...store, memory: 160, files: { "greeting.conf": { content: "come in\n" } } };
const pid = (unit: string) => stack.on(`systemctl show ${unit} -P MainPID`);
const asks = (words: string) =>
  stack.on(
    `word=$(sed -n "s/^CRATE_WORD='\\(.*\\)'/\\1/p" /srv/logbook/config/env); runuser -u logbook -- curl -s -w ' %{http_code}' -H "Authorization: $word" ${words}`,
  );

before(async () => {
  mkdirSync(join(work, "gnupg"), { mode: 0o700 });
  gpg("--passphrase", "", "--quick-generate-key", "The archive of the tests", "ed25519", "sign", "never");
  mkdirSync(join(stack.project, "keys"));
  writeFileSync(join(stack.project, "keys/crate.asc"), gpg("--armor", "--export"));
  const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
  makePackage("crate-server", "1.0", {
    "usr/bin/crate-server": crate,
    "usr/lib/systemd/system/crate-server.service": unit,
  });
  // What such an archive must not bring.
  makePackage("curl", "999", { "usr/bin/curl": "#!/bin/sh\n" });
  await publish();
  await stack.on("mkdir /srv/backups");
  edit(
    stack,
    "app/logbook/settings.py",
    (text) =>
      `${text}\nimport urllib.request\n\nif "CRATE_URL" in os.environ:\n    urllib.request.urlopen(os.environ["CRATE_URL"] + "/health", timeout=5).read()\n`,
  );
});

test("a service that does not answer stops the deployment before the release, with the last lines of its log", async () => {
  const broken = { ...store, command: "echo the crate has no lid; exit 3" };
  stack.configure({
    services: { store: broken },
    app: { generate: ["CRATE_WORD"] },
    backup: { place: { kind: "directory", path: "/srv/backups" }, drill: { every: "never" } },
  });
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(
    said(run),
    /service-store-server: the service 'store' does not answer at 127\.0\.0\.1:9000 with 200 at \/health\. Its log: .*the crate has no lid.* Correct services\.store\.command/,
  );
  assert.equal((await stack.fetch("/health")).status, 200, "the release that was live is live");
});

test("services start before an application that cannot be imported without them", async () => {
  stack.configure({ services: { store, cache } });
  await stack.succeed();
  assert.equal((await stack.fetch("/health")).status, 200);
  const address = await stack.address();
  assert.equal(await stack.on("curl -s http://127.0.0.1:9000/health"), `welcome to ${address}`);
  const env = await stack.on("cat /srv/logbook/config/env");
  assert.match(env, /^CRATE_URL='http:\/\/127\.0\.0\.1:9000'$/m);
  assert.match(env, /^MEMCACHED_ADDRESS='127\.0\.0\.1:11211'$/m);
  assert.equal(await asks("-X PUT --data-binary tulips http://127.0.0.1:9000/offer"), "201");
  assert.equal(await asks("http://127.0.0.1:9000/offer"), "tulips 200");
  assert.equal(
    await stack.on("ps -o user:20= -p $(systemctl show service-cache -P MainPID)"),
    "service-cache",
  );
  assert.equal(await stack.on("systemctl is-enabled crate-server memcached || true"), "masked\nmasked");
  assert.equal(
    await stack.on("test ! -e /usr/sbin/policy-rc.d && systemctl is-active memcached || true"),
    "inactive",
  );
  assert.match(await stack.on("systemctl show 'logbook-web@*.service' -P After"), /service-store\.service/);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("an archive brings the packages that are named, and replaces none of Debian's", async () => {
  const curl = await stack.on("apt-cache policy curl");
  assert.match(curl, /999/, "the archive offers it");
  assert.doesNotMatch(curl, /Candidate: 999/);
  assert.match(await stack.on("apt-cache policy crate-server"), /Candidate: 1\.0/);
  assert.match(
    await stack.on("cat /etc/apt/sources.list.d/berth-store.sources"),
    /^Signed-By: \/etc\/apt\/keyrings\/berth-store\.asc$/m,
  );
});

test("a port is open to the application, and to no other account and nobody outside", async () => {
  const connect = (account: string, port: number) =>
    stack.ssh(`runuser -u ${account} -- timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`);
  for (const port of [9000, 11211]) {
    assert.equal((await connect("logbook", port)).code, 0);
    for (const other of ["deployer", "nobody", "www-data"])
      assert.notEqual((await connect(other, port)).code, 0, `${other} reaches ${port}`);
    const outside = `timeout 3 bash -c 'exec 3<>/dev/tcp/${await stack.address()}/${port}'`;
    assert.throws(() => execFileSync("bash", ["-c", outside], { stdio: "ignore" }));
  }
  // Nobody takes its place while it is away.
  await stack.on("systemctl stop service-cache");
  const liar = `systemd-run --quiet --collect --unit=liar -p User=nobody python3 -m http.server 11211 --bind 127.0.0.1`;
  await stack.on(liar);
  await until("the liar to listen", async () => (await stack.on("ss -Hltn sport = :11211")) !== "");
  assert.notEqual((await connect("logbook", 11211)).code, 0);
  await stack.on("systemctl stop liar; systemctl start service-cache");
});

test("a service is shut in: it writes to its data alone, and root follows none of its links", async () => {
  const inside = (words: string) =>
    stack.ssh(
      `nsenter -t $(systemctl show service-store -P MainPID) -m -- setpriv --reuid service-store --regid service-store --clear-groups --no-new-privs ${words}`,
    );
  const closed = [
    "touch /etc/berth/services/store/greeting.conf",
    "touch /usr/bin/crate-server",
    "touch /var/lib/berth/services/store.versions",
    "touch /srv/logbook/media/x",
    "cat /etc/berth/services/store.secrets",
    "cat /srv/logbook/config/env",
  ];
  for (const words of closed) assert.notEqual((await inside(words)).code, 0, words);
  for (const [target, link] of [
    ["/etc/shadow", "link"],
    ["/etc", "directory"],
  ])
    assert.equal((await inside(`ln -s ${target} /var/lib/service-store/${link}`)).code, 0);
  const ofRoot = () => stack.on("stat -c '%U:%G %a %n' /etc/shadow /etc /etc/passwd");
  const before = await ofRoot();
  const [storeWas, cacheWas] = [await pid("service-store"), await pid("service-cache")];
  stack.configure({ services: { store: changed, cache } });
  const { changes } = await stack.succeed();
  assert.deepEqual(changes, { "service-store-server": "update" });
  assert.equal(await ofRoot(), before);
  assert.equal(await stack.on("systemctl show service-store -P MemoryMax"), `${160 * 2 ** 20}`);
  assert.equal(await stack.on("curl -s http://127.0.0.1:9000/health"), "come in");
  assert.notEqual(await pid("service-store"), storeWas);
  assert.equal(await pid("service-cache"), cacheWas, "what has not changed runs on");
});

test("a killed service comes back, and an upgrade of its package restarts it", async () => {
  const killed = await pid("service-cache");
  await stack.on(`kill -9 ${killed}`);
  await until("it to come back", async () => !["0", killed].includes(await pid("service-cache")));
  const before = await pid("service-store");
  makePackage("crate-server", "1.1", { "usr/bin/crate-server": crate });
  await publish();
  await stack.on("apt-get update -q && unattended-upgrade", { timeout: 300_000 });
  assert.match(await stack.on("dpkg-query -W crate-server curl"), /crate-server\t1\.1\ncurl\t(?!999)/);
  await until("the new version to run", async () => !["0", before].includes(await pid("service-store")));
  const status = await askStatus(stack);
  assert.match(status.stdout, /^ *store +running/m);
  const log = await npmRun(stack, "logs", "store", "-n", "50", "--no-follow").ended;
  assert.match(log.stdout, /the crate is open/);
  const drift = await npmRun(stack, "drift").ended;
  assert.equal(drift.code, 0, drift.stdout + drift.stderr);
});

test("what a service keeps comes back from a backup", async () => {
  await backUp(stack);
  assert.equal(await asks("-X PUT --data-binary roses http://127.0.0.1:9000/offer"), "201");
  const done = await npmRun(stack, "restore", "--latest", "--yes").ended;
  assert.equal(done.code, 0, done.stdout + done.stderr);
  await until("it to be back", async () => (await asks("http://127.0.0.1:9000/offer")) === "tulips 200");
});

test("a service that listens to everybody is stopped, and one that is taken out leaves its data alone", async () => {
  const env = { ...(onThePage.env as Service), CRATE_HOST: "0.0.0.0" };
  stack.configure({ services: { store: { ...changed, env }, cache } });
  const open = await stack.up();
  assert.match(said(open), /the service 'store' listens on 0\.0\.0\.0:9000; it must listen on the loopback/);
  stack.configure({ services: undefined, app: { generate: undefined }, backup: undefined });
  const { changes } = await stack.succeed();
  assert.equal(changes["service-store-server"], "delete");
  assert.equal(await stack.on("cat /var/lib/service-store/offer"), "tulips");
  assert.equal(
    await stack.on(
      "ls -d /etc/systemd/system/service-* /etc/berth/services* /etc/berth/logs/store /etc/apt/*/*berth-store* /run/service-store 2>/dev/null || true",
    ),
    "",
  );
  assert.equal(await stack.on("ss -Hltn 'sport = :9000 or sport = :11211'"), "");
  assert.equal((await stack.fetch("/health")).status, 200);
});
