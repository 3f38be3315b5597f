import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { environmentFile } from "../../components/app/settings/settings.ts";

const settings = {
  PLAIN: "shop.settings",
  EMPTY: "",
  SPACES: "  two words  ",
  HASH: "a #b; c",
  DOLLAR: "p$HOME$(id)`id`$1",
  DOUBLE: 'say "hello"',
  SINGLE: "it's",
  BACKSLASH: "C:\\new\\table\\",
  ALL: `'"\\$x\`y!#=&|<>*?~`,
  URL: "postgresql://shop:s%C3%A4ge@%2Frun%2Fpostgresql/shop?a=1&b=2",
  UNICODE: "Säge ✓ 鋸",
  JSON: '{"a": ["b", 1], "c": "it\'s"}',
};

function withFile<Result>(text: string, use: (path: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "berth-settings-"));
  try {
    const path = join(folder, "env");
    writeFileSync(path, text);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a program finds in its environment, for the names of `settings`. */
const dump = `import json, os, sys; print(json.dumps({name: os.environ.get(name) for name in sys.argv[1:]}))`;

for (const shell of ["bash", "sh"]) {
  test(`a shell (${shell}) that sources the file of settings gets every value as it was given`, () => {
    const read = withFile(environmentFile(settings), (path) =>
      execFileSync(
        shell,
        [
          "-c",
          `set -a; . "$1"; shift; exec "$@"`,
          shell,
          path,
          "python3",
          "-c",
          dump,
          ...Object.keys(settings),
        ],
        { encoding: "utf8", env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" } },
      ),
    );
    assert.deepEqual(JSON.parse(read), settings);
  });
}

test("django-environ gets every value as it was given", () => {
  // The rules of its Env.read_env, by line: https://django-environ.readthedocs.io/en/latest/quickstart.html
  const reader = `
import json, re, sys
values = {}
for line in open(sys.argv[1], encoding="utf-8"):
    name, value = re.match(r"\\A(?:export )?([A-Za-z_0-9]+)=(.*)\\Z", line.rstrip("\\r\\n")).groups()
    single, double = re.match(r"\\A'(.*)'\\Z", value), re.match(r'\\A"(.*)"\\Z', value)
    values[name] = single.group(1) if single else re.sub(r"\\\\(.)", r"\\1", double.group(1))
print(json.dumps(values))`;
  const read = withFile(environmentFile(settings), (path) =>
    execFileSync("python3", ["-c", reader, path], { encoding: "utf8" }),
  );
  assert.deepEqual(JSON.parse(read), settings);
});

test("a shell gets a value of several lines, such as a private key", () => {
  const key = "-----BEGIN KEY-----\nb3BlbnNz\n-----END KEY-----\n";
  const read = withFile(environmentFile({ KEY: key }), (path) =>
    execFileSync("sh", ["-c", `. "$1"; printf %s "$KEY"`, "sh", path], { encoding: "utf8" }),
  );
  assert.equal(read, key);
});

test("the file of no settings is empty", () => {
  assert.equal(environmentFile({}), "");
});
