// The step that proves a key before the application gets it, asked of an S3 that obeys IAM policies.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { mediaPolicy } from "../../components/aws/media-access.ts";
import { root } from "../engine/harness.ts";
import { withMoto } from "./moto.ts";

const Bucket = "shop.prod.media";
const UserName = "uploader";

/** A bucket, and a new user's key, which may nothing until `allow` is called. */
async function account(t: TestContext) {
  const moto = await withMoto(t, { enforceIam: true });
  const iam = new IAMClient(moto.client());
  const LocationConstraint = moto.region as "eu-central-1";
  await new S3Client(moto.client()).send(
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }),
  );
  await iam.send(new CreateUserCommand({ UserName }));
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return {
    ...moto,
    id: `${key?.AccessKeyId}`,
    secret: `${key?.SecretAccessKey}`,
    allow: () =>
      iam.send(
        new PutUserPolicyCommand({
          UserName,
          PolicyName: "media",
          PolicyDocument: mediaPolicy(`arn:aws:s3:::${Bucket}`, false),
        }),
      ),
  };
}

/** Runs the step's script. Nobody waits between its questions, and `patience` is how often it asks. */
function prove(
  t: TestContext,
  key: { endpoint: string; region: string; id: string; secret: string },
  patience: number,
): Promise<{ code: number; said: string; keys: string }> {
  const folder = mkdtempSync(join(tmpdir(), "berth-proof-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const keys = join(folder, "keys");
  const script = `set -Eeuo pipefail; shopt -s lastpipe
    read -r id; read -r key
    secret() { printf %s "\${!1}"; }
    fail() { printf '%s %s\\n' "$@" >&2; exit 1; }
    put_file() { cat >"$1.new"; mv "$1.new" "$1"; }
    sleep() { :; }
    wait_until() { for _ in $(seq ${patience}); do if "$2" >/dev/null 2>&1; then return; fi; done; return 1; }
    . ${root}/components/ec2/key-proof.sh`;
  const env = {
    PATH: process.env.PATH,
    bucket: `${key.endpoint}/${Bucket}`,
    region: key.region,
    generation: "2",
    keys,
    meanwhile: "The application keeps the key that it has.",
  };
  return new Promise((resolve) => {
    const child = execFile("bash", ["--norc", "-c", script], { env }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code),
        said: `${stdout}${stderr}`,
        keys: existsSync(keys) ? readFileSync(keys, "utf8") : "",
      }),
    );
    child.stdin?.end(`${key.id}\n${key.secret}\n`);
  });
}

test("a key that works is proved, and its generation written down", async (t) => {
  const key = await account(t);
  await key.allow();
  assert.deepEqual(await prove(t, key, 1), { code: 0, said: "", keys: `${key.id} 2\n` });
});

test("a key that is refused at first is asked for again until it works", async (t) => {
  const key = await account(t);
  const proof = prove(t, key, 600);
  await key.allow();
  assert.equal((await proof).code, 0);
});

test("a key that stays refused is one clear line with S3's own code, and none of the key", async (t) => {
  const key = await account(t);
  for (const [wrong, code] of [
    [key, "AccessDenied"],
    [{ ...key, id: "AKIAUNKNOWN" }, "InvalidAccessKeyId"],
    [{ ...key, secret: `${key.secret}x` }, "SignatureDoesNotMatch"],
    [{ ...key, endpoint: "http://127.0.0.1:1" }, "curl: (7) Failed to connect to 127.0.0.1 port 1"],
  ] as const) {
    const { code: status, said, keys } = await prove(t, wrong, 2);
    assert.equal(status, 1, said);
    const [where, reason] = said.split(`${wrong.endpoint}/${Bucket}: `);
    assert.match(`${where}`, /^for 2 minutes S3 has rejected the IAM user's key of generation 2 at $/);
    assert.ok(reason?.startsWith(code), said);
    assert.equal(said.trim().split("\n").length, 1);
    assert.ok(!said.includes(wrong.secret) && !said.includes(wrong.id), said);
    assert.equal(keys, "");
  }
});
