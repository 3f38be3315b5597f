import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { Secrets, type SecretsArgs } from "../../components/secrets/secrets.ts";
import { known, record } from "./aws-mocks.ts";

const secrets = (args?: SecretsArgs) => record(() => new Secrets("secrets", args));

test("a stack of before sees no change in its secrets", async () => {
  const made = (await secrets()).all("RandomPassword").map(({ name, inputs }) => ({ name, ...inputs }));
  assert.deepEqual(made, [
    { name: "secrets-database", length: 32, special: false },
    { name: "secrets-redis", length: 32, special: false },
    { name: "secrets-mongodb", length: 32, special: false },
    { name: "secrets-signing-key", length: 64, special: false },
  ]);
});

test("the first generation, named or not, is the same", async () => {
  const named = { database: 1, redis: 1, mongodb: 1, signingKey: 1, basicAuth: 1 };
  for (const { inputs } of (await secrets({ rotate: named, basicAuth: true })).all("RandomPassword")) {
    assert.equal(inputs.keepers, undefined);
  }
});

test("a rotation makes that one secret anew and leaves the others", async () => {
  const made = await secrets({ rotate: { database: 2 } });
  assert.deepEqual(made.named("secrets-database").inputs.keepers, { generation: "2" });
  assert.equal(made.named("secrets-redis").inputs.keepers, undefined);
  assert.equal(made.named("secrets-signing-key").inputs.keepers, undefined);
});

test("a secret that the stack brings is used as it is, stays secret, and none is made in its place", async () => {
  const { result, resources } = await secrets({ own: { database: pulumi.secret("brought-by-the-stack") } });
  assert.equal(await known(result.ofServices.database as pulumi.Output<string>), "brought-by-the-stack");
  assert.equal(await pulumi.isSecret(result.ofServices.database as pulumi.Output<string>), true);
  assert.ok(!resources.some(({ name }) => name === "secrets-database"));
  const plain = await secrets({ own: { redis: "given-in-plain" } });
  assert.equal(await pulumi.isSecret(plain.result.ofServices.redis as pulumi.Output<string>), true);
});

test("there is a password for visitors only where the site asks for one", async () => {
  const without = await secrets();
  assert.equal(without.result.basicAuth, undefined);
  const { result } = await secrets({ basicAuth: true });
  assert.equal(await known(result.basicAuth ?? ""), "password of secrets-basic-auth");
});
