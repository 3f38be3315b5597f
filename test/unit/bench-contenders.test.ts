import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");
const templates = join(root, "bench/contenders/templates");

/** The files that bench/floor.sh writes from its own text, by their paths. */
function written(): Map<string, string> {
  const script = readFileSync(join(root, "bench/floor.sh"), "utf8");
  const blocks = script.matchAll(/^ *put "?([^" ]+)"?[^\n]* <<('?)CONF'?\n(.*?)^CONF$/gms);
  return new Map(
    [...blocks].map(([, path = "", quoted, text = ""]) => [
      path.replace("$cluster", "/etc/postgresql/17/main").replace("$root", "/srv/logbook"),
      quoted === "" ? text.replace(/\\\$/g, "$") : text,
    ]),
  );
}

/** Names of values are told apart by neither: `$domain` and `{{ domain }}` are the same. */
const withoutValues = (text: string): string =>
  text
    .replace(/\{\{.*?\}\}/g, "VALUE")
    .replace(/\$\(.*?\)(?=MB|')/g, "VALUE")
    .replace(/\$\{?(domain|max_body|database_password|redis_password)\}?/g, "VALUE")
    .replaceAll("$root", "/srv/logbook");

test("Ansible and pyinfra write in the bench what the plain script writes", () => {
  const files = written();
  assert.ok(files.size > 25, `found ${files.size} files in bench/floor.sh`);
  for (const [path, text] of files) {
    const template = readFileSync(join(templates, `${path}.j2`), "utf8");
    assert.equal(withoutValues(template), withoutValues(text), path);
  }
  const others = globSync("**/*.j2", { cwd: templates })
    .map((path) => `/${path.replace(/\.j2$/, "")}`)
    .filter((path) => !files.has(path));
  assert.deepEqual(others.sort(), ["/etc/berth/redis/password.conf", "/etc/default/locale", "/release.env"]);
});

test("the plain script finds the password that it has written", () => {
  const script = readFileSync(join(root, "bench/floor.sh"), "utf8");
  const [, url = ""] = /^(DATABASE_URL=.*)$/m.exec(script) ?? [];
  const [, expression = ""] = /password=\$\(sed -n "([^"]*DATABASE_URL[^"]*)"/.exec(script) ?? [];
  const input = `${url.replace("$database_password", "0123abcd")}\n`;
  assert.equal(execFileSync("sed", ["-n", expression], { input, encoding: "utf8" }), "0123abcd\n");
});
