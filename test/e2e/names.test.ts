// Names that change in a stack's file: what of the former ones could still do harm on the host goes, and what may hold data
// stays and is named.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keyPair } from "../keys.ts";
import { until } from "../until.ts";
import { reboot, untilWell, withStack } from "./harness.ts";

const stack = await withStack({ after }, { deployed: true });
const [ada, grace] = [keyPair(), keyPair()];

before(async () => {
  stack.configure({
    admins: [{ name: "ada", keys: [ada.public.trim()] }],
    app: {
      timers: { clean: { command: "true", at: "yearly", account: "cleaner" } },
      processes: { ticker: { command: "sleep infinity" } },
    },
  });
  await stack.succeed();
  // It has a directory of its own from then on.
  await stack.on("systemctl start logbook-clean.service");
  assert.match(await unitsOf("logbook-ticker*"), /^logbook-ticker@\S+\.service$/m);
});

/** Units with a name that runs, failed, or starts at a boot; and the files of units. */
const unitsOf = (name: string) =>
  stack.on(
    `{ systemctl list-units --all --plain --no-legend '${name}'; systemctl list-unit-files --no-legend '${name}'; find /etc/systemd /run/systemd/system -name '${name}'; } | awk '{ print $1 }'`,
  );

test("under other names of parts, accounts and people, those of before run nothing, start at no boot and let nobody in", async () => {
  await stack.on(
    "for name in ada deployer; do systemd-run --quiet --uid=$name --unit=of-$name sleep infinity; done",
  );
  stack.configure({
    admins: [{ name: "grace", keys: [grace.public.trim()] }],
    app: {
      owner: "builder",
      timers: { sweep: { command: "true", at: "yearly" } },
      processes: { clock: { command: "sleep infinity" } },
    },
  });
  const run = await stack.succeed();
  const said = run.stdout + run.stderr;
  for (const line of [
    /locking ada, who is no longer an administrator\. .* 'deluser --remove-home ada'/,
    /locking deployer, who no longer owns the application's files\. .* 'deluser --remove-home deployer'/,
    /kept: the account 'cleaner', .* 'sudo deluser cleaner'/,
    /kept: the directory \/var\/lib\/logbook-clean, .* 'sudo rm -r \/var\/lib\/logbook-clean'/,
  ])
    assert.match(said, line);
  await until("the process of before to end", async () => (await unitsOf("logbook-ticker*")) === "");
  assert.equal(await unitsOf("logbook-clean*"), "");
  assert.match(await unitsOf("logbook-sweep*"), /^logbook-sweep\.timer$/m);
  assert.equal(
    await stack.on("cat /etc/sudoers.d/berth-* | grep -cwE 'deployer|ada|clean|ticker' || true"),
    "0",
  );
  assert.equal(await stack.on("ls /etc/ssh/berth-keys"), "grace");
  assert.equal(await stack.on("pgrep -u ada,deployer,cleaner || true"), "");
  for (const name of ["ada", "deployer"])
    assert.match(await stack.on(`getent shadow ${name}`), /^\w+:!.*:1:$/, "locked, and expired");
  assert.equal((await stack.ssh("true", { user: "ada", key: ada.private, asRoot: false })).code, 255);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("an application that gets another name serves under it, and of the one of before only the data is left, and named", async () => {
  const soon = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  stack.configure({
    allow: [{ change: "replace", resource: "data", until: soon, why: "it is called so from now on" }],
    app: { name: "journal" },
  });
  const run = await stack.succeed();
  const said = run.stdout + run.stderr;
  for (const line of [
    /ending what runs as 'logbook', another name of the application 'journal'/,
    /kept: the account 'logbook', .* 'sudo deluser logbook'/,
    /kept: the directory \/srv\/logbook, .* 'sudo rm -r \/srv\/logbook'/,
    /kept: the database 'logbook', .* 'sudo -u postgres dropdb logbook'/,
  ])
    assert.match(said, line);
  const left = async () => {
    await untilWell(stack);
    assert.equal(await unitsOf("logbook*"), "");
    assert.equal(await stack.on("pgrep -u logbook || true"), "");
    assert.equal(await stack.on("ss -Hlxn | grep -c logbook || true"), "0");
  };
  await left();
  assert.equal(await stack.on("find /etc /usr/local /var/lib/berth/made -name '*logbook*'"), "");
  assert.equal(
    await stack.on("ls -d /run/logbook /srv/logbook/config /srv/logbook/sockets 2>/dev/null || true"),
    "",
  );
  assert.equal(await stack.on("ls /etc/nginx/sites-enabled"), "journal.conf");
  const logins = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'logbook%' AND rolcanlogin";
  assert.equal(await stack.on(`runuser -u postgres -- psql -XAtc "${logins}"`), "0");
  assert.equal(
    await stack.on("runuser -u postgres -- psql -XAtc 'SELECT count(*) > 0 FROM django_migrations' logbook"),
    "t",
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  await reboot(stack.machine);
  await left();
});
