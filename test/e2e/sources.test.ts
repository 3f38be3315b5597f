// Where an application may come from, and what it may be: Flask with a front end to build, a private git repository,
// a project that pyproject.toml alone describes; below the home of an owner's account, without a database.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "../engine/harness.ts";
import { type Run, type Stack, withStack } from "./harness.ts";

const home = "/home/devartis/webapp";
const said = (run: Run) => run.stdout + run.stderr;

test("Flask, git and pyproject.toml go the same road as Django", async (t) => {
  const stack = await withStack(t, { app: "test/fixtures/flask" });
  stack.configure({
    app: {
      name: "moored",
      wsgi: "wsgi:app",
      settings: undefined,
      static: "static",
      owner: "devartis",
      root: home,
    },
    postgres: { enabled: false },
  });

  await t.test("a Flask application with a front end to build is served from its owner's home", async () => {
    await stack.succeed();
    const { release, databaseUrl, media } = await stack.outputs();
    assert.equal(databaseUrl, undefined);
    assert.equal(media, `${home}/media`);
    const health = await stack.fetch("/health");
    assert.deepEqual(JSON.parse(health.text), { status: "ok", redis: "ok", release });
    const page = await stack.fetch("/");
    const style = await stack.fetch(/href="([^"]+\.css)"/.exec(page.text)?.[1] ?? "");
    assert.equal(style.status, 200);
    assert.equal(style.headers["content-type"], "text/css");
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
  });

  await t.test("the service reaches its own folder in that home and nothing else of it", async () => {
    await stack.on("echo private >/home/devartis/private; chmod 0644 /home/devartis/private");
    const inService = (command: string) =>
      stack.ssh(`nsenter -t $(systemctl show moored-web -P MainPID) -m -- runuser -u moored -- ${command}`);
    assert.notEqual((await inService("cat /home/devartis/private")).code, 0);
    assert.notEqual((await inService(`touch ${home}/current/wsgi.py`)).code, 0);
    assert.equal((await inService(`touch ${home}/media/written`)).code, 0);
    assert.equal(
      await stack.on(`stat -L -c '%U' ${home}/current/wsgi.py ${home}/media/written`),
      "devartis\nmoored",
    );
    assert.equal(await stack.on("ls /usr/lib/postgresql 2>/dev/null || true"), "");
  });

  await t.test("Redis, taken out of the stack, stops and leaves its data", async () => {
    stack.configure({ redis: { enabled: false } });
    const { changes } = await stack.succeed();
    assert.equal(changes["redis-server"], "delete");
    assert.equal((await stack.outputs()).redisUrl, undefined);
    assert.equal(await stack.on("systemctl is-active redis-server || true"), "inactive");
    assert.equal(
      await stack.on("ls -d /var/lib/redis/appendonlydir; ls /etc/redis/berth* 2>/dev/null || true"),
      "/var/lib/redis/appendonlydir",
    );
    assert.equal(JSON.parse((await stack.fetch("/health")).text).redis, undefined);
  });

  let source: Record<string, unknown> = {};
  await t.test("a private repository asks for its deploy key, and then nothing else", async () => {
    const git = await gitServer(stack);
    const { hostKey } = await stack.outputs();
    source = { git, hostKey, path: "services/web", ref: "main" };
    stack.configure({ app: { source } });
    const before = await stack.fetch("/");
    const asked = await stack.up();
    assert.notEqual(asked.code, 0);
    assert.match(said(asked), /berth:app\.source\.git: ssh:.* cannot be read/);
    const key = /Enter this deploy key[^\n]*\n\s*(ssh-ed25519 \S+)/.exec(said(asked))?.[1];
    assert.ok(key, said(asked));
    assert.deepEqual(
      Object.keys(asked.changes).filter((name) => !name.startsWith("berth-")),
      ["app-deploy-key"],
    );
    assert.equal((await stack.fetch("/")).text, before.text, "what ran still runs");

    await stack.on("cat >/home/git/.ssh/authorized_keys; chown git: /home/git/.ssh/authorized_keys", {
      stdin: key,
    });
    await stack.succeed();
    const { release, deployKey } = await stack.outputs();
    assert.equal(deployKey, key);
    assert.ok(`${release}`.startsWith(commit(stack).slice(0, 10)), "the release is named after its commit");
    assert.equal(JSON.parse((await stack.fetch("/health")).text).release, release);
    assert.equal(await stack.on(`ls -A ${home}/current/ | grep -cx -e .git -e services || true`), "0");
    const place = "/etc/berth/moored/deploy-key";
    assert.equal(await stack.on(`stat -c '%U %a' ${place}`), "devartis 400");
    assert.notEqual((await stack.ssh(`runuser -u moored -- cat ${place}`)).code, 0);
  });

  await t.test("a new commit is a new release and changes nothing else", async () => {
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
    writeFileSync(join(repository(stack), "services/web/NEWS"), "More.\n");
    await push(stack);
    const { changes } = await stack.succeed();
    assert.deepEqual(Object.keys(changes).sort(), ["app-live", "app-release"]);
    assert.equal(await stack.on(`cat ${home}/current/NEWS`), "More.");
  });

  await t.test("a reference that does not exist is refused before anything is changed", async () => {
    stack.configure({ app: { source: { ...source, ref: "mian" } } });
    const refused = await stack.up();
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), /has no branch or tag 'mian'; its branches are: main/);
    assert.deepEqual(refused.changes, {});
  });

  await t.test("a git server that shows another host key is refused before anything is changed", async () => {
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf";
    stack.configure({ app: { source: { ...source, hostKey } } });
    const refused = await stack.up();
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), /berth:app\.source\.hostKey: .* shows another host key/);
    assert.deepEqual(refused.changes, {});
  });

  await t.test("a project that pyproject.toml alone describes is installed and served", async () => {
    cpSync(join(root, "test/fixtures/pyproject"), join(stack.project, "pyproject"), { recursive: true });
    stack.configure({ app: { source: { directory: "pyproject" }, static: undefined } });
    await stack.succeed();
    assert.match((await stack.fetch("/")).text, /<h1>Release /);
    assert.equal((await stack.outputs()).deployKey, undefined);
  });
});

const repository = (stack: Stack) => join(dirname(stack.project), "repository");

function git(stack: Stack, ...args: string[]): Buffer {
  const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
  return execFileSync("git", ["-C", repository(stack), ...who, ...args], { maxBuffer: 1 << 26 });
}

const commit = (stack: Stack) => git(stack, "rev-parse", "main").toString().trim();

/** A git server of the test's own, on the stack's host: an account that serves the Flask fixture by SSH. */
async function gitServer(stack: Stack): Promise<string> {
  mkdirSync(repository(stack), { recursive: true });
  git(stack, "init", "-q", "-b", "main");
  cpSync(join(stack.project, "app"), join(repository(stack), "services/web"), { recursive: true });
  await stack.on(`useradd --create-home --shell /usr/bin/git-shell --password '*' git
    install -d -o git -g git -m 0700 /home/git/.ssh; install -d -o git -g git /srv/git
    runuser -u git -- git init -q --bare -b main /srv/git/app.git`);
  await push(stack);
  return `ssh://git@${await stack.address()}/srv/git/app.git`;
}

async function push(stack: Stack): Promise<void> {
  git(stack, "add", "--all");
  git(stack, "commit", "-q", "-m", "A change");
  const bundle = git(stack, "bundle", "create", "-q", "-", "main").toString("base64");
  await stack.on(
    "base64 -d >/srv/git/bundle; cd /srv/git; runuser -u git -- git -C app.git fetch -q /srv/git/bundle +main:main",
    { stdin: bundle },
  );
}
