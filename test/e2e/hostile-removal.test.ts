// Accounts of a host that would take it while a stack goes from it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bareMachine, described } from "../faults/faults.ts";
import { withStack } from "./harness.ts";
import { attack, attackersOf, noteHost, startAttacks } from "./hostile.ts";

/** What a stack makes outside of the application's places, and takes away: its files, and what systemd starts at a boot. */
const berths = new RegExp(
  ` (${[
    // The owner's account is locked.
    "/etc/(passwd|shadow)-? ",
    "/etc/(ssh/(sshd_config\\.d/(05|10)-berth|berth-keys)|sudoers\\.d/berth-|logrotate\\.d/(berth|logbook) |ssl/berth)",
    "/etc/(apt/apt\\.conf\\.d/52berth|cloud/cloud\\.cfg\\.d/90-berth|sysctl\\.d/60-berth|postgresql-common/createcluster\\.d)",
    "/etc/nginx/(conf\\.d/berth|snippets/berth-|sites-(available|enabled)/logbook)",
    "/etc/(systemd/(system|journald\\.conf\\.d)/|rc[0-6S]\\.d/)",
    "/usr/local/(bin/logbook-(manage|run)|share/berth)",
  ].join("|")})`,
);

test("a stack goes from a host whose accounts put links in the place of what they can reach, and takes nothing else with it", async (t) => {
  const stack = await withStack(t);
  const machine = bareMachine(t);
  stack.configure({ host: described(stack, machine), site: { domain: undefined } });
  await stack.succeed();
  machine.inside("echo kept >/srv/logbook/media/kept.txt");
  const changesOfHost = await noteHost(stack, "logbook");
  const stop = await startAttacks(
    stack,
    Object.fromEntries(
      Object.entries(attackersOf("logbook", "deployer")).map(([account, of]) => [
        account,
        attack("logbook", of),
      ]),
    ),
  );
  const gone = await stack.destroy();
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  assert.equal(await stop(), "");
  const changed = await changesOfHost();
  assert.ok(
    changed.some((line) => line.includes("/etc/nginx/sites-available/logbook.conf")),
    "the site is gone",
  );
  assert.deepEqual(
    changed.filter((line) => !berths.test(line)),
    [],
  );
  assert.equal(machine.inside("cat /srv/logbook/media/kept.txt"), "kept");
  assert.equal(
    machine.inside(
      "systemctl start postgresql@17-main || { journalctl -n 20 -u postgresql@17-main; exit 1; }; runuser -u postgres -- psql -XAtc 'SELECT 1' logbook",
    ),
    "1",
  );
});
