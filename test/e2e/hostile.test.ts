// Accounts of a host that would take it: whatever they put in the place of what is theirs, root follows nothing of it.
import assert from "node:assert/strict";
import { rmSync, symlinkSync } from "node:fs";
import { after, test } from "node:test";
import { edit, type Run, type StackConfig, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const said = (run: Run) => run.stdout + run.stderr;

/**
 * All that is not the application's own, nor changes by itself: its kind, mode, owner, path, where a link leads; and of a
 * file when it was changed last, which nobody but the kernel decides (ctime of inode(7)).
 */
const manifest = `find / -xdev \\( ${[
  ...["/proc", "/sys", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache", "/var/backups"],
  ...["berth", "postgresql", "redis", "private", "systemd"].map((name) => `/var/lib/${name}`),
  ...["'/srv/logbook/*'", "'/home/berth/.*'"],
  ...["/etc/berth", "/usr/local/lib/berth", "'/usr/local/bin/attack-*'", "'/etc/systemd/system/logbook*'"],
]
  .map((path) => `-path ${path}`)
  .join(
    " -o ",
  )} \\) -prune -o -type f -printf '%y %m %u:%g %p %C@\\n' -o -printf '%y %m %u:%g %p %l\\n' | LC_ALL=C sort`;

/** What an account can reach in the application's directory is moved away, and links, FIFOs and hard links put there. */
const attack = `
  cd /srv/logbook || exit
  bait() {
    case $((turn % 5)) in
    0) ln -s /etc "$1" ;;
    1) ln -s /etc/passwd "$1" ;;
    2) ln -s /etc/made-by-a-link "$1" ;;
    3) mkfifo "$1" ;;
    4) ln /srv/logbook/media/own "$1" ;;
    esac
  }
  for ((turn = 0; ; turn++)); do
    touch media/own
    for one in releases venvs static config current sockets media logs static/current static/before config/web config/env; do
      mv "$one" "$one.real" && bait "$one" && echo "took the place of $one"
    done
    for one in releases/* venvs/* static/* config/web/*; do
      mv "$one" "$one.real" && bait "$one" && echo "took the place of $one"
      for name in .berth .berth/env Procfile.new .git; do bait "$one/$name"; done
    done
    for place in media logs releases venvs static config /run/logbook; do bait "$place/.berth-new"; bait "$place/.berth.12345678"; done
    sleep 0.02
    rm -rf media/.berth* logs/.berth* releases/*/.berth releases/*/.git releases/*/Procfile.new
  done 2>/dev/null`;

test("nothing outside of the application changes, whatever its accounts put in the place of what they can reach", async (t) => {
  const before = await stack.on(manifest);
  const accounts = ["deployer", "logbook"];
  for (const account of accounts) {
    await stack.on(
      `cat >/usr/local/bin/attack-${account}; systemd-run --quiet --unit attack-${account} -p User=${account} bash /usr/local/bin/attack-${account}`,
      { stdin: attack },
    );
  }
  t.after(() => stack.inside("systemctl stop 'attack-*'"));

  // A release whose own files are meddled with may be refused; that is the owner's own affair.
  const ups = [];
  const { release: first } = await stack.outputs();
  for (const step of ["one", "two", "three"]) {
    edit(stack, "app/notes.txt", () => step);
    ups.push(await stack.up());
  }
  const changes: StackConfig[] = [
    { app: { env: { COLOUR: "blue" } } },
    { app: { release: first } },
    { app: { release: undefined, keep: 1 } },
  ];
  for (const change of changes) {
    stack.configure(change);
    ups.push(await stack.up());
  }
  t.diagnostic(
    `while they were at it: ${ups.map(({ code }) => (code === 0 ? "well" : "refused")).join(", ")}`,
  );
  for (const { code, stdout } of ups) if (code !== 0) assert.match(stdout, /the release has /);
  for (const account of accounts)
    await stack.on(`systemctl stop attack-${account}; rm /usr/local/bin/attack-${account}`);
  await stack.succeed();

  assert.equal((await stack.fetch("/health")).status, 200);
  assert.equal(await stack.on("journalctl -b -o cat -u 'attack-*' | grep '^took the place' || true"), "");
  const now = await stack.on(manifest);
  const differ = (from: string, than: string) => {
    const lines = new Set(than.split("\n"));
    return from.split("\n").filter((line) => !lines.has(line));
  };
  assert.deepEqual([differ(before, now), differ(now, before)], [[], []]);
});

test("a source with a link that leads out of it is refused by where that leads", async () => {
  const { release } = await stack.outputs();
  const source = `${stack.project}/app`;
  symlinkSync("/etc/passwd", `${source}/passwords`);
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(said(refused), /the release has a link that leads out of it, to \/etc\/passwd\./);
  rmSync(`${source}/passwords`);
  symlinkSync("notes.txt", `${source}/within`);
  await stack.succeed();
  assert.notEqual((await stack.outputs()).release, release);
});

test("an account that Berth has not made is not taken for its own", async () => {
  await stack.on("useradd --create-home ada");
  stack.configure({ app: { owner: "ada" } });
  const refused = await stack.up();
  assert.notEqual(refused.code, 0);
  assert.match(
    said(refused),
    /berth: system-accounts: this host has an account 'ada' that Berth has not made \(berth:app\.owner\)\. Choose another name\./,
  );
  stack.configure({
    app: { owner: undefined, processes: { mail: { command: "sleep infinity", account: "ada" } } },
  });
  const taken = await stack.up();
  assert.match(
    said(taken),
    /an account 'ada' that Berth has not made \(berth:app\.processes\.mail\.account\)/,
  );
  stack.configure({ app: { processes: undefined } });
  await stack.succeed();
});

test("no other account can hold the lock of the steps", async () => {
  await stack.on("test -f /run/berth.lock");
  for (const account of ["deployer", "logbook", "nobody"])
    assert.notEqual((await stack.ssh(`runuser -u ${account} -- flock -n /run/berth.lock true`)).code, 0);
});

test("the application's own command gets its arguments as they are", async () => {
  const said = await stack.on(`logbook-manage shell -c 'print("$HOME %h $$ \${PATH}")'; true`);
  assert.match(said, /\$HOME %h \$\$ \$\{PATH\}/);
});
