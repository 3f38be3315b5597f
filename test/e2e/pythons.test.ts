// Pythons that the host does not have, what a project says of the one it needs, and a package index of one's own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { root } from "../engine/harness.ts";
import { edit, type Run, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const folder = "/srv/pythons";
const venv = "/srv/logbook/current/.venv";
const runsWith = () => stack.on(`${venv}/bin/python -c 'import platform; print(platform.python_version())'`);

/** Copies a directory of this computer to the host, as it is there. */
async function send(from: string, to: string): Promise<void> {
  const archive = execFileSync("tar", ["-C", from, "-cf", "-", "."], {
    encoding: "base64",
    maxBuffer: 2 ** 28,
  });
  await stack.on(`mkdir -p ${to}; base64 -d | tar -x -C ${to} --no-same-owner`, { stdin: archive });
}

test("what a project says of its Python is read before anything is installed, with the line to write", async () => {
  const release = (await stack.outputs()).release;
  const refused = async (file: string, text: string, message: RegExp) => {
    edit(stack, `app/${file}`, () => text);
    const run = await stack.up();
    assert.notEqual(run.code, 0);
    assert.match(said(run), message);
    assert.match(said(run), /app\.python: "3\.12"/);
    assert.doesNotMatch(said(run), /installing the dependencies/);
  };
  await refused(
    "pyproject.toml",
    '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.14"\n',
    /pyproject\.toml asks for Python >=3\.14, and this release would run with Python 3\.13/,
  );
  edit(
    stack,
    "app/pyproject.toml",
    () => '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n',
  );
  await refused(".python-version", "3.11.4\n", /\.python-version asks for Python 3\.11, and/);
  assert.equal((await stack.outputs()).release, release);
  assert.equal((await stack.fetch("/health")).status, 200);
});

for (const version of ["3.14", "3.11"]) {
  test(`Python ${version}, which the host does not have, is brought by uv and serves`, async () => {
    if (version === "3.14") {
      execFileSync("bash", [join(import.meta.dirname, "pythons.sh"), folder], { stdio: "inherit" });
      await send(folder, folder);
    }
    stack.configure({ app: { python: version, pythonMirror: `file://${folder}/pythons.json` } });
    await stack.succeed();
    assert.ok((await runsWith()).startsWith(`${version}.`), await runsWith());
    assert.equal((await stack.fetch("/health")).status, 200);
    assert.match(await stack.on(`readlink -f ${venv}/bin/python`), /^\/opt\/berth\/python\//);
    assert.equal(await stack.on("stat -c %U /opt/berth/python"), "root");
  });
}

test("a Python that is not what its list says is not installed", async () => {
  await stack.on(`python3 - ${folder}/pythons.json <<'END'
import json, sys
listed = json.load(open(sys.argv[1]))
other = {**listed["cpython-3.11.2-linux-x86_64-gnu"], "minor": 12, "patch": 1, "sha256": "0" * 64}
json.dump({"cpython-3.12.1-linux-x86_64-gnu": other}, open(sys.argv[1], "w"))
END`);
  stack.configure({ app: { python: "3.12" } });
  const run = await stack.up();
  assert.notEqual(run.code, 0);
  assert.match(said(run), /uv could not bring Python 3\.12 \(app\.python\)/);
  assert.match(said(run), /[Ee]xpected[\s\S]*0{64}/);
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("a package index of one's own is asked with its login, which is shown nowhere", async () => {
  const login = "reader:s3cret-of-the-index";
  await send(join(root, "test/fixtures/index"), "/srv/index");
  await stack.on(
    "systemd-run --quiet --unit private-index -p WorkingDirectory=/srv/index /usr/bin/python3 /srv/index/serve.py 8765 reader s3cret-of-the-index",
  );
  edit(
    stack,
    "app/requirements.txt",
    (text) =>
      `--extra-index-url http://127.0.0.1:8765/\nberth-test-private==1.0\n${text.replaceAll(/ \\\n +--hash=\S+/g, "").replaceAll(/^ +--hash=.*\n/gm, "")}`,
  );
  stack.configure({ app: { python: undefined, pythonMirror: undefined } });
  edit(stack, "app/.python-version", () => "3.13\n");
  const without = await stack.up();
  assert.notEqual(without.code, 0);
  assert.match(said(without), /uv could not install the application's dependencies/);

  const set = await stack.pulumi(
    ["config", "set", "--secret", "--path", 'berth:app.indexLogins["127.0.0.1"]'],
    { stdin: login },
  );
  assert.equal(set.code, 0, set.stderr);
  const run = await stack.succeed();
  assert.equal(
    await stack.on(`${venv}/bin/python -c 'import berth_test_private; print(berth_test_private.here)'`),
    "yes",
  );
  assert.doesNotMatch(said(run) + run.events, /s3cret-of-the-index/);
  assert.equal(await stack.on("stat -c '%U %a' /etc/berth/logbook/netrc"), "root 640");
  assert.equal(
    await stack.on("grep -rl s3cret-of-the-index /var/log/berth /srv/logbook /var/lib/berth || true"),
    "",
  );
  assert.doesNotMatch(readFileSync(stack.file, "utf8"), /s3cret/);
});

test("a file of requirements takes the password of an index from a secret of the build, which no application has", async () => {
  edit(stack, "app/requirements.txt", (text) =>
    text.replace("http://127.0.0.1:8765/", "http://reader:${INDEX_TOKEN}@127.0.0.1:8765/"),
  );
  stack.configure({ app: { indexLogins: undefined } });
  const without = await stack.up();
  assert.notEqual(without.code, 0);
  assert.notEqual((await stack.ssh("ls /etc/berth/logbook/netrc")).code, 0);
  assert.match(said(without), /401 Unauthorized[\s\S]*could not install the application's dependencies/);

  const set = await stack.pulumi(
    ["config", "set", "--secret", "--path", "berth:app.build.secrets.INDEX_TOKEN"],
    { stdin: "s3cret-of-the-index" },
  );
  assert.equal(set.code, 0, set.stderr);
  const shows = 'echo "with $INDEX_TOKEN and $SHADE"; [ -n "$INDEX_TOKEN" ] && echo "$SHADE" >shade.txt';
  const { build } = parse(readFileSync(stack.file, "utf8")).config["berth:app"];
  stack.configure({ app: { build: { ...build, commands: [shows], env: { SHADE: "green" } } } });
  const run = await stack.succeed();
  assert.equal(await stack.on("cat /srv/logbook/current/shade.txt"), "green");
  assert.doesNotMatch(said(run) + run.events, /s3cret-of-the-index/);
  assert.equal(await stack.on("stat -c '%U %a' /etc/berth/logbook/build-secrets"), "root 600");
  assert.equal(
    await stack.on("grep -rl s3cret-of-the-index /var/log/berth /srv/logbook /var/lib/berth || true"),
    "",
  );
  assert.equal((await stack.ssh("grep -c INDEX_TOKEN /srv/logbook/config/env")).stdout.trim(), "0");
  assert.doesNotMatch(readFileSync(stack.file, "utf8"), /s3cret/);
  stack.configure({ app: { build: { env: { SHADE: "green" }, commands: [shows.replace(/ \[.*/, " :")] } } });
  await stack.succeed();
  assert.notEqual((await stack.ssh("ls /etc/berth/logbook/build-secrets")).code, 0);
});
