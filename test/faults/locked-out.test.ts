// A change of the host that would keep Berth out: the host takes it back by itself.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { edit, withStack } from "../e2e/harness.ts";
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
  },
  {
    step: "system-ssh",
    what: "a setting of sshd that denies its account",
    now: settings,
    file: "components/system/sshd.conf.liquid",
    change: (text: string) => `DenyUsers berth\n${text}`,
    shuts: () => /^denyusers berth$/m.test(settings()),
  },
];
for (const { step, what, now, file, change, shuts } of changes) {
  test(`${what}: the host takes them back within a minute, and the deployment says so`, async () => {
    const before = now();
    edit(stack, file, change);
    const run = stack.startUp();
    await until("Berth to be kept out", shuts);
    assert.notEqual((await run.ended).code, 0);
    await until("the host to take it back", () => !shuts());
    assert.equal(now(), before);

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
