// Logs that go to another server: what steps they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoSecret, programResources } from "./program-steps.ts";
import { stepsOf } from "./step-snapshots.ts";

const syslog = { to: "logs.example.org:6514", token: '[logtail@11993 source_token="secret-of-the-test"]' };

test("each host knows the server, its authorities and the token, which is in no text", async () => {
  const made = await programResources({ syslog, hosts: { tasks: { kind: "local" } } });
  const steps = stepsOf(made);
  for (const name of ["syslog-setup", "tasks-syslog-setup"])
    assert.deepEqual(steps[name]?.slots, {
      to: "logs.example.org:6514",
      authorities: "/etc/ssl/certs/ca-certificates.crt",
    });
  assertNoSecret(made);
  assert.match(`${steps["system-packages"]?.slots.packages}`, /rsyslog rsyslog-openssl/);
});
