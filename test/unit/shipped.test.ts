// What of a directory is shipped: in a work tree, what git would.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { shippedFiles } from "../../components/app/source/shipped.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-shipped-"));
after(() => rmSync(folder, { recursive: true }));

type Files = Readonly<Record<string, string>>;

let made = 0;
function directory(files: Files): string {
  const place = join(folder, `source-${++made}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), text);
  }
  return place;
}
const git = (place: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", "-C", place, ...args], {
    stdio: "pipe",
  });
/** A repository with these files, those named in `forced` although its rules leave them out. */
function repository(files: Files, forced: readonly string[] = []): string {
  const place = directory(files);
  git(place, "init", "-q");
  git(place, "add", "--all");
  if (forced.length > 0) git(place, "add", "-f", ...forced);
  git(place, "commit", "-q", "-m", "first");
  return place;
}

/** Rules in the root and in a nested folder, and a file that is kept against them. */
const project: Files = {
  ".gitignore": "*.log\n.env.*\n*.mo\nmedia/\n",
  "backend/wsgi.py": "",
  "backend/debug.log": "",
  "backend/.env.production": "",
  "backend/media/big.bin": "",
  "backend/locale/de/django.mo": "",
  "backend/frontend/.gitignore": "secret.txt\n!keep.log\n",
  "backend/frontend/secret.txt": "",
  "backend/frontend/keep.log": "",
};
const backend = ["frontend/.gitignore", "frontend/keep.log", "locale/de/django.mo", "wsgi.py"];

test("a directory of a work tree is shipped as git has it: rules of parent and nested folders, and what is kept against them", () => {
  const place = repository(project, ["backend/locale/de/django.mo"]);
  assert.deepEqual(shippedFiles(join(place, "backend")), backend);
  // The root has the same, and its own rules' file.
  assert.deepEqual(shippedFiles(place), [".gitignore", ...backend.map((path) => `backend/${path}`)]);
});

test("a new file that git would add is shipped, and one that was deleted is not", () => {
  const place = repository({ "wsgi.py": "", "old.py": "" });
  rmSync(join(place, "old.py"));
  writeFileSync(join(place, "new.py"), "");
  assert.deepEqual(shippedFiles(place), ["new.py", "wsgi.py"]);
});

test("what no release needs is left out unless git keeps it, and .berthignore has the last word", () => {
  const place = repository({ "wsgi.py": "", ".env": "DEBUG=0", "fixture.sqlite3": "", "notes/a.txt": "" });
  writeFileSync(join(place, "db.sqlite3"), "");
  assert.deepEqual(shippedFiles(place), [".env", "fixture.sqlite3", "notes/a.txt", "wsgi.py"]);
  writeFileSync(join(place, ".berthignore"), "notes/\n.env\n");
  assert.deepEqual(shippedFiles(place), [".berthignore", "fixture.sqlite3", "wsgi.py"]);
});

test("a front end that is built here is shipped when .berthignore takes it back", () => {
  const files = {
    "wsgi.py": "",
    "web/dist/app.js": "",
    "web/dist/app.js.map": "",
    "web/node_modules/a.js": "",
  };
  const rules = { ".gitignore": "dist/\n", ".berthignore": "!/web/dist/\n*.map\n" };
  const expected = [".berthignore", ".gitignore", "web/dist/app.js", "wsgi.py"];
  const place = directory({ ...files, ...rules });
  assert.deepEqual(shippedFiles(place), expected);
  git(place, "init", "-q");
  assert.deepEqual(shippedFiles(place), expected);
});

test("a submodule is shipped with its files; one that is not there is said", () => {
  const library = repository({ "library.py": "" });
  const place = repository({ "wsgi.py": "" });
  git(place, "-c", "protocol.file.allow=always", "submodule", "add", "-q", library, "vendor/library");
  git(place, "commit", "-q", "-m", "second");
  assert.deepEqual(shippedFiles(place), [".gitmodules", "vendor/library/library.py", "wsgi.py"]);
  git(place, "submodule", "deinit", "-q", "--all");
  assert.throws(
    () => shippedFiles(place),
    /vendor\/library: is a submodule that is not there\. Run 'git submodule update --init'/,
  );
});

test("without git the rules of nested folders hold as well, the deeper over the outer", () => {
  const place = directory(project);
  assert.deepEqual(shippedFiles(join(place, "backend")), [
    ".env.production",
    "debug.log",
    "frontend/.gitignore",
    "frontend/keep.log",
    "locale/de/django.mo",
    "media/big.bin",
    "wsgi.py",
  ]);
  assert.deepEqual(shippedFiles(place), [
    ".gitignore",
    "backend/frontend/.gitignore",
    "backend/frontend/keep.log",
    "backend/wsgi.py",
  ]);
});

test("a directory that a work tree leaves out as a whole is shipped by its own rules", () => {
  const place = repository({ ".gitignore": "/build/\n", "wsgi.py": "" });
  mkdirSync(join(place, "build"));
  writeFileSync(join(place, "build/.gitignore"), "*.log\n");
  writeFileSync(join(place, "build/wsgi.py"), "");
  writeFileSync(join(place, "build/a.log"), "");
  assert.deepEqual(shippedFiles(join(place, "build")), [".gitignore", "wsgi.py"]);
});

test("nothing of a repository's own configuration is run, nor does git's environment lead elsewhere", () => {
  const place = repository({ "wsgi.py": "" });
  git(place, "config", "core.fsmonitor", `touch ${join(folder, "was-run")}; false`);
  process.env.GIT_DIR = join(repository({ "other.py": "" }), ".git");
  try {
    assert.deepEqual(shippedFiles(place), ["wsgi.py"]);
  } finally {
    delete process.env.GIT_DIR;
  }
  assert.ok(!existsSync(join(folder, "was-run")));
});

test("a work tree of another account is read as its own would read it", {
  skip: process.getuid?.() === 0 ? false : "needs root",
}, () => {
  const place = repository({ ".gitignore": "*.log\n", "wsgi.py": "", "a.log": "" });
  for (const path of [place, join(place, ".git")]) chownSync(path, 65534, 65534);
  assert.deepEqual(shippedFiles(place), [".gitignore", "wsgi.py"]);
});

test("what a repository's own settings would fetch is not fetched: nothing that they name is run", () => {
  const place = repository({ "wsgi.py": "", ".gitignore": "*.log\n" });
  const ran = join(folder, "was-fetched");
  for (const [key, value] of [
    ["core.repositoryformatversion", "1"],
    ["extensions.partialClone", "origin"],
    ["remote.origin.promisor", "true"],
    ["remote.origin.url", "."],
    ["remote.origin.uploadpack", `touch ${ran}; false`],
  ] as const)
    git(place, "config", key, value);
  // Its rules are in the index alone, and what they are is missing.
  git(place, "update-index", "--skip-worktree", ".gitignore");
  rmSync(join(place, ".gitignore"));
  const blob = execFileSync("git", ["-C", place, "rev-parse", "HEAD:.gitignore"], {
    encoding: "utf8",
  }).trim();
  rmSync(join(place, ".git/objects", blob.slice(0, 2), blob.slice(2)));
  try {
    shippedFiles(place);
  } catch (error) {
    assert.match(
      (error as Error).message,
      /lies in the work tree .*, and 'git ls-files' does not say|left out by a sparse checkout/,
    );
  }
  assert.ok(!existsSync(ran));
});

test("what a sparse checkout leaves out is missed, unless .berthignore names it", () => {
  const place = repository({ "wsgi.py": "", "assets/a.css": "" });
  git(place, "sparse-checkout", "set", "--no-cone", "/wsgi.py");
  assert.throws(() => shippedFiles(place), /assets\/a\.css: is left out by a sparse checkout/);
  writeFileSync(join(place, ".berthignore"), "assets/\n");
  assert.deepEqual(shippedFiles(place), [".berthignore", "wsgi.py"]);
});

test("a name that is not in UTF-8 is refused as it is, for it would be lost", () => {
  const place = repository({ "wsgi.py": "" });
  writeFileSync(Buffer.concat([Buffer.from(`${place}/`), Buffer.from([0x66, 0xfc, 0x72])]), "");
  assert.throws(() => shippedFiles(place), /expected names of files in UTF-8; found "f.r"/);
});

test("a folder that only looks like a repository of git's is none", () => {
  const place = directory({ "wsgi.py": "" });
  git(folder, "init", "-q", "--bare", join(place, "app"));
  git(join(place, "app"), "config", "core.fsmonitor", `touch ${join(folder, "was-bare")}`);
  writeFileSync(join(place, "app/wsgi.py"), "");
  assert.ok(shippedFiles(join(place, "app")).includes("wsgi.py"));
  assert.ok(!existsSync(join(folder, "was-bare")));
});

test("a file that git names behind a link is refused: it is another one's", () => {
  const outside = directory({ id_ed25519: "secret" });
  const place = repository({ "wsgi.py": "", "keys/id_ed25519": "" });
  rmSync(join(place, "keys"), { recursive: true });
  symlinkSync(outside, join(place, "keys"));
  assert.throws(() => shippedFiles(place), /keys: is reached by a link, and git has files below it/);
});

test("where git does not answer nothing is shipped, for its rules would not hold", () => {
  const place = repository({ "wsgi.py": "" });
  writeFileSync(join(place, ".git/index"), "nonsense");
  assert.throws(() => shippedFiles(place), /lies in the work tree .*: .*index/);
});

test("a work tree that another account has put above a directory is refused by its name", {
  skip: process.getuid?.() === 0 ? false : "needs root",
}, () => {
  const place = repository({ "app/wsgi.py": "" });
  for (const path of [place, join(place, ".git")]) chownSync(path, 65534, 65534);
  assert.throws(
    () => shippedFiles(join(place, "app")),
    /\.git belongs to another account \(65534\) than .*app\. Take it away/,
  );
});

test("git is told none of what the program knows", () => {
  const place = repository({ "wsgi.py": "" });
  const told = join(folder, "told");
  const [path, own] = [process.env.PATH, join(folder, "bin")];
  mkdirSync(own);
  writeFileSync(join(own, "git"), `#!/bin/sh\nenv >>${told}\nPATH="${path}" exec git "$@"\n`, {
    mode: 0o755,
  });
  Object.assign(process.env, { PATH: `${own}:${path}`, PULUMI_CONFIG: "secret-of-the-stack" });
  try {
    assert.deepEqual(shippedFiles(place), ["wsgi.py"]);
  } finally {
    process.env.PATH = path;
    delete process.env.PULUMI_CONFIG;
  }
  assert.match(readFileSync(told, "utf8"), /^HOME=/m);
  assert.doesNotMatch(readFileSync(told, "utf8"), /secret-of-the-stack/);
});

test("names of every kind arrive as they are", () => {
  const names = ["it's ü $x.txt", "line\nbreak", '"quoted"', "-rf"].sort();
  const place = repository(Object.fromEntries(names.map((name) => [name, ""])));
  assert.deepEqual(shippedFiles(place), names);
});
