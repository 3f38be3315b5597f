// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the slots of shell scripts look like that.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { shellQuote } from "../../components/host/quote.ts";
import { removalText, type StepText, stepText } from "../../components/host/step.ts";
import { runLibrary } from "./shell-library.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-step-"));
after(() => rmSync(folder, { recursive: true }));

let scripts = 0;
function script(text: string): string {
  const path = join(folder, `script-${++scripts}.sh`);
  writeFileSync(path, text);
  return path;
}

const step = (wanted: Partial<StepText> = {}): StepText => ({
  name: "shop-test",
  scripts: [script("true\n")],
  slots: {},
  files: {},
  secretFiles: {},
  secrets: [],
  ...wanted,
});

test("any value is one word of a shell, to the letter", () => {
  const values = [
    "",
    "plain",
    "two words",
    "it's",
    `'"\\$x\`y!`,
    "-n",
    "*",
    "line\nline\n",
    "ü 鋸",
    "#;&|<>(){}[]~",
  ];
  for (const shell of ["bash", "sh"]) {
    const printed = execFileSync(shell, ["-c", `printf '%s\\0' ${values.map(shellQuote).join(" ")}`], {
      encoding: "utf8",
    });
    assert.deepEqual(printed.split("\0").slice(0, -1), values);
  }
});

test("a value with a NUL byte, which no shell can hold, is refused", () => {
  assert.throws(() => shellQuote("a\0b"), { message: /NUL byte/ });
});

test("a slot that a script declares must be filled, and only those", () => {
  const declared = script(': "${name?the name}"\n: "${root?the directory}"\ntrue\n');
  assert.throws(() => stepText(step({ scripts: [declared], slots: { name: "x", rooot: "y" } })), {
    message: "step shop-test: slot 'root' is not filled; there is no slot 'rooot'",
  });
  assert.match(
    stepText(step({ scripts: [declared], slots: { name: "x", root: "/srv/it's" } })),
    /^root='\/srv\/it'\\''s'$/m,
  );
});

test("a step of several scripts has the slots of all of them", () => {
  const [one, two] = [script(': "${one?1}"\n'), script(': "${two?2}"\n')];
  assert.throws(() => stepText(step({ scripts: [one, two], slots: { one: "1" } })), {
    message: /slot 'two'/,
  });
});

test("what a step refuses beforehand it refuses while no file is in place", () => {
  const text = stepText(
    step({
      checks: [script(': "${at?when}"\nfail "not so: $at"\n')],
      slots: { at: "never" },
      files: { "/etc/shop": { content: "a" } },
    }),
  );
  const [check, file] = [text.indexOf('fail "not so: $at"'), text.indexOf("put_file '/etc/shop'")];
  assert.ok(text.includes("at='never'") && check > 0 && check < file, `${check} ${file}`);
});

test("the text of a step is a shell program, and the same every time", () => {
  const wanted = step({
    files: { "/etc/shop.conf": { content: "a $HOME `b` \\ 'c'\n" } },
    secretFiles: { "/etc/shop.key": { secret: "/etc/shop.key", owner: "shop:shop" } },
    secrets: ["/etc/shop.key"],
  });
  const text = stepText(wanted);
  assert.equal(text, stepText(wanted));
  for (const one of [text, removalText(wanted, "machine-1", script("true\n"))]) {
    const read = spawnSync("bash", ["-n"], { input: one, encoding: "utf8" });
    assert.equal(read.status, 0, read.stderr);
  }
});

test("the whole text of a step, and of its removal", () => {
  const wanted = step({
    scripts: [script(': "${name?the name}"\necho "$name"\n'), script("true\n")],
    checks: [script('[ "$name" ] || fail "no name."\n')],
    slots: { name: "it's" },
    files: { "/etc/shop.conf": { content: "a $b" }, "/etc/empty": { content: "", mode: "0600" } },
    secretFiles: { "/etc/shop.key": { secret: "key", owner: "shop:shop" } },
    secrets: ["key", "password"],
  });
  const digest = (text: string) => text.replaceAll(/[0-9a-f]{12}\.sh/g, "DIGEST.sh");
  assert.equal(
    digest(stepText(wanted)),
    `set -eu; umask 077
step=$(mktemp "/dev/shm/berth-shop-test.$$.XXXXXXXX")
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='shop-test'
name='it'\\''s'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: shop-test: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\\''pulumi up'\\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
claim=$1
take_host step
[ "$name" ] || fail "no name."

begin 'key password'
keeps '/etc/shop.conf' '/etc/empty' '/etc/shop.key'
put_file '/etc/shop.conf' 'root:root' '0644' <<'BERTH_FILE_END'
a $b
BERTH_FILE_END
put_file '/etc/empty' 'root:root' '0600' <<'BERTH_FILE_END'
BERTH_FILE_END
put_secret_file '/etc/shop.key' 'shop:shop' '0600' 'key'
: "\${name?the name}"
echo "$name"

true

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step" "\${BERTH_CLAIM-}"
exec sudo -n -- /bin/bash "$step" "\${BERTH_CLAIM-}"
`,
  );
  assert.equal(
    digest(removalText(wanted, "machine-1", script("systemctl stop shop\n"))),
    `set -eu; umask 077
step=$(mktemp "/dev/shm/berth-shop-test.$$.XXXXXXXX")
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='shop-test'
[ -r /var/lib/berth/library/DIGEST.sh ] || exit 0
. /var/lib/berth/library/DIGEST.sh
claim='machine-1'
take_host removal
begin ''
take_away '/etc/shop.key' '/etc/empty' '/etc/shop.conf'
systemctl stop shop

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step" "\${BERTH_CLAIM-}"
exec sudo -n -- /bin/bash "$step" "\${BERTH_CLAIM-}"
`,
  );
});

/** Takes the host as such a step of the stack 'mine', and says whether it went on; the host keeps this claim. */
const taken = (what: string, kept: string) =>
  runLibrary(`claim=mine stack="the stack 'prod' of berth as its host 'web'"
mkdir "$place/state"
printf %s ${shellQuote(kept)} >"$place/state/claim"
take_host ${what}
echo "goes on"; cat "$place/state/claim"; ls "$place/state"`);

test("a host that is nobody's is taken by a first step alone, and one of the stack's own by every step", () => {
  assert.equal(taken("first", "").stdout, "goes on\nclaim\n");
  for (const what of ["first", "step", "removal"])
    assert.equal(taken(what, "mine\nme\n").stdout, "goes on\nmine\nme\nclaim\n", what);
  const letGo = taken("step", "");
  assert.deepEqual([letGo.status, letGo.stdout], [1, ""]);
  assert.match(
    letGo.stderr,
    /^berth: trial: this host is not this stack's any more: .*run 'pulumi up' with --replace/,
  );
});

test("no step changes a host that is another stack's, and a removal leaves it as it is without a word", () => {
  const theirs = (name: string) => `theirs\nthe stack ${name} of berth as its host 'web', since 2026-01-02\n`;
  for (const what of ["first", "step"]) {
    const refused = taken(what, theirs('"test"'));
    assert.deepEqual([refused.status, refused.stdout], [1, ""]);
    assert.match(
      refused.stderr,
      /^berth: trial: this host belongs to the stack "test" of berth as its host 'web', since 2026-01-02, and a host has one stack at a time\. Nothing has been changed\. Destroy that stack, .* 'sudo rm \S+\/claim' on the host releases it\.\n$/,
    );
    assert.deepEqual(readdirSync(refused.place).sort(), ["lock", "state"]);
  }
  assert.match(
    taken("first", theirs("'prod'")).stderr,
    /one stack at a time\. That is another stack of the same name, or this one before its state was lost\. Nothing/,
  );
  const removal = taken("removal", theirs('"test"'));
  assert.deepEqual([removal.status, removal.stdout, removal.stderr], [0, "", ""]);
});

test("the shell library comes with the first step alone; the others read what it left, and say so when it is gone", () => {
  const library = readFileSync(join(import.meta.dirname, "../../components/host/lib/step.sh"), "utf8");
  const body = (text: string) =>
    /<<'BERTH_STEP_END'\nrm -f "\$0"\n([\s\S]*?)\nBERTH_STEP_END\n/.exec(text)?.[1] ?? "";
  const first = stepText(step({ first: true }));
  const path = /printf %s "\$library" \| put_file (\S+) root:root 0644\n/.exec(first)?.[1] ?? "";
  assert.equal(first.split(library).length, 2, "it is in the text once");
  assert.equal(stepText(step()).includes(library), false);

  // Where the computer is no host of Berth's, no step finds its library.
  const missing = spawnSync("bash", ["-c", body(stepText(step()))], {
    encoding: "utf8",
  });
  assert.equal(missing.status, 1);
  assert.equal(missing.stdout, "");
  assert.match(missing.stderr, new RegExp(`^berth: shop-test: ${path} is gone from this host\\. Run .*\\n$`));
  // And a removal has nothing to remove.
  const removal = removalText(step({ files: { "/etc/shop.conf": { content: "" } } }), "machine-1", undefined);
  const nothing = spawnSync("bash", ["-c", body(removal)], { encoding: "utf8" });
  assert.deepEqual([nothing.status, nothing.stdout, nothing.stderr], [0, "", ""]);
});

test("a text that is too long for one command is refused with its size, on this computer and not by the host", () => {
  assert.throws(() => stepText(step({ files: { "/big": { content: "x".repeat(131_000) } } })), {
    message: /^step shop-test: its text has \d+ bytes, and a host takes 131071 at most/,
  });
});

test("a file cannot end its own text, and neither can a script", () => {
  assert.throws(() => stepText(step({ files: { "/f": { content: "a\nBERTH_FILE_END\nrm -rf /\n" } } })), {
    message: /^\/f: holds a line 'BERTH_FILE_END'/,
  });
  assert.throws(() => stepText(step({ scripts: [script("BERTH_STEP_END\n")] })), {
    message: /holds a line 'BERTH_STEP_END'/,
  });
});

const owner = `${execFileSync("id", ["-un"], { encoding: "utf8" }).trim()}:${execFileSync("id", ["-gn"], { encoding: "utf8" }).trim()}`;

test("a file that is the same is left alone, and one that differs is replaced whole", () => {
  const run = runLibrary(`begin ''
put_file "$place/file" ${owner} 0640 <<<one
changed "$place/" && echo first
changes=()
before=$(stat -c %i "$place/file")
put_file "$place/file" ${owner} 0640 <<<one
changed "$place/" || echo same
[ "$before" = "$(stat -c %i "$place/file")" ] && echo untouched
put_file "$place/file" ${owner} 0600 <<<one
changed "$place/file" && echo mode
cat "$place/file"
finish`);
  assert.equal(run.stdout, "first\nsame\nuntouched\nmode\none\n", run.stderr);
  assert.deepEqual(
    readdirSync(run.place).filter((name) => name.startsWith(".")),
    [],
  );
});

test("a file from a pipe and a secret one count as changed like any other", () => {
  const run = runLibrary(
    `begin 'key'
printf 'one' | put_file "$place/piped" ${owner} 0640
changed "$place/piped" && echo piped
put_secret_file "$place/secret" ${owner} 0600 key
changed "$place/secret" && cat "$place/secret"
changes=()
put_secret_file "$place/secret" ${owner} 0600 key
changed "$place/secret" || echo same`,
    `key ${Buffer.from("value\n").toString("base64")}\n`,
  );
  assert.equal(run.stdout, "piped\nvalue\nsame\n", run.stderr);
});

test("what a step that was cut short had changed still counts as changed in its next run", () => {
  const run = runLibrary(`mkdir -p "$state/unfinished"
begin ''
changed /etc/anything || echo nothing
finish
begin '' && exec 9>&-
begin ''
changed /etc/anything && echo everything
finish
begin ''
changed /etc/anything || echo after
`);
  // The last begins in a process in which an unfinished step was seen; only a new process forgets it.
  assert.equal(run.stdout, "nothing\neverything\n", run.stderr);
});

test("a secret that did not arrive ends the step before it has changed anything", () => {
  const run = runLibrary(`begin 'password'\necho reached`);
  assert.equal(run.status, 1);
  assert.equal(run.stdout, "");
  assert.match(run.stderr, /^berth: trial: the secret 'password' did not arrive\./);
});

test("secrets arrive to the letter, and a failing command's words are shown without them", () => {
  const value = 'it\'s "hunter2"\nsword$fish \\ ü';
  const line = `password ${Buffer.from(value).toString("base64")}\n`;
  const run = runLibrary(
    `begin 'password'
secret password | base64 -w0; echo
logged bash -c "printf '%s\\n' 'before'; echo \\"\\$1\\"; exit 3" bash "$(secret password)" || fail "status $?: $(secret password)" "Next."
`,
    line,
  );
  assert.equal(Buffer.from(run.stdout, "base64").toString(), value);
  // By its lines, as a log shows them.
  assert.equal(run.stderr, "before\n[secret]\n[secret]\nberth: trial: status 3: [secret]\n[secret] Next.\n");
});

test("a command that fails unforeseen ends the step with one line that names it", () => {
  const run = runLibrary(`begin ''\nfalse\necho reached`);
  assert.equal(run.status, 1);
  assert.equal(run.stdout, "");
  assert.match(
    run.stderr,
    /^berth: trial: 'false' ended with status 1 \(line \d+ of the step\)\. What it printed is in .*\n$/,
  );
});

test("a part that fails says nothing by itself: the step that needed it ends with one line, any other goes on", () => {
  const goesOn = runLibrary(`begin ''
while read -r word; do echo "$word"; done < <(echo one; false; echo two)
echo reached`);
  assert.deepEqual([goesOn.stdout, goesOn.stderr], ["one\nreached\n", ""]);
  assert.match(
    readFileSync(join(goesOn.place, "log/trial.log"), "utf8"),
    /^== .*\n'false' ended with status 1 \(line \d+ of the step\)\.\n$/,
  );
  const ends = runLibrary(`begin ''\nwords=$(echo one; bash -c 'exit 4')\necho reached`);
  assert.equal(ends.stdout, "");
  assert.match(
    ends.stderr,
    /^berth: trial: 'words=\$\(.*\)' ended with status 4 \(line \d+ of the step\)\. .*\n$/,
  );
});

test("a step runs on to its end though nobody reads what it says any more", () => {
  const run = spawnSync(
    "bash",
    [
      "-c",
      `place=$(mktemp -d "$1/cut-XXXXXX"); sed -e "s|/var/lib/berth|$place|; s|/var/log/berth|$place|; s|/run/berth.lock|$place/lock|" "$2"/*.sh >"$place/library"
{ bash -c 'step=cut; . "$1/library"; begin ""; sleep 0.3; say one; say two; logged echo three; touch "$1/done"; finish' bash "$place" 2>&1 </dev/null; } | true
for _ in $(seq 50); do [ ! -e "$place/done" ] || break; sleep 0.1; done
[ -e "$place/done" ] && sleep 0.1 && [ ! -e "$place/unfinished/cut" ] && echo finished`,
      "bash",
      folder,
      join(import.meta.dirname, "../../components/host/lib"),
    ],
    { encoding: "utf8" },
  );
  assert.equal(run.stdout, "finished\n", run.stderr);
});
