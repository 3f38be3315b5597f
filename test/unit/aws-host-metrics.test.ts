import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { HostMetrics, metricsNamespace, metricsPolicy } from "../../components/ec2/host-metrics.ts";
import { type Metadata, secret, usual, withMetadata } from "./aws-metadata.ts";
import { record, standInHost } from "./aws-mocks.ts";
import { assertSnapshot, shown, stepsOf } from "./step-snapshots.ts";

const program = join(import.meta.dirname, "../../components/ec2/host-metrics.py");
const refusal =
  "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not yours</Message></Error></ErrorResponse>";

interface Sent {
  readonly fields: URLSearchParams;
  readonly authorization: string;
  readonly token: string;
}

/** Runs the program once, against a CloudWatch of the test's own. */
async function measure(
  t: TestContext,
  directories: readonly string[],
  { metadata, answer }: { metadata?: Metadata; answer?: [number, string] } = {},
) {
  const sent: Sent[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { authorization, "x-amz-security-token": token } = request.headers;
    sent.push({ fields: new URLSearchParams(text), authorization: `${authorization}`, token: `${token}` });
    const [status, body] = answer ?? [200, "<PutMetricDataResponse/>"];
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const env = {
    PATH: process.env.PATH,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: await withMetadata(t, metadata),
    AWS_ENDPOINT_URL_CLOUDWATCH: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  const ran = await new Promise<{ code: number; said: string }>((resolve) => {
    execFile("python3", [program, "Berth/shop-prod", ...directories], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    );
  });
  return { ...ran, sent };
}

/** The measures of a request, by name and dimensions. */
function measures(fields: URLSearchParams): Record<string, number> {
  const found: Record<string, number> = {};
  for (let number = 1; fields.has(`MetricData.member.${number}.MetricName`); number += 1) {
    const datum = (part: string) => fields.get(`MetricData.member.${number}.${part}`);
    const dimensions = [1, 2].flatMap((place) => {
      const name = datum(`Dimensions.member.${place}.Name`);
      return name === null ? [] : [`${name}=${datum(`Dimensions.member.${place}.Value`)}`];
    });
    assert.equal(datum("Unit"), "Percent");
    found[[datum("MetricName"), ...dimensions].join(" ")] = Number(datum("Value"));
  }
  return found;
}

test("a host tells CloudWatch in percent how full its disks and its memory are, signed as its role", async (t) => {
  const { code, said, sent } = await measure(t, ["/", "/dev/shm"]);
  assert.equal(code, 0, said);
  assert.equal(said, "");
  assert.equal(sent.length, 1, "one request a minute, for requests are paid");
  const [{ fields, authorization, token }] = sent as [Sent];
  assert.equal(fields.get("Action"), "PutMetricData");
  assert.equal(fields.get("Namespace"), "Berth/shop-prod");
  const found = measures(fields);
  assert.deepEqual(Object.keys(found), [
    "DiskUsed InstanceId=i-0123456789abcdef0 Directory=/",
    "DiskUsed InstanceId=i-0123456789abcdef0 Directory=/dev/shm",
    "MemoryUsed InstanceId=i-0123456789abcdef0",
  ]);
  for (const [what, value] of Object.entries(found))
    assert.ok(value >= 0 && value <= 100, `${what}: ${value}`);
  assert.match(authorization, /^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE\/\d{8}\/eu-central-1\/monitoring\//);
  assert.match(authorization, /SignedHeaders=[^,]*x-amz-security-token/);
  assert.equal(token, "a-token");
});

test("a disk that is not mounted is told, and does not hide how full the others are", async (t) => {
  const { code, said, sent } = await measure(t, ["/", "/etc"]);
  assert.equal(code, 1);
  assert.match(said, /^<3>berth: no disk is mounted at \/etc\./);
  assert.deepEqual(Object.keys(measures((sent[0] as Sent).fields)), [
    "DiskUsed InstanceId=i-0123456789abcdef0 Directory=/",
    "MemoryUsed InstanceId=i-0123456789abcdef0",
  ]);
});

const faults: readonly [string, Parameters<typeof measure>[2], RegExp][] = [
  [
    "a role that may not",
    { answer: [403, refusal] },
    /^<3>berth: CloudWatch at http:\S+ does not take what was measured: AccessDenied: not yours\.$/,
  ],
  [
    "a server that is out of order",
    { answer: [503, ""] },
    /^<3>berth: CloudWatch at http:\S+ does not take what was measured: HTTP status 503\.$/,
  ],
  ["an instance without a role", { metadata: { role: undefined } }, /^<3>berth: this instance has no role\./],
  [
    "credentials that AWS refuses",
    { metadata: { answer: JSON.stringify({ ...usual(), Code: "AssumeRoleUnauthorizedAccess" }) } },
    /^<3>berth: AWS gives no credentials of the role shop-prod-web: AssumeRoleUnauthorizedAccess\./,
  ],
];
for (const [what, surroundings, message] of faults) {
  test(`${what}: one clear line, and no secret`, async (t) => {
    const { code, said } = await measure(t, ["/"], surroundings);
    assert.equal(code, 1);
    assert.match(said.trim(), message);
    assert.ok(!said.includes(secret));
  });
}

test("a host may write to its own stack's namespace alone", async () => {
  const { result: namespace } = await record(() => metricsNamespace(), {
    project: "shop",
    stack: "Feature_1",
  });
  assert.match(namespace, /^Berth\/shop-feature-1-[0-9a-f]{8}$/);
  const { result: usualOne } = await record(() => metricsNamespace());
  assert.equal(usualOne, "Berth/shop-prod");
  assert.deepEqual(JSON.parse(metricsPolicy(usualOne)).Statement, [
    {
      Sid: "Metrics",
      Effect: "Allow",
      Action: ["cloudwatch:PutMetricData"],
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": "Berth/shop-prod" } },
    },
  ]);
});

test("the step that has a host measure itself is this text", async (t) => {
  const { only, resources } = await record(() => new HostMetrics("web-metrics", { host: standInHost() }));
  const { stdin } = only("remote:Command").inputs;
  assert.equal(stdin, undefined, "no secret travels to the host: it fetches its role's itself");
  assertSnapshot(t, "host-metrics", shown(stepsOf(resources)));
});
