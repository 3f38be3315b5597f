// What a step has on a host and had there before: the shell library's own list, in a folder of the test.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { runLibrary } from "./shell-library.ts";

/** Each is a run of a step, the one after the other: `at STEP` begins it. */
const story = (lines: string, anywhere = true) =>
  runLibrary(
    `mkdir -p "$place/state" "$place/log" "$place/etc"; log=$place/log/trial.log
systemctl() { printf 'systemctl %s\\n' "$*"; }
at() { step=$1 list=$state/made/$1 unfinished=$place/unfinished kept=() changes=(); }
put() { keeps "$@"; for path in "$@"; do printf %s "$step" >"$path"; done; }
${lines}
`,
    "",
    anywhere,
  );
const there = (place: string, ...names: readonly string[]) =>
  names.filter((name) => existsSync(`${place}/etc/${name}`));

test("what a step has no longer goes when it has proved itself, and nothing else does", () => {
  const { place, status, stderr } = story(`
at shop; put "$place/etc/a" "$place/etc/b"; finish
printf mine >"$place/etc/other"
at shop; put "$place/etc/b" "$place/etc/c"
[ -e "$place/etc/a" ] || echo "gone before the proof" >&2
finish`);
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  assert.deepEqual(there(place, "a", "b", "c", "other"), ["b", "c", "other"]);
  assert.equal(readFileSync(`${place}/state/made/shop`, "utf8"), `${place}/etc/b\n${place}/etc/c\n`);
});

test("what a run has put that was killed goes with the next that does not have it", () => {
  const { place } = story(`
at shop; put "$place/etc/a"; finish
at shop; put "$place/etc/b"
at shop; put "$place/etc/c"; finish`);
  assert.deepEqual(there(place, "a", "b", "c"), ["c"]);
});

test("a file that another step has taken over stays", () => {
  const { place } = story(`
at shop; put "$place/etc/a" "$place/etc/b"; finish
at site; put "$place/etc/a"; finish
at shop; put "$place/etc/b"; finish`);
  assert.deepEqual(there(place, "a", "b"), ["a", "b"]);
  assert.equal(readFileSync(`${place}/etc/a`, "utf8"), "site");
});

test("a step that has nothing any more leaves nothing, and no list", () => {
  const { place } = story(`
at shop; put "$place/etc/a"; finish
at shop; finish`);
  assert.deepEqual(there(place, "a"), []);
  assert.equal(existsSync(`${place}/state/made/shop`), false);
});

test("under another name of the application all stays; under the name of before it is the step's again", () => {
  const { place, status, stderr } = story(`
at web; of_application shop; put "$place/etc/shop"; finish
at web; of_application store; put "$place/etc/store"; finish
at web; of_application shop; put "$place/etc/shop-2"; finish`);
  assert.equal(status, 0, stderr);
  assert.deepEqual(there(place, "shop", "store", "shop-2"), ["store", "shop-2"]);
});

test("a unit is stopped and started at no boot before its file goes; a template and a drop-in have nothing to stop", () => {
  const { place, status, stderr } = story(`
mkdir -p "$place/units/x.service.d"
at shop; put "$place/units/a.timer" "$place/units/a@.service" "$place/units/x.service.d/a.conf"; finish
at shop; finish`);
  assert.equal(status, 0, stderr);
  assert.equal(
    readFileSync(`${place}/log/trial.log`, "utf8"),
    "systemctl disable --now --quiet a.timer\nsystemctl daemon-reload\n",
  );
  assert.deepEqual(readdirSync(`${place}/units`), []);
});

test("what another account could have put in its place stays, and is named", () => {
  // Any account can write to the directory of temporary files, above the place of the test.
  const { place, stderr } = story(
    `at shop; put "$place/etc/a"; finish; at shop; finish; at shop; finish`,
    false,
  );
  assert.deepEqual(there(place, "a"), ["a"]);
  assert.match(
    stderr,
    /^(shop: left where it is, because another account can change a directory above it: \S+\/a\n){2}$/,
  );
});
