// What `npm test -- --changed` chooses: on small repositories of its own, and on this one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { affectedTests, changedFiles, filesNeeded } from "../../scripts/lib/changed.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-changed-"));
after(() => rmSync(folder, { recursive: true }));

/** A tree with these files. */
function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(folder, "tree-"));
  for (const [path, text] of Object.entries(files)) write(root, path, text);
  return root;
}

function write(root: string, path: string, text: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const git = (root: string, ...args: string[]) =>
  execFileSync("git", ["-C", root, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });

/** The same as a repository with one commit on its branch `main`. */
function repository(files: Readonly<Record<string, string>>): string {
  const root = tree(files);
  git(root, "init", "-q", "-b", "main");
  commitAll(root);
  return root;
}

function commitAll(root: string): void {
  git(root, "add", "--all");
  git(root, "commit", "-q", "-m", "A change");
}

test("nothing has changed in a fresh clone", () => {
  assert.deepEqual(changedFiles(repository({ a: "a" }), "HEAD"), []);
});

test("edited, staged and new files are changes; ignored ones are none", () => {
  const root = repository({ edited: "1", staged: "1", same: "1", ".gitignore": "built/\n" });
  write(root, "edited", "2");
  write(root, "staged", "2");
  git(root, "add", "staged");
  write(root, "new/ö b.ts", "");
  write(root, "built/output", "");
  assert.deepEqual(changedFiles(root, "HEAD"), ["edited", "new/ö b.ts", "staged"]);
});

test("a deleted file is a change, and a renamed one is two: its old path and its new one", () => {
  const root = repository({ deleted: "d", old: "the same text\n".repeat(50), moved: "m".repeat(500) });
  rmSync(join(root, "deleted"));
  git(root, "mv", "old", "new");
  renameSync(join(root, "moved"), join(root, "elsewhere"));
  assert.deepEqual(changedFiles(root, "HEAD"), ["deleted", "elsewhere", "moved", "new", "old"]);
});

test("against a branch, what was committed since counts as well", () => {
  const root = repository({ a: "1", b: "1" });
  git(root, "checkout", "-q", "-b", "topic");
  write(root, "a", "2");
  commitAll(root);
  write(root, "b", "2");
  assert.deepEqual(changedFiles(root, "main"), ["a", "b"]);
  assert.deepEqual(changedFiles(root, "HEAD"), ["b"]);
});

test("in a folder of a larger repository, paths begin at that folder and others do not count", () => {
  const root = repository({ "berth/a": "1", "other/a": "1" });
  for (const path of ["berth/a", "berth/b", "other/a", "other/b"]) write(root, path, "2");
  assert.deepEqual(changedFiles(join(root, "berth"), "HEAD"), ["a", "b"]);
});

test("a commit that git does not know is told in one line, with what to name instead", () => {
  const root = repository({ a: "a" });
  for (const ref of ["mian", "--help", "HEAD:a"]) {
    assert.throws(() => changedFiles(root, ref), {
      message: `--changed: found '${ref}', which is no commit here. Name a branch, a tag or a commit: --changed main`,
    });
  }
});

test("outside of a repository, one line says where to run it", () => {
  // A worktree whose repository is gone.
  const root = tree({ ".git": "gitdir: /nonexistent\n" });
  assert.throws(() => changedFiles(root, "HEAD"), {
    message: /^--changed: git cannot read \S+ \(fatal: [^\n]*\)\. Run this in a clone of the repository\.$/,
  });
});

/** Whether a change of a file touches the test `test/one.test.ts`, whose tree has these files. */
const touches = (files: Readonly<Record<string, string>>, changed: string) =>
  affectedTests(tree(files), ["test/one.test.ts"], [changed]).length > 0;

test("a test is touched by what it imports, in any way and over any number of files", () => {
  const files = {
    "test/one.test.ts": 'import { a } from "../a.ts";\nimport type { T } from "../type.ts";\na satisfies T;',
    "a.ts": 'import "./b.ts";',
    "b.ts": 'export * from "./c.ts";\nexport type { U } from "./type.ts";',
    "c.ts": 'export const later = () => import("./d.ts");',
    "d.ts":
      'export const script = new URL("./e.sh", import.meta.url);\nexport type D = import("./type.ts").T;',
    "e.sh": '. "$here/f.sh"',
    "f.sh": "true",
    "type.ts": "export type T = 1;",
    "other.ts": 'import "./a.ts";',
  };
  for (const path of ["test/one.test.ts", "a.ts", "b.ts", "c.ts", "d.ts", "e.sh", "f.sh"]) {
    assert.ok(touches(files, path), path);
  }
  for (const path of ["type.ts", "other.ts"]) assert.ok(!touches(files, path), path);
});

/** Code in a string, where `@{name}` stands for what a template has. */
const code = (text: string) => text.replaceAll("@{", "$" + "{");

test("a test is touched by the files and folders that it names, from the root or from its own folder", () => {
  const named: readonly (readonly [string, string])[] = [
    ['join(root, "docs/aws.md")', "docs/aws.md"],
    ['join(root, "examples/flask")', "examples/flask/lamp/parts.py"],
    ['join(root, "policy", "rules")', "policy/rules/ssh.ts"],
    ['for (const part of ["components", "outputs.ts"]) copy(part);', "components/new.sh"],
    ['for (const part of ["components", "outputs.ts"]) copy(part);', "outputs.ts"],
    ["join(root, `docs/@{name}.json`)", "docs/role.json"],
    ["join(root, `Pulumi.@{name}.yaml`)", "Pulumi.prod.yaml"],
    ["join(import.meta.dirname, `@{name}.yaml`)", "test/prod.yaml"],
    ["join(import.meta.dirname, `../engine/plugins/@{name}/main.ts`)", "engine/plugins/tls/main.ts"],
    ["`@{root}/docs/aws.md`", "docs/aws.md"],
    ["run(`@{root}/outputs.ts`)", "outputs.ts"],
    ['run("bash -c components/host/local/create.sh")', "components/host/local/create.sh"],
    ["const text = `fail() { exit 1; }\n. @{root}/components/a.sh`;", "components/a.sh"],
    ['const args = ["--import=./lean.ts"];', "lean.ts"],
    ['join(import.meta.dirname, "snapshots", `@{name}.sh`)', "test/snapshots/steps.sh"],
    ['const program = "moto.py";', "test/moto.py"],
  ];
  for (const [text, path] of named) {
    assert.ok(touches({ "test/one.test.ts": code(text), [path]: "" }, path), `${text} and ${path}`);
    // What names a file that is gone may not find it any more.
    assert.ok(touches({ "test/one.test.ts": code(text) }, path), `${text} and the deleted ${path}`);
  }
});

test("a test is not touched by words that only look like names of files, nor by documents that it points to", () => {
  const others: readonly (readonly [string, string])[] = [
    ['test("components of a host", run);', "components/a.sh"],
    ['const host = { kind: "policy" };', "policy/index.ts"],
    ['engine.project({ "index.ts": "" });', "index.ts"],
    ["write(`@{cwd}/index.ts`)", "index.ts"],
    ['join(import.meta.dirname, "..")', "index.ts"],
    ['throw new Error("See docs/aws.md or README.md.");', "docs/aws.md"],
    ['throw new Error("Write Pulumi.prod.yaml first.");', "Pulumi.prod.yaml"],
    ["// See components/a.sh", "components/a.sh"],
    ['const place = join(root, "docs/hosts.md");', "docs/aws.md"],
  ];
  for (const [text, path] of others) {
    assert.ok(!touches({ "test/one.test.ts": code(text), [path]: "" }, path), `${text} and ${path}`);
  }
});

test("each chosen test comes with the changed file that is the reason, in the order given", () => {
  const root = tree({ "a.ts": "", "b.ts": "", "test/a.test.ts": 'import "../a.ts";', "test/b.test.ts": "" });
  assert.deepEqual(
    affectedTests(root, ["test/b.test.ts", "test/a.test.ts"], ["b.ts", "a.ts", "test/b.test.ts"]),
    [
      { file: "test/b.test.ts", because: "test/b.test.ts" },
      { file: "test/a.test.ts", because: "a.ts" },
    ],
  );
});

const here = join(import.meta.dirname, "../..");
const tests = globSync("test/**/*.test.ts", { cwd: here }).sort();
const group = (name: string) => tests.filter((file) => file.startsWith(`test/${name}/`));
const needs = filesNeeded(here, tests);
// This one, the one that runs every script, and the one that copies all: these name much of the repository.
const wide = ["test/unit/changed.test.ts", "test/unit/commands.test.ts", "test/e2e/adding-a-service.test.ts"];
const others = tests.filter((file) => !wide.includes(file));
const touchedBy = (path: string) => others.filter((file) => needs.get(file)?.has(path));

function assertTouched(path: string, touched: readonly string[], untouched: readonly string[] = []): void {
  const found = touchedBy(path);
  for (const file of touched) assert.ok(found.includes(file), `a change of ${path} touches ${file}`);
  for (const file of untouched)
    assert.ok(!found.includes(file), `a change of ${path} does not touch ${file}`);
}

/** The tests that deploy the whole program; the one of the machine alone deploys nothing. */
const deploying = [
  ...group("e2e").filter((file) => !file.endsWith("/local-host.test.ts") && !wide.includes(file)),
  ...group("faults"),
];

test("here: a step of a service touches every test that deploys, and of the unit tests those of steps", () => {
  const untouched = [
    "test/unit/template.test.ts",
    "test/unit/git.test.ts",
    "test/engine/providers-tls.test.ts",
  ];
  assertTouched("components/postgres/server.sh", [...deploying, "test/unit/steps.test.ts"], untouched);
});

test("here: the program's own files touch every test that deploys", () => {
  for (const path of [
    "index.ts",
    "config/read.ts",
    "components/services.ts",
    "outputs.ts",
    "lean-sdk.ts",
    "Pulumi.yaml",
    "Pulumi.local.yaml",
  ]) {
    assertTouched(path, deploying);
  }
});

test("here: the scripts of local hosts touch every test that has a machine", () => {
  const machines = [...deploying, "test/e2e/local-host.test.ts", "test/cloud/stack.test.ts"];
  for (const name of ["create.sh", "common.sh", "image-cloud.cfg", "supervise.sh"]) {
    assertTouched(`components/host/local/${name}`, machines, ["test/unit/step.test.ts"]);
  }
});

test("here: an example touches the tests that deploy it, and those that read it", () => {
  const flask = ["test/e2e/example-flask.test.ts", "test/unit/example-flask.test.ts"];
  assertTouched("examples/flask/lamp/morse.py", flask, ["test/e2e/main-job.test.ts"]);
  const django = [
    "test/e2e/main-job.test.ts",
    "test/cloud/example-s3.test.ts",
    "test/unit/example-django.test.ts",
  ];
  assertTouched("examples/django/entries/views.py", django, ["test/unit/git.test.ts"]);
  assertTouched("test/fixtures/queue/tasks.py", ["test/e2e/processes.test.ts", "test/cloud/hosts.test.ts"]);
});

test("here: a part of the engine touches its own tests and all that deploy", () => {
  const engine = [...group("engine"), ...deploying, "test/cloud/stack.test.ts"];
  for (const path of [
    "engine/plugins/tls/certificate.ts",
    "engine/language-host/run.ts",
    "engine/launcher.sh",
  ]) {
    assertTouched(path, engine, ["test/unit/config.test.ts"]);
  }
});

test("here: the half for AWS and its simulation touch the cloud's tests", () => {
  assertTouched("components/ec2/data-volume.sh", [
    "test/cloud/stack.test.ts",
    "test/cloud/host-data.test.ts",
    "test/cloud/preview.test.ts",
  ]);
  const simulated = ["test/cloud/aws.test.ts", "test/cloud/stack.test.ts", "test/cloud/hosts.test.ts"];
  for (const path of ["aws/packets.ts", "aws/metadata.ts", "aws/schema.json", "moto-server.py"]) {
    assertTouched(`test/cloud/${path}`, simulated, group("e2e"));
  }
});

test("here: a module that nothing deploys touches the unit tests that use it, and no others", () => {
  assert.deepEqual(touchedBy("test/unit/aws-metadata.ts"), [
    "test/unit/aws-host-metrics.test.ts",
    "test/unit/aws-role-credentials.test.ts",
  ]);
  assert.deepEqual(touchedBy("test/unit/program-steps.ts"), [
    "test/unit/aws-organization.test.ts",
    "test/unit/backup.test.ts",
    "test/unit/certificates.test.ts",
    "test/unit/docker.test.ts",
    "test/unit/example-manuals.test.ts",
    "test/unit/metrics.test.ts",
    "test/unit/mongodb.test.ts",
    "test/unit/notices.test.ts",
    "test/unit/own-services.test.ts",
    "test/unit/steps-hosts.test.ts",
    "test/unit/steps.test.ts",
    "test/unit/syslog.test.ts",
  ]);
});

test("here: a document touches the tests that read it", () => {
  assert.deepEqual(touchedBy("docs/aws.md"), [
    "test/cloud/example-s3.test.ts",
    "test/cloud/stack.test.ts",
    "test/unit/costs.test.ts",
  ]);
  assertTouched("docs/deploying-role.json", ["test/unit/deploying-role.test.ts", "test/cloud/stack.test.ts"]);
  assert.deepEqual(touchedBy("CHANGELOG.md"), ["test/unit/outputs.test.ts"]);
  for (const path of ["docs/hosts.md", "CONTRIBUTING.md"]) assert.deepEqual(touchedBy(path), []);
});

test("here: what every test runs with touches every test, and the static checks do not", () => {
  for (const path of ["package.json", "package-lock.json", "tsconfig.json", "scripts/node", ".ci/run"]) {
    const because = affectedTests(here, ["test/unit/git.test.ts"], ["docs/hosts.md", path]);
    assert.deepEqual(because, [{ file: "test/unit/git.test.ts", because: path }]);
  }
  for (const path of ["scripts/test.ts", "scripts/lib/debian.ts"]) assertTouched(path, others);
  // But for those that run the commands, or pack what a command packs.
  const running = [
    "test/engine/destroy.test.ts",
    "test/engine/consumers.test.ts",
    "test/faults/locked-out.test.ts",
  ];
  const alone = [...group("engine"), ...group("faults")].filter((file) => !running.includes(file));
  assertTouched("scripts/check.ts", [], ["test/unit/config.test.ts", ...alone]);
});
