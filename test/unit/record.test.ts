// What steps note of what they have made: the shell library, run on this computer.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runLibrary } from "./shell-library.ts";

/** The record without digests, and with short paths. */
function recordIn(place: string): string[] {
  const things = readFileSync(join(place, "state/record/things"), "utf8").replaceAll(place, "");
  return things
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\t[0-9a-f]{64}$/, "").replaceAll("\t", " "))
    .map((line) => line.replace(/ \w+:\w+ /, " OWNER "));
}

const owner = "$(id -un):$(id -gn)";
/** A run of another step, or of one again. */
const run = (step: string, lines: string) => `
  step=${step} unfinished=$state/unfinished/${step} list=$state/made/${step}
  noted=() forgotten=() changes=() kept=()
  begin ''
  ${lines}
  finish`;

test("a step notes what it has made, and keeps the texts of what everybody may read", () => {
  const { place, stderr } = runLibrary(
    run(
      "one",
      `echo open | put_file "$place/open" ${owner} 0644
       echo closed | put_file "$place/closed" ${owner} 0600
       secrets[token]=$(base64 <<<hidden); put_secret_file "$place/secret" ${owner} 0644 token
       put_link "$place/link" open
       put_directory "$place/directory" ${owner} 0750
       echo gone | put_file "$place/gone" ${owner} 0644; rm "$place/gone"`,
    ),
  );
  assert.equal(stderr, "");
  assert.deepEqual(recordIn(place), [
    "directory /directory one OWNER 0750",
    "file /closed one OWNER 0600 secret",
    "file /open one OWNER 0644 text",
    "file /secret one OWNER 0644 secret",
    "link /link one open",
  ]);
  const texts = readdirSync(join(place, "state/record/text"), { recursive: true, encoding: "utf8" });
  const files = texts.filter((path) => statSync(join(place, "state/record/text", path)).isFile());
  assert.deepEqual(files, [join(place, "open").slice(1)]);
  assert.equal(statSync(join(place, "state/record")).mode & 0o777, 0o700);
  assert.equal(statSync(join(place, "state/record/things")).mode & 0o777, 0o600);
});

test("what a step makes no longer, what another makes now and what is taken away leaves the record", () => {
  const { place, stderr } = runLibrary(
    [
      run("one", `for name in a b c folder/d; do echo "$name" | put_file "$place/$name" ${owner} 0644; done`),
      run("two", `echo b2 | put_file "$place/b" ${owner} 0644; take_away "$place/folder"`),
      run("one", `echo a | put_file "$place/a" ${owner} 0644`),
    ].join("\n"),
  );
  assert.equal(stderr, "");
  assert.deepEqual(recordIn(place), ["file /a one OWNER 0644 text", "file /b two OWNER 0644 text"]);
});

test("a file that somebody has changed is kept before another takes its place, and said; no other is", () => {
  const { place, stderr } = runLibrary(
    [
      run("one", `for name in a b; do echo 1 | put_file "$place/$name" ${owner} 0600; done`),
      'echo by-hand >"$place/a"',
      run("one", `for name in a b; do echo 2 | put_file "$place/$name" ${owner} 0600; done`),
      run("one", `for name in a b; do echo 3 | put_file "$place/$name" ${owner} 0600; done`),
    ].join("\n"),
  );
  const kept = readdirSync(join(place, "state/aside"));
  assert.equal(kept.length, 1);
  const aside = join(place, "state/aside", kept[0] ?? "");
  assert.equal(readFileSync(join(aside, place, "a"), "utf8"), "by-hand\n");
  assert.deepEqual(readdirSync(join(aside, place)), ["a"]);
  assert.equal(statSync(join(place, "state/aside")).mode & 0o777, 0o700);
  assert.equal(
    stderr,
    `one: ${place}/a was not as Berth had made it; what was there is kept in ${join(aside, place, "a")}\n`,
  );
});

test("so is a file in the place of a link, and one that goes; one that is far too large is not, and is said", () => {
  const { place, stderr } = runLibrary(
    [
      run(
        "one",
        `put_link "$place/link" a
         for name in folder/a folder/b big; do echo 1 | put_file "$place/$name" ${owner} 0600; done`,
      ),
      'rm "$place/link"; echo by-hand >"$place/link"; echo by-hand >"$place/folder/b"; truncate -s 1T "$place/big"',
      run(
        "one",
        `put_link "$place/link" a
         take_away "$place/folder"
         echo 2 | put_file "$place/big" ${owner} 0600`,
      ),
    ].join("\n"),
  );
  const aside = readdirSync(join(place, "state/aside"), { recursive: true, encoding: "utf8" })
    .map((path) => join(place, "state/aside", path))
    .filter((path) => statSync(path).isFile());
  const short = aside.map((path) => path.slice(path.indexOf(place, place.length) + place.length)).sort();
  assert.deepEqual(short, ["/folder/b", "/link"]);
  for (const path of aside) assert.equal(readFileSync(path, "utf8"), "by-hand\n");
  assert.match(stderr, /big was not as Berth had made it; what was there is too large to be kept\n/);
  assert.equal(readFileSync(join(place, "big"), "utf8"), "2\n");
});
