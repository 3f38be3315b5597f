// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell.
// What a step does with root's rights, where other accounts can change what lies around.
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inMemory, runLibrary } from "./shell-library.ts";

const asRoot = { skip: process.getuid?.() === 0 ? false : "needs root" };
const nobody = 65534;

/** A directory below directories that are root's alone. */
function closedPlace(t: { after(clean: () => void): void }): string {
  const place = mkdtempSync("/run/berth-closed-");
  chmodSync(place, 0o755);
  t.after(() => rmSync(place, { recursive: true }));
  return place;
}

const writes = {
  put_file: (path: string) => `put_file ${path} root:root 0644 <<<text`,
  put_directory: (path: string) => `put_directory ${path} root:root 0755`,
  put_link: (path: string) => `put_link ${path} /etc`,
  take_away: (path: string) => `take_away ${path}`,
};

test(
  "a step writes nothing, and takes nothing away, below a directory that another account can change",
  asRoot,
  (t) => {
    const place = closedPlace(t);
    const open: Record<string, string> = {};
    for (const [name, make] of Object.entries<(path: string) => void>({
      owned: (path) => chownSync(path, nobody, nobody),
      writable: (path) => chmodSync(path, 0o757),
      shared: (path) => {
        chownSync(path, 0, nobody);
        chmodSync(path, 0o775);
      },
    })) {
      open[name] = join(place, name);
      mkdirSync(join(open[name], "deep"), { recursive: true });
      make(open[name]);
    }
    mkdirSync(join(place, "real"));
    open.link = join(place, "link");
    symlinkSync(join(place, "real"), open.link);
    for (const [kind, directory] of Object.entries(open)) {
      for (const below of ["file", "deep/file", "new/deeper/file"]) {
        for (const [name, write] of Object.entries(writes)) {
          const run = runLibrary(`begin ''\n${write(join(directory, below))}\necho reached`, "", false);
          assert.equal(run.stdout, "", `${name} in ${kind}/${below}`);
          assert.match(
            run.stderr,
            new RegExp(
              `^berth: trial: ${directory}, above ${directory}/${below}, was expected to be a directory that root alone can change; it is a .* with the mode \\d+\\. Give it back to root with 'chown`,
              // A computer's own bash may have said something before.
              "m",
            ),
          );
          assert.ok(!existsSync(join(directory, below)));
        }
      }
    }
  },
);

test(
  "a step writes below directories that are root's alone, and makes those that are missing",
  asRoot,
  (t) => {
    const place = closedPlace(t);
    // As Debian had /usr/local once: of a group without members.
    chownSync(place, 0, 50);
    chmodSync(place, 0o775);
    writeFileSync(join(place, "old"), "");
    const run = runLibrary(
      `begin ''
getent() { if [ "$1" = group ]; then echo staff:x:50:; else command getent "$@"; fi; }
put_file ${place}/new/deeper/file root:root 0644 <<<text
put_directory ${place}/new/theirs nobody:nogroup 0750
put_link ${place}/link /etc
take_away ${place}/old
cat ${place}/new/deeper/file; stat -c '%U %a' ${place}/new ${place}/new/theirs; readlink ${place}/link; ls ${place}`,
      "",
      false,
    );
    assert.equal(run.stdout, "text\nroot 755\nnobody 750\n/etc\nlink\nnew\n", run.stderr);
  },
);

test("what a step runs as another account cannot hold its lock, and leaves nothing running", asRoot, () => {
  const run = runLibrary(`take_lock
begin ''
runuser -u nobody -- bash -c '{ : >&9; } 2>/dev/null && echo has the lock; trap "" TERM HUP; setsid sleep 98765 & echo left $!'
pgrep -u nobody -f "sleep 98765" || echo gone
runuser -u nobody -- sh -c 'exit 7' || echo "status $?"
runuser -u nobody -- cat <<<words`);
  assert.match(run.stdout, /^left \d+\ngone\nstatus 7\nwords\n$/, run.stderr);
});

test("what a step runs as another account ends when the shell that waits for it is killed", asRoot, () => {
  const run = runLibrary(`mkfifo "$place/up"; chmod 0666 "$place/up"; chmod 0755 "$place" "$place/.."
trial() { runuser -u nobody -- bash -c 'echo up >"$1"; exec sleep 98764' bash "$place/up"; }
trial & killed=$!
read -r up <"$place/up"
kill -KILL "$killed"
wait_until 10 bash -c '! pgrep -u nobody -f "^sleep 98764"' && echo "$up and gone"`);
  assert.equal(run.stdout, "up and gone\n", run.stderr);
});

test("a secret that a program wants as a file has no name in memory, whenever the step ends", () => {
  const run = runLibrary(
    `begin 'key'
secret key | hide
cat "$hidden"; cat "$hidden"
stat -L -c ' %F %a' "$hidden"
kill -KILL $$`,
    `key ${Buffer.from("word").toString("base64")}\n`,
  );
  assert.equal(run.stdout, "wordword regular file 600\n", run.stderr);
  assert.equal(run.signal, "SIGKILL");
  assert.deepEqual(inMemory(), []);
});

test("a step takes away what one that was killed has left in memory, and nothing of one that lives", () => {
  const gone = runLibrary("echo $$").stdout.trim();
  const dead = `/dev/shm/berth-trial.${gone}.aaaaaaaa`;
  const alive = `/dev/shm/berth-trial.${process.pid}.bbbbbbbb`;
  writeFileSync(dead, "text");
  writeFileSync(alive, "text");
  try {
    assert.equal(runLibrary("begin ''\nfinish").status, 0);
    assert.deepEqual([existsSync(dead), existsSync(alive)], [false, true]);
  } finally {
    for (const path of [dead, alive]) rmSync(path, { force: true });
  }
});
