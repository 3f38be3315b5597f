// The charts of staging, deployed from nothing, with a real S3 server and a server for mail next to the host. What their manual
// asks for is asserted there; examples/manuals/django-and-s3/README.md goes through it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { backUp } from "./backups.ts";
import { npmRun } from "./checkout.ts";
import { edit, type Run, withStack } from "./harness.ts";
import { startS3Beside } from "./s3-server.ts";
import { startSmtpBeside } from "./smtp-server.ts";

type Section = Readonly<Record<string, unknown>>;

const example = "examples/manuals/django-and-s3";
const domain = "staging.charts.example.org";
const home = "/srv/charts";
/** What a person may choose: nothing in it means anything on the way. */
const mailPassword = `it's "a" $HOME \\n 100% #secret`;

const s3 = await startS3Beside({ after });
const smtp = await startSmtpBeside({ after });
const stack = await withStack({ after }, { app: example });

const said = (run: Run) => run.stdout + run.stderr;
const sections = (name: string): Readonly<Record<string, Section>> =>
  Object.fromEntries(
    Object.entries(parse(readFileSync(join(root, example, `Pulumi.${name}.yaml`), "utf8")).config).map(
      ([key, value]) => [key.replace("berth:", ""), value as Section],
    ),
  );
const configured = () => parse(readFileSync(stack.file, "utf8")).config["berth:app"];
const uploads = await s3.uploads("charts-uploads");

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
const visit = (path: string, authorization?: string, more: Record<string, string> = {}, body?: string) =>
  stack.fetch(path, {
    headers: { host: domain, ...(authorization ? { authorization } : {}), ...more },
    ...(body === undefined ? {} : { method: "POST", body }),
  });
const asks = (answer: { status: number; headers: Record<string, unknown> }) => [
  answer.status,
  answer.headers["www-authenticate"],
];

/** What the application prints, with its settings. */
const inApplication = (program: string) =>
  stack.on("charts-run python -", { stdin: `import django, json, os\ndjango.setup()\n${program}\n` });

/** A file at a URL of the S3 server. */
const download = (url: string) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = https.get(url, { ca: s3.place.ca, agent: false, timeout: 20_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("error", reject).on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("timeout", () => request.destroy(new Error(`${url}: no answer in 20 s`)));
    request.on("error", reject);
  });

interface Told {
  readonly release: string;
  readonly charts: readonly { readonly title: string; readonly name: string; readonly url: string }[];
}
let wall = "";
const told = async (): Promise<Told> => JSON.parse((await visit("/charts.json", wall)).text);

before(async () => {
  const { app, backup, host: _, media: __, ...others } = sections("charts-staging");
  // Whom the host trusts that AWS and a provider of mail are.
  writeFileSync(join(stack.project, "servers.pem"), `${s3.place.ca}${smtp.ca}`);
  stack.configure({
    ...others,
    site: { ...others.site, tls: "self-signed" },
    media: { public: false },
    backup: { ...backup, place: s3.place },
    app: {
      ...app,
      source: { directory: "app" },
      files: { ".env": { from: "app/staging.env" }, "servers.pem": { from: "servers.pem" } },
      env: {
        ...(app?.env as Section),
        DJANGO_AWS_STORAGE_BUCKET_NAME: "charts-uploads",
        DJANGO_AWS_ACCESS_KEY_ID: uploads.accessKey,
        DJANGO_AWS_SECRET_ACCESS_KEY: "${secrets.UPLOADS_KEY}",
        AWS_ENDPOINT_URL_S3: `https://${s3.place.endpoint}`,
        AWS_DEFAULT_REGION: "us-east-1",
        AWS_S3_ADDRESSING_STYLE: "path",
        AWS_CA_BUNDLE: "servers.pem",
        SSL_CERT_FILE: "servers.pem",
        EMAIL_HOST: smtp.address,
        EMAIL_PORT: `${smtp.port}`,
        NEW_RELIC_MONITOR_MODE: "false",
      },
      secrets: {
        EMAIL_HOST_PASSWORD: mailPassword,
        UPLOADS_KEY: uploads.secretKey,
        NEW_RELIC_LICENSE_KEY: "0".repeat(40),
      },
    },
  });
  const run = await stack.succeed();
  assert.ok(!said(run).includes(uploads.secretKey));
  wall = basic("crew", await stack.on("charts-run printenv AUTH_WALL_PASSWORD"));
});

test("uWSGI serves the page with New Relic's agent in it, and no preview wants a change", async () => {
  const page = await visit("/", wall);
  assert.equal(page.status, 200, page.text);
  assert.match(page.text, /<h1>Charts &amp; pilots — &quot;staging&quot;, 100 % draft #2<\/h1>/);
  const unit = `"charts-web@$(readlink ${home}/config/web/current).service"`;
  const server = await stack.on(`systemctl show -P MainPID ${unit}`);
  assert.match(await stack.on(`tr '\\0' ' ' <"/proc/${server}/cmdline"`), /bin\/uwsgi/);
  for (const pid of (await stack.on(`pgrep -P ${server}`)).split("\n"))
    assert.notEqual(await stack.on(`grep -c /site-packages/newrelic/ /proc/${pid}/maps || true`), "0", pid);
  assert.match(
    await stack.on(`tr '\\0' '\\n' <"/proc/${server}/environ"`),
    /^NEW_RELIC_APP_NAME=Charts \(staging\)$/m,
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("the login wall of the settings asks everybody but the health path", async () => {
  const wanted = [401, 'Basic realm="Charts before they are published"'];
  assert.deepEqual(asks(await visit("/")), wanted);
  assert.deepEqual(asks(await visit("/admin/", basic("crew", "wrong"))), wanted);
  assert.equal((await visit("/health")).text, "well");
  assert.match(wall, /^Basic \w{20,}=*$/);
});

test(".env lies where the manual has it, byte for byte, and every value reaches the application as it was written", async () => {
  const place = `${home}/config/files/.env`;
  // A local host is called by its address, because no name server knows its domain.
  const address = await stack.address();
  assert.equal(await stack.on(`readlink ${home}/current/.env`), place);
  assert.equal(await stack.on(`stat -c '%U:%G %a' ${place}`), "root:charts 640");
  const written = readFileSync(join(root, example, "staging.env"), "utf8").replace("${site.domain}", address);
  assert.equal(Buffer.from(await stack.on(`base64 -w0 ${place}`), "base64").toString(), written);
  const settings = JSON.parse(
    await inApplication(`from django.conf import settings
names = ["SITE_NAME", "SITE_SCHEME", "SITE_DOMAIN", "ADMINS", "DEFAULT_FROM_EMAIL", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "ALLOWED_HOSTS"]
print(json.dumps({name: getattr(settings, name) for name in names}))`),
  );
  assert.deepEqual(settings, {
    SITE_NAME: 'Charts & pilots — "staging", 100 % draft #2',
    SITE_SCHEME: "https",
    SITE_DOMAIN: address,
    ADMINS: [
      ["Maria Stein", "webmaster@example.org"],
      ["Jo", "jo@example.org"],
    ],
    DEFAULT_FROM_EMAIL: `Charts <charts@${address}>`,
    EMAIL_HOST_USER: "postmaster@mg.example.org",
    EMAIL_HOST_PASSWORD: mailPassword,
    EMAIL_USE_TLS: true,
    ALLOWED_HOSTS: [address, domain],
  });
  assert.match(await stack.on("charts-run printenv DJANGO_SECRET_KEY"), /^[0-9a-f]{128}$/);
});

/** As a browser does it: the form's page, and then the form, with what cookies there are. */
async function submit(cookies: Map<string, string>, path: string, form: (token: string) => [string, string]) {
  const cookie = () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const keep = (answer: Awaited<ReturnType<typeof visit>>) => {
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return answer;
  };
  const page = keep(await visit(path, wall, { cookie: cookie() }));
  const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(page.text)?.[1] ?? "";
  const [type, body] = form(token);
  const headers = { cookie: cookie(), "content-type": type, origin: `https://${domain}` };
  return keep(await visit(path, wall, headers, body));
}

/** Logs in as the superuser and hands a chart in. */
async function addChart(title: string, content: string): Promise<void> {
  const password = (await npmRun(stack, "exec", "printenv", "DJANGO_SUPERUSER_PASSWORD").ended).stdout.trim();
  const cookies = new Map<string, string>();
  const login = await submit(cookies, "/admin/login/?next=/admin/", (csrfmiddlewaretoken) => [
    "application/x-www-form-urlencoded",
    `${new URLSearchParams({ csrfmiddlewaretoken, username: "harbourmaster", password, next: "/admin/" })}`,
  ]);
  assert.deepEqual([login.status, login.headers.location], [302, "/admin/"], login.text);
  const added = await submit(cookies, "/admin/charts/chart/add/", (token) => {
    const field = (name: string, value: string, more = "") =>
      `--charts\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const file = field(
      "file",
      content,
      `; filename="${title.toLowerCase()}.txt"\r\nContent-Type: text/plain`,
    );
    return [
      "multipart/form-data; boundary=charts",
      `${field("csrfmiddlewaretoken", token)}${field("title", title)}${file}--charts--\r\n`,
    ];
  });
  assert.equal(added.status, 302, added.text);
}

test("the superuser of the first deployment hands a chart in, which lies in the bucket, and its signed URL alone shows it", async () => {
  await addChart("Elbe", "Buoy 7 is here.");
  const [chart] = (await told()).charts;
  assert.equal(chart?.name, "charts/elbe.txt");
  assert.equal(readFileSync(join(uploads.directory, "charts/elbe.txt"), "utf8"), "Buoy 7 is here.");
  assert.equal(await stack.on(`find ${home}/media -type f`), "");
  assert.deepEqual(await download(`${chart?.url}`), { status: 200, text: "Buoy 7 is here." });
  const [bare = ""] = `${chart?.url}`.split("?");
  assert.equal((await download(bare)).status, 403);
  assert.match((await visit("/", wall)).text, /X-Amz-Signature=\w+">Elbe<\/a>/);
});

test("mail reaches those in DJANGO_ADMINS through the provider's server, by TLS and with its password", async () => {
  const run = await npmRun(stack, "exec", "python", "manage.py", "sendtestemail", "--admins").ended;
  assert.equal(run.code, 0, run.stderr);
  const mail = smtp.mails.at(-1);
  assert.deepEqual(mail?.login, ["postmaster@mg.example.org", mailPassword]);
  assert.deepEqual(mail?.to, ["webmaster@example.org", "jo@example.org"]);
  assert.match(`${mail?.text}`, new RegExp(`^From: Charts <charts@${await stack.address()}>$`, "m"));
});

test("everything is backed up at 04:00 UTC", async () => {
  assert.match(await stack.on("systemctl cat berth-backup.timer"), /^OnCalendar=\*-\*-\* 04:00:00 UTC$/m);
  assert.equal(await stack.on("systemctl is-active berth-backup.timer"), "active");
  await backUp(stack);
  assert.ok(readdirSync(s3.bucket, { recursive: true }).length > 0);
});

/** What the README writes for code that sends to localhost, with the test's server in place of the provider's. */
function relay(): Section {
  const text = readFileSync(join(root, example, "README.md"), "utf8");
  const [, written = ""] = /```yaml\n( {2}berth:services:\n[\s\S]*?)```/.exec(text) ?? [];
  const { mail } = parse(written)["berth:services"];
  const lines = mail.files.msmtprc.content
    .replace("host smtp.mailgun.org", `host ${smtp.address}`)
    .replace("port 587", `port ${smtp.port}`);
  const trust = "tls_trust_file ${services.mail.files}/provider.pem\n";
  return {
    mail: {
      ...mail,
      files: { msmtprc: { content: `${lines}${trust}` }, "provider.pem": { content: smtp.ca } },
    },
  };
}

test("a release with the login wall of nginx, and mail by a relay: the superuser is not made again, and charts stay", async () => {
  const { release } = await told();
  edit(stack, "app/charts/templates/charts/index.html", (text) => text.replace("No chart yet", "None yet"));
  edit(stack, "app/staging.env", (text) => text.replace("draft #2", "draft #3").replace(/^EMAIL_.*\n/gm, ""));
  const { generate, env, ...app } = configured();
  const {
    AUTH_WALL_USERNAME: _,
    AUTH_WALL_REALM: __,
    EMAIL_HOST: ___,
    EMAIL_PORT: ____,
    ...rest
  } = env as Record<string, string>;
  stack.configure({
    services: relay(),
    site: { basicAuth: sections("charts").site?.basicAuth },
    app: {
      ...app,
      env: rest,
      generate: generate.filter(({ name }: { name: string }) => name !== "AUTH_WALL_PASSWORD"),
    },
  });
  await stack.succeed();
  const wanted = [401, 'Basic realm="Charts before they are published"'];
  for (const path of ["/", "/static/admin/css/base.css"])
    assert.deepEqual(asks(await visit(path)), wanted, path);
  assert.equal((await visit("/", wall)).status, 401, "the password of before");
  wall = basic("crew", `${(await stack.outputs()).basicAuthPassword}`);
  assert.match((await visit("/", wall)).text, /draft #3<\/h1>/);
  const now = await told();
  assert.notEqual(now.release, release);
  assert.deepEqual(
    now.charts.map(({ name }) => name),
    ["charts/elbe.txt"],
  );
  assert.equal((await download(`${now.charts[0]?.url}`)).text, "Buoy 7 is here.");
  const people =
    "from django.contrib.auth.models import User\nprint(*User.objects.values_list('username', flat=True))";
  assert.equal(await inApplication(people), "harbourmaster");

  const before = smtp.mails.length;
  await stack.on("charts-manage sendtestemail --admins");
  assert.equal(smtp.mails.length, before + 1);
  const mail = smtp.mails.at(-1);
  assert.deepEqual(mail?.login, ["postmaster@mg.example.org", mailPassword]);
  assert.deepEqual(mail?.to, ["webmaster@example.org", "jo@example.org"]);
});

test("destroyed, nothing is left of the host, and the charts are still in the bucket", async () => {
  const gone = await stack.destroy();
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  assert.deepEqual(stack.traces(), []);
  assert.ok(existsSync(join(uploads.directory, "charts/elbe.txt")));
});
