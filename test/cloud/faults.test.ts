// What AWS cannot give, and what a stack must not do, on Berth's whole program: each is told by its key before anything
// is made.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { test } from "node:test";
import type { StackConfig } from "../e2e/harness.ts";
import { type Cloud, type CloudStack, withCloudStack } from "./harness.ts";

const here = arch() === "arm64" ? "arm64" : "x86_64";
/** Types and an image of the simulated EC2: for this computer's architecture, and for the other. */
const types = { arm64: "t4g.small", x86_64: "t3.small" };
const other = here === "arm64" ? "x86_64" : "arm64";
const imageOfOther = { x86_64: "ami-00000000000000001", arm64: "ami-00000000000000002" }[other];

/** As many days from now, as YYYY-MM-DD. */
const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

/** The engine's word for what is not known before it is made. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

interface State {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly inputs?: object;
  readonly parent?: string;
  readonly protect?: boolean;
}

/** The files of all that the account has. */
const things = (cloud: Cloud) => readdirSync(cloud.folder, { recursive: true, encoding: "utf8" }).sort();

/** Asks for a change that cannot be, and sees that nothing has come of it. */
async function refuses(
  stack: CloudStack,
  cloud: Cloud,
  change: StackConfig,
  expected: readonly RegExp[],
): Promise<void> {
  const good = readFileSync(stack.file, "utf8");
  const before = things(cloud);
  stack.configure(change);
  try {
    const run = await stack.up();
    assert.notEqual(run.code, 0, run.stdout);
    const said = run.stdout + run.stderr;
    for (const fault of expected) assert.match(said, fault);
    const keys = [...said.matchAll(/^ *(berth:\S+): /gm)].map(([, key]) => key);
    assert.equal(new Set(keys).size, expected.length, `other faults, too:\n${said}`);
    assert.doesNotMatch(said, /^\s+at .*\.[jt]s:\d+/m, "a fault of the user's has no trace of the program");
    const changing = cloud.calls().filter((call) => !/:(Describe|Get|List|Head)/.test(call));
    assert.deepEqual(changing, [], "AWS was asked, and told to do nothing");
    assert.deepEqual(things(cloud), before);
    const made = (await stack.resources()).map(({ type }) => type);
    assert.deepEqual(
      made.filter((type) => !/^pulumi:/.test(type)),
      [],
    );
  } finally {
    writeFileSync(stack.file, good);
  }
}

test("what cannot be had is told by its key, with what was found and what is expected, before anything is made", async (t) => {
  await withCloudStack({ zones: ["example.org"], takenBuckets: ["uploads"] }, async (stack, cloud) => {
    const tags = (component: string) => ({
      project: "berth",
      stack: stack.name,
      component,
      Name: `berth-${stack.name}-${component}`,
    });
    const refused = (change: StackConfig, ...expected: RegExp[]) => refuses(stack, cloud, change, expected);
    const given = { kind: "given", vpc: "vpc-00000000000000001", subnets: ["subnet-0000000000000000a"] };

    await t.test("many faults at once are told in one message", async () => {
      cloud.put("volumes", { id: "vol-00000000000000040", size: 40, tags: tags("data") });
      await refused(
        {
          host: {
            instanceType: "t9.huge",
            dataVolume: 39,
            network: { kind: "own", cidr: "203.0.113.0/24" },
          },
          site: { domain: "shop.example.net", aliases: [], zone: "example.net" },
          media: { public: undefined, store: "s3", bucket: "uploads" },
        },
        /berth:host\.instanceType: expected a type that EC2 has in eu-central-1, .*; found "t9\.huge"/,
        /berth:host\.dataVolume: expected 40 or more, .*vol-00000000000000040.*; found 39/,
        /berth:host\.network\.cidr: expected a private IPv4 network .*; found "203\.0\.113\.0\/24"/,
        /berth:site\.zone: expected a public Route 53 zone of this account; found no "example\.net"/,
        /berth:media\.bucket: expected a name that nobody in the world has taken.*; found "uploads"/,
      );
    });

    await t.test("a volume can only grow", () =>
      refused({ host: { dataVolume: 39 } }, /berth:host\.dataVolume: expected 40 or more.*; found 39/),
    );

    await t.test("an image, a subnet and a bucket's name that do not fit are told together", () =>
      refused(
        {
          host: {
            dataVolume: 40,
            image: imageOfOther,
            network: { ...given, subnets: ["subnet-00000000000000099"] },
          },
          media: { public: undefined, store: "s3", bucket: "uploads-s3alias" },
        },
        new RegExp(
          `berth:host\\.image: expected an image for ${here}, .*; found ${imageOfOther} for ${other}\\.`,
        ),
        /berth:host\.network\.subnets: expected subnets of vpc-00000000000000001: .*; found subnet-00000000000000099/,
        /berth:media\.bucket: expected a name whose beginning or end S3 does not keep for itself; found "uploads-s3alias"/,
      ),
    );

    await t.test("an image and a VPC that are not there are told", () =>
      refused(
        {
          host: {
            dataVolume: 40,
            image: "ami-0000000000000009f",
            network: { ...given, vpc: "vpc-00000000000000099" },
          },
        },
        /berth:host\.image: expected an image .* in eu-central-1; found no ami-0000000000000009f/,
        /berth:host\.network\.vpc: expected a VPC of this account .*; found no vpc-00000000000000099/,
      ),
    );

    await t.test("a type that no zone of the network has is told", async () => {
      cloud.put("offerings", { id: types[here], zones: ["eu-central-1c"] });
      await refused(
        { host: { dataVolume: 40 } },
        new RegExp(
          `berth:host\\.instanceType: expected a type that one zone of the network has .*; found "${types[here]}", which is in eu-central-1c\\.`,
        ),
      );
      cloud.put("offerings", { id: types[here], zones: ["eu-central-1a", "eu-central-1b"] });
    });

    await t.test("a record that leads a name elsewhere, and a quota that has no room, are told", async () => {
      const record = { zoneId: "Z00000000000000000001", name: "shop.example.org", type: "A" };
      cloud.put("records", { id: "old", ...record, records: ["198.51.100.7"] });
      cloud.put("quotas", { id: "L-1216C47A", value: 1 });
      await refused(
        {
          host: { dataVolume: 40 },
          site: { domain: "shop.example.org", aliases: [], zone: "example.org" },
        },
        /berth:site\.zone: expected no record .*; found shop\.example\.org A 198\.51\.100\.7\./,
        /berth:host\.instanceType: expected instances with 1 vCPUs together at most, .*; found types with 2\./,
      );
      cloud.put("quotas", { id: "L-1216C47A", value: 32 });
    });

    await t.test("credentials of another account are told", () =>
      refused(
        { host: { dataVolume: 40 }, aws: { account: "210987654321" } },
        /berth:aws\.account: expected credentials of the account 210987654321; found those of 123456789012\./,
      ),
    );

    await t.test("texts that are no network, type, region or name are told before AWS is asked", async () => {
      const calls = cloud.calls();
      await refused(
        {
          host: {
            sshFrom: ["203.0.113.0/33"],
            instanceType: "small",
            region: "Frankfurt",
            network: { kind: "own", cidr: "10.0.0.0" },
          },
          media: { public: undefined, store: "s3", bucket: "x".repeat(64) },
        },
        /berth:host\.sshFrom\[0\]: expected a network, .*; found "203\.0\.113\.0\/33"/,
        /berth:host\.instanceType: expected an EC2 instance type, .*; found "small"/,
        /berth:host\.region: expected an AWS region, .*; found "Frankfurt"/,
        /berth:host\.network\.cidr: expected a network, .*; found "10\.0\.0\.0"/,
        /berth:media\.bucket: expected a bucket's name: 3 to 63 .*; found "x{64}"/,
      );
      assert.deepEqual(cloud.calls(), calls);
    });

    await t.test("permissions that are over, too far ahead, or for what holds no data are told", async () => {
      const permission = { change: "replace", resource: "web-instance", why: "a new image" };
      await refused(
        {
          allow: [
            { ...permission, until: day(-1) },
            { ...permission, until: day(32) },
            { ...permission, until: day(1), resource: "web-key-pair" },
          ],
        },
        new RegExp(`berth:allow\\[0\\]\\.until: ${day(-1)} is over`),
        new RegExp(`berth:allow\\[1\\]\\.until: ${day(32)} is too far ahead`),
        /berth:allow\[2\]\.resource: found "web-key-pair"; expected a resource that holds data: data, web-instance, /,
      );
    });

    await t.test("a type of the other architecture is told while the instance keeps its image", async () => {
      const ami = imageOfOther;
      const running = { ami, instanceType: types[other], instanceState: "running", tags: tags("host") };
      cloud.put("instances", { id: "i-00000000000000001", ...running });
      await refused(
        { host: { dataVolume: 40 } },
        new RegExp(
          `berth:host\\.instanceType: expected a type for ${other}, as the image ${ami} of the stack's instance i-00000000000000001 is; found "${types[here]}" for ${here}\\. .* host\\.image as well, such as ami-\\d+: it replaces the instance`,
        ),
      );
    });
  });
});

/** Writes into the stack's state that there is an instance, as the program asks for it; no machine is needed to look. */
async function pretendInstance(stack: CloudStack): Promise<void> {
  const preview = await stack.preview("--json");
  assert.equal(preview.code, 0, preview.stderr);
  const plan = JSON.parse(preview.stdout.replaceAll(unknown, "unknown")) as { steps: { newState: State }[] };
  const named = (name: string) => {
    const found = plan.steps.find(({ newState }) => newState.urn.endsWith(`::${name}`))?.newState;
    assert.ok(found, name);
    const { urn, type, custom, inputs, parent, protect } = found;
    return { urn, type, custom, inputs, outputs: inputs, parent, protect };
  };
  const account = { ...named("cloud-account"), id: "11111111-2222-3333-4444-555555555555" };
  const instance = {
    ...named("web-instance"),
    id: "i-00000000000000001",
    provider: `${account.urn}::${account.id}`,
  };
  assert.equal(instance.protect, true);
  const state = JSON.parse((await stack.pulumi(["stack", "export"])).stdout);
  const first = named(`berth-${stack.name}`);
  state.deployment.resources = [first, account, named("site"), named("cloud"), named("web"), instance];
  const imported = await stack.pulumi(["stack", "import"], { stdin: JSON.stringify(state) });
  assert.equal(imported.code, 0, imported.stderr);
}

test("a protected instance is replaced only while a permission of the day names it", async () => {
  await withCloudStack({ config: { host: { protect: true } } }, async (stack, cloud) => {
    await pretendInstance(stack);
    const [image] = cloud.things("images").filter(({ architecture }) => architecture === here);
    assert.ok(image);
    cloud.put("images", { ...image, id: "ami-000000000000000f1" });
    stack.configure({ host: { image: "ami-000000000000000f1" } });
    const refused = async () => {
      const preview = await stack.preview();
      assert.notEqual(preview.code, 0, preview.stdout);
      assert.match(
        preview.stdout + preview.stderr,
        /unable to replace resource ".*::web-instance"\s+as it is currently marked for protection/,
      );
    };
    await refused();
    const permission = { change: "replace", resource: "web-data-disk", until: day(1), why: "a new image" };
    stack.configure({ allow: [permission] });
    await refused();
    stack.configure({ allow: [{ ...permission, resource: "web-instance" }] });
    const preview = await stack.preview();
    assert.equal(preview.code, 0, preview.stdout + preview.stderr);
    assert.match(`${preview.changes["web-instance"]}`, /replace/);
  });
});
