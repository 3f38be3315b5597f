// The firewall of every host, with something that listens where a cloud's metadata service would.
import assert from "node:assert/strict";
import { test } from "node:test";
import { stepsOf, withMachine } from "./host-machine.ts";

test("of a host's accounts root alone reaches the metadata service, and the name servers beside it stay open", async (t) => {
  const machine = await withMachine(t);
  const { connect, accounts, ssh, firewall, reached } = await stepsOf(machine);
  const well = async (step: string) => {
    const ended = await machine.step(step);
    assert.equal(ended.code, 0, ended.stderr);
  };
  for (const step of [connect, accounts, ssh, reached]) await well(step);
  const ask = (account: string, address: string, port: number) =>
    machine.ssh(`runuser -u ${account} -- timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/${port}'`);
  await machine.on(
    "ip address add 169.254.169.254/32 dev lo; ip address add fd00:ec2::254/128 dev lo; for place in '169.254.169.254 80' '169.254.169.254 53' 'fd00:ec2::254 80'; do set -- $place; systemd-run -q python3 -m http.server --bind $1 $2; done",
  );
  await machine.on("until [ $(ss -Hltn '( sport = :80 or sport = :53 )' | wc -l) = 3 ]; do sleep 0.1; done");
  assert.equal((await ask("nobody", "169.254.169.254", 80)).code, 0);

  await well(firewall);
  await well(reached);
  for (const address of ["169.254.169.254", "fd00:ec2::254"]) {
    const refused = await ask("nobody", address, 80);
    assert.match(refused.stderr, /Connection refused/, address);
    assert.equal((await ask("root", address, 80)).code, 0, address);
  }
  assert.equal((await ask("nobody", "169.254.169.254", 53)).code, 0);

  const open = await machine.step(firewall.replaceAll(/^ *meta skuid.*\n/gm, ""));
  assert.equal(open.code, 1);
  assert.match(open.stderr, /any account of this host can reach the cloud's metadata service/);
});
