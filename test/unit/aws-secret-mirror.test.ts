import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { SecretMirror, type SecretMirrorArgs } from "../../components/aws/secret-mirror.ts";
import { known, record } from "./aws-mocks.ts";

const value = "a-value-nobody-may-see";
const mirror = (to: SecretMirrorArgs["to"]) =>
  record(() => new SecretMirror("mirror", { to, secrets: { database: value, redis: `${value}-2` } }));

for (const to of ["secrets-manager", "parameter-store"] as const) {
  test(`in ${to} a secret is found under project, stack and its name`, async () => {
    const { result } = await mirror(to);
    assert.deepEqual(await known(result.names), {
      database: "/shop/prod/database",
      redis: "/shop/prod/redis",
    });
    assert.equal(await pulumi.isSecret(result.names), false, "the names themselves are no secret");
  });

  test(`in ${to} a secret is in nothing but the value, and is secret there`, async () => {
    const { resources } = await mirror(to);
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(value));
    assert.equal(holding.length, 2);
    for (const { inputs, secrets } of holding) {
      const field = to === "secrets-manager" ? "secretString" : "value";
      assert.deepEqual(secrets, [field]);
      const { [field]: _, ...rest } = inputs;
      assert.ok(!JSON.stringify(rest).includes(value));
    }
  });
}

test("a parameter is stored encrypted", async () => {
  for (const { inputs } of (await mirror("parameter-store")).all("ssm/parameter:Parameter")) {
    assert.equal(inputs.type, "SecureString");
  }
});

test("a stack that was destroyed can be made again: the names of its copies are free at once", async () => {
  for (const { inputs } of (await mirror("secrets-manager")).all("secretsmanager/secret:Secret")) {
    assert.equal(inputs.recoveryWindowInDays, 0);
  }
});
