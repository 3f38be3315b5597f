// The web portal, deployed from nothing out of a private git server of the team's own. What its manual asks for is asserted
// on the host; examples/manuals/flask-and-mongodb/README.md goes through it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { bareMachine } from "../faults/faults.ts";
import { type KeyPair, keyPair } from "../keys.ts";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import { git, repository } from "./git-server.ts";
import { type Run, reboot, withPackages, withStack } from "./harness.ts";

const example = "examples/manuals/flask-and-mongodb";
const home = "/srv/cc-backend";
const stack = await withStack({ after }, { app: example });
const server = bareMachine({ after }, withPackages);
const url = `git@${server.address}:Web/backend.git`;
const [ada, grace, developer] = [keyPair("ada"), keyPair("grace"), keyPair("developer")];

const said = (run: Run) => run.stdout + run.stderr;
const isWell = async () => (await stack.fetch("/health").catch(() => undefined))?.status === 200;
const configured = () => parse(readFileSync(stack.file, "utf8")).config["berth:app"];
const unit = `"web-portal-web@$(readlink ${home}/config/web/current).service"`;
const processOf = () => stack.on(`systemctl show -P MainPID ${unit}`);

interface Told {
  readonly notices: readonly { readonly area: string; readonly text: string }[];
  readonly release: string;
}
const told = async (): Promise<Told> => JSON.parse((await stack.fetch("/notices")).text);
const post = (body: string) => stack.fetch("/notices", { method: "POST", body });
const notice = (area: string, text: string) => `<notice><area>${area}</area><text>${text}</text></notice>`;

/** As a developer does it, with a key of their own. */
function push(): void {
  const folder = dirname(repository(stack));
  writeFileSync(join(folder, "developer"), developer.private, { mode: 0o600 });
  writeFileSync(join(folder, "servers"), `${server.address} ${server.hostKey}\n`);
  const ssh = `ssh -F none -i ${folder}/developer -o IdentitiesOnly=yes -o UserKnownHostsFile=${folder}/servers`;
  git(stack, "add", "--all");
  git(stack, "commit", "-q", "-m", "A change");
  git(stack, "-c", `core.sshCommand=${ssh}`, "push", "-q", url, "master");
}

/** Who may do what on the git server: a developer writes, and a deploy key reads the one repository. */
const letIn = (...lines: string[]) =>
  server.inside(`cat >/home/git/.ssh/authorized_keys <<'END'
${[developer.public, ...lines].join("\n")}
END
chown git: /home/git/.ssh/authorized_keys`);

before(() => {
  server.inside(`useradd --create-home --shell /usr/bin/git-shell --password '*' git
    install -d -o git -g git -m 0700 /home/git/.ssh
    runuser -u git -- git init -q --bare -b master /home/git/Web/backend.git`);
  letIn();
  mkdirSync(repository(stack));
  git(stack, "init", "-q", "-b", "master");
  cpSync(join(stack.project, "app"), repository(stack), { recursive: true });
  push();

  const { config } = parse(readFileSync(join(root, example, "Pulumi.web-portal.yaml"), "utf8"));
  const { app, ...others } = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("berth:", ""), value as object]),
  ) as { app: { files: Record<string, { from: string }> } };
  const files = Object.entries(app.files).map(([file, { from }]) => [
    file,
    { from: from.replace(example, "app") },
  ]);
  stack.configure({
    ...others,
    admins: [
      { name: "ada", keys: [ada.public] },
      { name: "grace", keys: [grace.public] },
    ],
    app: {
      ...app,
      settings: undefined,
      processes: undefined,
      source: { git: url, ref: "master", hostKey: keyPair().public },
      files: Object.fromEntries(files),
    },
  });
});

test("the source comes by a deploy key from the git server with the host key that was given, and from no other", async () => {
  const another = await stack.up();
  assert.notEqual(another.code, 0);
  assert.match(said(another), /shows another host key than the one that is expected/);

  stack.configure({ app: { ...configured(), source: { git: url, ref: "master", hostKey: server.hostKey } } });
  const asked = await stack.up();
  const [, key = "none"] = /Enter this deploy key[^\n]*\n\s*(ssh-ed25519 \S+)/.exec(said(asked)) ?? [];
  letIn(`restrict,command="git-upload-pack 'Web/backend.git'" ${key}`);
  await stack.succeed();
  assert.ok((await told()).release.startsWith(git(stack, "rev-parse", "master").toString().slice(0, 10)));
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("nginx hands out static files, gunicorn answers at a socket alone, and what comes in as XML is in MongoDB", async () => {
  const style = await stack.fetch("/static/portal.css");
  assert.equal(style.text, readFileSync(join(root, example, "portal/static/portal.css"), "utf8"));
  assert.equal((await post(notice("Elbe", "Buoy 7 is out of place."))).status, 201);
  assert.equal((await post("<notice><area>Elbe</area>")).status, 400);
  assert.deepEqual((await told()).notices, [{ area: "Elbe", text: "Buoy 7 is out of place." }]);
  assert.match((await stack.fetch("/")).text, /<strong>Elbe<\/strong> Buoy 7 is out of place\./);

  assert.match(await stack.on("ss -Hlx src '/run/web-portal/*'"), /\/run\/web-portal\/web-\S+\.sock/);
  assert.doesNotMatch(await stack.on("ss -Hltnp"), /gunicorn|python/);
  assert.equal(await stack.on("ss -Hltn 'sport = :27017' | awk '{ print $4 }'"), "127.0.0.1:27017");
  const run = await npmRun(
    stack,
    "exec",
    "python",
    "-c",
    "from portal import notices; print(notices.count(), notices.collection.full_name)",
  ).ended;
  assert.equal(run.stdout.trim(), "1 web-portal.notices", run.stderr);
});

test("each administrator logs in by their own account, is root by sudo, and becomes cc-backend by su", async () => {
  const asks = (user: string, { private: key }: KeyPair, command = "whoami; sudo -n whoami; pwd") =>
    stack.ssh(command, { user, key, asRoot: false });
  assert.equal((await asks("ada", ada)).stdout, "ada\nroot\n/home/ada\n");
  assert.equal((await asks("grace", grace)).stdout, "grace\nroot\n/home/grace\n");
  // No more than these: sshd turns away for a while who fails often.
  assert.equal((await asks("grace", ada)).code, 255);
  assert.equal((await asks("cc-backend", ada)).code, 255);
  // As its README has it.
  const key = "/etc/berth/web-portal";
  const ssh = `ssh -F none -i ${key}/deploy-key -o UserKnownHostsFile=${key}/known_hosts`;
  const tried = `cd && pwd && GIT_SSH_COMMAND='${ssh}' git ls-remote ${url} master`;
  const { stdout, stderr } = await asks("ada", ada, `sudo -n su - cc-backend -c "${tried}"`);
  const commit = git(stack, "rev-parse", "master").toString().trim();
  assert.equal(stdout, `/home/cc-backend\n${commit}\trefs/heads/master\n`, stderr);
});

test("cc-backend owns all that is deployed and runs nothing; www-data owns no file that is served, and writes to none", async () => {
  const { release } = await told();
  const places = `${home}/releases/${release} ${home}/venvs/* ${home}/static/${release}`;
  assert.equal(await stack.on(`find ${places} ! -user cc-backend | head`), "");
  assert.match(await stack.on(`find ${places} -user cc-backend`), /\/portal\/static\/portal\.css$/m);
  assert.equal(await stack.on("pgrep -u cc-backend || true"), "");
  const workersOf = (service: string) =>
    stack.on(`ps -o user:32= --ppid "$(systemctl show -P MainPID ${service})" | sort -u`);
  assert.deepEqual([await workersOf(unit), await workersOf("nginx")], ["web-portal", "www-data"]);

  // Debian gives it nginx's logs and temporary files.
  const others = "! -path '/var/lib/nginx/*' ! -path '/var/log/nginx/*.log*'";
  assert.equal(await stack.on(`find / /run -xdev -user www-data ${others} | head`), "");
  for (const account of ["www-data", "web-portal"]) {
    const writes = `find -H ${places} ${home} -maxdepth 4 '(' -type f -o -type d ')' -writable`;
    const found = await stack.on(`cd /; runuser -u ${account} -- ${writes} 2>/dev/null || true`);
    const data = account === "www-data" ? [] : ["data", "logs", "media"].map((one) => `${home}/${one}`);
    assert.deepEqual(found.split("\n").filter(Boolean).sort(), data);
  }
});

test("flask-config.cfg has a new secret and no debug mode, and is root's, for the service to read alone", async () => {
  const place = `${home}/config/files/flask-config.cfg`;
  assert.equal(await stack.on(`readlink ${home}/current/flask-config.cfg`), place);
  assert.equal(await stack.on(`stat -c '%U:%G %a' ${place}`), "root:web-portal 640");
  for (const account of ["cc-backend", "www-data", "nobody"])
    assert.notEqual((await stack.ssh(`runuser -u ${account} -- cat ${place}`)).code, 0, account);
  const lines = (await stack.on(`cat ${place}`)).split("\n");
  assert.ok(lines.includes("DEBUG = False"));
  assert.ok(lines.includes(`MONGODB_URL = "${(await stack.outputs()).mongodbUrl}"`));
  assert.match(lines.find((line) => line.startsWith("SECRET_KEY")) ?? "", /^SECRET_KEY = "\w{64}"$/);
  assert.equal(
    await stack.on("web-portal-run python -W ignore -c 'from portal import app; print(app.debug)'"),
    "False",
  );
});

test("gunicorn is started again when it crashes and when the host boots, with its socket, and without a file of tmpfiles.d", async () => {
  const first = await processOf();
  await stack.on(`kill -KILL ${first}`);
  await until("gunicorn to be started again", async () => ![first, "0"].includes(await processOf()));
  await until("the portal", isWell);
  assert.equal(
    await stack.on("grep -rlE 'web-portal|gunicorn' /etc/tmpfiles.d /usr/lib/tmpfiles.d || true"),
    "",
  );
  await stack.on("touch /run/web-portal/of-this-boot");
  await reboot(stack.machine);
  await until("the portal", isWell);
  assert.equal(await stack.on("ls /run/web-portal/of-this-boot 2>/dev/null || true"), "");
  assert.equal(await stack.on("stat -L -c '%U:%G %a' /run/web-portal/web.sock"), "root:www-data 660");
  assert.equal((await told()).notices.length, 1);
});

test("what is pushed is the next release, and a new secret makes the cookies of before void", async () => {
  const cookie = `${(await stack.fetch("/")).headers["set-cookie"]}`.split(";")[0] ?? "";
  const page = async () => (await stack.fetch("/", { headers: { cookie } })).text;
  assert.match(await page(), /0 new since/);
  execFileSync("sed", [
    "-i",
    "s/Notices to mariners/Notices to all mariners/",
    join(repository(stack), "portal/templates/index.html"),
  ]);
  push();
  stack.configure({ app: { ...configured(), generate: [{ name: "FLASK_SECRET", generation: 2 }] } });
  await stack.succeed();
  assert.ok((await told()).release.startsWith(git(stack, "rev-parse", "master").toString().slice(0, 10)));
  assert.match(await page(), /Notices to all mariners/);
  assert.match(await page(), /1 new since/);
});
