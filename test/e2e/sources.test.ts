// Where an application may come from, and what it may be: Flask with a front end to build, a private git repository,
// a project that pyproject.toml describes, alone or with a lock file; below the home of an owner's account, without
// a database.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tools } from "../../components/app/web/tools.ts";
import { root } from "../engine/harness.ts";
import { commit, git, gitServer, letIn, onServer, push, repository, sendBranch } from "./git-server.ts";
import { edit, type Run, type Stack, tidied, withStack } from "./harness.ts";

const home = "/home/devartis/webapp";
const gunicorn = tools.gunicorn[0].split(";")[0];
const said = (run: Run) => run.stdout + run.stderr;

test("Flask, git and pyproject.toml go the same road as Django", async (t) => {
  const stack = await withStack(t, { app: "test/fixtures/flask", bare: true });
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
    assert.equal(media, "/srv/moored/media");
    assert.equal(await stack.on(`readlink ${home}`), "/srv/moored");
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
      stack.ssh(
        `${tidied}nsenter -t $(systemctl show 'moored-web@*.service' -P MainPID) -m -- runuser -u moored -- ${command}`,
      );
    assert.notEqual((await inService("cat /home/devartis/private")).code, 0);
    assert.notEqual((await inService(`touch ${home}/current/wsgi.py`)).code, 0);
    assert.equal((await inService("touch /srv/moored/media/written")).code, 0);
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
      await stack.on("ls -d /var/lib/redis/appendonlydir; ls /etc/berth/redis/* 2>/dev/null || true"),
      "/var/lib/redis/appendonlydir",
    );
    assert.equal(JSON.parse((await stack.fetch("/health")).text).redis, undefined);
  });

  let source: Record<string, unknown> = {};
  await t.test("a private repository asks for its deploy key, and then nothing else", async () => {
    const git = await gitServer(stack, "services/web");
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

    await letIn(stack, key);
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

  await t.test("a git reference of a release that is kept goes back to it, and forth again", async () => {
    const [newest, before] = [commit(stack), git(stack, "rev-parse", "main~1").toString().trim()];
    await onServer(stack, `git -C app.git tag before ${before}`);
    stack.configure({ app: { release: "before" } });
    const { changes } = await stack.succeed();
    assert.deepEqual(Object.keys(changes).sort(), ["app-live", "app-release"]);
    assert.ok(`${(await stack.outputs()).release}`.startsWith(before.slice(0, 10)));
    assert.equal(await stack.on(`ls ${home}/current/NEWS 2>/dev/null || true`), "");

    stack.configure({ app: { release: "no-such-tag" } });
    assert.match(said(await stack.up()), /has no branch or tag 'no-such-tag'/);
    writeFileSync(join(repository(stack), "services/web/NEWS"), "Unreleased.\n");
    await push(stack);
    stack.configure({ app: { release: commit(stack) } });
    const refused = await stack.up();
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), /has not kept release [^;]*; it has: /);
    git(stack, "reset", "-q", "--hard", newest);
    await sendBranch(stack);

    stack.configure({ app: { release: undefined } });
    await stack.succeed();
    assert.equal(await stack.on(`cat ${home}/current/NEWS`), "More.");
  });

  const live = async () => `${JSON.parse((await stack.fetch("/health")).text).release}`;
  await t.test(
    "a git source's Procfile: a process that the stack does not name is refused with what to add",
    async () => {
      const was = await live();
      const lines = [
        "web: gunicorn wsgi:app",
        `release: was=$(basename $(readlink /srv/moored/current)); echo "$BERTH_RELEASE after \${was}" >>"$MEDIA_ROOT/released"`,
        "worker: python worker.py",
      ];
      writeFileSync(join(repository(stack), "services/web/Procfile"), `${lines.join("\n")}\n`);
      writeFileSync(join(repository(stack), "services/web/worker.py"), "import time\n\ntime.sleep(1e6)\n");
      await push(stack);
      const refused = await stack.up();
      assert.notEqual(refused.code, 0);
      assert.match(
        said(refused),
        /its Procfile has a process 'worker', which the stack does not name\. Add 'worker: \{kind: command\}' to app\.processes/,
      );
      assert.equal(await live(), was);
      assert.equal(await stack.on(`ls ${home}/media/released 2>/dev/null || true`), "", "no release line");
    },
  );

  await t.test(
    "named, it runs, and the release line has run once, as its shell reads it, before the release went live",
    async () => {
      const was = await live();
      stack.configure({ app: { processes: { worker: { kind: "command" } } } });
      const run = await stack.succeed();
      assert.match(said(run), /the Procfile's line 'web' is not run/);
      const { release } = await stack.outputs();
      assert.equal(await live(), release);
      assert.equal(await stack.on(`cat ${home}/media/released`), `${release} after ${was}`);
      const worker = "/proc/$(systemctl show 'moored-worker@*.service' -P MainPID)";
      assert.equal(await stack.on(`tr '\\0' ' ' <${worker}/cmdline`), "python worker.py");
      assert.match(
        await stack.on(`tr '\\0' '\\n' <${worker}/environ`),
        new RegExp(`^BERTH_RELEASE=${release}$`, "m"),
      );
    },
  );

  await t.test(
    "what a repository brings by the names of Berth's own files is believed in nothing",
    async () => {
      const berths = join(repository(stack), "services/web/.berth");
      mkdirSync(berths);
      for (const name of ["prepared", "proven", "env", "server"])
        writeFileSync(join(berths, name), "STATIC_ROOT=/etc\n");
      await push(stack);
      await stack.succeed();
      const { release } = await stack.outputs();
      assert.equal(await stack.on(`grep -rl STATIC_ROOT=/etc /var/lib/berth ${home}/config || true`), "");
      symlinkSync("/etc/shadow", join(berths, "settings"));
      await push(stack);
      const refused = await stack.up();
      assert.notEqual(refused.code, 0);
      assert.match(said(refused), /the release has a link that leads out of it, to \/etc\/shadow\./);
      assert.equal(await live(), release);
      rmSync(berths, { recursive: true });
      await push(stack);
    },
  );

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

  await t.test("a submodule comes with its commit, from beside the repository", async () => {
    const made = `git init -q -b main lib && cd lib && echo 'Dial.' >DIAL && git add DIAL &&
      git -c user.name=Ada -c user.email=ada@example.org commit -q -m Dial && git rev-parse main`;
    const lib = (await onServer(stack, `bash -c "${made}" && mv lib/.git lib.git`)).trim();
    mkdirSync(join(repository(stack), "services/web/vendor"));
    writeFileSync(
      join(repository(stack), ".gitmodules"),
      '[submodule "vendor"]\n\tpath = services/web/vendor\n\turl = ../lib.git\n',
    );
    git(stack, "update-index", "--add", "--cacheinfo", `160000,${lib},services/web/vendor`);
    await push(stack);
    stack.configure({ app: { source, release: undefined } });
    await stack.succeed();
    assert.equal(await stack.on(`cat ${home}/current/vendor/DIAL`), "Dial.");
    assert.equal(await stack.on(`find ${home}/current/ -name .git`), "");
  });

  await t.test("a project that pyproject.toml alone describes is installed and served", async () => {
    cpSync(join(root, "test/fixtures/pyproject"), join(stack.project, "pyproject"), { recursive: true });
    stack.configure({ app: { source: { directory: "pyproject" }, static: undefined, processes: undefined } });
    await stack.succeed();
    assert.match((await stack.fetch("/")).text, /<h1>Release /);
    assert.equal((await stack.outputs()).deployKey, undefined);
  });

  const project = (file: string) => join(stack.project, "pyproject", file);
  const installed = async () =>
    (
      await stack.on(`${home}/current/.venv/bin/python - <<'END'
from importlib.metadata import distributions
print(*sorted(f"{one.name}=={one.version}".lower() for one in distributions()))
END`)
    ).split(" ");
  const pinned = (pyproject = "pyproject.toml") =>
    [...readFileSync(project(pyproject), "utf8").matchAll(/"([\w-]+==[\d.]+)",/g)]
      .map((found) => `${found[1]}`.toLowerCase())
      .sort();
  const refusedLock = async (content: string, file: "uv.lock" | "poetry.lock", message: RegExp) => {
    const before = (await stack.fetch("/")).text;
    writeFileSync(project(file), content);
    const refused = await stack.up();
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), message);
    assert.equal((await stack.fetch("/")).text, before, "what ran still runs");
  };

  await t.test(
    "a uv.lock that is damaged or alone is refused by its name, and what ran still runs",
    async () => {
      await refusedLock("no lock\n", "uv.lock", /uv could not install what uv\.lock pins[\s\S]*'uv lock'/);
      renameSync(project("pyproject.toml"), project("aside"));
      await refusedLock("no lock\n", "uv.lock", /no pyproject\.toml beside uv\.lock/);
      renameSync(project("aside"), project("pyproject.toml"));
    },
  );

  await t.test("what uv.lock pins is installed with its hashes, development groups left out", async () => {
    rmSync(project("uv.lock"));
    edit(
      stack,
      "pyproject/pyproject.toml",
      (text) => `${text}\n[dependency-groups]\ndev = ["iniconfig==2.1.0"]\n`,
    );
    writeFileSync(project("uv.lock"), await uvLock(stack, project("pyproject.toml")));
    await stack.succeed();
    assert.match((await stack.fetch("/")).text, /<h1>Release /);
    assert.deepEqual(
      (await installed()).filter((one) => !one.startsWith("packaging==")),
      [...pinned(), gunicorn].sort(),
    );
  });

  await t.test("a file that is not the one that the lock knows is not installed", async () => {
    const lock = readFileSync(project("uv.lock"), "utf8");
    const other = lock.replaceAll(/sha256:[0-9a-f]{64}/g, `sha256:${"0".repeat(64)}`);
    await refusedLock(other, "uv.lock", /[Hh]ash mismatch/);
    writeFileSync(project("uv.lock"), lock);
  });

  await t.test("a poetry.lock that does not fit its pyproject.toml is refused by its name", async () => {
    const lock = readFileSync(project("uv.lock"), "utf8");
    rmSync(project("uv.lock"));
    const stale = `package = []\n[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "0"\n`;
    await refusedLock(stale, "poetry.lock", /does not fit its pyproject\.toml[\s\S]*'poetry lock'/);
    writeFileSync(project("poetry.lock"), await poetryLock(stack, project("pyproject.toml"), lock));
  });

  await t.test(
    "what poetry.lock pins is installed with its hashes, also from a folder of the source",
    async () => {
      mkdirSync(project("deploy"));
      for (const file of ["pyproject.toml", "poetry.lock"])
        renameSync(project(file), project(`deploy/${file}`));
      stack.configure({ app: { requirements: "deploy/poetry.lock" } });
      await stack.succeed();
      assert.match((await stack.fetch("/")).text, /<h1>Release /);
      assert.deepEqual(
        (await installed()).filter((one) => !one.startsWith("packaging==")),
        [...pinned("deploy/pyproject.toml"), gunicorn].sort(),
      );
      assert.match(await stack.on(`cat ${home}/current/.venv/requirements.txt`), /--hash=sha256:/);
    },
  );
});

/** Makes a lock file on the stack's host, with a tool that a release brought there; a committed one would name an index. */
async function lockOnHost(stack: Stack, files: Record<string, string>, command: string): Promise<string> {
  const folder = "/var/tmp/lock";
  await stack.on(`rm -rf ${folder}; mkdir ${folder}`);
  for (const [file, stdin] of Object.entries(files)) await stack.on(`cat >${folder}/${file}`, { stdin });
  return `${await stack.on(`cd ${folder}; ${command}`, { timeout: 180_000 })}\n`;
}

/** A lock of the project by uv itself, from the index that the host's uv asks. */
function uvLock(stack: Stack, pyproject: string): Promise<string> {
  const uv = `/opt/berth/tools/${tools.uv[0].replace("==", "-")}/bin/uv`;
  return lockOnHost(
    stack,
    { "pyproject.toml": readFileSync(pyproject, "utf8") },
    `${uv} lock --quiet --no-cache >&2; cat uv.lock`,
  );
}

/** A lock by poetry's own writer, of what uv has resolved: poetry's resolver needs an index with an API of its own. */
function poetryLock(stack: Stack, pyproject: string, lock: string): Promise<string> {
  const place = tools.poetry[0].replace("==", "-");
  return lockOnHost(
    stack,
    {
      "pyproject.toml": readFileSync(pyproject, "utf8"),
      "uv.lock": lock,
      "write.py": `import tomllib
from pathlib import Path, PurePosixPath

from poetry.core.packages.package import Package
from poetry.core.version.markers import AnyMarker
from poetry.factory import Factory
from poetry.packages.transitive_package_info import TransitivePackageInfo

poetry = Factory().create_poetry(Path.cwd())
packages = {}
for one in tomllib.loads(Path("uv.lock").read_text())["package"]:
    if "registry" in one["source"]:
        group = "dev" if one["name"] == "iniconfig" else "main"
        package = Package(one["name"], one["version"])
        files = [one["sdist"], *one["wheels"]]
        package.files = [{"file": PurePosixPath(file["url"]).name, "hash": file["hash"]} for file in files]
        packages[package] = TransitivePackageInfo(0, {group}, {group: AnyMarker()})
poetry.locker.set_lock_data(poetry.package, packages)
`,
    },
    `/opt/berth/tools/${place}/bin/python write.py >&2; cat poetry.lock`,
  );
}
