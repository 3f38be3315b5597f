// A change of the host that would keep Berth out: the host takes it back by itself.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { npmRun } from "../e2e/checkout.ts";
import { edit, reboot, withStack } from "../e2e/harness.ts";
import { until } from "../until.ts";
import { assertWell } from "./faults.ts";

const stack = await withStack({ after }, { deployed: true });
const rules = () => stack.inside("nft list table inet berth").stdout;
const settings = () => stack.inside("sshd -T | sort").stdout;

const changes = [
  {
    step: "system-firewall",
    what: "rules of the firewall that drop SSH",
    now: rules,
    file: "components/system/firewall.nft.liquid",
    change: (text: string) => text.replaceAll("tcp dport $ssh_ports accept", "tcp dport $ssh_ports drop"),
    shuts: () => /dport 22 drop/.test(rules()),
    sooner: () => Promise.resolve(),
  },
  {
    step: "system-ssh",
    what: "a setting of sshd that denies its account",
    now: settings,
    file: "components/system/sshd.conf.liquid",
    change: (text: string) => `DenyUsers berth\n${text}`,
    shuts: () => /^denyusers berth$/m.test(settings()),
    // Somebody does not wait for the minute.
    sooner: () => reboot(stack.machine),
  },
];
for (const { step, what, now, file, change, shuts, sooner } of changes) {
  test(`${what}: the host takes them back within a minute, and the deployment says so`, async () => {
    const before = now();
    edit(stack, file, change);
    const run = stack.startUp();
    await until("Berth to be kept out", shuts);
    await sooner();
    assert.notEqual((await run.ended).code, 0);
    await until("the host to take it back", () => !shuts());
    assert.equal(now(), before);
    await until("Berth to come in again", async () => (await stack.ssh("true")).code === 0);

    const looked = await npmRun(stack, "drift", "--json").ended;
    const differences = JSON.parse(looked.stdout).hosts[0].differences as Record<string, unknown>[];
    const found = differences.filter(({ kind }) => kind === "change");
    assert.deepEqual(
      found.map((one) => [one.step, one.mended]),
      [[step, true]],
      looked.stdout,
    );

    // Until it is mended, no deployment is green.
    const again = await stack.up();
    assert.notEqual(again.code, 0);
    assert.match(
      again.stdout + again.stderr,
      new RegExp(
        `Berth did not come in again within a minute after the step '${step}', so this host took back`,
      ),
    );
  });

  test(`${what}: without them all is well, and nothing is taken back`, async () => {
    const wrong = "DenyUsers berth\n";
    edit(stack, file, (text) => text.replace(wrong, "").replaceAll("$ssh_ports drop", "$ssh_ports accept"));
    await stack.succeed();
    assert.equal(stack.inside("systemctl list-units --all --plain --no-legend 'berth-undo-*'").stdout, "");
    await assertWell(stack);
    await stack.succeed("--expect-no-changes");
  });
}

test("what was proven, or was no change, is not taken back, nor are rules that nobody can load kept", async () => {
  const place = "/var/lib/berth/undo/system-firewall";
  const files = "/etc/berth/firewall.nft";
  const armed = `mkdir -p ${place}/files && cp --parents -p ${files} ${place}/files && printf '%s\\0' ${files} >${place}/paths && echo false >${place}/command`;
  const left = "ls -A /var/lib/berth/undo/system-firewall /var/lib/berth/undone 2>/dev/null";
  const nothing = "/var/lib/berth/undone:\n";
  assert.equal(
    stack.inside(
      `mkdir -p /var/lib/berth/undone; ${armed}; /usr/local/lib/berth/undo system-firewall; ${left}`,
    ).stdout,
    nothing,
  );
  stack.inside(
    `${armed}; echo old >${place}/files${files}; touch ${place}/came-in; /usr/local/lib/berth/undo system-firewall`,
  );
  assert.equal(stack.inside(left).stdout, nothing);

  const before = stack.inside(`cat ${files}`).stdout;
  edit(stack, "components/system/firewall.nft.liquid", (text) =>
    text.replace("policy drop;", "policy dorp;"),
  );
  const run = await stack.up();
  assert.match(
    run.stdout + run.stderr,
    /nft refuses the rules of firewall\.nft, so they are as they were before: .*dorp/,
  );
  assert.equal(stack.inside(`cat ${files}`).stdout, before);
});
