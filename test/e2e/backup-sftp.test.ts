// Backups on an account of SFTP: by the server's own keys and the stack's, with all that a bucket can do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Listing } from "../../scripts/lib/backups.ts";
import type { Report } from "../../scripts/lib/status/facts.ts";
import { startSshd } from "../engine/sshd.ts";
import { backUp, moment } from "./backups.ts";
import { npmRun } from "./checkout.ts";
import { psql, type Run, withStack } from "./harness.ts";
import { visitLog } from "./visitor.ts";

const [host, port] = ["10.219.83.1", 2222];
const folder = mkdtempSync(join(tmpdir(), "berth-sftp-"));
// A disk of its own, that can be filled.
mkdirSync(join(folder, "store"));
execFileSync("mount", ["-t", "tmpfs", "-o", "size=192m", "tmpfs", join(folder, "store")]);
after(() => {
  execFileSync("umount", ["-l", join(folder, "store")]);
  rmSync(folder, { recursive: true });
});
const stack = await withStack({ after }, { deployed: true });
const second = join(folder, "second");
execFileSync("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-C", "", "-f", second]);
const server = await startSshd([
  `ListenAddress ${host}:${port}`,
  `HostKey ${second}`,
  "ForceCommand internal-sftp",
]);
after(() => server.stop());
const hostKeys = [server.hostKey, readFileSync(`${second}.pub`, "utf8")].map((key) =>
  key.split(" ").slice(0, 2).join(" ").trim(),
);
const place = { kind: "sftp", host, port, user: server.user, path: `${folder}/store`, hostKeys };

const said = (run: Run) => run.stdout + run.stderr;
const sql = (query: string) => stack.on(`runuser -u postgres -- ${psql} -XAtq -d logbook -c "${query}"`);
async function npm(name: string, ...args: string[]) {
  const done = await npmRun(stack, name, ...args).ended;
  assert.equal(done.code, 0, done.stdout + done.stderr);
  return done;
}
const listing = async () => JSON.parse((await npm("backups", "--json")).stdout) as Listing;

test("a host key that nobody has named ends it; then the line to enter there is shown, and the next deployment goes on", async () => {
  stack.configure({ backup: { place: { ...place, hostKeys: hostKeys.slice(0, 1) } } });
  const unknown = await stack.up();
  assert.match(said(unknown), /shows a host key that is not in backup\.place\.hostKeys/);
  assert.doesNotMatch(server.log(), /Accepted/);

  stack.configure({ backup: { place } });
  const stranger = await stack.up();
  assert.match(
    said(stranger),
    new RegExp(`sftp://${server.user}@${host}:${port}${folder}/store does not let this stack in`),
  );
  const [, line] = /then deploy again: (ssh-ed25519 [A-Za-z0-9+/=]+)/.exec(said(stranger)) ?? [];
  assert.ok(line, said(stranger));
  appendFileSync(join(server.folder, "authorized_keys"), `${line}\n`);
  await stack.succeed();
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  assert.equal(
    await stack.on("stat -c '%U:%G %a' /etc/berth/backup/sftp-key /etc/berth/backup/sftp-key-of-postgres"),
    "root:root 600\nroot:postgres 640",
  );
});

test("rows and uploads come back from there, a drill passes, and nothing there can be read without the passphrase", async () => {
  await (await visitLog(stack)).sign("Ada", "a word that nobody else may read");
  await stack.on("runuser -u logbook -- sh -c 'echo kept >/srv/logbook/media/kept.txt'");
  await backUp(stack);
  assert.equal((await listing()).place, `sftp://${server.user}@${host}:${port}${folder}/store`);
  const grep = ["-rqa", "nobody else may read", `${folder}/store`];
  assert.throws(() => execFileSync("grep", grep, { stdio: "ignore" }), "what is stored is encrypted");

  await sql("CREATE TABLE later AS SELECT generate_series(1, 300) AS entry");
  const at = await moment(stack);
  await sql("DROP TABLE later");
  await stack.on("rm /srv/logbook/media/kept.txt");
  await npm("restore", "--at", at, "--yes");
  assert.equal(await sql("SELECT count(*) FROM later"), "300");
  assert.equal(await stack.on("cat /srv/logbook/media/kept.txt"), "kept");
  assert.match((await npm("backups", "--drill")).stdout, /^drill: passed /);
});

test("a place that is full makes room by itself, as far as anything may go, and the next backup goes on", async () => {
  const restic =
    "restic --quiet --no-cache --password-file /etc/berth/backup/passphrase -o sftp.args='-F none -i /etc/berth/backup/sftp-key -o UserKnownHostsFile=/etc/berth/backup/known-hosts'" +
    ` --repo sftp://${server.user}@${host}:${port}/${folder}/store/files`;
  // Of one day long ago the last stays, and the oldest of all.
  await stack.on(
    `for hour in 1 2 3; do
      head -c $((hour == 2 ? 20 : 1))M /dev/urandom | ${restic} backup --stdin --host ${stack.name}-logbook --tag media --time "2020-01-01 0$hour:00:00"
    done; head -c 12M /dev/urandom >/srv/logbook/media/large; chown logbook: /srv/logbook/media/large`,
    { timeout: 180_000 },
  );
  const free = () => statfsSync(`${folder}/store`).bavail * statfsSync(`${folder}/store`).bsize;
  writeFileSync(`${folder}/store/filler`, Buffer.alloc(free() - (4 << 20)));
  const full = await stack.ssh("systemctl start berth-backup.service", { timeout: 180_000 });
  assert.notEqual(full.code, 0);
  const said = await stack.on("journalctl -q -u berth-backup -o cat -n 200");
  assert.match(said, /media: there is no space left in sftp:/);
  await backUp(stack);
  assert.deepEqual(
    Object.values((await listing()).parts).map(({ failed }) => failed),
    [null, null, null],
  );
  rmSync(`${folder}/store/filler`);
});

test("while the account cannot be reached the site goes on, and the status says so", async () => {
  await backUp(stack);
  await server.stop();
  assert.notEqual((await stack.ssh("systemctl start berth-backup.service", { timeout: 180_000 })).code, 0);
  assert.equal((await stack.fetch("/")).status, 200);
  const report = JSON.parse((await npmRun(stack, "status", "--json").ended).stdout) as Report;
  const failed = report.findings.filter(({ code }) => code === "backup-failed");
  assert.match(failed.map(({ what }) => what).join("\n"), /cannot be reached/);
});
