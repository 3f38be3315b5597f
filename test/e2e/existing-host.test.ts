// A machine that the user has: Berth deploys to it, takes away what it made, and leaves the machine and the data.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bareMachine, described } from "../faults/faults.ts";
import { withStack } from "./harness.ts";

test("a stack comes to a machine that the user has, and goes again without it", async (t) => {
  const stack = await withStack(t);
  const machine = bareMachine(t);
  const administrators = (...names: string[]) =>
    names.map((name) => ({
      name,
      keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf"],
    }));
  stack.configure({
    host: described(stack, machine),
    site: { domain: undefined },
    admins: administrators("anna", "berth", "dora", "karl"),
  });
  machine.inside("useradd --create-home karl; echo karl:his-own-password | chpasswd");
  const accountOf = (name: string) => machine.inside(`getent shadow ${name} || true`);
  const karl = accountOf("karl");
  machine.inside("ln -sfn /usr/share/zoneinfo/Europe/Berlin /etc/localtime");
  const row =
    "INSERT INTO entries_entry (name, message, photo, written_at, hidden) VALUES ('Ada', 'Kept', '', now(), false)";
  const before = machine.inside("find /etc/ssh /etc/sudoers.d /etc/systemd -type f");

  await t.test("one up brings the application there", async () => {
    await stack.succeed();
    assert.equal((await stack.fetch("/health")).status, 200);
    assert.equal((await stack.outputs()).sshCommand, `ssh berth@${machine.address}`);
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
    assert.equal(machine.inside("readlink /etc/localtime"), "/usr/share/zoneinfo/Europe/Berlin");
    machine.inside(
      `runuser -u postgres -- psql -Xq logbook -c "${row}"; echo kept >/srv/logbook/media/kept.txt`,
    );
  });

  await t.test(
    "one who is no longer an administrator keeps the account of before, be it Berth's own login",
    async () => {
      assert.equal(accountOf("karl"), karl);
      assert.match(machine.inside("id -nG karl"), /berth-admins/);
      machine.inside("userdel --remove dora");
      stack.configure({ admins: administrators("anna") });
      assert.deepEqual((await stack.succeed()).changes, {
        "system-accounts": "update",
        "system-reached": "update",
        "system-ssh": "update",
      });
      assert.equal(await stack.on("whoami"), "root");
      assert.equal(accountOf("karl"), karl);
      assert.doesNotMatch(machine.inside("id -nG karl"), /berth-admins/);
      assert.equal(accountOf("dora"), "");
    },
  );

  await t.test("destroy takes away what Berth made and leaves the machine and every datum", async () => {
    // As an administrator may have done, or a destroy that was cut off.
    machine.inside("systemctl disable --quiet logbook-web-start.service berth-firewall.service");
    const gone = await stack.destroy();
    assert.equal(gone.code, 0, gone.stdout + gone.stderr);
    assert.deepEqual(await stack.resources(), []);
    assert.equal(machine.inside("find /etc/ssh /etc/sudoers.d /etc/systemd -type f"), before);
    const left =
      "find /etc/nginx/sites-enabled /etc/nginx/conf.d /etc/berth /run/logbook /etc/ssl/berth /srv/logbook/config /usr/local/lib/berth -not -type d";
    assert.equal(machine.inside(`${left} 2>/dev/null || true`), "");
    for (const unit of ["berth-firewall.service", "redis-server", "postgresql@17-main"])
      assert.notEqual(machine.inside(`systemctl is-active ${unit} || true`), "active", unit);
    assert.equal(machine.inside("systemctl list-units --plain --no-legend 'logbook*'"), "");
    assert.doesNotMatch(machine.inside("nft list tables"), /berth/);
    assert.equal(machine.inside("systemctl --failed --plain --no-legend"), "");
    assert.equal(
      machine.inside("cat /srv/logbook/media/kept.txt; ls /var/lib/postgresql/17/main/PG_VERSION"),
      "kept\n/var/lib/postgresql/17/main/PG_VERSION",
    );
    assert.equal(
      machine.inside("getent shadow anna | cut -d: -f8"),
      "1",
      "an administrator can no longer log in",
    );
    assert.equal(await stack.on("whoami"), "root", "the user still can");
  });

  await t.test("another up finds the data again", async () => {
    await stack.succeed();
    assert.match((await stack.fetch("/")).text, /Kept/);
    assert.equal((await stack.fetch("/media/kept.txt")).text, "kept\n");
  });

  await t.test(
    "a machine set up anew at the same address is not spoken to, and then made whole",
    async () => {
      machine.inside("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -qA; systemctl restart ssh");
      stack.configure({ site: { maxBody: 11 } });
      const refused = await stack.up();
      assert.notEqual(refused.code, 0);
      assert.match(refused.stdout + refused.stderr, /host key/i);
      assert.doesNotMatch(machine.inside("nginx -T 2>/dev/null"), /client_max_body_size 11m/);

      stack.configure({ host: { hostKey: machine.inside("cat /etc/ssh/ssh_host_ed25519_key.pub") } });
      await stack.succeed();
      assert.match(machine.inside("nginx -T 2>/dev/null"), /client_max_body_size 11m/);
      assert.equal((await stack.fetch("/health")).status, 200);
      assert.equal((await stack.up("--expect-no-changes")).code, 0);
    },
  );
});
