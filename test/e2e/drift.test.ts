// What somebody has changed by hand on a host: it is shown, by each kind of thing that Berth makes, and put right.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Drift } from "../../scripts/lib/drift/look.ts";
import { npmRun, npmRunIn } from "./checkout.ts";
import { withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const canary = "canary-of-a-secret-file";
const site = "/etc/nginx/sites-available/logbook.conf";
const dropIn = "/etc/systemd/system/nginx.service.d/by-hand.conf";

/** What 'npm run drift' says: its lines and its status, and the same for programs. */
async function drift() {
  const shown = await npmRun(stack, "drift").ended;
  const told = await npmRun(stack, "drift", "--json").ended;
  assert.equal(told.code, shown.code, shown.stderr + told.stderr);
  return { ...shown, report: JSON.parse(told.stdout) as Drift };
}

async function deploy(...args: string[]): Promise<string> {
  // On a busy computer as well.
  const patient = { BERTH_DRIFT_PATIENCE: "60" };
  const { code, stdout, stderr } = await npmRunIn(patient, undefined, stack, "start", ...args).ended;
  assert.equal(code, 0, stdout + stderr);
  assert.doesNotMatch(stdout + stderr, new RegExp(canary));
  return stdout;
}

/** What 'npm run preview' says, and with which status. */
async function previewed(...args: string[]) {
  const patient = { BERTH_DRIFT_PATIENCE: "60", CI: "" };
  const { code, stdout, stderr } = await npmRunIn(patient, undefined, stack, "preview", ...args).ended;
  assert.doesNotMatch(stdout + stderr, new RegExp(canary));
  return { code, text: stdout };
}

/** What is different, as `name what`. */
const found = ({ hosts }: Drift) =>
  hosts.flatMap(({ differences }) => differences.map(({ name, what }) => `${name} ${what}`)).sort();

test("where nobody has changed anything, neither the look nor a deployment shows anything", async () => {
  const deployed = await deploy();
  assert.match(deployed, /^berth: unchanged /m);
  assert.doesNotMatch(deployed, /from what Berth made|looked at/);
  const { code, stdout, report } = await drift();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^web: all is as Berth made it \(\d{3} things\)$/m);
  assert.deepEqual(found(report), []);
  const preview = await previewed("--expect-no-changes");
  assert.equal(preview.code, 0, preview.text);
  assert.match(preview.text, /^no changes\n*$/m);
  assert.doesNotMatch(preview.text, /by hand/);
});

test("each kind of change by hand is shown, with its text where that is no secret, and with status 4", async () => {
  await stack.on(`set -e
    sed -i '1i # by hand' ${site}
    rm /etc/sysctl.d/60-berth-redis.conf
    systemctl stop berth-space.timer
    systemctl mask --now -q logrotate.timer
    systemctl mask -q postgresql@17-main.service
    nft add rule inet berth input tcp dport 9999 accept
    chmod 0666 /etc/systemd/journald.conf.d/berth.conf
    echo '# ${canary}' >>/etc/berth/redis/redis.conf
    echo ${canary} >/root/canary; chmod 0600 /root/canary
    ln -sf /root/canary /etc/logrotate.d/berth
    printf '[Service]\\nNice=5\\n' >${dropIn}
    gpasswd -a logbook adm`);
  const { code, stdout, stderr, report } = await drift();
  assert.equal(code, 4, stdout + stderr);
  assert.deepEqual(found(report), [
    "/etc/berth/redis/redis.conf was changed; its text is secret and not shown",
    "/etc/logrotate.d/berth is a link; Berth made a file",
    `${site} was changed`,
    "/etc/sysctl.d/60-berth-redis.conf was deleted",
    "/etc/systemd/journald.conf.d/berth.conf has the mode 0666; Berth gave it 0644",
    `${dropIn} changes nginx.service, and Berth has not made it`,
    "berth-space.timer is stopped; Berth started it",
    "firewall has other rules than Berth loaded",
    "logbook is a member of the group adm, which Berth did not give it",
    "logrotate.timer is masked, so nothing can start it",
    "postgresql@17-main.service is masked, so nothing can start it",
  ]);
  assert.match(stdout, /^ {6}\+# by hand$/m);
  assert.match(stdout, /^ {6}\+\s+tcp dport 9999 accept$/m);
  assert.doesNotMatch(stdout + stderr + JSON.stringify(report), new RegExp(canary));
});

test("a preview shows it with its lines, and which steps would put it right", async () => {
  const { code, text } = await previewed("--expect-no-changes");
  assert.equal(code, 3, text);
  assert.match(text, /^11 changes by hand on web; /m);
  assert.match(text, /^Changed by hand on the hosts:$/m);
  assert.match(text, /A deployment leaves it; to take it away:\n {6}npm run ssh /);
  assert.match(text, /^ {6}\+# by hand$/m);
  assert.match(text, /^ {2}nginx-site changed, to put right what was changed by hand$/m);
  const unseen = await previewed("--expect-no-changes", "--no-drift");
  assert.equal(unseen.code, 0, unseen.text);
});

test("a deployment that does not look changes nothing of it", async () => {
  assert.match(await deploy("--no-drift"), /^berth: unchanged /m);
  assert.equal(await stack.on(`head -n 1 ${site}`), "# by hand");
});

test("a deployment shows it, puts right what Berth made and keeps what was there; the next one is unchanged", async () => {
  const deployed = await deploy();
  assert.match(deployed, /web: 11 differences from what Berth made/);
  assert.match(deployed, / {2}nginx-site +changed, /);
  assert.match(deployed, / {2}postgres-server +changed, /);
  assert.doesNotMatch(deployed, /app-live/);
  const { stdout, report } = await drift();
  assert.deepEqual(
    found(report),
    [
      `${dropIn} changes nginx.service, and Berth has not made it`,
      "logbook is a member of the group adm, which Berth did not give it",
    ],
    stdout,
  );
  assert.match(await stack.on(`cat /var/lib/berth/aside/*${site}`), /^# by hand$/m);
  assert.match(await stack.on(`cat /var/lib/berth/aside/*/etc/berth/redis/redis.conf`), new RegExp(canary));
  assert.equal(
    await stack.on("stat -c '%a %U' /var/lib/berth/aside /var/lib/berth/record"),
    "700 root\n700 root",
  );
  assert.equal(await stack.on("cat /root/canary"), canary);
  assert.equal(await stack.on("systemctl is-active logrotate.timer berth-space.timer"), "active\nactive");
  assert.doesNotMatch(await stack.on("nft list ruleset"), /9999/);
  assert.deepEqual((await stack.preview()).changes, {});
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("a user of Redis that somebody has added is shown and goes, also when a password was changed before", async () => {
  stack.configure({ rotate: { redis: 2 } });
  await deploy();
  assert.equal((await stack.on("grep '^user default' /etc/berth/redis/users.conf")).match(/#/g)?.length, 1);
  await stack.on("echo 'user guest on nopass ~* +@all' >>/etc/berth/redis/users.conf");
  const { report } = await drift();
  assert.ok(found(report).some((one) => one.startsWith("/etc/berth/redis/users.conf was changed")));
  await deploy();
  assert.doesNotMatch(await stack.on("cat /etc/berth/redis/users.conf"), /guest/);
  assert.doesNotMatch(found((await drift()).report).join(), /redis/);
});

test("what the stack ignores is left out, and what the look names takes the rest away", async () => {
  const { report } = await drift();
  const next = report.hosts[0]?.differences.find(({ name }) => name === "logbook")?.next ?? "";
  assert.match(next, new RegExp(`^npm run ssh -- -s ${stack.name} 'sudo gpasswd --delete logbook adm'$`));
  await stack.on("sudo gpasswd --delete logbook adm");
  stack.configure({ drift: { ignore: ["/etc/systemd/system/nginx.service.d/*"] } });
  const { code, stdout } = await drift();
  assert.equal(code, 0, stdout);
  stack.configure({ drift: { ignore: "*" } });
  const wrong = await npmRun(stack, "drift").ended;
  assert.equal(wrong.code, 2, wrong.stdout + wrong.stderr);
  assert.match(wrong.stderr, /berth:drift\.ignore in Pulumi\.\S+\.yaml: /);
  stack.configure({ drift: undefined });
  assert.match(stdout, /^web: all is as Berth made it \(\d{3} things; 1 ignored\)$/m);
  await stack.on(`sudo rm ${dropIn} && sudo systemctl daemon-reload`);
});

test("a stack that a team's backend keeps is looked at from a checkout that has not made it", async () => {
  const state = join(stack.project, ".berth/state");
  const there = readlinkSync(state);
  rmSync(state);
  const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE_FILE } = stack.engine.env;
  const team = { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE_FILE } as Record<string, string>;
  try {
    const unnamed = await npmRun(stack, "drift").ended;
    assert.equal(unnamed.code, 2, unnamed.stdout + unnamed.stderr);
    const looked = await npmRunIn(team, undefined, stack, "drift").ended;
    assert.equal(looked.code, 0, looked.stdout + looked.stderr);
    assert.match(looked.stdout, /^web: all is as Berth made it/m);
    const told = await npmRunIn(team, undefined, stack, "status", "--json").ended;
    assert.equal(JSON.parse(told.stdout).stack, stack.name, told.stdout + told.stderr);
    assert.deepEqual(
      existsSync(state) ? readdirSync(state) : [],
      [],
      "and none was made in Berth's own backend",
    );
  } finally {
    rmSync(state, { recursive: true, force: true });
    symlinkSync(there, state);
  }
});

test("a host that is away is a line with the reason, and status 3", async () => {
  stack.inside("systemctl stop ssh.service ssh.socket");
  const { code, stdout } = await drift();
  stack.inside("systemctl start ssh.service");
  assert.equal(code, 3, stdout);
  assert.match(stdout, /^web: could not be looked at: .*refused/im);
});
