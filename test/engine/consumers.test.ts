// Programs of other teams read a stack's outputs, by the packages for readers and the real engine: from a backend of files,
// and from one in a bucket.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertMade,
  type Backend,
  deployShop,
  pythonConsumer,
  shop,
  typescriptConsumer,
  withBackend,
} from "./consumers.ts";

const consumers = { TypeScript: typescriptConsumer, Python: pythonConsumer };
const backends: Readonly<Record<Backend, string>> = {
  files: "a backend of files",
  bucket: "a backend in a bucket",
};

for (const [backend, where] of Object.entries(backends)) {
  test(`programs in TypeScript and Python read a stack from ${where}, and keep its secrets secret`, async (t) => {
    const engine = await withBackend(t, backend as Backend);
    await deployShop(engine);
    for (const make of Object.values(consumers)) {
      const consumer = await make(engine);
      const { code, stdout, stderr } = await consumer.up();
      assert.equal(code, 0, stdout + stderr);
      await assertMade(consumer);
    }
  });
}

test("a secret that a program cannot decrypt is told in the preview, and is no value", async (t) => {
  const engine = await withBackend(t, "files");
  await deployShop(engine);
  const theirs = {
    PULUMI_CONFIG_PASSPHRASE_FILE: "",
    PULUMI_CONFIG_PASSPHRASE: "a passphrase of another team",
  };
  const { code, stdout, stderr } = await (await typescriptConsumer(engine, theirs)).preview();
  assert.notEqual(code, 0, stdout);
  assert.match(
    stdout + stderr,
    /'databaseUrl' of stack 'organization\/berth\/prod' could not be decrypted here\./,
  );
});

test("a stack with another version of the outputs is refused in the preview, with what was found and what to do", async (t) => {
  const engine = await withBackend(t, "files");
  await deployShop(engine, { outputsVersion: 2 });
  for (const make of Object.values(consumers)) {
    const consumer = await make(engine);
    const { code, stdout, stderr } = await consumer.preview();
    assert.notEqual(code, 0, stdout);
    const expected =
      `Stack '${shop}' has outputs of version 2; berth-outputs, which reads them here, expected version 1. Install the ` +
      "berth-outputs of the Berth that deployed it. Its CHANGELOG.md says what has changed for readers.";
    assert.ok((stdout + stderr).includes(expected), stdout + stderr);
  }
});
