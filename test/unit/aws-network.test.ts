import assert from "node:assert/strict";
import { test } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { parseCidr, partOf } from "../../components/aws/cidr.ts";
import { ConnectEndpoint } from "../../components/aws/connect-endpoint.ts";
import { Dns } from "../../components/aws/dns.ts";
import { Network, type NetworkChoice } from "../../components/aws/network.ts";
import { SecurityGroups, type SecurityGroupsArgs } from "../../components/aws/security-groups.ts";
import { known, type Made, type Recording, record, type Surroundings } from "./aws-mocks.ts";

const placeOf: Record<string, string> = { "subnet-c": "eu-central-1c", "subnet-a": "eu-central-1a" };
const answers: Surroundings["answers"] = {
  "aws:ec2/getVpc:getVpc": () => ({ id: "vpc-default" }),
  "aws:ec2/getSubnets:getSubnets": () => ({ ids: ["subnet-c", "subnet-a"] }),
  "aws:ec2/getSubnet:getSubnet": ({ id }) => ({ id, availabilityZone: placeOf[id] }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
    names: ["eu-central-1c", "eu-central-1b", "eu-central-1a"],
  }),
  "aws:route53/getZone:getZone": ({ name }) => ({ zoneId: `zone of ${name}` }),
};
const own = { kind: "own", cidr: "10.20.0.0/16" } as const;

const network = (choice: NetworkChoice) =>
  record(
    async () => {
      const made = new Network("net", choice);
      return {
        vpc: await known(made.vpcId),
        public: await known(made.publicSubnetIds),
        private: await known(made.privateSubnetIds),
        zone: await known(made.zone),
      };
    },
    { answers },
  );

/** Route tables that lead to the internet by a gateway of the kind named. */
const tablesTo = (seen: Recording<unknown>, kind: "gatewayId" | "natGatewayId") =>
  seen
    .all("aws:ec2/route:Route")
    .filter(({ inputs }) => inputs[kind] !== undefined)
    .map(({ inputs }) => inputs.routeTableId);

const subnetsOf = (seen: Recording<unknown>, table: string) =>
  seen
    .all("aws:ec2/routeTableAssociation:RouteTableAssociation")
    .filter(({ inputs }) => inputs.routeTableId === table)
    .map(({ inputs }) => inputs.subnetId);

test("the default network is looked up, and nothing is made in it", async () => {
  const seen = await network({ kind: "default" });
  assert.deepEqual(
    seen.resources.map(({ type }) => type),
    ["berth:aws:Network"],
  );
  assert.deepEqual(seen.result, {
    vpc: "vpc-default",
    public: ["subnet-a", "subnet-c"],
    private: [],
    zone: "eu-central-1a",
  });
});

test("the host stays in its zone in whatever order AWS lists the default subnets", async () => {
  const turned = { ...answers, "aws:ec2/getSubnets:getSubnets": () => ({ ids: ["subnet-a", "subnet-c"] }) };
  const { result } = await record(() => known(new Network("net", { kind: "default" }).publicSubnetIds), {
    answers: turned,
  });
  assert.deepEqual(result, ["subnet-a", "subnet-c"]);
});

test("the subnet of the zone that was chosen comes first, in a default network and in a new one", async () => {
  const chosen = await network({ kind: "default", zone: "eu-central-1c" });
  assert.deepEqual(chosen.result.public, ["subnet-c", "subnet-a"]);
  assert.equal(chosen.result.zone, "eu-central-1c");
  const made = await network({ ...own, zone: "eu-central-1b" });
  assert.deepEqual(
    made.all("aws:ec2/subnet:Subnet").map(({ inputs }) => inputs.availabilityZone),
    ["eu-central-1b", "eu-central-1a"],
  );
});

test("a given network is taken as it is, its first subnet first", async () => {
  const seen = await network({ kind: "given", vpc: "vpc-1", subnets: ["subnet-c", "subnet-a"] });
  assert.equal(seen.all("aws:ec2/vpc:Vpc").length, 0);
  assert.deepEqual(seen.result, {
    vpc: "vpc-1",
    public: ["subnet-c", "subnet-a"],
    private: [],
    zone: "eu-central-1c",
  });
});

test("an own network has two zones, and no private subnet, address or NAT gateway that nobody asked for", async () => {
  const seen = await network(own);
  const subnets = seen.all("aws:ec2/subnet:Subnet");
  assert.deepEqual(
    subnets.map(({ inputs }) => [inputs.availabilityZone, inputs.cidrBlock]),
    [
      ["eu-central-1a", "10.20.0.0/20"],
      ["eu-central-1b", "10.20.16.0/20"],
    ],
  );
  assert.deepEqual(seen.result.private, []);
  assert.equal(seen.all("aws:ec2/natGateway:NatGateway").length, 0);
  assert.equal(seen.all("aws:ec2/eip:Eip").length, 0);
});

test("what is started in an own network gets no public address by itself", async () => {
  const seen = await network({ ...own, privateSubnets: true, natGateway: true });
  const subnets = seen.all("aws:ec2/subnet:Subnet");
  assert.equal(subnets.length, 4);
  for (const { name, inputs } of subnets) assert.equal(inputs.mapPublicIpOnLaunch, false, name);
});

test("an own network's public subnets, and these alone, have a way to the internet gateway", async () => {
  const seen = await network({ ...own, privateSubnets: true });
  const tables = tablesTo(seen, "gatewayId");
  assert.equal(tables.length, 1);
  assert.deepEqual(subnetsOf(seen, tables[0]), seen.result.public);
  assert.equal(new Set([...seen.result.public, ...seen.result.private]).size, 4);
});

test("private subnets have no way to the internet unless a NAT gateway is asked for", async () => {
  const without = await network({ ...own, privateSubnets: true });
  assert.deepEqual(tablesTo(without, "natGatewayId"), []);
  assert.equal(without.all("aws:ec2/natGateway:NatGateway").length, 0);

  const seen = await network({ ...own, privateSubnets: true, natGateway: true });
  const tables = tablesTo(seen, "natGatewayId");
  assert.equal(tables.length, 1);
  assert.deepEqual(subnetsOf(seen, tables[0]), seen.result.private);
  assert.equal(seen.only("aws:ec2/natGateway:NatGateway").inputs.subnetId, seen.result.public[0]);
});

test("subnets of an own network share no address and lie inside of it", async () => {
  for (const cidr of ["10.0.0.0/16", "192.168.7.0/24", "172.31.128.0/17"]) {
    const seen = await network({ ...own, cidr, privateSubnets: true });
    const whole = parseCidr(cidr);
    const parts = seen.all("aws:ec2/subnet:Subnet").map(({ inputs }) => parseCidr(inputs.cidrBlock));
    assert.equal(new Set(parts.map((part) => part?.text)).size, 4);
    for (const part of parts) {
      assert.ok(part?.exact && whole && part.bits <= 28, `EC2 takes no subnet ${part?.text}`);
      assert.equal(parseCidr(`${part.text.split("/")[0]}/${whole.bits}`)?.text, whole.text);
    }
  }
});

test("a subnet stays where it is when AWS opens or closes a zone", async () => {
  const seen = await network(own);
  for (const { ignoreChanges } of seen.all("aws:ec2/subnet:Subnet")) {
    assert.deepEqual(ignoreChanges, ["availabilityZone"]);
  }
});

test("everything of a network and of its security groups is tagged", async () => {
  const seen = await network({ ...own, privateSubnets: true, natGateway: true });
  const seenGroups = await groups({ sshFrom: ["203.0.113.0/24"], privateServices: true });
  const untagged = /:(Route|RouteTableAssociation)$/;
  const made = [...seen.resources, ...seenGroups.resources].filter(
    ({ type, custom }) => custom && !untagged.test(type),
  );
  assert.ok(made.length > 20);
  for (const { name, inputs } of made) {
    assert.equal(inputs.tags?.project, "shop", name);
    assert.equal(inputs.tags?.stack, "prod", name);
    assert.ok(inputs.tags?.component, name);
  }
});

const groups = (args: Omit<SecurityGroupsArgs, "vpcId">) =>
  record(() => new SecurityGroups("groups", { vpcId: "vpc-1", ...args }));

const rulesOf = (seen: Recording<unknown>, way: "Ingress" | "Egress", group: string): Made[] =>
  seen
    .all(`aws:vpc/securityGroup${way}Rule:SecurityGroup${way}Rule`)
    .filter(({ inputs }) => inputs.securityGroupId === `${group}-id`);

/** What a rule lets pass, such as `tcp 22-22 203.0.113.0/24`. */
const passes = ({ inputs }: Made) =>
  [
    inputs.ipProtocol,
    ...(inputs.fromPort === undefined ? [] : [`${inputs.fromPort}-${inputs.toPort}`]),
    inputs.cidrIpv4 ?? inputs.cidrIpv6 ?? inputs.referencedSecurityGroupId,
  ].join(" ");

const web = ["tcp 443-443 0.0.0.0/0", "tcp 443-443 ::/0", "tcp 80-80 0.0.0.0/0", "tcp 80-80 ::/0"];

test("without networks to come from, the web group lets in 80 and 443 and nothing else", async () => {
  const seen = await groups({ sshFrom: [], privateServices: false });
  assert.deepEqual(rulesOf(seen, "Ingress", "groups-web").map(passes).sort(), web);
});

test("SSH is let in from the networks named, and from no other", async () => {
  const seen = await groups({ sshFrom: ["203.0.113.0/24", "2001:db8::/32"], privateServices: false });
  assert.deepEqual(
    rulesOf(seen, "Ingress", "groups-web").map(passes).sort(),
    ["tcp 22-22 2001:db8::/32", "tcp 22-22 203.0.113.0/24", ...web].sort(),
  );
  const ipv6 = seen.named("groups-web-ssh-2001-db8---32").inputs;
  assert.deepEqual([ipv6.cidrIpv6, ipv6.cidrIpv4], ["2001:db8::/32", undefined]);
});

test("figures are let out to the networks named, at the ports of each group's own exporters", async () => {
  const readers = { from: ["10.0.0.0/8", "10.1.2.3/8", "fd00::/8"], first: [9100, 9113], others: [9100] };
  const seen = await groups({ sshFrom: [], privateServices: false, othersReach: {}, readers });
  const read = (group: string) =>
    rulesOf(seen, "Ingress", group)
      .map(passes)
      .filter((rule) => rule.startsWith("tcp 9"));
  const first = [
    "tcp 9100-9100 10.0.0.0/8",
    "tcp 9113-9113 10.0.0.0/8",
    "tcp 9100-9100 fd00::/8",
    "tcp 9113-9113 fd00::/8",
  ];
  assert.deepEqual(read("groups-web"), first);
  assert.deepEqual(read("groups-others"), ["tcp 9100-9100 10.0.0.0/8", "tcp 9100-9100 fd00::/8"]);
});

test("a network that is taken out, or moved in the list, changes no rule of another", async () => {
  const rules = async (sshFrom: string[]) => {
    const seen = await groups({ sshFrom, privateServices: false });
    return new Map(rulesOf(seen, "Ingress", "groups-web").map(({ name, inputs }) => [name, inputs]));
  };
  const before = await rules(["203.0.113.0/24", "198.51.100.7/32", "192.0.2.0/24"]);
  const after = await rules(["192.0.2.0/24", "198.51.100.7/32"]);
  before.delete("groups-web-ssh-203.0.113.0-24");
  assert.deepEqual([...after].sort(), [...before].sort());
});

test("two spellings of a network are one rule, as AWS spells it", async () => {
  const seen = await groups({
    sshFrom: ["203.0.113.9/24", "203.0.113.0/24", "2001:DB8:0::1/32", "2001:db8::/32"],
    privateServices: false,
  });
  const ssh = rulesOf(seen, "Ingress", "groups-web").filter(({ inputs }) => inputs.fromPort === 22);
  assert.deepEqual(ssh.map(passes), ["tcp 22-22 203.0.113.0/24", "tcp 22-22 2001:db8::/32"]);
});

test("an endpoint for tunnels reaches SSH of the web group and nothing else, and only it does when port 22 is closed", async () => {
  const seen = await groups({ sshFrom: [], privateServices: false, connectEndpoint: true });
  const web = seen.named("groups-web").inputs.name;
  const endpoint = seen.named("groups-connect").inputs.name;
  assert.notEqual(endpoint, web);
  const ssh = seen.all("SecurityGroupIngressRule").filter(({ inputs }) => inputs.fromPort === 22);
  assert.equal(ssh.length, 1);
  assert.equal(ssh[0]?.inputs.securityGroupId, "groups-web-id");
  assert.equal(ssh[0]?.inputs.referencedSecurityGroupId, "groups-connect-id");
  const out = seen
    .all("SecurityGroupEgressRule")
    .filter(({ inputs }) => inputs.securityGroupId === "groups-connect-id")
    .map(({ inputs: { fromPort, toPort, referencedSecurityGroupId } }) => [
      fromPort,
      toPort,
      referencedSecurityGroupId,
    ]);
  assert.deepEqual(out, [[22, 22, "groups-web-id"]]);
  const without = await groups({ sshFrom: [], privateServices: false });
  assert.deepEqual(
    without.all("SecurityGroup").map(({ name }) => name),
    ["groups-web"],
  );
});

test("the endpoint for tunnels is known to an instance by its group, and makes room before another takes its place", async () => {
  const seen = await record(
    () => new ConnectEndpoint("connect", { subnetId: "subnet-a", securityGroupId: "sg-connect" }),
  );
  const endpoint = seen.only("InstanceConnectEndpoint");
  assert.equal(endpoint.inputs.preserveClientIp, false);
  assert.deepEqual(endpoint.inputs.securityGroupIds, ["sg-connect"]);
  assert.equal(endpoint.inputs.tags.project, "shop");
  assert.equal(endpoint.deleteBeforeReplace, true);
});

const othersReach = { postgres: 5432, redis: 6380 };

test("hosts beside the web are let in by SSH alone, and reach of the web group what is named, by their group", async () => {
  const sshFrom = ["203.0.113.0/24", "2001:db8::/32"];
  const seen = await groups({ sshFrom, privateServices: false, othersReach });
  assert.equal(await known(seen.result.othersId as pulumi.Output<string>), "groups-others-id");
  const ssh = ["tcp 22-22 2001:db8::/32", "tcp 22-22 203.0.113.0/24"];
  assert.deepEqual(rulesOf(seen, "Ingress", "groups-others").map(passes).sort(), ssh);
  assert.deepEqual(
    rulesOf(seen, "Ingress", "groups-web").map(passes).sort(),
    [...ssh, ...web, "tcp 5432-5432 groups-others-id", "tcp 6380-6380 groups-others-id"].sort(),
  );
  assert.deepEqual(rulesOf(seen, "Egress", "groups-others").map(passes), ["-1 0.0.0.0/0", "-1 ::/0"]);
  for (const { name, inputs } of seen.resources.filter(({ custom }) => custom)) {
    assert.match(inputs.description, /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/, name);
    assert.equal(inputs.tags.project, "shop", name);
  }
});

test("hosts beside the web are reached by the endpoint for tunnels as the web is", async () => {
  const seen = await groups({ sshFrom: [], privateServices: false, connectEndpoint: true, othersReach });
  assert.deepEqual(rulesOf(seen, "Ingress", "groups-others").map(passes), ["tcp 22-22 groups-connect-id"]);
  assert.deepEqual(rulesOf(seen, "Egress", "groups-connect").map(passes), [
    "tcp 22-22 groups-web-id",
    "tcp 22-22 groups-others-id",
  ]);
});

test("hosts beside the web change none of the rules of a stack without them", async () => {
  const args = { sshFrom: ["203.0.113.0/24"], privateServices: false, connectEndpoint: true };
  const alone = (await groups(args)).resources;
  const beside = (await groups({ ...args, othersReach })).resources;
  assert.deepEqual(
    beside.filter(({ name }) => !/others/.test(name)),
    alone,
  );
});

test("private services are reached from the web group only", async () => {
  const seen = await groups({ sshFrom: ["203.0.113.0/24"], privateServices: true });
  assert.deepEqual(
    rulesOf(seen, "Ingress", "groups-private").map(passes).sort(),
    ["22-22", "27017-27017", "5432-5432", "6379-6379", "9200-9400"].map(
      (ports) => `tcp ${ports} groups-web-id`,
    ),
  );
});

test("there is no group of private services unless it is asked for", async () => {
  const seen = await groups({ sshFrom: [], privateServices: false });
  assert.equal(seen.result.privateId, undefined);
  assert.equal(seen.all("aws:ec2/securityGroup:SecurityGroup").length, 1);
});

test("what may go out is stated: everything from the web, packages only from private services", async () => {
  const seen = await groups({ sshFrom: [], privateServices: true });
  assert.deepEqual(rulesOf(seen, "Egress", "groups-web").map(passes), ["-1 0.0.0.0/0", "-1 ::/0"]);
  assert.deepEqual(rulesOf(seen, "Egress", "groups-private").map(passes).sort(), web);
});

test("rules are resources of their own, none is inside of a group", async () => {
  const seen = await groups({ sshFrom: [], privateServices: true });
  for (const { inputs } of seen.all("aws:ec2/securityGroup:SecurityGroup")) {
    assert.deepEqual([inputs.ingress, inputs.egress], [undefined, undefined]);
  }
});

test("every group and rule says what it is for, in characters that AWS takes", async () => {
  const seen = await groups({ sshFrom: ["203.0.113.0/24", "2001:db8::/32"], privateServices: true });
  const made = seen.resources.filter(({ custom }) => custom);
  assert.equal(made.length, 2 + (4 + 2 + 2) + (5 + 4));
  for (const { name, inputs } of made) {
    assert.match(inputs.description, /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/, name);
  }
});

test("a network that is none is refused by name", () =>
  assert.rejects(groups({ sshFrom: ["office"], privateServices: false }), /sshFrom: .*'office'/));

const dns = (zone: string | undefined, names: string[]) =>
  record(() => known(new Dns("dns", { zone, names, address: "203.0.113.7" }).toDo), { answers });

test("names in the stack's zone get records there", async () => {
  const seen = await dns("example.org", ["shop.example.org", "example.org"]);
  assert.deepEqual(
    seen.all("aws:route53/record:Record").map(({ inputs }) => inputs),
    ["shop.example.org", "example.org"].map((name) => ({
      zoneId: "zone of example.org",
      name,
      type: "A",
      ttl: 300,
      records: ["203.0.113.7"],
    })),
  );
  assert.deepEqual(seen.result, []);
});

test("the records that are not Berth's to make are told", async () => {
  const without = await dns(undefined, ["shop.example.org"]);
  assert.deepEqual(without.result, ["shop.example.org A 203.0.113.7"]);
  assert.deepEqual([without.invokes.length, without.all("aws:route53/record:Record").length], [0, 0]);

  const some = await dns("example.org", ["shop.example.org", "notexample.org", "shop.example.net"]);
  assert.deepEqual(some.result, ["notexample.org A 203.0.113.7", "shop.example.net A 203.0.113.7"]);
  assert.equal(some.only("aws:route53/record:Record").inputs.name, "shop.example.org");
});

test("only a public zone is looked for", async () => {
  const seen = await dns("example.org", ["shop.example.org"]);
  assert.deepEqual(seen.invokes, [
    { token: "aws:route53/getZone:getZone", inputs: { name: "example.org", privateZone: false } },
  ]);
});

test("a network is read in any spelling, and what is none is not", () => {
  const read = (text: string) => {
    const cidr = parseCidr(text);
    return cidr && [cidr.text, cidr.exact];
  };
  assert.deepEqual(read("10.1.2.3/8"), ["10.0.0.0/8", false]);
  assert.deepEqual(read("203.0.113.7/32"), ["203.0.113.7/32", true]);
  assert.deepEqual(read("0.0.0.0/0"), ["0.0.0.0/0", true]);
  assert.deepEqual(read("::/0"), ["::/0", true]);
  assert.deepEqual(read("2001:0DB8:0:0::/32"), ["2001:db8::/32", true]);
  assert.deepEqual(read("fd00::ffff/64"), ["fd00::/64", false]);
  assert.deepEqual(read("::ffff:192.0.2.1/128"), ["::ffff:c000:201/128", true]);
  assert.deepEqual(read("::192.0.2.1/128"), ["::c000:201/128", true]);
  for (const text of [
    "10.0.0.0",
    "10.0.0.0/33",
    "::/129",
    "10.0.0/8",
    "010.0.0.0/8",
    "0x10.0.0.0/8",
    "fe80::1%eth0/64",
    "10.0.0.0/8/8",
    "x",
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
  const whole = parseCidr("10.20.0.0/16");
  assert.equal(whole && partOf(whole, 4, 9), "10.20.144.0/20");
});
