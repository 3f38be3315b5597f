// Two machines that the user has: a worker comes to the second, and goes again without a trace but its data.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bareMachine, described } from "../faults/faults.ts";
import { withStack } from "./harness.ts";

test("a worker comes to a second machine that the user has, and goes again without it", async (t) => {
  const stack = await withStack(t, { app: "test/fixtures/queue" });
  const [first, second] = [bareMachine(t), bareMachine(t)];
  const files = "find /etc /usr/local -type f -path '*berth*' -o -type f -name 'queue*'";
  const worker = { command: "rq worker -c rq_settings", runsOn: "tasks" };
  const before = second.inside(files);
  stack.configure({
    host: described(stack, first, "key-first"),
    site: { domain: undefined },
    app: { name: "queue", wsgi: "wsgi:app", settings: undefined, processes: { worker } },
    hosts: { tasks: { ...described(stack, second, "key-second"), privateAddress: first.address } },
  });

  await t.test("an address that is the first one's is refused before anything is made", async () => {
    const refused = await stack.up();
    assert.match(
      refused.stdout + refused.stderr,
      /berth:hosts\.tasks\.privateAddress: expected another address than host\.address/,
    );
    assert.equal((await stack.resources()).length, 1, "nothing but the stack itself");
  });

  await t.test("one up brings the worker there", async () => {
    stack.configure({ hosts: { tasks: described(stack, second, "key-second") } });
    await stack.succeed();
    assert.equal((await stack.fetch("/")).status, 200);
    assert.equal(second.inside("systemctl is-active 'queue-worker@*.service'"), "active");
    assert.equal((await stack.up("--expect-no-changes")).code, 0);
  });

  await t.test("taken out, it leaves nothing of Berth's on the second machine that is no data", async () => {
    stack.configure({ app: { processes: {} }, hosts: undefined });
    await stack.succeed();
    assert.equal(second.inside("systemctl list-units --plain --no-legend 'queue*'"), "");
    assert.equal(second.inside(files), before);
    assert.equal(second.inside("ls -d /srv/queue/config/env 2>/dev/null || true"), "");
    assert.doesNotMatch(second.inside("nft list tables"), /berth/);
    assert.equal(second.inside("systemctl --failed --plain --no-legend"), "");
    assert.equal((await stack.fetch("/")).status, 200);
    const listening = first.inside("ss -Hltn '( sport = :5432 or sport = :6380 )' | awk '{ print $4 }'");
    assert.deepEqual(listening.split("\n").sort(), ["127.0.0.1:5432", "[::1]:5432"]);
  });
});
