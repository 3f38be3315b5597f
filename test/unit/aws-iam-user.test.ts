import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { IamUser } from "../../components/aws/iam-user.ts";
import { mediaPolicy } from "../../components/aws/media-access.ts";
import { known, record } from "./aws-mocks.ts";

const policy = mediaPolicy("arn:aws:s3:::photos", true);
const user = (generation: number) => record(() => new IamUser("uploader", { policy, generation }));

test("the IAM user has the policy that it was given and no other", async () => {
  const made = await user(1);
  const { inputs } = made.only("UserPolicy");
  assert.equal(inputs.policy, policy);
  assert.equal(inputs.user, made.only("iam/user:User").inputs.name);
  assert.deepEqual(
    made.resources.map(({ type }) => type).filter((type) => type.startsWith("aws:")),
    ["aws:iam/user:User", "aws:iam/userPolicy:UserPolicy", "aws:iam/accessKey:AccessKey"],
  );
});

test("a rotation leaves the key in use as it is and makes the new one in the other place", async () => {
  const places = async (generation: number) =>
    Object.fromEntries(
      (await user(generation)).all("AccessKey").map((key) => [key.name, key.replacementTrigger]),
    );
  assert.deepEqual(await places(1), { "uploader-key-a": 1 });
  assert.deepEqual(await places(2), { "uploader-key-a": 1, "uploader-key-b": 2 });
  assert.deepEqual(await places(3), { "uploader-key-a": 3, "uploader-key-b": 2 });
  assert.deepEqual(await places(4), { "uploader-key-a": 3, "uploader-key-b": 4 });
});

test("the application gets the newest key, whose secret part is secret", async () => {
  for (const [generation, place] of [
    [1, "a"],
    [2, "b"],
    [3, "a"],
  ] as const) {
    const { result } = await user(generation);
    assert.equal(await known(result.accessKeyId), `uploader-key-${place}-id`);
    assert.equal(await known(result.secretAccessKey), `secret of uploader-key-${place}`);
    assert.equal(await pulumi.isSecret(result.secretAccessKey), true);
  }
});

test("a key's place is emptied before it is filled: AWS refuses a third key", async () => {
  const keys = (await user(3)).all("AccessKey");
  assert.deepEqual(
    keys.map(({ deleteBeforeReplace }) => deleteBeforeReplace),
    [true, true],
  );
});

test("a key is made only after the policy, so that it works from its first moment", async () => {
  for (const key of (await user(2)).all("AccessKey")) assert.ok(key.dependsOn.includes("uploader-policy"));
});
