// The ferries, deployed from nothing to a server of which its manual's authors have prepared one thing, the volume for media.
// What that manual asks for is asserted on the host; examples/manuals/celery-and-front-end/README.md goes through it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { bareMachine, described } from "../faults/faults.ts";
import { keyPair } from "../keys.ts";
import { until } from "../until.ts";
import { authorityOn } from "./authority.ts";
import { git, gitServer, letIn, push, repository } from "./git-server.ts";
import { cyclesAtBoot, edit, type Run, reboot, withPackages, withStack } from "./harness.ts";

const example = "examples/manuals/celery-and-front-end";
const domain = "ferries.test";
const stack = await withStack({ after }, { app: example });
const machine = bareMachine({ after }, withPackages);
const deployer = keyPair("deployer");
let trusted = "";

const said = (run: Run) => run.stdout + run.stderr;
const asDeployer = (command: string) =>
  stack.ssh(command, { user: "deployer", key: deployer.private, asRoot: false });
const configured = () => parse(readFileSync(stack.file, "utf8")).config;
const pidOf = (unit: string) => stack.on(`systemctl show 'ferries-${unit}@*.service' -P MainPID`);

/** Asks the site by its name, as a visitor who trusts the authority alone; and who has signed its certificate. */
const visit = (path: string) =>
  new Promise<{ status: number; text: string; issuer: string }>((resolve, reject) => {
    const how = { hostname: machine.address, servername: domain, ca: trusted, agent: false, timeout: 20_000 };
    const request = https.get({ ...how, path, headers: { host: domain } }, (response) => {
      const issuer = (response.socket as TLSSocket).getPeerX509Certificate()?.issuer ?? "";
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response
        .on("error", reject)
        .on("end", () => resolve({ status: response.statusCode ?? 0, text, issuer }));
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 20 s"))).on("error", reject);
  });

interface Told {
  readonly release: string;
  readonly ferries: readonly { readonly name: string; readonly logo: string | null }[];
}
const told = async (): Promise<Told> => JSON.parse((await visit("/api/ferries/")).text);
const logoOf = async (name: string) => (await told()).ferries.find((one) => one.name === name)?.logo ?? "";
const script = async () => (await visit("/static/main.js")).text;

before(async () => {
  // As its administrators would have done: a disk of its own, which the machine mounts at every boot.
  machine.inside(`mkdir -p /var/disk/lost+found /ferries_media; chmod 0700 /var/disk/lost+found
    echo '/var/disk /ferries_media none bind,nosuid,nodev 0 0' >>/etc/fstab
    systemctl daemon-reload; systemctl start ferries_media.mount`);
  const sections = Object.entries(
    parse(readFileSync(join(root, example, "Pulumi.ferries.yaml"), "utf8")).config,
  );
  const { app, ...others } = Object.fromEntries(
    sections.map(([key, value]) => [key.replace("berth:", ""), value as Record<string, unknown>]),
  );
  const [file = "", { from } = { from: "" }] =
    Object.entries(app?.files as Record<string, { from: string }>)[0] ?? [];
  stack.configure({
    ...others,
    host: { ...described(stack, machine), openPorts: [] },
    app: {
      ...app,
      ownerKeys: [deployer.public],
      source: { directory: "app" },
      files: { [file]: { from: from.replace(example, "app") } },
    },
  });
  const authority = authorityOn(stack);
  await authority.install();
  await authority.startNames(false);
  await authority.name(domain, machine.address);
  await authority.start(90 * 86_400);
  trusted = await authority.root();
  stack.configure({ site: { domain, tls: { acme: { ...authority.acme, checkDns: false } } } });
  await stack.succeed();
});

test("the page that the host has built is served with a certificate that certbot has got, and no preview wants a change", async () => {
  const page = await visit("/");
  assert.equal(page.status, 200, page.text);
  assert.match(page.issuer, /Pebble/);
  assert.match(await script(), /\/api\/ferries\//);
  assert.equal((await visit("/static/main.css")).status, 200);
  assert.match(await stack.on("certbot certificates 2>/dev/null"), new RegExp(`Domains: ${domain}`));
  assert.match(await stack.on("ls /etc/letsencrypt/live"), /^berth-ferries$/m);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("releases lie below /var/www, are deployer's, and have no settings_local.py of their own", async () => {
  const { release } = await told();
  const releases = "/var/www/releases";
  assert.equal(await stack.on("readlink -f /var/www/current"), `${releases}/${release}`);
  assert.equal(await stack.on(`find ${releases}/${release} ! -user deployer | head`), "");
  const settings = `${releases}/${release}/backend/backend_site/settings_local.py`;
  const place = "/var/www/config/files/backend/backend_site/settings_local.py";
  assert.equal(
    await stack.on(`readlink ${settings}; stat -c '%U:%G %a' ${place}`),
    `${place}\nroot:ferries 640`,
  );
  assert.notEqual((await asDeployer(`cat ${place}`)).code, 0, "no build reads the passwords");
  assert.equal((await stack.ssh(`runuser -u ferries -- test -w ${releases}/${release}`)).code, 1);
  const owns = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()";
  assert.equal(await stack.on(`runuser -u postgres -- psql -XAtq ferries -c "${owns}"`), "ferries_user");
});

test("deployer may start, stop, restart, reload and look at the services of the manual, and nothing else as root", async () => {
  const units = ["nginx", "redis-server", "'ferries-web@*'", "'ferries-celery@*'", "'ferries-celery_beat@*'"];
  const allowed = units.flatMap((unit) =>
    ["restart", "start", "stop", "status", "reload"].map((verb) => `/usr/bin/systemctl ${verb} ${unit}`),
  );
  const refused = [
    "/usr/bin/chown -R deployer:deployer /var/www/releases/",
    "/usr/bin/systemctl restart postgresql",
    "/usr/bin/systemctl restart ssh",
    "/usr/bin/systemctl enable nginx",
    "/usr/bin/systemctl daemon-reload",
    "/usr/bin/cat /etc/shadow",
  ];
  const ask = [...allowed, ...refused]
    .map((line) => `sudo -n -l ${line} >/dev/null 2>&1; echo $?`)
    .join("\n");
  const { stdout } = await asDeployer(ask);
  assert.deepEqual(stdout.trim().split("\n"), [...allowed.map(() => "0"), ...refused.map(() => "1")]);
  assert.equal((await asDeployer("sudo -n -l")).stdout.match(/NOPASSWD/g)?.length, 1, "one rule");
  const worker = await pidOf("celery");
  assert.equal((await asDeployer("sudo -n systemctl restart 'ferries-celery@*'")).code, 0);
  assert.notEqual(await pidOf("celery"), worker);
});

test("the worker keeps logos on the volume, beat finds those that nobody has asked for, and visitors see them", async () => {
  await stack.on("ferries-manage add_ferry Elbe && ferries-manage add_ferry Weser --later");
  for (const name of ["Elbe", "Weser"]) {
    await until(`the logo of ${name}`, async () => (await logoOf(name)) !== "");
    const logo = await visit(await logoOf(name));
    assert.match(logo.text, new RegExp(`<title>${name}</title>`));
  }
  assert.equal(await stack.on("ls /var/disk"), "logos\nlost+found");
  assert.equal(await stack.on("stat -c '%U:%G %a' /ferries_media"), "ferries:www-data 2750");
  assert.equal(await stack.on("ls -d /var/www/media 2>/dev/null || true"), "");
  assert.equal((await stack.outputs()).media, "/ferries_media");
});

test("while the volume is away the application stands still, an up refuses it by its name, and the next boot finds all again", async () => {
  await stack.on("systemctl stop ferries_media.mount");
  const states = () =>
    stack.on("systemctl show -P ActiveState 'ferries-web@*.service' 'ferries-celery@*.service'");
  await until("the application to stand still", async () => !/^(de)?activ/m.test(await states()));
  assert.equal((await visit("/health")).status, 502);
  // Any other change of the step.
  stack.configure({
    app: { ...configured()["berth:app"], timers: { clean: { command: "true", at: "daily" } } },
  });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /\/ferries_media, where uploads are to lie, is not mounted.*systemctl start ferries_media\.mount.*systemctl restart ferries-web-start/,
  );
  assert.equal(await stack.on(cyclesAtBoot), "");
  await reboot(machine.name);
  await until("the site", async () => (await visit("/health").catch(() => undefined))?.status === 200);
  assert.match((await visit(await logoOf("Elbe"))).text, /Elbe/);
});

test("its logs are rotated as its manual has it", async () => {
  const lines = (await stack.on("cat /etc/logrotate.d/ferries")).split("\n").map((line) => line.trim());
  const wanted = [
    "rotate 5",
    "weekly",
    "minsize 5k",
    "maxsize 100k",
    "missingok",
    "notifempty",
    "copytruncate",
    "compress",
  ];
  assert.deepEqual(
    lines.toSorted(),
    ["/var/www/logs/*.log {", "su ferries ferries", ...wanted, "}"].toSorted(),
  );
  const log = "/var/www/logs/ferries.log";
  assert.match(await stack.on(`cat ${log}`), /the logo of Elbe was kept by release/, "the worker's");
  assert.match(await stack.on(`cat ${log}`), /the ferries were asked for/, "the web server's");
  const inode = await stack.on(`stat -c %i ${log}`);
  await stack.on(`head -c 200000 /dev/zero | tr '\\0' x >>${log}; logrotate /etc/logrotate.d/ferries`);
  await visit("/api/ferries/");
  assert.equal(await stack.on(`stat -c %i ${log}; ls ${log}.1.gz`), `${inode}\n${log}.1.gz`);
  assert.match(await stack.on(`cat ${log}`), /^\S+ \S+ INFO the ferries were asked for$/);
});

test("a branch is released with its front end, and Celery stays on its release where the stack says so", async () => {
  const url = await gitServer(stack);
  git(stack, "switch", "-q", "-c", "summer");
  const page = join(repository(stack), "frontend/src/index.html");
  execFileSync("sed", ["-i", "s/The ferries/The summer ferries/", page]);
  await push(stack, "summer");
  const app = configured()["berth:app"];
  const processes = Object.fromEntries(
    Object.entries(app.processes).map(([name, one]) => [name, { ...(one as object), onRelease: "keep" }]),
  );
  const source = { git: url, ref: "summer", hostKey: machine.hostKey };
  stack.configure({ app: { ...app, source, processes } });
  const key = /Enter this deploy key[^\n]*\n\s*(ssh-ed25519 \S+)/.exec(said(await stack.up()))?.[1];
  await letIn(stack, key ?? "none");
  const [before, worker, beat] = [(await told()).release, await pidOf("celery"), await pidOf("celery_beat")];
  await stack.succeed();
  const { release } = await told();
  assert.ok(release.startsWith(git(stack, "rev-parse", "summer").toString().slice(0, 10)), release);
  assert.match((await visit("/")).text, /The summer ferries/);
  assert.deepEqual([await pidOf("celery"), await pidOf("celery_beat")], [worker, beat]);
  await stack.on("ferries-manage add_ferry Oder");
  await until("the old worker's logo", async () => (await logoOf("Oder")) !== "");
  const log = await stack.on("grep 'the logo of Oder' /var/www/logs/ferries.log");
  assert.match(log, new RegExp(`by release ${before}$`));
});

test("a front end that was built on this computer is shipped as it is, and Celery moves to the new release again", async () => {
  const npm = (...words: string[]) =>
    execFileSync("npm", [
      "--prefix",
      join(stack.project, "app/frontend"),
      "--no-audit",
      "--no-fund",
      ...words,
    ]);
  edit(stack, "app/frontend/src/ferry.js", (text) => text.replace('alt: ""', 'alt: "built here"'));
  npm("ci");
  npm("run", "build");
  edit(stack, "app/frontend/src/ferry.js", (text) => text.replace("built here", "built there"));
  const { processes, build, ...app } = configured()["berth:app"];
  const restarted = Object.fromEntries(
    Object.entries(processes).map(([name, one]) => [name, { ...(one as object), onRelease: "restart" }]),
  );
  const own = { source: { directory: "app" }, build: { ...build, frontEnd: false }, processes: restarted };
  stack.configure({ app: { ...app, ...own } });
  const run = await stack.succeed();
  assert.doesNotMatch(said(run), /npm ci/);
  assert.match(await script(), /built here/);
  assert.equal(await stack.on("ls -d /var/www/current/frontend/node_modules 2>/dev/null || true"), "");
  const { release } = await told();
  await until("Celery on the new release", async () => {
    const units = await stack.on("systemctl list-units --plain --no-legend --state=active 'ferries-celery*'");
    return [...units.matchAll(/@(\w+-\w+)\./g)].every(([, one]) => one === release) && /_beat@/.test(units);
  });
});
