// What an account's organization asks of everything that a stack has in AWS.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { Alarms } from "../../components/aws/alarms.ts";
import { IamUser } from "../../components/aws/iam-user.ts";
import { InstanceRole } from "../../components/aws/instance-role.ts";
import { asOrganizationAsks } from "../../components/aws/organization.ts";
import { Ec2Host } from "../../components/ec2/ec2-host.ts";
import { parseConfig } from "../../config/read.ts";
import { record } from "./aws-mocks.ts";
import { programResources } from "./program-steps.ts";

const asked = {
  account: "123456789012",
  tags: { "cost-centre": "4711", Owner: "Team Äpfel" },
  permissionsBoundary: "arn:aws:iam::123456789012:policy/teams/developers",
};

/** What is said of the key `berth:aws`. */
function faultsOf(aws: unknown): string[] {
  const keys = { host: { kind: "local" }, app: { source: { directory: "shop" }, wsgi: "shop.wsgi" }, aws };
  const texts = Object.entries(keys).map(([key, value]) => [`berth:${key}`, JSON.stringify(value)]);
  try {
    parseConfig(Object.fromEntries(texts), "prod");
    return [];
  } catch (error) {
    const lines = (error as Error).message.split("\n");
    return lines.slice(1, -1).map((line) => line.trim());
  }
}

test("everything with tags has the organization's, a disk too, and only a role and a user have the boundary", async () => {
  const seen = await record(() => {
    const cloud = new pulumi.ComponentResource(
      "test:Cloud",
      "cloud",
      {},
      { transformations: [asOrganizationAsks(asked)] },
    );
    const options = { parent: cloud };
    const role = new InstanceRole("web-role", { policies: { media: "{}" } }, options);
    new IamUser("media-user", { policy: "{}", generation: 1 }, options);
    const { instanceId } = new Ec2Host(
      "web",
      {
        instanceType: "t4g.small",
        image: "ami-1",
        imagePinned: false,
        subnetId: "subnet-a",
        zone: "eu-central-1a",
        securityGroupIds: ["sg-web"],
        instanceProfile: role.profileName,
        rootVolume: 12,
        data: { volume: 20, retain: true, directories: ["/srv/shop/media"], services: [] },
        protect: false,
      },
      options,
    );
    new Alarms("web-alarms", { instanceId }, options);
  });
  const tagged = seen.resources.filter(({ inputs }) => inputs.tags !== undefined);
  assert.ok(tagged.length >= 10, `${tagged.length}`);
  for (const { name, inputs } of tagged) {
    assert.deepEqual({ ...inputs.tags, ...asked.tags }, inputs.tags, name);
    assert.equal(inputs.tags.project, "shop", name);
  }
  const { rootBlockDevice } = seen.only("Instance").inputs;
  assert.deepEqual({ ...rootBlockDevice.tags, ...asked.tags, project: "shop" }, rootBlockDevice.tags);
  assert.equal(rootBlockDevice.volumeSize, 12);
  const bound = seen.resources.filter(({ inputs }) => inputs.permissionsBoundary !== undefined);
  assert.deepEqual(bound.map(({ name }) => name).sort(), ["media-user-user", "web-role-role"]);
  for (const { inputs } of bound) assert.equal(inputs.permissionsBoundary, asked.permissionsBoundary);
});

test("a stack's own key reaches what it makes, also where only its buckets are on AWS", async () => {
  const made = await programResources({
    aws: asked,
    media: { store: "s3", region: "eu-central-1", access: "user" },
    backup: { place: { kind: "aws", region: "eu-central-1" } },
  });
  const aws = made.filter(({ type }) => type.startsWith("aws:"));
  const users = aws.filter(({ type }) => type.endsWith(":User"));
  const buckets = aws.filter(({ type }) => type.endsWith(":Bucket"));
  assert.deepEqual([users.length, buckets.length], [2, 2]);
  for (const { inputs } of [...users, ...buckets]) assert.equal(inputs.tags["cost-centre"], "4711");
  for (const { inputs } of users) assert.equal(inputs.permissionsBoundary, asked.permissionsBoundary);
  const provider = made.find(({ type }) => type === "pulumi:providers:aws");
  assert.deepEqual(JSON.parse(provider?.inputs.allowedAccountIds), ["123456789012"]);
});

test("what AWS or Berth could not take is refused by its key", () => {
  assert.deepEqual(faultsOf(asked), []);
  assert.deepEqual(faultsOf({}), []);
  const tags = (one: Record<string, unknown>) => faultsOf({ tags: one })[0] ?? "";
  assert.match(tags({ NAME: "x" }), /^berth:aws\.tags\.NAME: expected another key than project, stack,/);
  assert.match(tags({ "aws:x": "x" }), /^berth:aws\.tags\.aws:x: expected a key that does not begin with/);
  assert.match(tags({ "a,b": "x" }), /^berth:aws\.tags\.a,b: expected a tag's key of letters/);
  assert.match(tags({ costs: 4711 }), /^berth:aws\.tags\.costs: expected a text \(put it in quotes\)/);
  assert.match(tags({ costs: "<b>" }), /^berth:aws\.tags\.costs: expected a tag's value of letters/);
  const many = Object.fromEntries(Array.from({ length: 41 }, (_, index) => [`k${index}`, ""]));
  assert.match(tags(many), /^berth:aws\.tags: expected 40 tags at most/);
  assert.match(
    faultsOf({ permissionsBoundary: "developers" })[0] ?? "",
    /^berth:aws\.permissionsBoundary: expected the ARN of a policy/,
  );
  assert.match(
    faultsOf({ ...asked, account: "210987654321" })[0] ?? "",
    /^berth:aws\.permissionsBoundary: expected a policy of the account 210987654321 \(aws\.account\)/,
  );
});
