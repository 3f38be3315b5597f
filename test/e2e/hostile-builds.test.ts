// Builds of a release that would take the host: they run what a dependency brings, as the owner of the files.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Run, withStack } from "./harness.ts";
import { attack, attackersOf, noteHost } from "./hostile.ts";

const stack = await withStack({ after }, { app: "test/fixtures/queue", deployed: true });
const said = (run: Run) => run.stdout + run.stderr;
const source = (file: string) => join(stack.project, "app", file);

/** What the builds run: pip's of a dependency that lies in the source, and npm's. The release is their parent's directory. */
function builds(script: string): void {
  mkdirSync(source("dependency"), { recursive: true });
  writeFileSync(source("build.sh"), script);
  writeFileSync(
    source("dependency/setup.py"),
    `import pathlib, subprocess
from setuptools import setup
release = pathlib.Path(__file__).resolve().parent.parent
subprocess.run(["bash", release / "build.sh", "pip"], cwd=release, check=True)
setup(name="dependency", version="1.0", packages=[])
`,
  );
  writeFileSync(
    source("package.json"),
    JSON.stringify({ name: "bad", version: "1.0.0", scripts: { build: "bash build.sh npm" } }),
  );
  writeFileSync(
    source("package-lock.json"),
    JSON.stringify({
      name: "bad",
      version: "1.0.0",
      lockfileVersion: 3,
      packages: { "": { name: "bad", version: "1.0.0" } },
    }),
  );
}

test("what builds leave in a release that is no file is refused by its name, and what leads out of it by where", async () => {
  // With hashes pip takes no directory.
  const requirements = readFileSync(source("requirements.txt"), "utf8").replaceAll(/ \\\n +--hash=\S+/g, "");
  writeFileSync(source("requirements.txt"), `${requirements}./dependency\n`);
  const { release } = await stack.outputs();
  for (const [script, refused] of [
    [
      "[ $1 = npm ] || mkfifo left || true",
      /the release has \.\/left, which is neither a file, a directory nor a link\./,
    ],
    [
      "[ $1 = pip ] || ln -s /etc/shadow left",
      /the release has a link that leads out of it, to \/etc\/shadow\./,
    ],
  ] as const) {
    builds(script);
    const run = await stack.up();
    assert.notEqual(run.code, 0);
    assert.match(said(run), refused);
    assert.match((await stack.fetch("/")).text, /./);
  }
  assert.equal(await stack.on("basename $(readlink /srv/queue/current)"), release);
});

test("what builds leave running ends with them, and nothing outside of the release is another", async () => {
  const changesOfHost = await noteHost(stack, "queue");
  const attacker = attackersOf("queue", "deployer").deployer;
  assert.ok(attacker);
  builds(`ln /etc/passwd "hard-link-$1" 2>/dev/null
cat >"attack-$1" <<'END'
${attack("queue", { own: attacker.own })}
END
trap '' HUP INT TERM
setsid sh -c 'echo $$ >"ran-$1"; exec python3 "attack-$1"' sh "$1" >"said-$1" 2>&1 </dev/null &
until [ -s "ran-$1" ]; do sleep 0.1; done`);
  await stack.succeed();
  assert.match(await stack.on("cat /srv/queue/current/ran-pip /srv/queue/current/ran-npm"), /^\d+\n\d+$/);
  assert.equal(await stack.on("cat /srv/queue/current/said-*"), "", "they took nothing");
  assert.equal(await stack.on("pgrep -au deployer || true"), "");
  assert.deepEqual(await changesOfHost(), []);
});
