import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { packDirectory } from "../../components/app/source/archive.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-archive-"));
after(() => rmSync(folder, { recursive: true }));

let made = 0;
function source(files: Readonly<Record<string, string>>): string {
  const directory = join(folder, `source-${++made}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}
const store = () => join(folder, `store-${++made}`);
const listed = (path: string, ...options: string[]) =>
  execFileSync("tar", ["--list", ...options, "--file", path], { encoding: "utf8" })
    .trim()
    .split("\n");
const pack = (directory: string, kept = store()) => packDirectory(directory, kept);

test("what is neither a file, a directory nor a link is refused by its name and kind, unless it is not shipped", async () => {
  const directory = source({ "wsgi.py": "a", "shop/urls.py": "b" });
  const refused = (name: string, kind: string) =>
    assert.throws(() => pack(directory), {
      message: `${join(directory, name)}: is ${kind}, and a file, a directory or a link was expected. Take it out of the source, or name it in .berthignore.`,
    });
  execFileSync("mkfifo", [join(directory, "shop/queue")]);
  refused("shop/queue", "a FIFO");
  rmSync(join(directory, "shop/queue"));
  const server = createServer();
  await new Promise<void>((listening) => server.listen(join(directory, "control"), listening));
  try {
    refused("control", "a socket");
    writeFileSync(join(directory, ".berthignore"), "/control\n");
    assert.deepEqual(listed(pack(directory).path), [".berthignore", "shop/urls.py", "wsgi.py"]);
  } finally {
    server.close();
  }
});

test("a device is refused", { skip: process.getuid?.() === 0 ? false : "needs root" }, () => {
  const directory = source({ "wsgi.py": "a" });
  execFileSync("mknod", [join(directory, "disk"), "c", "1", "3"]);
  assert.throws(() => pack(directory), { message: /disk: is a device, and a file/ });
});

test("a file of two names is two files, as it is in a copy of the source", () => {
  const linked = source({ "wsgi.py": "a" });
  linkSync(join(linked, "wsgi.py"), join(linked, "app.py"));
  assert.equal(pack(linked).sha256, pack(source({ "wsgi.py": "a", "app.py": "a" })).sha256);
});

test("the same source is the same archive, whenever and wherever it is packed", () => {
  const one = source({ "wsgi.py": "a", "shop/urls.py": "b", "manage.py": "c" });
  chmodSync(join(one, "manage.py"), 0o755);
  const two = `${one}-elsewhere`;
  cpSync(one, two, { recursive: true });
  utimesSync(join(two, "wsgi.py"), new Date(0), new Date(0));
  const first = pack(one);
  assert.equal(first.sha256, pack(two).sha256);
  const printed = execFileSync("sha256sum", [first.path], { encoding: "utf8" });
  assert.equal(printed.slice(0, 64), first.sha256);
});

for (const [what, change] of Object.entries({
  "a changed byte": (directory: string) => writeFileSync(join(directory, "wsgi.py"), "x"),
  "another name": (directory: string) => writeFileSync(join(directory, "more.py"), ""),
  "a file made executable": (directory: string) => chmodSync(join(directory, "wsgi.py"), 0o755),
  "a link": (directory: string) => symlinkSync("wsgi.py", join(directory, "app.py")),
})) {
  test(`${what} is another archive`, () => {
    const directory = source({ "wsgi.py": "a" });
    const kept = store();
    const before = pack(directory, kept).sha256;
    change(directory);
    assert.notEqual(pack(directory, kept).sha256, before);
  });
}

test("a file that only its author may read arrives as git would keep it", () => {
  const directory = source({ "site.css": "a", "manage.py": "b" });
  chmodSync(join(directory, "site.css"), 0o600);
  chmodSync(join(directory, "manage.py"), 0o700);
  const modes = listed(pack(directory).path, "--verbose").map((line) => line.split(" ")[0]);
  assert.deepEqual(modes.sort(), ["-rw-r--r--", "-rwxr-xr-x"]);
});

test("no archive carries version control, environments, caches, settings of a developer or a development database", () => {
  const unwanted = [
    ".git/config",
    ".venv/bin/python",
    "venv/bin/python",
    "frontend/node_modules/a/index.js",
    "shop/__pycache__/urls.cpython-313.pyc",
    ".env",
    "db.sqlite3",
    ".berth/passphrase",
    ".pytest_cache/x",
  ];
  const directory = source({
    "wsgi.py": "a",
    ...Object.fromEntries(unwanted.map((name) => [name, "secret"])),
  });
  execFileSync("git", ["-C", directory, "init", "-q"]);
  assert.deepEqual(listed(pack(directory).path), ["wsgi.py"]);
});

test("what .gitignore and .berthignore name stays here", () => {
  const directory = source({
    ".gitignore": "/media/\n*.log\n!keep.log\n",
    ".berthignore": "notes\n",
    "wsgi.py": "",
    "media/photo.jpg": "",
    "shop/media/base.css": "",
    "a.log": "",
    "keep.log": "",
    "notes/x.txt": "",
  });
  assert.deepEqual(listed(pack(directory).path), [
    ".berthignore",
    ".gitignore",
    "keep.log",
    "shop/media/base.css",
    "wsgi.py",
  ]);
});

test("names of people's files arrive as they are, and with no owner or time of this computer", () => {
  const long = `${"deep/".repeat(30)}${"n".repeat(120)}.py`;
  const directory = source({ "wsgi.py": "", "it's ü $x.txt": "", [long]: "" });
  const { path } = pack(directory);
  assert.deepEqual(listed(path, "--quoting-style=literal").sort(), ["it's ü $x.txt", long, "wsgi.py"].sort());
  for (const line of listed(path, "--verbose", "--utc"))
    assert.match(line, /^\S+ 0\/0\s+\d+ 1970-01-01 00:00 /);
});

test("a directory that ships nothing is refused, with the place to look", () => {
  const directory = source({ ".gitignore": "*\n" });
  assert.throws(() => pack(directory), {
    message: /has no file to ship; look at its \.gitignore and \.berthignore$/,
  });
});

test("the store keeps ten archives and nothing half-written", () => {
  const directory = source({ "wsgi.py": "" });
  const kept = store();
  let last = "";
  for (let version = 0; version < 13; version++) {
    writeFileSync(join(directory, "wsgi.py"), `${version}`);
    last = pack(directory, kept).path;
  }
  const names = readdirSync(kept);
  assert.equal(names.length, 10);
  assert.ok(names.every((name) => name.endsWith(".tar")));
  assert.deepEqual(listed(last), ["wsgi.py"]);
});
