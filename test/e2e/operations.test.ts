// What people do with a host from day to day: read its logs, start and stop services as the owner, have logs rotated.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import ssh2 from "ssh2";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import { edit, withStack } from "./harness.ts";

const stack = await withStack({ after }, { crew: true, deployed: true });
const owner = ssh2.utils.generateKeyPairSync("ed25519");
/** A shell command as the owner, logged in with the own key. */
const asOwner = (command: string) =>
  stack.ssh(command, { user: "deployer", key: owner.private, asRoot: false });
const liveUnit = async () =>
  `logbook-web@${await stack.on("readlink /srv/logbook/config/web/current")}.service`;

before(async () => {
  const timers = { clean: { command: "python manage.py clearsessions", at: "yearly" } };
  stack.configure({ app: { ownerKeys: [owner.public.trim()], timers } });
  // Every request is a line in the journal and one in a log file; '?fill' makes that one long.
  edit(
    stack,
    "app/logbook/wsgi.py",
    (text) => `${text}
import logging

_answer, _log = application, logging.getLogger("visits")
_log.addHandler(logging.FileHandler("/srv/logbook/logs/visits.log"))


def application(environ, start_response):
    _log.info("visit of %s", environ["QUERY_STRING"] + "." * (120_000 if environ["QUERY_STRING"] == "fill" else 0))
    return _answer(environ, start_response)
`,
  );
  // As docs/deploying-your-application.md offers it: opened by whatever loads the settings.
  edit(
    stack,
    "app/logbook/settings.py",
    (text) => `${text}
LOGGING["handlers"]["file"] = {"class": "logging.FileHandler", "filename": "/srv/logbook/logs/settings.log"}
LOGGING["root"]["handlers"].append("file")
`,
  );
  await stack.succeed();
});

test("logs of a part follow: a request's line is seen as it comes, through a release, until Ctrl-C", async () => {
  await stack.fetch("/health?before-it-began");
  const logs = npmRun(stack, "logs", "web", "-n", "5");
  await until("the lines of before are shown", () => /visit of before-it-began/.test(logs.said()), logs.said);
  await stack.fetch("/health?while-it-follows");
  await until("what comes is shown", () => /visit of while-it-follows/.test(logs.said()), logs.said);

  edit(stack, "app/notes.txt", () => "another release\n");
  await stack.succeed();
  await stack.fetch("/health?of-the-next-release");
  await until("so is the next release", () => /visit of of-the-next-release/.test(logs.said()), logs.said);
  const unit = await liveUnit();
  await until("and what systemd says of it", () => logs.said().includes(`Started ${unit}`), logs.said);
  assert.equal(logs.said().match(/visit of while-it-follows/g)?.length, 1, logs.said());

  logs.interrupt();
  assert.equal((await logs.ended).stderr, `berth: stack ${stack.name}: the log of web on host web\n`);
  const left = "pgrep -x 'journalctl|tail' || true";
  await until("nothing is left on the host", async () => (await stack.on(left)) === "");
});

test("logs of nginx follow through a rotation of its files, which nginx then writes anew", async () => {
  const logs = npmRun(stack, "logs", "nginx");
  await until("it follows", () => /logbook\.access\.log <==/.test(logs.said()), logs.said);
  await stack.fetch("/health?before-the-rotation");
  await until("a request is shown", () => /GET \/health\?before-the-rotation/.test(logs.said()), logs.said);
  await stack.on("logrotate --force /etc/logrotate.d/nginx");
  const file = "/var/log/nginx/logbook.access.log";
  await until("nginx has a new file", async () => {
    await stack.fetch("/health?after-the-rotation");
    return (await stack.on(`grep -c after-the-rotation ${file} || true`)) !== "0";
  });
  await until("and it is followed", () => /GET \/health\?after-the-rotation/.test(logs.said()), logs.said);
  logs.interrupt();
  assert.doesNotMatch((await logs.ended).stderr, /npm|berth: (?!stack)/);
  assert.match(await stack.on(`cat ${file}.1`), /before-the-rotation/);
  assert.equal(await stack.on(`stat -c '%U:%G %a' ${file}`), "www-data:adm 640");
});

test("without following, the last lines of each part are shown, and a wrong word is answered by what there is", async () => {
  assert.match(
    (await npmRun(stack, "logs", "worker", "-n", "200", "--no-follow").ended).stdout,
    /celery@|ready\./,
  );
  const shown = async (part: string) => {
    const { code, stdout } = await npmRun(stack, "logs", part, "-n", "3", "--no-follow").ended;
    assert.equal(code, 0, part);
    return stdout;
  };
  await stack.on(
    `runuser -u postgres -- psql -Xq -c "DO \\$\\$ BEGIN RAISE LOG 'a word from Postgres'; END \\$\\$"`,
  );
  assert.match(await shown("postgres"), /a word from Postgres/);
  assert.match(await shown("redis"), /Ready to accept connections|redis-server/);
  assert.equal((await shown("system")).trimEnd().split("\n").length, 3);
  const wrong = await npmRun(stack, "logs", "ngnix", "--no-follow").ended;
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.stderr,
    /berth: expected one of beat, clean, web, worker, nginx, postgres, redis, system; found ngnix/,
  );
  const late = await npmRun(stack, "logs", "worker", "-n", "1", "--host", "web", "--no-follow").ended;
  assert.equal(late.code, 0, late.stderr);
  const elsewhere = await npmRun(stack, "logs", "worker", "--host", "webb").ended;
  assert.match(elsewhere.stderr, /has no host 'webb'\. Did you mean 'web'\? There is: web\./);
});

test("the owner logs in with a key of its own and starts and stops what belongs to the application", async () => {
  const unit = await liveUnit();
  const pid = () => stack.on(`systemctl show ${unit} -P MainPID`);
  const before = await pid();
  const allowed = [
    `restart ${unit}`,
    `status ${unit}`,
    "reload 'logbook-web@*.service'",
    "status 'logbook-web@*'",
    ...["start", "restart", "reload", "status"].map((verb) => `${verb} nginx`),
    ...["stop", "start", "restart", "status"].map((verb) => `${verb} redis-server`),
    `restart ${await stack.on("systemctl list-units --plain --no-legend 'logbook-worker@*' | cut -d' ' -f1")}`,
    "status 'logbook-beat@*'",
    "start logbook-clean.service",
    "stop logbook-clean",
    `stop ${unit}`,
    "restart logbook-web-start",
  ];
  for (const command of allowed) {
    const run = await asOwner(`sudo -n systemctl ${command}`);
    assert.equal(run.code, 0, `${command}: ${run.stdout}${run.stderr}`);
  }
  assert.notEqual(await pid(), before);
  assert.match(
    await stack.on("journalctl -o cat -u logbook-clean.service"),
    /^Finished logbook-clean\.service/m,
  );
  await until("the site is well again", async () => (await stack.fetch("/health")).status === 200);
});

test("the owner may do nothing else as root, by no trick with arguments, variables or a pager", async () => {
  const unit = await liveUnit();
  const attempts = [
    "cat /etc/shadow",
    "bash -c id",
    "-s",
    "-i",
    "su",
    "systemctl restart ssh",
    "systemctl restart",
    "systemctl daemon-reload",
    "systemctl edit nginx",
    "systemctl link /tmp/nginx.service",
    "systemctl enable nginx",
    "systemctl kill nginx",
    "systemctl restart nginx ssh",
    "systemctl restart 'nginx ssh'",
    `systemctl restart '${unit} ssh'`,
    "systemctl restart 'logbook-web@x ssh'",
    "systemctl restart 'logbook-web@* ssh'",
    "systemctl restart 'logbook-web@../../x'",
    "systemctl restart logbook-web@x.mount",
    "systemctl restart 'logbook-*'",
    "systemctl stop logbook-clean.timer",
    "systemctl start 'logbook-clean@*'",
    "systemctl start logbook-cleaner",
    "systemctl restart 'nginx\nssh'",
    "systemctl restart '^nginx$'",
    "systemctl 'restart nginx'",
    "systemctl --root=/tmp restart nginx",
    "systemctl -H other restart nginx",
    "systemctl restart nginx --root=/tmp",
    "/tmp/systemctl restart nginx",
    "-u postgres systemctl restart nginx",
    "-E systemctl status nginx",
    "SYSTEMD_PAGER=/tmp/systemctl systemctl status nginx",
    "LD_PRELOAD=/tmp/x.so systemctl status nginx",
    "sudoedit /etc/passwd",
  ];
  const ssh = await stack.on("systemctl show ssh -P MainPID");
  await asOwner("printf '#!/bin/sh\\nid >/tmp/escaped\\n' >/tmp/systemctl; chmod +x /tmp/systemctl");
  for (const attempt of attempts) {
    const run = await asOwner(`PATH=/tmp:$PATH sudo -n ${attempt} </dev/null`);
    assert.notEqual(run.code, 0, `${attempt}: ${run.stdout}`);
  }
  assert.equal(await stack.on("systemctl show ssh -P MainPID"), ssh);
  assert.equal(await stack.on("ls /tmp/escaped 2>/dev/null || true"), "");

  // On a terminal systemctl would start a pager, and wait there for keys.
  const status = `stty rows 4 cols 80; sudo -n systemctl status ${unit}`;
  const onTerminal = await asOwner(
    `sleep 20 | TERM=vt100 timeout 10 script -qec ${JSON.stringify(status)} /dev/null`,
  );
  assert.equal(onTerminal.code, 0, "no pager");
  assert.ok(onTerminal.stdout.split("\n").length > 8, onTerminal.stdout);
});

test("a key that is taken out of the configuration no longer lets the owner in", async () => {
  stack.configure({ app: { ownerKeys: [] } });
  assert.deepEqual((await stack.succeed()).changes, { "system-accounts": "update" });
  assert.equal((await asOwner("true")).code, 255);
});

test("the application's log files are rotated at 100k, five are kept, and the application writes on", async () => {
  const file = "/srv/logbook/logs/visits.log";
  const debug = await stack.on("logrotate --debug /etc/logrotate.conf 2>&1");
  assert.match(debug, /\/srv\/logbook\/logs\/visits\.log/);
  assert.doesNotMatch(debug, /^error:/m);

  const identity = () => stack.on(`stat -c '%i %U:%G %a' ${file}`);
  const before = await identity();
  assert.match(before, / logbook:logbook 640$/);
  await stack.on("logrotate /etc/logrotate.conf");
  assert.equal(await stack.on(`ls ${file}*`), file, "one that is small is left alone");
  for (let round = 1; round <= 7; round++) {
    await stack.fetch(`/health?round-${round}`);
    await stack.fetch("/health?fill");
    await stack.on("logrotate /etc/logrotate.conf");
    await stack.fetch(`/health?after-${round}`);
    assert.match(await stack.on(`cat ${file}`), new RegExp(`^visit of after-${round}$`, "m"));
  }
  assert.equal(await identity(), before, "the same file, owner and mode");
  assert.equal(
    await stack.on(`cd /srv/logbook/logs; ls visits.log.* | paste -sd' '`),
    [1, 2, 3, 4, 5].map((number) => `visits.log.${number}.gz`).join(" "),
  );
  assert.equal(await stack.on(`stat -c '%U:%G %a' ${file}.*.gz | sort -u`), "logbook:logbook 640");
  for (let number = 1; number <= 5; number++)
    assert.match(
      await stack.on(`zcat ${file}.${number}.gz`),
      new RegExp(`^visit of round-${8 - number}$`, "m"),
    );
});
