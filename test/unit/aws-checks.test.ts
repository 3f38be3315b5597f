import assert from "node:assert/strict";
import { test } from "node:test";
import { Provider } from "@pulumi/aws/provider.js";
import { type CloudWishes, checkCloud, type HostWishes } from "../../components/aws/checks.ts";
import { record, type Surroundings } from "./aws-mocks.ts";

type Answers = NonNullable<Surroundings["answers"]>;

const fails = (what: string) => () => {
  throw new Error(what);
};

/** An account that can give all that a stack wants. The texts of failures are those of the provider of AWS. */
const willing: Answers = {
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: "123456789012" }),
  "aws:ec2/getInstanceType:getInstanceType": ({ instanceType }) => ({
    supportedArchitectures: instanceType.startsWith("t4g") ? ["arm64"] : ["i386", "x86_64"],
  }),
  "aws:ec2/getAmi:getAmi": ({ owners, filters }) => {
    const by = Object.fromEntries(
      filters.map((filter: { name: string; values: string[] }) => [filter.name, filter.values[0]]),
    );
    if (owners === undefined) return { id: by["image-id"], architecture: "x86_64" };
    const offered = ["debian-13-arm64-*", "debian-13-amd64-*"];
    if (owners[0] !== "136693071363" || !offered.includes(by.name))
      fails("* Your query returned no results.")();
    return { id: `newest ${by.name}`, architecture: by.architecture };
  },
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": () => ({
    locations: ["eu-central-1b", "eu-central-1a"],
  }),
  "aws:ec2/getInstances:getInstances": () => ({ ids: [] }),
  "aws:ec2/getSubnet:getSubnet": ({ id }) => ({
    availabilityZone: id === "subnet-1" ? "eu-central-1b" : "eu-central-1a",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    names: ["eu-central-1b", "eu-central-1a"],
  }),
  "aws:ebs/getEbsVolumes:getEbsVolumes": () => ({ ids: [] }),
  "aws:ec2/getVpc:getVpc": ({ id }) => ({ id: id ?? "vpc-default" }),
  "aws:ec2/getSubnets:getSubnets": () => ({ ids: ["subnet-1", "subnet-2"] }),
  "aws:route53/getZone:getZone": () => ({ zoneId: "Z1" }),
  "aws:s3/getBucket:getBucket": fails("* reading S3 Bucket (x): couldn't find resource"),
};

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
        { host, zone: undefined, bucket: undefined, ...wishes },
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
  assert.deepEqual(arm.result, { architecture: "arm64", image: "newest debian-13-arm64-*", others: {} });
  const x86 = await check({ host: { ...host, instanceType: "t3.small" } });
  assert.deepEqual(x86.result, { architecture: "x86_64", image: "newest debian-13-amd64-*", others: {} });
});

test("an image that the stack names is the one", async () => {
  const { result, invokes } = await check({ host: { ...host, instanceType: "t3.small", image: "ami-1" } });
  assert.deepEqual(result, { architecture: "x86_64", image: "ami-1", others: {} });
  assert.equal(invokes.filter(({ token }) => token.includes("getAmi")).length, 1);
});

test("nothing is made while AWS is asked", async () => {
  const { resources } = await check({ zone: "example.org", bucket: "uploads" });
  assert.deepEqual(
    resources.map(({ name }) => name),
    ["account"],
  );
});

test("without a host on AWS only the zone and the bucket are asked for", async () => {
  const { result, invokes } = await check({ host: undefined, bucket: "uploads" });
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
const running = (instanceType: string): Answers => ({
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
  "aws:ec2/getInstance:getInstance": ({ instanceId }) => ({ id: instanceId, ami: "ami-7", instanceType }),
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
  assert.deepEqual(result, { architecture: "x86_64", image: "ami-1", others: {} });
});

test("a type that the zone of the host's subnet does not have is refused, whatever the network", async () => {
  const networks: Record<string, HostWishes["network"]> = {
    "eu-central-1a": { kind: "default" },
    "eu-central-1b": { kind: "given", vpc: "vpc-1", subnets: ["subnet-1", "subnet-2"] },
  };
  const own = { kind: "own", cidr: "10.0.0.0/16" } as const;
  for (const [zone, network] of [...Object.entries(networks), ["eu-central-1a", own] as const]) {
    const only = (...locations: string[]): Answers => ({
      "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": ({ locationType, filters }) => {
        assert.equal(locationType, "availability-zone");
        assert.deepEqual(filters, [{ name: "instance-type", values: ["t4g.small"] }]);
        return { locations };
      },
    });
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
  const asked: unknown[] = [];
  const volume: Answers = {
    "aws:ebs/getEbsVolumes:getEbsVolumes": ({ tags }) => {
      asked.push(tags);
      return { ids: ["vol-1"] };
    },
    "aws:ebs/getVolume:getVolume": () => ({ size: 50 }),
  };
  const message = await refusal({ host: { ...host, dataVolume: 49 } }, volume);
  assert.match(message, /^ {2}host\.dataVolume: expected 50 or more, .*vol-1.*; found 49\.$/m);
  await check({ host: { ...host, dataVolume: 50 } }, volume);
  await check({ host: { ...host, dataVolume: 51 } }, volume);
  assert.deepEqual(asked[0], { project: "shop", stack: "prod", component: "data" });
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
  const own = (cidr: string) => ({ ...host, network: { kind: "own", cidr } }) as const;
  for (const cidr of ["10.0.0.0/16", "172.31.128.0/17", "192.168.7.0/24", "100.64.0.0/16"]) {
    await check({ host: own(cidr) });
  }
  for (const cidr of ["10.0.0.0/15", "10.0.0.0/25", "8.8.0.0/16", "172.32.0.0/16", "fd00::/20", "10.0.0.0"]) {
    const message = await refusal({ host: own(cidr) });
    assert.match(message, /^ {2}host\.network\.cidr: expected a private IPv4 network of \/16 to \/24/m);
    assert.ok(message.includes(`found "${cidr}"`), message);
  }
  assert.match(
    await refusal({ host: own("10.0.1.0/16") }),
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
    const message = await refusal({ bucket });
    assert.match(message, /^ {2}media\.bucket: expected /m);
    assert.match(message, why);
    assert.ok(message.includes(`found "${bucket}"`), message);
  }
  await check({ bucket: "x".repeat(63) });
});

test("a bucket that another account has is named as taken; the stack's own is not", async () => {
  for (const said of [
    "* reading S3 Bucket (uploads): operation error S3: HeadBucket, https response error StatusCode: 403, RequestID: 1, HostID: 2, api error Forbidden: Forbidden",
    "* reading S3 Bucket (uploads): operation error S3: HeadBucket, https response error StatusCode: 301, RequestID: 1, HostID: 2, api error MovedPermanently: Moved Permanently",
  ]) {
    const message = await refusal({ bucket: "uploads" }, { "aws:s3/getBucket:getBucket": fails(said) });
    assert.match(message, /^ {2}media\.bucket: .*; found "uploads", which is another account's/m);
  }
  await check({ bucket: "uploads" }, { "aws:s3/getBucket:getBucket": () => ({ bucket: "uploads" }) });
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
      bucket: "Uploads",
    },
    {
      "aws:ec2/getInstanceType:getInstanceType": fails("api error InvalidInstanceType: none"),
      "aws:ebs/getEbsVolumes:getEbsVolumes": () => ({ ids: ["vol-1"] }),
      "aws:ebs/getVolume:getVolume": () => ({ size: 20 }),
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
    { bucket: "Uploads" },
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
