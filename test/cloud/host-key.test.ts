// The first contact with a new instance, on a machine of its own that was booted with the same user-data.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { root } from "../engine/harness.ts";
import { contact, login, type Machine, newKey, withMachine } from "./host-machine.ts";

describe("the first contact with a new machine", { concurrency: false }, () => {
  const stays = newKey();
  let machine: Machine;
  const cleanUp: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const clean of cleanUp) await clean();
  });

  /** The key that it shows. */
  const shown = async () => {
    for (const [name, key] of Object.entries({ bootstrap: machine.bootstrap, stays })) {
      if ((await machine.ssh("true", { hostKeys: [key.publicKey] })).code === 0) return name;
    }
    return "neither";
  };
  const either = (command: string) =>
    machine.ssh(command, { hostKeys: [machine.bootstrap.publicKey, stays.publicKey] });

  before(async () => {
    machine = await withMachine({ after: (clean) => cleanUp.push(clean) });
  });

  // As after the first boot.
  beforeEach(async () => {
    const reset = await machine.ssh(
      "rm -f /usr/local/sbin/* /etc/ssh/*.berth*; cat >/etc/ssh/ssh_host_ed25519_key; ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key >/etc/ssh/ssh_host_ed25519_key.pub; systemctl reset-failed ssh; systemctl restart ssh",
      { stdin: machine.bootstrap.privateKey, hostKeys: [machine.bootstrap.publicKey, stays.publicKey] },
    );
    assert.equal(reset.code, 0, reset.stderr);
  });

  test("gives the machine the key that stays, and what user-data shows opens nothing any more", async () => {
    const result = await contact(machine, "exchange", { stays });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(await shown(), "stays");
    const keys = await either("grep -rlF -f - /etc/ssh");
    assert.equal(keys.code, 1, keys.stdout);
    const held = await machine.ssh("cat /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key.pub", {
      hostKeys: [stays.publicKey],
    });
    assert.ok(held.stdout.includes(stays.privateKey.trim()));
    assert.ok(held.stdout.includes(stays.publicKey));
    assert.equal((await contact(machine, "check", { stays })).code, 0);
  });

  test("refuses a machine that shows a third key, and sends it nothing", async () => {
    const result = await contact(machine, "exchange", { stays, bootstrap: newKey().publicKey });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /shows another host key .* Nothing was sent to it/);
    assert.equal(await shown(), "bootstrap");
  });

  test("takes the key of user-data at the first contact alone, never later", async () => {
    const result = await contact(machine, "check", { stays });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /shows another host key/);
  });

  test("leaves no private key on the computer that runs it, and none in what it prints", async () => {
    const temporary = mkdtempSync(join(tmpdir(), "berth-contact-"));
    cleanUp.push(() => rmSync(temporary, { recursive: true }));
    const result = await contact(machine, "exchange", { stays, temporary });
    assert.equal(result.stdout + result.stderr, "");
    assert.deepEqual(readdirSync(temporary), []);
    const refused = await contact(machine, "exchange", { stays: newKey(), bootstrap: "", temporary });
    assert.equal(refused.code, 1);
    assert.doesNotMatch(refused.stderr, /PRIVATE KEY/);
    assert.deepEqual(readdirSync(temporary), []);
  });

  // Each of these is a program that the exchange calls on the host; in its place stands one that kills the exchange.
  const moments = {
    "while the key is arriving": [
      "cat",
      '[ $# = 0 ] || exec /usr/bin/cat "$@"; head -c 100; kill -KILL $PPID',
    ],
    "when the key has arrived": ["ssh-keygen", "kill -KILL $PPID"],
    "before the key is in its place": ["mv", "kill -KILL $PPID"],
    "between the private key and the public one": [
      "mv",
      'case $2 in *.pub) kill -KILL $PPID ;; *) exec /usr/bin/mv "$@" ;; esac',
    ],
    "when the key is in its place, and sshd does not know": ["systemctl", "kill -KILL $PPID"],
    "when sshd has it, and nobody else knows": [
      "systemctl",
      '/usr/bin/systemctl "$@"; sleep 1; kill -KILL $PPID',
    ],
  } as const;

  for (const [moment, [program, text]] of Object.entries(moments)) {
    test(`cut off ${moment}, it is finished by the next run`, async () => {
      const put = await machine.ssh(
        `cat >/usr/local/sbin/${program}; chmod 0755 /usr/local/sbin/${program}`,
        {
          stdin: `#!/bin/bash\n${text}\n`,
        },
      );
      assert.equal(put.code, 0, put.stderr);
      assert.notEqual((await contact(machine, "exchange", { stays })).code, 0);
      assert.notEqual(await shown(), "neither");
      // The host itself may have gone down with it.
      await either(
        `/usr/bin/rm -f /usr/local/sbin/${program}; /usr/bin/systemctl reset-failed ssh; /usr/bin/systemctl restart ssh`,
      );
      assert.notEqual(await shown(), "neither");
      const again = await contact(machine, "exchange", { stays });
      assert.equal(again.code, 0, again.stderr);
      assert.equal(await shown(), "stays");
    });
  }

  test("the engine killed in the middle, the next run finishes", async () => {
    await machine.ssh("cat >/usr/local/sbin/sync; chmod 0755 /usr/local/sbin/sync", {
      stdin: "#!/bin/bash\ntouch /run/in-the-middle\nuntil [ -e /run/let-go ]; do sleep 0.1; done\n",
    });
    const child = spawn("bash", [join(root, "components/ec2/host-key.sh"), "exchange"], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: {
        PATH: process.env.PATH,
        BERTH_ADDRESS: machine.address,
        BERTH_PORT: "22",
        BERTH_USER: "berth",
        BERTH_INSTANCE: machine.instanceId,
        BERTH_HOST_KEY: stays.publicKey,
        BERTH_BOOTSTRAP_KEY: machine.bootstrap.publicKey,
      },
    });
    child.stdin.end(`${login.privateKey}\n${stays.privateKey}\n`);
    const waiting = await either("until [ -e /run/in-the-middle ]; do sleep 0.1; done");
    assert.equal(waiting.code, 0, waiting.stderr);
    process.kill(-(child.pid ?? 0), "SIGKILL");
    await once(child, "exit");
    const goes = await either("touch /run/let-go");
    assert.equal(goes.code, 0, goes.stderr);
    const again = await contact(machine, "exchange", { stays });
    assert.equal(again.code, 0, again.stderr);
    assert.equal(await shown(), "stays");
  });
});
