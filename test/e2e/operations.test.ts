// What people do with a host from day to day: read its logs, start and stop services as the owner, have logs rotated, ask
// how it is, and be told when something is wrong.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Report } from "../../scripts/lib/status/facts.ts";
import { standInForGitHub } from "../forges.ts";
import { keyPair } from "../keys.ts";
import { until } from "../until.ts";
import { npmRun, npmRunIn, npmRunWith } from "./checkout.ts";
import { edit, leaderOf, withStack } from "./harness.ts";
import { askStatus } from "./status.ts";

after(() => webhook.close());
const stack = await withStack({ after }, { crew: true, deployed: true });
const owner = keyPair();
const admin = keyPair();
/** A shell command as the owner, logged in with the own key. */
const asOwner = (command: string) =>
  stack.ssh(command, { user: "deployer", key: owner.private, asRoot: false });
const liveUnit = async () =>
  `logbook-web@${await stack.on("readlink /srv/logbook/config/web/current")}.service`;

/** The messages of the host, as a webhook gets them. */
const messages: { readonly title: string; readonly message: string; readonly type: string }[] = [];
/** What hooks of releases have sent there. */
const records: string[] = [];
/** What the webhook answers. */
let answer = 200;
const token = "token-of-the-webhook";
const webhook = http.createServer(async (request, response) => {
  const text = (await request.toArray()).join("");
  if (answer === 200 && request.url === `/hook/${token}`) messages.push(JSON.parse(text));
  if (request.url === `/released/${token}`) records.push(text);
  response.writeHead(answer).end();
});
const hooks = { released: `http://10.219.83.1:4998/released/${token}` };
const said = () => messages.map(({ title, message }) => `${title}\n${message}`).join("\n\n");

before(async () => {
  webhook.listen(4998, "0.0.0.0");
  // The address that this computer has in the network of local hosts.
  stack.configure({
    notify: { targets: { ops: `json://10.219.83.1:4998/hook/${token}` }, logins: true },
    admins: [{ name: "ada", keys: [admin.public.trim()] }],
  });
  // Half a year ahead, whatever day it is.
  const month = `${((new Date().getUTCMonth() + 6) % 12) + 1}`.padStart(2, "0");
  const timers = { clean: { command: "python manage.py clearsessions", at: `*-${month}-01` } };
  stack.configure({ app: { ownerKeys: [owner.public.trim()], timers, hooks } });
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

test("a preview is one comment of a pull request, at a stand-in of GitHub, and an issue while anything would change", async (t) => {
  const event = join(stack.project, "event.json");
  writeFileSync(event, JSON.stringify({ pull_request: { number: 7 } }));
  const github = await standInForGitHub(t, event);
  // In GitHub's own log there would be a line more before and after.
  const env = { ...github.env, GITHUB_ACTIONS: "" };
  const preview = (...args: string[]) =>
    npmRunIn(env, undefined, stack, "preview", "--expect-no-changes", "--issue", "github", ...args).ended;

  const same = await preview();
  assert.deepEqual([same.code, same.stdout], [0, "no changes\n"], same.stderr);
  assert.deepEqual([github.comments, github.issues], [[], []]);

  stack.configure({ site: { maxBody: 7 } });
  const changed = await preview("--post", "github");
  assert.equal(changed.code, 3, changed.stdout + changed.stderr);
  assert.match(changed.stdout, /^nginx reloads, 1 line\n/);
  const diff = /^- {4}client_max_body_size 25m;\n\+ {4}client_max_body_size 7m;$/m;
  assert.match(github.comments[0]?.body ?? "", diff);
  assert.match(github.issues[0]?.body ?? "", diff);
  stack.configure({ site: { maxBody: undefined } });

  // A stack that this checkout has not made is looked for where the environment says.
  const team = { PULUMI_BACKEND_URL: `file://${stack.project}`, PULUMI_CONFIG_PASSPHRASE: "the team's" };
  const theirs = await npmRunIn(team, undefined, { ...stack, name: "theirs" }, "preview").ended;
  assert.equal(theirs.code, 1);
  assert.match(theirs.stdout, /no stack named 'theirs' found/);
});

test("a URL gets the record of a release by POST, once, and only root can read that URL", async () => {
  const record = JSON.parse(await stack.on("tail -n 1 /var/lib/berth/app-logbook/releases.jsonl"));
  await until("it has arrived", () => records.length > 0);
  assert.equal(records.length, 1);
  assert.match(records[0] ?? "", /^\{.*\}\n$/);
  const site = `https://${await stack.address()}`;
  assert.deepEqual(JSON.parse(records[0] ?? ""), {
    ...{ event: "released", application: "logbook", stack: stack.name, site },
    ...record,
  });
  await until("it is done", async () => (await hookState()) === "done");
  assert.equal(await stack.on("stat -c '%U:%G %a' /etc/berth/logbook/hooks"), "root:root 600");
  // The next release, in the test that follows.
  const attacks = [
    "id -un",
    "head -n 1",
    'echo "$BERTH_RELEASE $SENTRY_RELEASE"',
    "cat /etc/berth/logbook/hooks",
    "ls /var/lib/berth/app-logbook/hooks",
    "sudo -n id -u",
    "echo '{}' >/dev/stdin",
  ].join("; ");
  const released = `{ ${attacks}; } >"$DATA_ROOT/told" 2>&1; exec sleep infinity`;
  stack.configure({ app: { hooks: { released } } });
});

/** How the last hook went. */
const hookState = async () =>
  JSON.parse(await stack.on("/usr/local/lib/berth/logbook/berth-release status")).hooks[0]?.state;

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

test("a command gets the record as the application, and delays nothing while it hangs; one that fails is a warning", async () => {
  const release = `${(await stack.outputs()).release}`;
  const unit = "berth-logbook-hook-*-run.service";
  const running = `systemctl list-units --no-legend --plain '${unit}' | cut -d' ' -f1`;
  const told = "cat /srv/logbook/data/told 2>/dev/null || true";
  await until("it has come to its end", async () => /stdin/.test(await stack.on(told)));
  const [account, line, variables, ...refused] = (await stack.on(told)).split("\n");
  assert.equal(account, "logbook");
  const { event, to, result } = JSON.parse(line ?? "");
  assert.deepEqual([event, to, result], ["released", release, "release"]);
  assert.equal(variables, `${release} ${release}`);
  assert.match(refused[0] ?? "", /\/etc\/berth\/logbook\/hooks: Permission denied$/);
  assert.match(refused[1] ?? "", /app-logbook\/hooks': Permission denied$/);
  assert.match(refused.slice(2, -1).join(" "), /sudo: /, "it has no way to root");
  assert.match(refused.at(-1) ?? "", /\/dev\/stdin: Permission denied$/);
  assert.ok(!refused.includes("0"));

  // The release that was made with it is long live.
  assert.equal(await hookState(), "waiting");
  assert.match(await stack.on(running), /^berth-logbook-hook-\d+-run\.service$/);
  await stack.on(`systemctl kill --signal=KILL "$(${running})"`);
  await until("it has ended", async () => (await hookState()) === "failed");
  const { code, stdout, report } = await statusOf();
  assert.equal(code, 0, stdout);
  const found = report.findings.find((one) => one.code === "hook-failed");
  assert.match(
    found?.what ?? "",
    new RegExp(`^app\\.hooks\\.released was not told of release ${release}: it ended`),
  );
  const log = await npmRun(stack, "logs", "hooks", "--no-follow").ended;
  assert.match(log.stdout, new RegExp(`has not been told of ${release}: it ended`), log.stderr);
  // What is known of a hook that is no more is not told, from the next deployment on.
  stack.configure({ app: { hooks } });
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

test("pages of one's own are shown where nginx answers, Berth's again without them, and the log is JSON by choice", async () => {
  const page = (title: string) => `<!doctype html><title>${title}</title>\n`;
  const pages = { away: "away.html", maintenance: "closed.html", notFound: "lost.html" };
  for (const [name, file] of Object.entries(pages)) edit(stack, file, () => page(`our own: ${name}`));
  stack.configure({ site: { pages, log: "json" } });
  await stack.succeed();
  const shown = async (path: string) => {
    const { status, text, headers } = await stack.fetch(path);
    return [status, /<title>(.*)<\/title>/.exec(text)?.[1], headers["x-content-type-options"]];
  };
  const lost = "/static/there-is-none.css";
  assert.deepEqual(await shown(lost), [404, "our own: notFound", "nosniff"]);
  assert.deepEqual(await shown("/static/.git/config"), [404, "our own: notFound", "nosniff"]);
  await stack.on("mkdir -p /etc/berth/logbook && : >/etc/berth/logbook/maintenance");
  assert.deepEqual(await shown("/"), [503, "our own: maintenance", "nosniff"]);
  await stack.on("rm /etc/berth/logbook/maintenance");
  const unit = (await liveUnit()).replace(".service", "");
  await stack.on(`systemctl stop ${unit}.socket ${unit}.service`);
  assert.deepEqual(await shown("/?a=%22%5C"), [502, "our own: away", "nosniff"]);
  await stack.on(`systemctl start ${unit}.socket ${unit}.service`);
  await until("the site answers", async () => (await stack.fetch("/health")).status === 200);
  const lines = (await stack.on("tail -n 20 /var/log/nginx/logbook.access.log")).trim().split("\n");
  const told = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const away = told.find(({ uri }) => uri === "/?a=%22%5C");
  assert.deepEqual(
    [away?.status, away?.method, typeof away?.seconds],
    [502, "GET", "number"],
    lines.join("\n"),
  );

  edit(stack, "away.html", () => "x".repeat(40_000));
  const refused = await stack.up();
  assert.match(
    refused.stdout + refused.stderr,
    /berth:site\.pages\.away: expected an HTML file of at most 32768 bytes; it has 40000/,
  );
  stack.configure({ site: { pages: undefined, log: undefined } });
  await stack.succeed();
  assert.equal((await stack.fetch(lost)).status, 404);
  assert.equal(await stack.on("ls -d /usr/local/share/berth/logbook/own 2>/dev/null || true"), "");
});

test("without following, the last lines of each part are shown, and a wrong word is answered by what there is", async () => {
  assert.match(
    (await npmRun(stack, "logs", "worker", "-n", "200", "--no-follow").ended).stdout,
    /celery@|ready\./,
  );
  const shown = async (part: string, lines = 3) => {
    const { code, stdout } = await npmRun(stack, "logs", part, "-n", `${lines}`, "--no-follow").ended;
    assert.equal(code, 0, part);
    return stdout;
  };
  await stack.on(
    `runuser -u postgres -- psql -Xq -c "DO \\$\\$ BEGIN RAISE LOG 'a word from Postgres'; END \\$\\$"`,
  );
  // It may have written of a checkpoint since.
  assert.match(await shown("postgres", 50), /a word from Postgres/);
  assert.match(await shown("redis"), /Ready to accept connections|redis-server/);
  assert.equal((await shown("system")).trimEnd().split("\n").length, 3);
  const wrong = await npmRun(stack, "logs", "ngnix", "--no-follow").ended;
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.stderr,
    /berth: expected one of beat, clean, web, worker, hooks, nginx, notices, postgres, redis, system; found ngnix/,
  );
  const late = await npmRun(stack, "logs", "worker", "-n", "1", "--host", "web", "--no-follow").ended;
  assert.equal(late.code, 0, late.stderr);
  const elsewhere = await npmRun(stack, "logs", "worker", "--host", "webb").ended;
  assert.match(elsewhere.stderr, /has no host 'webb'\. Did you mean 'web'\? There is: web\./);
});

test("a command runs in the live release as the application: its words, input and status are its own", async () => {
  const says =
    "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ['DJANGO_SETTINGS_MODULE'], sys.stdin.read())";
  const words = ["$HOME", "a b", "it's", "%h", "--by"];
  const told = await npmRunWith("typed", stack, "exec", "python", "-c", says, ...words).ended;
  assert.equal(told.code, 0, told.stderr);
  const release = await stack.on("readlink -f /srv/logbook/config/web/current/release");
  assert.equal(
    told.stdout.trimEnd(),
    `['$HOME', 'a b', "it's", '%h', '--by'] ${release} logbook.settings typed`,
  );
  const ended = await npmRun(stack, "exec", "--", "sh", "-c", "id -un; exit 7").ended;
  assert.deepEqual([ended.code, ended.stdout], [7, "logbook\n"], ended.stderr);
  assert.equal((await npmRun(stack, "exec", "no-such-program").ended).code, 127);
  assert.match(
    await stack.on("journalctl --sync; journalctl -t logbook-run -o cat --no-pager"),
    /^\w+ at \S+, as \w+: python -c /m,
  );
});

test("the console is Django's and the database's shell is psql, with the rights of the application", async () => {
  const console = await npmRunWith(
    "from django.contrib.auth.models import Group; Group.objects.create(name='editors')\n",
    stack,
    "console",
  ).ended;
  assert.equal(console.code, 0, console.stderr);
  const shell = await npmRunWith(
    "SELECT name FROM auth_group;\nSELECT rolsuper FROM pg_roles WHERE rolname = current_user;\n",
    stack,
    "dbshell",
  ).ended;
  assert.equal(shell.code, 0, shell.stderr);
  assert.match(shell.stdout, /editors/);
  assert.match(shell.stdout, /^ f$/m);
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
    "restart redis-server@cache",
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
    await stack.on("journalctl --sync; journalctl -o cat -u logbook-clean.service"),
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
  assert.deepEqual((await stack.succeed()).changes, {
    "system-accounts": "update",
    "system-ssh": "update",
  });
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

/** What 'npm run status' says: its lines and its status, and the same for programs. */
async function statusOf() {
  const shown = await askStatus(stack);
  const told = await askStatus(stack, "--json");
  assert.equal(told.code, shown.code, `${shown.stdout}${told.stdout}`);
  return { ...shown, report: JSON.parse(told.stdout) as Report };
}
const processOf = ({ hosts }: Report, name: string) =>
  hosts[0]?.facts?.application?.processes.filter(({ process }) => process === name);

test("status says that all is well, by its words and its exit status, and what runs; for programs as well", async () => {
  const { code, stdout, report } = await statusOf();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^all is well/);
  const live = `${(await stack.outputs()).release}`;
  const address = await stack.address();
  for (const line of [
    `site {11}https://${address}/health answers 200 in \\d+ ms`,
    `web {12}${address}, Debian 13\\.\\d+, up .+`,
    `  release {6}${live}, live for .+, by berth from .+`,
    "  processes {4}web +running for .+",
    " {15}worker +running for .+",
    "  timers {7}clean  next in \\d+ days, not due yet",
    " {15}PostgreSQL +running for .+ of 100 connections, .+ MiB",
    " {15}Redis +running for .+ of 128 MiB, \\d+ of \\d+ connections",
    " {15}Redis cache +running for .+ of 64 MiB, \\d+ of \\d+ connections",
    "  certificate  self-signed, valid until .+ \\(36[45] days left\\)",
    "  maintenance  off",
    "  backups {6}none; see docs/backups.md",
    "  messages {5}to ops, looked .+ ago",
    "  belongs to   the stack '.+' of berth as its host 'web', since .+",
  ])
    assert.match(stdout, new RegExp(`^${line}$`, "m"));

  assert.deepEqual([report.version, report.stack, report.status], [1, stack.name, 0]);
  const [host] = report.hosts;
  assert.deepEqual(host?.facts?.unknown, {});
  assert.equal(host?.facts?.application?.release?.id, live);
  assert.equal(processOf(report, "worker")?.[0]?.state, "active");
  assert.equal(report.site?.fingerprint, host?.facts?.certificate?.fingerprint);
});

/** The timer looks every minute; this is a look that begins now. To start one that is under way is to wait for its end. */
const lookForNotices = () =>
  stack.on(
    `until [ "$(systemctl show -P ActiveState berth-notices)" != activating ]; do sleep 0.2; done
     systemctl start berth-notices`,
    { timeout: 180_000 },
  );

test("status names what is stopped, failed, restarting, full or shut, ends with 1, and shows no secret of a log", async () => {
  const worker = `logbook-worker@${await stack.on("readlink /srv/logbook/config/web/current")}`;
  const url = `${(await stack.outputs()).databaseUrl}`;
  const queue = (words: string) =>
    `(. /srv/logbook/config/env; key=\${REDIS_URL#*//:}; REDISCLI_AUTH=\${key%%@*} redis-cli --no-auth-warning ${words})`;
  await stack.on(`systemctl stop ${worker}
    ${queue(`SADD _kombu.binding.celery "$(printf 'celery\\006\\026\\006\\026celery')"`)}
    ${queue("RPUSH celery waiting")}
    systemd-run --quiet --unit=nightly --property=Type=oneshot sh -c \
      '. /srv/logbook/config/env; echo "no answer from $DATABASE_URL"; exit 3' || true
    systemd-run --quiet --unit=restless --property=Restart=always --property=StartLimitIntervalSec=0 false
    mv /var/lib/berth/claim /var/lib/berth/claim.away
    fallocate -l $(($(df -B1 --output=avail / | tail -n 1) * 97 / 100)) /var/tmp/fill`);
  assert.equal((await npmRun(stack, "maintenance", "on").ended).code, 0);
  await until(
    "it is restarted again and again",
    async () => Number(await stack.on("systemctl show restless -P NRestarts")) > 3,
  );

  const { code, stdout, report } = await statusOf();
  assert.equal(code, 1, stdout);
  const findings = [
    ["claim", /^the machine does not know that it is this stack's: \/var\/lib\/berth\/claim is gone$/],
    ["maintenance", /^visitors see the maintenance page, not the site, for /],
    ["unit", /^worker is stopped$/],
    ["unit", /^nightly\.service is down after a failure \(exit-code\)$/],
    ["unit-loop", /^restless\.service is restarting in a loop: \d+ times so far$/],
    ["disk-full", /^the disk \/ is 9\d % full, /],
  ] as const;
  assert.match(stdout, new RegExp(`^${findings.length} things need attention`));
  for (const [code, what] of findings) {
    const found = report.findings.find((one) => one.code === code && what.test(one.what));
    assert.equal(found?.kind, "fault", `${code} ${what}: ${JSON.stringify(report.findings)}`);
    // A number may have grown meanwhile.
    assert.match(stdout, new RegExp(`^  fault    ${what.source.replaceAll(/^\^|\$$/g, "")}`, "m"));
  }
  assert.match(stdout, /^ {11}log: no answer from \[DATABASE_URL\]$/m);
  assert.match(stdout, /^ {11}npm run maintenance -- -s \S+ off$/m);
  for (const secret of [url, new URL(url).password]) assert.ok(!JSON.stringify(report).includes(secret));
  assert.equal(processOf(report, "worker")?.[0]?.state, "inactive");

  await lookForNotices();
  for (const [, what] of findings.slice(1))
    assert.match(said(), new RegExp(`^fault: ${what.source.replaceAll(/^\^|\$$/g, "")}`, "m"));
  assert.match(said(), /^ {2}log: no answer from \[DATABASE_URL\]$/m);
  assert.match(said(), /^ {2}npm run maintenance -- -s \S+ off$/m);
  for (const secret of [url, new URL(url).password]) assert.ok(!said().includes(secret));

  // Half an hour later, as far as the host remembers.
  const later = `import json; path = "/var/lib/berth/notices.json"; memory = json.load(open(path))
task = memory["queues"]["Celery celery"]; print(task[0]); task[1] -= 1800; json.dump(memory, open(path, "w"))`;
  const next = await stack.on(`flock /run/berth-notices.lock python3 -c '${later}'`);
  assert.equal(next, createHash("sha256").update("waiting").digest("hex"));
  await lookForNotices();
  assert.match(said(), /^warning: the next task in Celery's queue celery has waited for 3\d min/m);

  await stack.on(
    `${queue("DEL celery _kombu.binding.celery")}
    mv /var/lib/berth/claim.away /var/lib/berth/claim; rm /var/tmp/fill; systemctl stop restless
    systemctl reset-failed; systemctl start ${worker}`,
  );
  assert.equal((await npmRun(stack, "maintenance", "off").ended).code, 0);
  await until("all is well again", async () => (await npmRun(stack, "status").ended).code === 0);
  await lookForNotices();
  for (const over of [
    "worker is stopped",
    "the next task in Celery's queue",
    "visitors see the maintenance page",
  ])
    assert.match(said(), new RegExp(`^over after .+: ${over}`, "m"));
});

test("a target is greeted, tried by command, and no address of one is in a log or a command line", async () => {
  const [first] = messages;
  assert.equal(first?.title, `logbook (${stack.name}, web): watched`);
  const tried = await npmRun(stack, "notify").ended;
  assert.match(tried.stdout, /: ops: the message has arrived\n$/, tried.stderr);
  // The timer's look may have sent one of its own meanwhile.
  const titles = messages.map(({ title }) => title);
  assert.ok(titles.includes(`logbook (${stack.name}, web): a test`), titles.join("\n"));
  answer = 403;
  const refused = await npmRun(stack, "notify").ended;
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /: ops: it answered 403\n$/);
  answer = 200;
  const logs = await stack.on("journalctl --no-pager -o export; cat /var/log/berth/* 2>/dev/null || true");
  assert.ok(!logs.includes(token));
  const sending = "systemd-run --quiet --pipe --wait -p DynamicUser=yes cat /etc/berth/notices/targets.json";
  assert.notEqual((await stack.ssh(sending)).code, 0, "only root reads the addresses");
});

test("a login of an administrator is told once, and neither the engine's own nor one that somebody else has made up", async () => {
  // What was before is not told; from here on it is.
  await lookForNotices();
  const made = "Accepted publickey for ada from 192.0.2.66 port 22 ssh2: ED25519 SHA256:none";
  await stack.on(`install -m 0755 /usr/bin/logger /var/tmp/sshd-session
    runuser -u logbook -- /var/tmp/sshd-session -t sshd-session '${made}'
    runuser -u logbook -- logger -t sshd '${made}'
    rm /var/tmp/sshd-session`);
  for (const round of [1, 2]) {
    const { code, stdout } = await stack.ssh(`echo ${round}`, {
      user: "ada",
      key: admin.private,
      asRoot: false,
    });
    assert.deepEqual([code, stdout.trim()], [0, `${round}`]);
  }
  await stack.on("journalctl --sync");
  await lookForNotices();
  const logins = messages.filter(({ title }) => / logged in$/.test(title));
  assert.deepEqual(
    logins.map(({ title }) => title),
    [`logbook (${stack.name}, web): ada has logged in`],
  );
  const from =
    /^20\S+ \S+ UTC: ada has logged in by SSH from 10\.219\.83\.1 \(publickey, ED25519 SHA256:\S+\)$/m;
  assert.match(logins[0]?.message ?? "", from);
  assert.doesNotMatch(said(), /192\.0\.2\.66/);
});

test("an address of no kind that Apprise knows is refused by its key, and does not reach the screen", async () => {
  stack.configure({ notify: { targets: { ops: "nonsense://secret-part" } } });
  const refused = await stack.up();
  assert.match(
    refused.stdout + refused.stderr,
    /notify\.targets\.ops: Apprise does not know such an address\./,
  );
  assert.ok(!`${refused.stdout}${refused.stderr}`.includes("secret-part"));
  stack.configure({ notify: undefined });
  await stack.succeed();
  const left =
    "ls -d /etc/berth/notices /usr/local/lib/berth/notices /var/lib/berth/notices.json 2>/dev/null; systemctl list-units --all --no-legend 'berth-notices*'";
  assert.equal(await stack.on(`${left} || true`), "");
});

test("at the time that the stack names, a host that needs it reboots behind the maintenance page", async () => {
  stack.configure({ host: { rebootAt: "Sun 25:00" } });
  const refused = await stack.up();
  assert.match(
    refused.stdout + refused.stderr,
    /host\.rebootAt: expected a calendar event of systemd\.time\(7\), such as 'Sun 04:00', found 'Sun 25:00'/,
  );
  stack.configure({ host: { rebootAt: "Sun 04:00" } });
  await stack.succeed();
  const next = "systemctl show berth-reboot.timer --property=NextElapseUSecRealtime --value";
  assert.match(await stack.on(next), /^Sun .* 04:00:00 UTC$/);
  const memory = "/var/lib/berth/reboot.json";

  // Nothing needs it.
  await stack.on("systemctl start berth-reboot.service");
  assert.equal(await stack.on(`ls ${memory} 2>/dev/null || true`), "");

  // As if the deployment had ended some minutes ago.
  await stack.on(
    "touch -d '-5 min' /run/berth.lock; touch /run/reboot-required; echo linux-image-amd64 >/run/reboot-required.pkgs",
  );
  const answers = new Set<string>();
  const visit = async () => {
    const answer = await stack.fetch("/").catch(() => undefined);
    if (answer) answers.add(`${answer.status} ${answer.headers["retry-after"]}`);
    return answer?.status;
  };
  const before = leaderOf(stack.machine);
  stack.inside("systemctl start --no-block berth-reboot.service");
  await until("the next boot", async () => {
    await visit();
    return ![0, before].includes(leaderOf(stack.machine));
  });
  await until("the site", async () => (await visit()) === 200);
  assert.ok(answers.has("503 300"), `what visitors saw: ${[...answers]}`);
  // The page goes before it says so.
  const said = () => stack.inside("journalctl -b -u berth-rebooted -o cat").stdout;
  await until(
    "the end of it",
    () => /^rebooted for linux-image-amd64; \d+ s after it began all is healthy$/m.test(said()),
    said,
  );
  assert.notEqual(stack.inside(`test -e ${memory}`).code, 0);
  assert.equal(stack.inside("systemctl list-units --failed --plain --no-legend").stdout, "");
});

test("a host that cannot be asked is one line with the reason, beside what answers, and status 3", async () => {
  assert.equal(stack.inside("systemctl stop ssh.socket ssh.service").code, 0);
  const { code, stdout, report } = await statusOf();
  assert.equal(stack.inside("systemctl start ssh.service").code, 0);
  assert.equal(code, 3, stdout);
  const address = await stack.address();
  assert.equal(
    stdout.replace(/in \d+ ms/, "in no time"),
    `1 thing needs attention:
  fault    the host at ${address} could not be asked: port 22: Connection refused

site           https://${address}/health answers 200 in no time

web            ${address}: could not be asked: port 22: Connection refused
`,
  );
  assert.equal(report.hosts[0]?.facts, null);
});
