import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { keyProof, keyTurn } from "../../components/ec2/key-proof.ts";
import { record, standInHost } from "./aws-mocks.ts";
import { assertSnapshot, shown, stepsOf } from "./step-snapshots.ts";

const root = join(import.meta.dirname, "../..");
const secret = "A+secret/of+the+IAM+user+that+is+40+long";

/** What a stack with a generation of the key asks for on its host. */
async function steps(generation: number, accessKeyId: string, endpoint?: string, region = "eu-central-1") {
  const made = await record(() => {
    const common = { host: standInHost("machine"), app: "shop", generation };
    keyTurn("turn", { ...common, root: "/srv/shop" }, {});
    const key = { accessKeyId, secretAccessKey: pulumi.secret(secret) };
    keyProof("proof", { ...common, bucket: "photos.shop", region, endpoint, ...key }, {});
  });
  return { turn: made.named("turn"), proof: made.named("proof") };
}

test("the steps around a new key are these texts", async (t) => {
  const { turn, proof } = await steps(2, "AKIAEXAMPLE");
  assertSnapshot(t, "key-proof", shown(stepsOf([turn, proof])));
});

test("a key travels to its proof by standard input alone, as a secret", async () => {
  const { proof } = await steps(1, "AKIAEXAMPLE");
  assert.ok(proof.secrets.includes("stdin"));
  assert.equal(
    proof.inputs.stdin,
    `id ${Buffer.from("AKIAEXAMPLE").toString("base64")}\nkey ${Buffer.from(secret).toString("base64")}\n`,
  );
  const { stdin, ...rest } = proof.inputs;
  assert.doesNotMatch(JSON.stringify(rest), /AKIAEXAMPLE|A\+secret/);
});

test("a key is proved once, and again when it is another", async () => {
  const first = await steps(1, "AKIAFIRST");
  assert.deepEqual((await steps(1, "AKIAFIRST")).proof.inputs, first.proof.inputs);
  assert.notDeepEqual((await steps(1, "AKIAOTHER")).proof.inputs, first.proof.inputs);
});

test("the bucket is asked for where the application will ask", async () => {
  const asked = async (...args: [endpoint?: string, region?: string]) =>
    /^bucket='(.*)'$/m.exec((await steps(1, "AKIA", ...args)).proof.inputs.environment.BERTH_STEP)?.[1];
  assert.equal(await asked(), "https://s3.eu-central-1.amazonaws.com/photos.shop");
  assert.equal(await asked("http://10.1.2.3:5000/"), "http://10.1.2.3:5000/photos.shop");
  assert.equal(await asked(undefined, "cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn/photos.shop");
});

/** Asks for a generation on a host whose application holds a key. */
function turnTo(t: TestContext, generation: number, settings: string | undefined, keys: string | undefined) {
  const folder = mkdtempSync(join(tmpdir(), "berth-turn-"));
  t.after(() => rmSync(folder, { recursive: true }));
  if (settings !== undefined) writeFileSync(join(folder, "env"), settings);
  if (keys !== undefined) writeFileSync(join(folder, "keys"), keys);
  const { status, stderr } = spawnSync(
    "bash",
    [
      "--norc",
      "-euo",
      "pipefail",
      "-c",
      `fail() { printf '%s %s\n' "$@" >&2; exit 1; }\n. ${root}/components/ec2/key-turn.sh`,
    ],
    {
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        generation: `${generation}`,
        settings: join(folder, "env"),
        keys: join(folder, "keys"),
      },
    },
  );
  return { code: status, said: stderr };
}
const holds = (id: string) => `BUCKET_NAME='photos'\nAWS_ACCESS_KEY_ID='${id}'\nAWS_SECRET_ACCESS_KEY='x'\n`;
// Generation 4 was made and never reached the application.
const made = "AKIAONE 1\nAKIATWO 2\nAKIATHREE 3\nAKIAFOUR 4\n";

test("the key in use may stay, or be followed by the next", (t) => {
  for (const generation of [3, 4]) {
    assert.deepEqual(turnTo(t, generation, holds("AKIATHREE"), made), { code: 0, said: "" });
  }
});

test("a generation that would delete the key in use is refused before a key is made", (t) => {
  for (const generation of [1, 2, 5, 6]) {
    const { code, said } = turnTo(t, generation, holds("AKIATHREE"), made);
    assert.equal(code, 1);
    assert.match(
      said,
      new RegExp(`rotate\\.media is ${generation}, .* key of generation 3\\..*Write 3 to keep .* 4 to make`),
    );
    assert.equal(said.trim().split("\n").length, 1);
  }
});

test("an application without a key of the stack's gets one of any generation", (t) => {
  for (const [settings, keys] of [
    [undefined, undefined],
    ["BUCKET_NAME='photos'\n", made],
    [holds("AKIAFOREIGN"), made],
    [holds("AKIATHREE"), undefined],
  ] as const) {
    assert.deepEqual(turnTo(t, 7, settings, keys), { code: 0, said: "" });
  }
});
