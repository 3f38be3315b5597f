import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { configText, RoleCredentials } from "../../components/ec2/role-credentials.ts";
import { type Metadata, secret, usual, withMetadata } from "./aws-metadata.ts";
import { known, record, standInHost } from "./aws-mocks.ts";
import { assertSnapshot, shown, stepsOf } from "./step-snapshots.ts";

const root = join(import.meta.dirname, "../..");
const program = join(root, "components/ec2/role-credentials.py");
// The group of the test's own account stands for the application's.
const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
/** Runs the program against a metadata service of the test's own. */
async function fetchFrom(t: TestContext, metadata: Metadata, before?: string) {
  const folder = mkdtempSync(join(tmpdir(), "berth-credentials-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "shop.json");
  if (before !== undefined) writeFileSync(file, before);
  const result = await run(file, await withMetadata(t, metadata));
  return { ...result, file, folder };
}

function run(file: string, endpoint: string): Promise<{ code: number; said: string }> {
  const env = { PATH: process.env.PATH, AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint };
  return new Promise((resolve) => {
    execFile("python3", [program, file, group], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    );
  });
}

test("the role's credentials are there as an SDK's credential_process wants them, for the application alone", async (t) => {
  const { code, said, file, folder } = await fetchFrom(t, {});
  assert.equal(code, 0, said);
  assert.equal(said, "");
  const { Expiration, ...found } = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual(found, {
    Version: 1,
    AccessKeyId: "ASIAEXAMPLE",
    SecretAccessKey: secret,
    SessionToken: "a-token",
  });
  assert.ok(new Date(Expiration) > new Date());
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.deepEqual(readdirSync(folder), ["shop.json"], "nothing else is left there");
});

const faults: readonly [string, Metadata, RegExp][] = [
  ["an instance without a role", { role: undefined }, /^<3>berth: this instance has no role\. Attach its/],
  [
    "credentials that AWS refuses",
    { answer: JSON.stringify({ Code: "AssumeRoleUnauthorizedAccess" }) },
    /^<3>berth: AWS gives no credentials of the role shop-prod-web: AssumeRoleUnauthorizedAccess\. See its trust/,
  ],
  [
    "an answer that cannot be read",
    { answer: `{"SecretAccessKey": "${secret}"` },
    /^<3>berth: the metadata service's answer for the role shop-prod-web cannot be read\./,
  ],
  [
    "credentials that have expired",
    { answer: JSON.stringify({ ...usual(), Expiration: "2020-01-01T00:00:00Z" }) },
    /^<3>berth: the credentials that AWS gives expired at 2020-01-01T00:00:00Z\. Is this host's clock right\?/,
  ],
];
for (const [what, metadata, message] of faults) {
  test(`${what}: one clear line, no secret, and the credentials of before stay`, async (t) => {
    const { code, said, file, folder } = await fetchFrom(t, metadata, "of before");
    assert.equal(code, 1);
    assert.match(said, message);
    assert.equal(said.trim().split("\n").length, 1);
    assert.ok(!said.includes(secret));
    assert.equal(readFileSync(file, "utf8"), "of before");
    assert.deepEqual(readdirSync(folder), ["shop.json"]);
  });
}

test("a metadata service that does not answer is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "berth-credentials-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { code, said } = await run(join(folder, "shop.json"), "http://127.0.0.1:1");
  assert.equal(code, 1);
  assert.match(said, /^<3>berth: the metadata service at http:\/\/127\.0\.0\.1:1 does not answer: /);
});

test("links are signed for the bucket's own region, unless S3 is elsewhere", () => {
  const text = (atAws: boolean) => configText("eu-central-1", "/run/c.json", atAws);
  assert.match(text(true), /^s3 =\n {4}addressing_style = virtual\n {4}signature_version = s3v4\n$/m);
  assert.doesNotMatch(text(false), /s3/);
  for (const one of [true, false])
    assert.match(text(one), /^credential_process = \/usr\/bin\/cat \/run\/c\.json$/m);
});

test("the step that keeps a role's credentials on a host is this text", async (t) => {
  const { result, only, resources } = await record(
    () =>
      new RoleCredentials("credentials", {
        host: standInHost(),
        region: "eu-central-1",
        atAws: true,
        app: "shop",
        root: "/srv/shop",
      }),
  );
  const { stdin } = only("remote:Command").inputs;
  assert.equal(stdin, undefined, "no secret travels to the host: it fetches them itself");
  assertSnapshot(t, "role-credentials", shown(stepsOf(resources)));
  assert.equal(await known(result.configFile), "/etc/berth/shop/aws-config");
});
