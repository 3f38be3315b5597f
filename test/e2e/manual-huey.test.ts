// The workbench: Django, huey with an account and a deployment key of its own, and Docker. What its manual asks for is asserted on
// the host; examples/manuals/huey-and-docker/README.md goes through it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { bareMachine } from "../faults/faults.ts";
import { keyPair } from "../keys.ts";
import { until } from "../until.ts";
import { browse } from "./browser.ts";
import { edit, withPackages, withStack } from "./harness.ts";
import { registryOn } from "./registry.ts";

const example = "examples/manuals/huey-and-docker";
const stack = await withStack({ after }, { app: example });
const server = bareMachine({ after }, withPackages);
const visitor = browse(stack);
const deployment = keyPair("huey");
const tasks = join(dirname(stack.project), "tasks");
const git = (...words: string[]) =>
  execFileSync("git", ["-C", tasks, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...words]);
const inDjango = (code: string) => stack.on(`workbench-manage shell -v 0 -c "${code}" 2>/dev/null`);

/** A task goes to the git server, as a developer would push it. */
function pushTask(name: string, text: string, check: string): void {
  mkdirSync(join(tasks, name), { recursive: true });
  writeFileSync(join(tasks, name, "task.md"), text);
  writeFileSync(join(tasks, name, "check.sh"), check);
  git("add", "--all");
  git("commit", "-q", "-m", name);
  const bundle = git("bundle", "create", "-q", "-", "main").toString("base64");
  server.inside(
    `base64 -d >/tmp/bundle <<<'${bundle}'; chmod 644 /tmp/bundle; runuser -u git -- git -C /home/git/tasks.git fetch -q /tmp/bundle +main:main`,
  );
}

/** The git server tells of it. */
const told = async (secret: string) => {
  const body = '{"ref": "refs/heads/main"}';
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const headers = { "x-hub-signature-256": signature, "content-type": "application/json" };
  return (await stack.fetch("/push", { method: "POST", body, headers })).status;
};

/** What becomes of a solution. */
async function solved(
  task: string,
  code: string,
): Promise<{ number: number; state: string; output: string }> {
  const sent = await stack.fetch(`/tasks/${task}/`, { method: "POST", body: code });
  assert.equal(sent.status, 202, sent.text);
  const number = JSON.parse(sent.text).solution as number;
  let seen = { state: "", output: "" };
  await until("the solution to be checked", async () => {
    seen = JSON.parse((await stack.fetch(`/solutions/${number}/`)).text);
    return seen.state !== "waiting";
  });
  return { number, ...seen };
}

before(async () => {
  server.inside(`useradd --create-home --shell /usr/bin/git-shell --password '*' git
    install -d -o git -g git -m 0700 /home/git/.ssh
    runuser -u git -- git init -q --bare -b main /home/git/tasks.git
    echo '${deployment.public}' >/home/git/.ssh/authorized_keys; chown git: /home/git/.ssh/authorized_keys`);
  mkdirSync(tasks);
  git("init", "-q", "-b", "main");
  const { config } = parse(readFileSync(join(root, example, "Pulumi.workbench.yaml"), "utf8"));
  const { app, docker, ...others } = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("berth:", ""), value as never]),
  ) as Record<string, Record<string, Record<string, unknown>>>;
  stack.configure({
    media: undefined,
    ...others,
    // An image of the Internet's is not to be had here: one takes its place as soon as there is a registry.
    docker: { ...docker, images: {} },
    app: {
      ...app,
      source: { directory: "app" },
      env: { ...app?.env, GIT_URL: `git@${server.address}:tasks.git` },
      files: { ...app?.files, git_servers: { content: `${server.address} ${server.hostKey}\n` } },
    },
  });
  for (const [name, value] of [
    ["DEPLOYMENT_KEY", deployment.private],
    ["DJANGO_SUPERUSER_PASSWORD", "tulips-and-roses"],
  ] as const) {
    const set = ["config", "set", "--secret", "--path", `berth:app.secrets.${name}`];
    assert.equal((await stack.pulumi(set, { stdin: value })).code, 0);
  }
  await stack.succeed();
  const registry = await registryOn(stack);
  stack.configure({ docker: { ...docker, images: { runner: await registry.published("runner") } } });
  await stack.succeed();
});

test("the host has its full name, and the site is called by it; the superuser signs in; no preview wants a change", async () => {
  assert.equal(await stack.on("hostname; hostname -f"), "workbench\nworkbench.test");
  const site = "from django.contrib.sites.models import Site; print(Site.objects.get().domain)";
  assert.equal(await inDjango(site), "workbench.test");
  const page = await visitor.send("/admin/login/", { username: "maria", password: "tulips-and-roses" });
  assert.match(page.text, /Site administration/);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("every variable of the manual's table is set, or its place is taken", async () => {
  const names = [
    ...["ADMINS", "ALLOWED_HOSTS", "CACHE_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "FROM_EMAIL"],
    ...["GITHUB_SECRET", "GIT_ROOT", "LANG", "MEDIA_ROOT", "REDIS_URL", "SECRET_KEY", "STATIC_ROOT"],
    ...["EMAIL_URL", "PROXY_ENABLED", "SECURE_COOKIES", "X_ACCEL_LOCATION"],
  ];
  const missing = `import os; print([name for name in ${JSON.stringify(names).replaceAll('"', "'")} if not os.environ.get(name)])`;
  assert.equal(await inDjango(missing), "[]");
});

test("huey has an account of its own, and it alone gets to Docker and to its deployment key", async () => {
  const shown = "systemctl show 'workbench-huey@*' -P User -P SupplementaryGroups";
  assert.deepEqual((await stack.on(shown)).split("\n").filter(Boolean).sort(), ["docker www-data", "huey"]);
  assert.equal(await stack.on("id -Gn huey"), "huey workbench");
  for (const account of ["deploy", "www-data", "nobody"]) {
    const key = await stack.ssh(`runuser -u ${account} -- cat /srv/workbench/config/files/deployment_key`);
    assert.notEqual(key.code, 0, account);
    assert.notEqual((await stack.ssh(`runuser -u ${account} -- docker ps`)).code, 0, account);
  }
});

test("a push is told to the site, and huey fetches the tasks with its deployment key", async () => {
  pushTask(
    "double",
    "Print the double.",
    'cat >/tmp/solution; [ "$(sh /tmp/solution 21)" = 42 ] && echo well done\n',
  );
  assert.equal(await told("another secret"), 403);
  const secret = await stack.on('. /srv/workbench/config/env && printf %s "$GITHUB_SECRET"');
  assert.equal(await told(secret), 202);
  await until("the task to be there", async () =>
    (await visitor.page("/")).text.includes("Print the double."),
  );
  pushTask("double", "Print twice as much.", readFileSync(join(tasks, "double/check.sh"), "utf8"));
  assert.equal(await told(secret), 202);
  await until("its new text", async () => (await visitor.page("/")).text.includes("Print twice as much."));
  assert.equal(await stack.on("stat -c %U /var/lib/workbench-huey/tasks"), "huey");
});

test("solutions run in containers that are gone afterwards; gunicorn owns the files, and nginx sends them when it is told to", async () => {
  const right = await solved("double", "echo $(($1 * 2))\n");
  assert.deepEqual([right.state, right.output], ["right", "well done\n"]);
  const wrong = await solved("double", "cat /etc/shadow; echo 43\n");
  assert.equal(wrong.state, "wrong");
  assert.doesNotMatch(wrong.output, /root:/);
  assert.equal(await stack.on("docker ps -aq | wc -l"), "0");
  assert.equal(await stack.on("stat -c %U:%G /srv/workbench/media/solutions"), "workbench:www-data");
  const file = await stack.fetch(`/solutions/${right.number}/file`);
  assert.deepEqual([file.status, file.text], [200, "echo $(($1 * 2))\n"]);
  assert.equal((await stack.fetch("/sendfile/solutions/double.sh")).status, 404);
});

test("sessions are in Redis, and the styles that npm has brought are served compressed", async () => {
  const visits = async () => /You were here (\d+) time/.exec((await visitor.page("/")).text)?.[1];
  const before = Number(await visits());
  assert.equal(Number(await visits()), before + 1);
  const styles =
    /href="(\/static\/vendor\/normalize[^"]*\.css)"/.exec((await visitor.page("/")).text)?.[1] ?? "";
  const { status, headers } = await stack.fetch(styles, { headers: { "accept-encoding": "gzip" } });
  assert.deepEqual([status, headers["content-encoding"]], [200, "gzip"]);
});

test("an update is one command, and what waits in the queue meanwhile is done", async () => {
  edit(stack, "app/workbench/tasks/templates/index.html", (text) => text.replace("No tasks yet.", "None."));
  await stack.succeed();
  assert.equal((await solved("double", "echo $(($1 + 21))\n")).state, "right");
});
