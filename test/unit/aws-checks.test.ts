import assert from "node:assert/strict";
import { test } from "node:test";
import { Provider } from "@pulumi/aws/provider.js";
import { checkCloud } from "../../components/aws/checks/checks.ts";
import type { CloudWishes, HostWishes } from "../../components/aws/checks/wishes.ts";
import { type Answers, fails, willing } from "./aws-account.ts";
import { record } from "./aws-mocks.ts";

const host: HostWishes = {
  region: "eu-central-1",
  instanceType: "t4g.small",
  dataVolume: 20,
  network: { kind: "default" },
};

const check = (wishes: Partial<CloudWishes>, answers: Answers = {}, project = "shop") =>
  record(
    () =>
      checkCloud(
        { host, zone: undefined, buckets: {}, ...wishes },
        new Provider("account", { region: "eu-central-1" }),
      ),
    { answers: { ...willing, ...answers }, project },
  );

/** The message of a check that must fail. */
async function refusal(
  wishes: Partial<CloudWishes>,
  answers: Answers = {},
  project?: string,
): Promise<string> {
  try {
    await check(wishes, answers, project);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail("the check lets it pass");
}

const faultsOf = (message: string) =>
  message
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .map((line) => line.trim());

test("the newest Debian 13 for the instance type's architecture is offered", async () => {
  const arm = await check({});
  const zone = "eu-central-1a";
  assert.deepEqual(arm.result, {
    architecture: "arm64",
    image: "newest debian-13-arm64-*",
    zone,
    restores: false,
    others: {},
  });
  const x86 = await check({ host: { ...host, instanceType: "t3.small" } });
  assert.deepEqual(x86.result, {
    architecture: "x86_64",
    image: "newest debian-13-amd64-*",
    zone,
    restores: false,
    others: {},
  });
});

test("an image that the stack names is the one", async () => {
  const { result, invokes } = await check({ host: { ...host, instanceType: "t3.small", image: "ami-1" } });
  assert.deepEqual([result?.architecture, result?.image], ["x86_64", "ami-1"]);
  assert.equal(invokes.filter(({ token }) => token.includes("getAmi")).length, 1);
});

test("nothing is made while AWS is asked", async () => {
  const { resources } = await check({ zone: "example.org", buckets: { "media.bucket": "uploads" } });
  assert.deepEqual(
    resources.map(({ name }) => name),
    ["account"],
  );
});

test("without a host on AWS only the zone and the bucket are asked for", async () => {
  const { result, invokes } = await check({ host: undefined, buckets: { "media.bucket": "uploads" } });
  assert.equal(result, undefined);
  assert.deepEqual(invokes.map(({ token }) => token).sort(), [
    "aws:index/getCallerIdentity:getCallerIdentity",
    "aws:s3/getBucket:getBucket",
  ]);
});

test("an instance type that does not exist is named", async () => {
  const message = await refusal(
    { host: { ...host, instanceType: "t9.huge" } },
    {
      "aws:ec2/getInstanceType:getInstanceType": fails(
        "invocation of aws:ec2/getInstanceType:getInstanceType returned an error: invoking aws:ec2/getInstanceType:getInstanceType: 1 error occurred:\n\t* reading EC2 Instance Type: operation error EC2: DescribeInstanceTypes, https response error StatusCode: 400, RequestID: 2r95, api error InvalidInstanceType: The following supplied instance types do not exist: [t9.huge]\n\n",
      ),
    },
  );
  assert.match(message, /^ {2}host\.instanceType: expected .*eu-central-1.*; found "t9\.huge"\. /m);
});

test("an image for another architecture than the instance type's is named", async () => {
  const message = await refusal({ host: { ...host, image: "ami-1" } });
  assert.match(
    message,
    /^ {2}host\.image: expected an image for arm64, which t4g\.small is; found ami-1 for x86_64\./m,
  );
});

test("an image that is not there is named", async () => {
  const message = await refusal(
    { host: { ...host, image: "ami-1" } },
    { "aws:ec2/getAmi:getAmi": fails("* Your query returned no results. Please change your search") },
  );
  assert.match(message, /^ {2}host\.image: expected .*eu-central-1; found no ami-1\./m);
});

test("a region without Debian's images is named", async () => {
  const message = await refusal(
    {},
    { "aws:ec2/getAmi:getAmi": fails("* Your query returned no results. Please change your search") },
  );
  assert.match(message, /^ {2}host\.region: .*debian-13-arm64-\*.* in eu-central-1\. /m);
});

/** The stack has an instance of this type. */
const running = (instanceType: string, more: object = {}): Answers => ({
  "aws:ec2/getInstances:getInstances": ({ instanceTags, instanceStateNames }) => {
    assert.deepEqual(instanceTags, {
      project: "shop",
      stack: "prod",
      component: "host",
      Name: "shop-prod-host",
    });
    assert.deepEqual(instanceStateNames, ["pending", "running", "stopping", "stopped"]);
    return { ids: ["i-1"] };
  },
  "aws:ec2/getInstance:getInstance": ({ instanceId }) => ({
    id: instanceId,
    ami: "ami-7",
    instanceType,
    availabilityZone: "eu-central-1a",
    instanceState: "running",
    rootBlockDevices: [{ volumeSize: 12 }],
    ...more,
  }),
});

test("a type of the other architecture is refused while the instance keeps its image, and the way is told", async () => {
  const message = await refusal({}, running("t3.small"));
  assert.deepEqual(faultsOf(message), [
    'host.instanceType: expected a type for i386 or x86_64, as the image ami-7 of the stack\'s instance i-1 is; found "t4g.small" for arm64. ' +
      "To change over, name an image for arm64 by host.image as well, such as newest debian-13-arm64-*: it replaces the instance, and address and data stay.",
  ]);
  await check({}, running("t4g.medium"));
});

test("with an image for it, a type of the other architecture is taken", async () => {
  const x86 = { ...host, instanceType: "t3.small", image: "ami-1" };
  const { result } = await check({ host: x86 }, running("t4g.small"));
  assert.deepEqual([result?.architecture, result?.image], ["x86_64", "ami-1"]);
});

/** The types and the zones that offer them; any other is in none. */
const offered = (offers: Record<string, string[]>): Answers => ({
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": ({ locationType, filters }) => {
    assert.equal(locationType, "availability-zone");
    assert.equal(filters[0].name, "instance-type");
    return { locations: offers[filters[0].values[0]] ?? [] };
  },
});

const own = { kind: "own", cidr: "10.0.0.0/16" } as const;

test("a new stack is in the first zone that offers all its instance types", async () => {
  for (const network of [{ kind: "default" }, own] as const) {
    const zone = async (offers: Record<string, string[]>, answers: Answers = {}) =>
      (
        await check(
          { host: { ...host, network }, others: { tasks: { instanceType: "t4g.nano" } } },
          { ...offered(offers), ...answers },
        )
      ).result?.zone;
    const both = ["eu-central-1a", "eu-central-1b"];
    assert.equal(await zone({ "t4g.small": both, "t4g.nano": both }), "eu-central-1a");
    assert.equal(await zone({ "t4g.small": both, "t4g.nano": ["eu-central-1b"] }), "eu-central-1b");
  }
  const message = await refusal(
    { others: { tasks: { instanceType: "t4g.nano" } } },
    offered({ "t4g.small": ["eu-central-1a"], "t4g.nano": ["eu-central-1b"] }),
  );
  assert.deepEqual(faultsOf(message), [
    'hosts.tasks.instanceType: expected a type that one zone of the network has together with the stack\'s other types; found "t4g.nano", which is in eu-central-1b. Choose another type.',
  ]);
});

/** The data volumes of the account that have the stack's tags. */
const volumes = (attached: object[], available: object[] = []): Answers => {
  const all = [...attached, ...available].map((volume, index) => ({ id: `vol-${index + 1}`, ...volume }));
  return {
    "aws:ebs/getEbsVolumes:getEbsVolumes": ({ tags, filters }) => {
      assert.deepEqual(tags, { project: "shop", stack: "prod", component: "data" });
      const used = filters[0].values.includes("in-use");
      return { ids: all.map(({ id }) => id).filter((_, index) => index < attached.length === used) };
    },
    "aws:ebs/getVolume:getVolume": ({ filters }) => ({
      size: 20,
      snapshotId: "",
      createTime: "2026-01-01T00:00:00Z",
      ...all.find(({ id }) => id === filters[0].values[0]),
    }),
  };
};

test("a new default subnet in an earlier zone changes nothing: the stack is where its data is", async () => {
  const inB = { availabilityZone: "eu-central-1b" };
  const inA = { availabilityZone: "eu-central-1a" };
  const zone = async (answers: Answers) => (await check({}, answers)).result?.zone;
  assert.equal(await zone({}), "eu-central-1a");
  assert.equal(await zone(volumes([inB])), "eu-central-1b");
  assert.equal(await zone(running("t4g.small", inB)), "eu-central-1b");
  // The one in use counts, then the machine, and then the newest that was kept.
  const newer = { ...inA, createTime: "2026-06-01T00:00:00Z" };
  assert.equal(await zone(volumes([inB], [newer])), "eu-central-1b");
  assert.equal(await zone({ ...running("t4g.small", inB), ...volumes([], [newer]) }), "eu-central-1b");
  assert.equal(
    await zone(volumes([], [{ ...newer, availabilityZone: "eu-central-1b" }, inA])),
    "eu-central-1b",
  );
});

test("hosts that would be in another zone than the data are refused, and the way is told", async () => {
  const elsewhere = volumes([{ availabilityZone: "eu-central-1c" }]);
  assert.deepEqual(faultsOf(await refusal({}, elsewhere)), [
    "host.network: expected a default subnet in eu-central-1c, where the stack's data volume is, because a volume stays in its zone; found none there. " +
      "Make it: aws ec2 create-default-subnet --availability-zone eu-central-1c",
  ]);
  const given = { kind: "given", vpc: "vpc-1", subnets: ["subnet-2", "subnet-1"] } as const;
  const message = await refusal({ host: { ...host, network: given } }, elsewhere);
  assert.deepEqual(faultsOf(message), [
    "host.network.subnets: expected a first subnet in eu-central-1c, where the stack's data volume is, because a volume stays in its zone; found one in eu-central-1a. " +
      "Put a subnet of eu-central-1c first.",
  ]);
  // One that another stack of this name has left holds nothing.
  await check({ host: { ...host, network: given } }, volumes([], [{ availabilityZone: "eu-central-1c" }]));
});

test("a type that the zone of the stack's data or of a given subnet does not have is refused", async () => {
  const networks: readonly (readonly [string, HostWishes["network"], Answers])[] = [
    ["eu-central-1a", { kind: "default" }, volumes([{ availabilityZone: "eu-central-1a" }])],
    ["eu-central-1b", { kind: "given", vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"] }, {}],
    ["eu-central-1b", own, running("t4g.small", { availabilityZone: "eu-central-1b" })],
  ];
  for (const [zone, network, answers] of networks) {
    const only = (...locations: string[]) => ({ ...answers, ...offered({ "t4g.small": locations }) });
    await check({ host: { ...host, network } }, only(zone));
    const message = await refusal({ host: { ...host, network } }, only("eu-central-1d", "eu-central-1c"));
    assert.ok(
      faultsOf(message)[0]?.startsWith(
        `host.instanceType: expected a type that ${zone} has, the zone of the host's subnet; found "t4g.small", which is in eu-central-1c, eu-central-1d. `,
      ),
      message,
    );
  }
});

test("more hosts are asked for as the first is, each by its own keys", async () => {
  const others = { tasks: { instanceType: "t3.small" }, mail: { instanceType: "t4g.nano", image: "ami-1" } };
  const pinned = { ...host, instanceType: "t3.small", image: "ami-1" };
  const seen = await check({ host: pinned, others: { tasks: others.tasks } });
  assert.deepEqual(seen.result?.others, {
    tasks: { architecture: "x86_64", image: "newest debian-13-amd64-*" },
  });
  const message = await refusal(
    { others },
    {
      ...running("t4g.small"),
      "aws:ec2/getInstances:getInstances": ({ instanceTags }) => ({
        ids: instanceTags.Name === "shop-prod-host-tasks" ? ["i-2"] : [],
      }),
    },
  );
  const faults = faultsOf(message);
  assert.equal(faults.length, 2, message);
  assert.match(
    `${faults[0]}`,
    /^hosts\.tasks\.instanceType: expected a type for arm64, .* i-2 is; .* by hosts\.tasks\.image as well, .* its address stays\.$/,
  );
  assert.match(
    `${faults[1]}`,
    /^hosts\.mail\.image: expected an image for arm64, which t4g\.nano is; found ami-1 for x86_64\./,
  );
});

test("an image that the machine has may be gone, and one that it has not may not", async () => {
  const gone = {
    "aws:ec2/getAmi:getAmi": fails("* Your query returned no results. Please change your search"),
  };
  const pinned = { ...host, image: "ami-7" };
  const { result } = await check({ host: pinned }, { ...gone, ...running("t4g.small") });
  assert.equal(result?.image, "ami-7");
  assert.equal(result?.existing?.image, "ami-7");
  const other = await refusal({ host: { ...host, image: "ami-8" } }, { ...gone, ...running("t4g.small") });
  assert.match(other, /^ {2}host\.image: .* found no ami-8\./m);
  const type = await refusal(
    { host: { ...pinned, instanceType: "t3.small" } },
    { ...gone, ...running("t4g.small") },
  );
  assert.match(
    type,
    /^ {2}host\.instanceType: expected a type for arm64, as the image ami-7 .* by host\.image as well: /m,
  );
});

test("a machine that is stopped is told, with when it was started last", async () => {
  const launchTime = "2026-11-30T08:00:00Z";
  const found = async (instanceState: string) =>
    (await check({}, running("t4g.small", { instanceState, launchTime }))).result?.existing?.stopped;
  assert.equal(await found("running"), undefined);
  for (const state of ["stopping", "stopped"]) assert.equal(await found(state), launchTime);
});

test("types with more vCPUs than the account may run are refused before anything is stopped", async () => {
  const larger = { ...host, instanceType: "t4g.2xlarge" };
  const five: Answers = { "aws:servicequotas/getServiceQuota:getServiceQuota": () => ({ value: 5 }) };
  const message = await refusal({ host: larger }, { ...five, ...running("t4g.small") });
  assert.match(
    message,
    /^ {2}host\.instanceType: expected instances with 5 vCPUs together at most, .* in eu-central-1; found types with 8\. .*--quota-code L-1216C47A --desired-value 8 /m,
  );
  await check({}, { ...five, ...running("t4g.2xlarge") });
  const others = { a: { instanceType: "t4g.nano" }, b: { instanceType: "t4g.nano" } };
  assert.match(await refusal({ others }, five), /found types with 6\./);
  // Who may not look, or runs it already, is not kept from deploying.
  const { invokes } = await check({ host: larger }, { ...five, ...running("t4g.2xlarge") });
  assert.ok(!invokes.some(({ token }) => token.includes("getServiceQuota")));
  await check(
    { host: larger },
    { "aws:servicequotas/getServiceQuota:getServiceQuota": fails("api error AccessDeniedException: no") },
  );
});

test("a project whose name SSM keeps for AWS cannot mirror its secrets there", async () => {
  for (const project of ["aws-shop", "SSMshop"]) {
    const message = await refusal({ mirror: "parameter-store" }, {}, project);
    assert.match(
      message,
      new RegExp(
        `^ {2}secrets\\.mirror: expected .*"/${project}/…"; found parameter-store in project "${project}"\\. `,
        "m",
      ),
    );
    await check({ mirror: "secrets-manager" }, {}, project);
  }
  await check({ mirror: "parameter-store" }, {}, "shop-aws");
});

test("a data volume smaller than the one there is is refused, one of its size or larger is not", async () => {
  const volume = volumes([{ size: 50, availabilityZone: "eu-central-1a" }]);
  const message = await refusal({ host: { ...host, dataVolume: 49 } }, volume);
  assert.match(message, /^ {2}host\.dataVolume: expected 50 or more, .*vol-1.*; found 49\.$/m);
  await check({ host: { ...host, dataVolume: 50 } }, volume);
  await check({ host: { ...host, dataVolume: 51 } }, volume);
});

test("a snapshot that the data volume begins with is there, complete, and not larger", async () => {
  const snapshot = (more: object = {}): Answers => ({
    "aws:ebs/getSnapshot:getSnapshot": ({ snapshotIds }) => {
      assert.deepEqual(snapshotIds, ["snap-1"]);
      return { volumeSize: 20, state: "completed", ...more };
    },
  });
  const from = { ...host, dataVolumeFrom: "snap-1" };
  assert.equal((await check({ host: from }, snapshot())).result?.restores, true);
  const faults = async (answers: Answers) => faultsOf(await refusal({ host: from }, answers)).join();
  assert.match(
    await faults(snapshot({ volumeSize: 21 })),
    /^host\.dataVolume: expected 21 or more, .*; found 20\.$/,
  );
  assert.match(
    await faults(snapshot({ state: "pending" })),
    /^host\.dataVolumeFrom: .* snap-1, which is pending\./,
  );
  const none = { "aws:ebs/getSnapshot:getSnapshot": fails("api error InvalidSnapshot.NotFound: no") };
  assert.match(await faults(none), /^host\.dataVolumeFrom: .* in eu-central-1; found no snap-1\./);
});

test("a snapshot that the volume was made from is asked for no more, and may be gone", async () => {
  const inA = { availabilityZone: "eu-central-1a", snapshotId: "snap-1" };
  const from = { ...host, dataVolumeFrom: "snap-1" };
  const { result } = await check({ host: from }, volumes([inA]));
  assert.equal(result?.restores, false);
});

test("with another snapshot the data moves to the zone of a given subnet", async () => {
  const network = { kind: "given", vpc: "vpc-1", subnets: ["subnet-2"] } as const;
  const there = volumes([{ availabilityZone: "eu-central-1c" }]);
  const snapshot = { "aws:ebs/getSnapshot:getSnapshot": () => ({ volumeSize: 20, state: "completed" }) };
  await refusal({ host: { ...host, network } }, there);
  const from = { ...host, network, dataVolumeFrom: "snap-1" };
  assert.equal((await check({ host: from }, { ...there, ...snapshot })).result?.zone, "eu-central-1a");
});

test("a root volume smaller than the instance's is refused", async () => {
  const there = running("t4g.small", { rootBlockDevices: [{ volumeSize: 20 }] });
  const message = await refusal({ host: { ...host, rootVolume: 12 } }, there);
  assert.deepEqual(faultsOf(message), [
    "host.rootVolume: expected 20 or more, as the instance i-1 has, because a volume can only grow; found 12.",
  ]);
  for (const rootVolume of [20, 30]) await check({ host: { ...host, rootVolume } }, there);
});

test("credentials of another account are the one fault told, and nothing else is asked", async () => {
  await check({ account: "123456789012" });
  const other = { host: { ...host, instanceType: "t9.huge" }, account: "210987654321" };
  const told =
    "aws.account: expected credentials of the account 210987654321; found those of 123456789012. Set AWS_PROFILE, so that 'aws sts get-caller-identity' shows 210987654321.";
  assert.deepEqual(faultsOf(await refusal(other)), [told]);
  const provider = {
    "aws:index/getCallerIdentity:getCallerIdentity": fails("* AWS account ID not allowed: 123456789012"),
  };
  assert.deepEqual(faultsOf(await refusal(other, provider)), [told]);
});

test("an account without a default VPC is told how to get one", async () => {
  const none = await refusal({}, { "aws:ec2/getVpc:getVpc": fails("* no matching EC2 VPC found") });
  assert.match(none, /^ {2}host\.network: expected a default VPC .*; found none\. .*create-default-vpc/m);
  const bare = await refusal({}, { "aws:ec2/getSubnets:getSubnets": () => ({ ids: [] }) });
  assert.match(bare, /^ {2}host\.network: expected default subnets in .*vpc-default; found none\./m);
});

test("a given VPC that is not there is named, and so is each subnet that is not in it", async () => {
  const network = {
    kind: "given",
    vpc: "vpc-1",
    subnets: ["subnet-1", "subnet-9"],
  } as const;
  const vpc = await refusal(
    { host: { ...host, network } },
    { "aws:ec2/getVpc:getVpc": fails("* no matching EC2 VPC found") },
  );
  assert.match(vpc, /^ {2}host\.network\.vpc: .*; found no vpc-1\./m);
  assert.deepEqual(faultsOf(await refusal({ host: { ...host, network } })), [
    "host.network.subnets: expected subnets of vpc-1: subnet-1, subnet-2; found subnet-9.",
  ]);
});

test("an own network must be a private one that can be divided", async () => {
  const inOwn = (cidr: string) => ({ ...host, network: { kind: "own", cidr } }) as const;
  for (const cidr of ["10.0.0.0/16", "172.31.128.0/17", "192.168.7.0/24", "100.64.0.0/16"]) {
    await check({ host: inOwn(cidr) });
  }
  for (const cidr of ["10.0.0.0/15", "10.0.0.0/25", "8.8.0.0/16", "172.32.0.0/16", "fd00::/20", "10.0.0.0"]) {
    const message = await refusal({ host: inOwn(cidr) });
    assert.match(message, /^ {2}host\.network\.cidr: expected a private IPv4 network of \/16 to \/24/m);
    assert.ok(message.includes(`found "${cidr}"`), message);
  }
  assert.match(
    await refusal({ host: inOwn("10.0.1.0/16") }),
    /found "10\.0\.1\.0\/16"\. Did you mean 10\.0\.0\.0\/16\?/,
  );
});

test("a zone that the account does not have is named", async () => {
  const message = await refusal(
    { zone: "example.org" },
    { "aws:route53/getZone:getZone": fails("* no matching Route 53 Hosted Zone found") },
  );
  assert.match(message, /^ {2}site\.zone: expected .*; found no "example\.org"\./m);
});

test("a zone that none of the site's names is in is refused", async () => {
  await check({ zone: "example.org", names: ["shop.example.net", "shop.example.org"] });
  const message = await refusal({ zone: "example.org", names: ["shop.example.net"] });
  assert.match(message, /^ {2}site\.zone: .*\(shop\.example\.net\); found "example\.org"\./m);
});

test("a record that leads a name of a new stack elsewhere is told before anything is made", async () => {
  const names = ["shop.example.org", "www.shop.example.org", "shop.example.net"];
  const at = (type: string, value: string) => ({
    name: "shop.example.org.",
    type,
    resourceRecords: [{ value }],
  });
  const records = (...found: object[]): Answers => ({
    "aws:route53/getRecords:getRecords": ({ zoneId, nameRegex }) => {
      assert.equal(zoneId, "Z1");
      const asked = new RegExp(nameRegex);
      assert.ok(asked.test("www.shop.example.org."));
      for (const other of ["shopxexample.org.", "shop.example.net.", "a.shop.example.org."])
        assert.ok(!asked.test(other), other);
      return { resourceRecordSets: found };
    },
  });
  const wanted = { zone: "example.org", names };
  const faults = async (more: object, ...found: object[]) =>
    faultsOf(await refusal({ ...wanted, ...more }, records(...found)));
  const [a] = await faults({}, at("A", "198.51.100.7"), at("TXT", "x"));
  assert.match(
    `${a}`,
    /^site\.zone: expected no record in example\.org .*; found shop\.example\.org A 198\.51\.100\.7\. .*site\.takeOver: true/,
  );
  await check({ ...wanted, takeOver: true }, records(at("A", "198.51.100.7")));
  for (const type of ["AAAA", "CNAME"]) {
    const [other] = await faults({ takeOver: true }, at(type, "old.example.org"));
    assert.match(`${other}`, new RegExp(`found shop\\.example\\.org ${type} old\\.example\\.org\\. Delete`));
  }
  // Of a stack that has its address they are its own, or somebody has changed them for now.
  await check(wanted, {
    ...records(at("A", "198.51.100.7")),
    "aws:ec2/getEips:getEips": ({ tags }) => {
      assert.equal(tags.Name, "shop-prod-host");
      return { publicIps: ["203.0.113.7"] };
    },
  });
});

test("a record of *.NAME is told as well, which Route 53 writes in its own way", async () => {
  const wanted = { zone: "example.org", names: ["shop.example.org", "*.shop.example.org"] };
  const [fault] = faultsOf(
    await refusal(wanted, {
      "aws:route53/getRecords:getRecords": ({ nameRegex }) => {
        const asked = new RegExp(nameRegex);
        for (const name of ["*.shop.example.org.", "\\052.shop.example.org."])
          assert.ok(asked.test(name), name);
        assert.ok(!asked.test("a.shop.example.org."));
        const name = "\\052.shop.example.org.";
        return { resourceRecordSets: [{ name, type: "A", resourceRecords: [{ value: "198.51.100.7" }] }] };
      },
    }),
  );
  assert.match(`${fault}`, /found \*\.shop\.example\.org A 198\.51\.100\.7\./);
});

test("a bucket name that S3 does not take is refused, with what is wrong about it", async () => {
  const wrong: Record<string, RegExp> = {
    ["x".repeat(64)]: /3 to 63 characters, not 64/,
    ab: /3 to 63 characters, not 2/,
    Uploads: /lower-case/,
    up_loads: /lower-case/,
    "-uploads": /lower-case/,
    "shop.uploads": /no dots/,
    "xn--uploads": /keep for itself/,
    "uploads-s3alias": /keep for itself/,
    "uploads--x-s3": /keep for itself/,
  };
  for (const [bucket, why] of Object.entries(wrong)) {
    const message = await refusal({ buckets: { "media.bucket": bucket } });
    assert.match(message, /^ {2}media\.bucket: expected /m);
    assert.match(message, why);
    assert.ok(message.includes(`found "${bucket}"`), message);
  }
  await check({ buckets: { "media.bucket": "x".repeat(63) } });
});

test("a bucket that another account has is named as taken; the stack's own is not", async () => {
  for (const said of [
    "* reading S3 Bucket (uploads): operation error S3: HeadBucket, https response error StatusCode: 403, RequestID: 1, HostID: 2, api error Forbidden: Forbidden",
    "* reading S3 Bucket (uploads): operation error S3: HeadBucket, https response error StatusCode: 301, RequestID: 1, HostID: 2, api error MovedPermanently: Moved Permanently",
  ]) {
    const message = await refusal(
      { buckets: { "media.bucket": "uploads" } },
      { "aws:s3/getBucket:getBucket": fails(said) },
    );
    assert.match(message, /^ {2}media\.bucket: .*; found "uploads", which is another account's/m);
  }
  await check(
    { buckets: { "media.bucket": "uploads" } },
    { "aws:s3/getBucket:getBucket": () => ({ buckets: { "media.bucket": "uploads" } }) },
  );
});

test("all faults come in one message", async () => {
  const message = await refusal(
    {
      host: {
        ...host,
        instanceType: "t9.huge",
        dataVolume: 10,
        network: { kind: "own", cidr: "1.2.3.4/8" },
      },
      zone: "example.org",
      buckets: { "media.bucket": "Uploads" },
    },
    {
      "aws:ec2/getInstanceType:getInstanceType": fails("api error InvalidInstanceType: none"),
      ...volumes([{ availabilityZone: "eu-central-1a" }]),
      "aws:route53/getZone:getZone": fails("* no matching Route 53 Hosted Zone found"),
    },
  );
  assert.deepEqual(
    faultsOf(message).map((fault) => fault.split(": ")[0]),
    ["host.instanceType", "host.dataVolume", "host.network.cidr", "site.zone", "media.bucket"],
  );
  assert.match(message, /^Nothing has been changed: .*'prod' \(Pulumi\.prod\.yaml\)/);
});

test("credentials that do not work are the one fault told", async () => {
  const message = await refusal(
    { buckets: { "media.bucket": "Uploads" } },
    {
      "aws:index/getCallerIdentity:getCallerIdentity": fails(
        "invocation of aws:index/getCallerIdentity:getCallerIdentity returned an error: 1 error occurred:\n\t* No valid credential sources found: Please see https://registry.terraform.io/providers/hashicorp/aws\nfor more information about providing credentials.\n\n",
      ),
    },
  );
  assert.deepEqual(faultsOf(message).length, 1);
  assert.match(
    message,
    /^ {2}AWS: expected credentials .* No valid credential sources found: .*AWS_PROFILE/m,
  );
});

test("what AWS says of a question that is not allowed is passed on in one line", async () => {
  const message = await refusal(
    {},
    {
      "aws:ec2/getInstanceType:getInstanceType": fails(
        "invocation of aws:ec2/getInstanceType:getInstanceType returned an error: 1 error occurred:\n\t* reading EC2 Instance Type: https response error StatusCode: 403, RequestID: 1-2, api error UnauthorizedOperation: You are not authorized.\n\n",
      ),
    },
  );
  assert.deepEqual(faultsOf(message), [
    "host.instanceType: AWS did not answer whether it can be had: reading EC2 Instance Type: https response error StatusCode: 403, api error UnauthorizedOperation: You are not authorized.",
  ]);
});
