import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { Alarms } from "../../components/aws/alarms.ts";
import { InstanceRole } from "../../components/aws/instance-role.ts";
import { Ec2Host, type Ec2HostArgs } from "../../components/ec2/ec2-host.ts";
import { known, type Made, record, type Surroundings } from "./aws-mocks.ts";

const usual: Ec2HostArgs = {
  instanceType: "t4g.small",
  image: "ami-newest",
  imagePinned: false,
  subnetId: "subnet-a",
  zone: "eu-central-1a",
  securityGroupIds: ["sg-web"],
  instanceProfile: "shop-prod-web",
  rootVolume: 12,
  data: {
    volume: 20,
    retain: true,
    directories: ["/var/lib/postgresql", "/srv/shop/media"],
    services: ["postgresql@.service", "shop-web@.service"],
  },
  protect: false,
};

const host = (args: Partial<Ec2HostArgs> = {}, surroundings: Surroundings = {}) =>
  record(async () => {
    const made = new Ec2Host("web", { ...usual, ...args });
    return {
      offer: await known(made.imageOffer),
      connection: await known(made.connection),
      identity: await known(made.identity),
    };
  }, surroundings);

test("an instance answers metadata requests to sessions only, and no further than itself", async () => {
  const { inputs } = (await host()).only("Instance");
  assert.equal(inputs.metadataOptions.httpTokens, "required");
  assert.equal(inputs.metadataOptions.httpPutResponseHopLimit, 1);
});

test("an instance whose hardware fails is moved to other hardware by AWS itself", async () => {
  assert.deepEqual((await host()).only("Instance").inputs.maintenanceOptions, { autoRecovery: "default" });
});

test("both disks of a host are encrypted", async () => {
  const seen = await host();
  assert.equal(seen.only("Instance").inputs.rootBlockDevice.encrypted, true);
  assert.equal(seen.only("Instance").inputs.rootBlockDevice.volumeType, "gp3");
  assert.equal(seen.only("Volume").inputs.encrypted, true);
  assert.equal(seen.only("Volume").inputs.type, "gp3");
});

test("a newer image is an offer; only one that is named replaces the instance", async () => {
  const ami = { "aws:ec2/instance:Instance": () => ({ ami: "ami-in-use" }) };
  const seen = await host({}, { outputs: ami });
  assert.deepEqual(seen.only("Instance").ignoreChanges, ["ami"]);
  assert.equal(seen.result.offer, "ami-newest");
  assert.equal((await host()).result.offer, "");
  assert.deepEqual((await host({ imagePinned: true })).only("Instance").ignoreChanges, []);
});

test("the private host key that stays is not in user-data", async () => {
  const seen = await host();
  const { inputs, secrets } = seen.only("Instance");
  assert.match(inputs.userData, /private key of web-bootstrap-key/);
  assert.doesNotMatch(inputs.userData, /private key of web-(host-key|login)/);
  assert.ok(secrets.includes("userData"));
});

test("whatever makes a new instance makes a new bootstrap key, and new user-data makes a new instance", async () => {
  const machine = async (args: Partial<Ec2HostArgs>) => (await host(args)).named("web-machine");
  const key = (await host()).named("web-bootstrap-key");
  assert.deepEqual(key.replaceWith, ["web-machine"]);
  // Of stacks made by a version that had one, it is no reason any more.
  assert.equal(key.replacementTrigger, undefined);
  const { keepers } = (await machine({})).inputs;
  const others = {
    instanceType: "t4g.medium",
    data: { volume: 30, retain: true, directories: [], services: [] },
  };
  assert.deepEqual((await machine(others)).inputs.keepers, keepers);
  assert.notDeepEqual((await machine({ subnetId: "subnet-b" })).inputs.keepers, keepers);
  assert.equal((await host()).only("Instance").inputs.userDataReplaceOnChange, true);
  assert.deepEqual((await host()).named("web-host-key").replaceWith, []);
});

test("an image makes a new machine only if it is named and the machine has another", async () => {
  const machine = async (image: string, imagePinned: boolean, existing?: string) => {
    const there = existing === undefined ? undefined : { image: existing };
    const { inputs, ignoreChanges } = (await host({ image, imagePinned, existing: there })).named(
      "web-machine",
    );
    return { image: inputs.keepers.image, kept: ignoreChanges.includes("keepers.image") };
  };
  assert.deepEqual(await machine("ami-2", false), { image: "ami-2", kept: true });
  assert.deepEqual(await machine("ami-2", false, "ami-1"), { image: "ami-1", kept: true });
  assert.deepEqual(await machine("ami-1", true, "ami-1"), { image: "ami-1", kept: true });
  assert.deepEqual(await machine("ami-2", true, "ami-1"), { image: "ami-2", kept: false });
  assert.deepEqual(await machine("ami-2", true), { image: "ami-2", kept: false });
});

test("an instance is started after all that stops it, and before it is spoken to", async () => {
  const running = async (args: Partial<Ec2HostArgs>) => (await host(args)).named("web-running");
  const now = await running({});
  assert.deepEqual(now.inputs, { instanceId: "web-instance-id", state: "running" });
  assert.ok(now.dependsOn.includes("web-data-attachment"));
  assert.ok((await host()).named("web-first-contact").dependsOn.includes("web-running"));
  assert.notEqual((await running({ instanceType: "t4g.medium" })).replacementTrigger, now.replacementTrigger);
  assert.equal((await running({ image: "ami-2" })).replacementTrigger, now.replacementTrigger);
});

test("a machine that is found stopped is started, each time anew, and one that runs is no change", async () => {
  const start = async (existing: Ec2HostArgs["existing"]) => {
    const { inputs, ignoreChanges } = (await host({ existing })).named("web-start");
    return [inputs.keepers, ignoreChanges];
  };
  const since = "2026-11-30T08:00:00Z";
  assert.deepEqual(await start(undefined), [{ stopped: "" }, ["keepers"]]);
  assert.deepEqual(await start({ image: "ami-1" }), [{ stopped: "" }, ["keepers"]]);
  assert.deepEqual(await start({ image: "ami-1", stopped: since }), [{ stopped: since }, []]);
});

test("the first contact comes once a machine, and has its private keys by standard input alone", async () => {
  const seen = await host();
  const contact = seen.named("web-first-contact");
  assert.deepEqual(contact.inputs.triggers, ["web-instance-id"]);
  assert.match(contact.inputs.create, /host-key\.sh exchange$/);
  assert.match(contact.inputs.update, /host-key\.sh check$/);
  assert.deepEqual(contact.secrets, ["stdin"]);
  assert.equal(contact.inputs.stdin, "private key of web-login\n\nprivate key of web-host-key\n\n");
  assert.doesNotMatch(JSON.stringify(contact.inputs.environment), /private key/);
  assert.ok(contact.dependsOn.includes("web-address-of-host"));
});

test("every step after it believes the host key that stays, and no other", async () => {
  const seen = await host();
  assert.equal(seen.result.connection.hostKey, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIwebhostkey");
  for (const step of seen.all("command:remote:Command")) {
    assert.equal(step.inputs.connection.hostKey, seen.result.connection.hostKey);
  }
  assert.ok(seen.named("web-connect").dependsOn.includes("web-first-contact"));
  assert.ok(seen.named("web-data-volume").dependsOn.includes("web-connect"));
});

test("a new instance takes over address and data, which can be in one place only", async () => {
  const seen = await host();
  assert.equal(seen.only("EipAssociation").deleteBeforeReplace, true);
  assert.equal(seen.only("VolumeAttachment").deleteBeforeReplace, true);
  assert.equal(seen.only("VolumeAttachment").inputs.stopInstanceBeforeDetaching, true);
  assert.equal(seen.result.identity, "web-instance-id");
});

test("a protected host is refused by the engine and by AWS to be deleted, and its data by the engine", async () => {
  const seen = await host({ protect: true });
  assert.equal(seen.only("Instance").inputs.disableApiTermination, true);
  for (const type of ["Instance", "Volume", "Eip"]) assert.equal(seen.only(type).protect, true, type);
  const free = await host();
  assert.equal(free.only("Instance").inputs.disableApiTermination, false);
  for (const type of ["Instance", "Volume", "Eip"]) assert.equal(free.only(type).protect, false, type);
});

test("the data volume stays in AWS where the stack says so, and the instance and its address never", async () => {
  const seen = await host();
  assert.deepEqual(
    ["Volume", "Instance", "Eip"].map((type) => seen.only(type).retainOnDelete),
    [true, false, false],
  );
  const without = await host({ data: { volume: 20, retain: false, directories: [], services: [] } });
  assert.equal(without.only("Volume").retainOnDelete, false);
});

test("a data volume stays where it is, whichever zone the instance is asked for in", async () => {
  assert.ok((await host()).only("Volume").ignoreChanges.includes("availabilityZone"));
});

test("a data volume begins with the snapshot that is named, and one that is there stays without", async () => {
  const volume = async (more: object) => {
    const data = { volume: 20, retain: true, directories: [], services: [], ...more };
    const { inputs, ignoreChanges } = (await host({ data })).only("Volume");
    return [inputs.snapshotId, ignoreChanges];
  };
  assert.deepEqual(await volume({}), [undefined, ["availabilityZone", "snapshotId"]]);
  assert.deepEqual(await volume({ from: "snap-1" }), ["snap-1", ["availabilityZone"]]);
  assert.deepEqual(await volume({ from: "snap-1", restores: true }), ["snap-1", []]);
});

test("a protected volume that is deleted all the same leaves a snapshot", async () => {
  assert.equal((await host({ protect: true })).only("Volume").inputs.finalSnapshot, true);
  assert.equal((await host()).only("Volume").inputs.finalSnapshot, undefined);
});

test("a host whose port 22 is closed is reached by the end of a tunnel", async () => {
  const reach = { address: "127.0.0.1", port: 2022 };
  const seen = await host({ reach });
  assert.equal(seen.result.connection.host, "127.0.0.1");
  assert.equal(seen.result.connection.port, 2022);
  assert.equal(seen.named("web-first-contact").inputs.environment.BERTH_PORT, "2022");
  assert.equal((await host()).result.connection.host, "203.0.113.7");
});

test("a host is not spoken to before the way to it is there", async () => {
  const seen = await record(() => {
    const way = new tls.PrivateKey("endpoint", { algorithm: "ED25519" });
    new Ec2Host("web", { ...usual, way: [way] });
  });
  assert.ok(seen.named("web-first-contact").dependsOn.includes("endpoint"));
  assert.ok(!seen.only("Instance").dependsOn.includes("endpoint"), "the two are made at the same time");
});

test("a host that keeps nothing has no data volume, and is ready without one", async () => {
  const seen = await record(() => {
    const { data: _, ...without } = usual;
    const { ready, sshCommand } = new Ec2Host("tasks", without);
    new tls.PrivateKey("next", { algorithm: "ED25519" }, { dependsOn: [ready] });
    return known(sshCommand);
  });
  for (const type of ["Volume", "VolumeAttachment"]) assert.equal(seen.all(type).length, 0, type);
  assert.ok(seen.named("next").dependsOn.includes("tasks-connect"));
  assert.equal(seen.only("Eip").name, "tasks-address");
  assert.equal(seen.only("Instance").inputs.rootBlockDevice.encrypted, true);
  assert.equal(seen.only("Instance").inputs.metadataOptions.httpTokens, "required");
  assert.equal(seen.result, "npm run ssh -- -s prod --host tasks");
});

test("each instance of a stack is found by its name, and by what they have in common", async () => {
  const tags = async (name: string) =>
    (await record(() => new Ec2Host(name, usual))).only("Instance").inputs.tags;
  const common = { project: "shop", stack: "prod", component: "host" };
  assert.deepEqual(await tags("web"), { ...common, Name: "shop-prod-host" });
  assert.deepEqual(await tags("tasks"), { ...common, Name: "shop-prod-host-tasks" });
});

test("the step of the data volume runs again when the volume grows, and keeps its services from an empty directory", async () => {
  const text = (await host()).named("web-data-volume").inputs.environment.BERTH_STEP;
  assert.match(text, /^size='20'$/m);
  assert.match(text, /\/etc\/systemd\/system\/postgresql@\.service\.d\/berth-data\.conf/);
  assert.match(text, /\/etc\/systemd\/system\/shop-web@\.service\.d\/berth-data\.conf/);
});

test("everything carries the stack's tags, and the data volume says that it is data", async () => {
  const seen = await host();
  for (const type of ["Instance", "Volume", "Eip", "KeyPair"]) {
    assert.equal(seen.only(type).inputs.tags.project, "shop", type);
    assert.equal(seen.only(type).inputs.tags.stack, "prod", type);
  }
  assert.equal(seen.only("Volume").inputs.tags.component, "data");
  assert.equal(seen.only("Instance").inputs.rootBlockDevice.tags.component, "host");
});

test("the instance's role may open sessions, and do what is named; nothing else", async () => {
  const media = '{"Version":"2012-10-17","Statement":[]}';
  const seen = await record(() => new InstanceRole("web-role", { policies: { media } }));
  const documents = seen.all("RolePolicy").map(({ inputs }) => inputs.policy);
  assert.equal(documents.length, 2);
  assert.ok(documents.includes(media));
  const [statement, ...more] = JSON.parse(documents.find((one) => one !== media)).Statement;
  assert.deepEqual(more, []);
  for (const action of statement.Action)
    assert.match(action, /^(ssmmessages:\w+Channel|ssm:UpdateInstanceInformation)$/);
  assert.deepEqual(JSON.parse(seen.only("Role").inputs.assumeRolePolicy).Statement[0].Principal, {
    Service: "ec2.amazonaws.com",
  });
  assert.deepEqual(seen.only("InstanceProfile").inputs.role, seen.only("Role").inputs.name);
});

test("a machine that fails its checks, or says nothing any more, alarms; so does a busy CPU", async () => {
  const seen = await record(() => new Alarms("web-alarms", { instanceId: "i-1", email: "ops@example.org" }));
  const alarms: Record<string, Made["inputs"]> = Object.fromEntries(
    seen.all("MetricAlarm").map(({ inputs }) => [inputs.metricName, inputs]),
  );
  assert.deepEqual(Object.keys(alarms).sort(), ["CPUUtilization", "StatusCheckFailed"]);
  assert.equal(alarms.StatusCheckFailed?.treatMissingData, "breaching");
  for (const alarm of Object.values(alarms)) {
    assert.deepEqual(alarm.dimensions, { InstanceId: "i-1" });
    assert.deepEqual(alarm.alarmActions, ["arn:aws:mock:eu-central-1:123456789012:web-alarms-topic"]);
  }
  assert.equal(seen.only("TopicSubscription").inputs.endpoint, "ops@example.org");
  const silent = await record(() => new Alarms("web-alarms", { instanceId: "i-1" }));
  assert.equal(silent.all("TopicSubscription").length, 0);
});

test("a burstable machine alarms before it is slow, or when it costs more, as its credits are", async () => {
  const of = async (credits: "standard" | "unlimited" | undefined) => {
    const seen = await record(() => new Alarms("web-alarms", { instanceId: "i-1", credits }));
    return seen.all("MetricAlarm").find(({ name }) => name === "web-alarms-credits")?.inputs;
  };
  const standard = await of("standard");
  assert.equal(standard?.metricName, "CPUCreditBalance");
  assert.equal(standard?.comparisonOperator, "LessThanThreshold");
  const unlimited = await of("unlimited");
  assert.equal(unlimited?.metricName, "CPUSurplusCreditsCharged");
  assert.equal(unlimited?.comparisonOperator, "GreaterThanOrEqualToThreshold");
  assert.equal(await of(undefined), undefined);
});

test("what becomes of used up CPU credits is the account's choice, unless the stack says it", async () => {
  assert.equal((await host()).only("Instance").inputs.creditSpecification, undefined);
  const { inputs } = (await host({ cpuCredits: "standard" })).only("Instance");
  assert.deepEqual(inputs.creditSpecification, { cpuCredits: "standard" });
});

test("the alarms of another host tell the topic that there is, and know the disks that it has", async () => {
  const topicArn = "arn:aws:sns:eu-central-1:123456789012:shop-prod-web-alarms";
  const seen = await record(() => {
    const by = new pulumi.ComponentResource("test:Metrics", "tasks-metrics");
    const measured = { namespace: "Berth/shop-prod", by, disks: ["root"] } as const;
    new Alarms("tasks-alarms", { instanceId: "i-2", topicArn, email: "ops@example.org", measured });
  });
  assert.deepEqual([seen.all("Topic").length, seen.all("TopicSubscription").length], [0, 0]);
  const alarms = seen.all("MetricAlarm");
  assert.deepEqual(alarms.map(({ name }) => name).sort(), [
    "tasks-alarms-cpu",
    "tasks-alarms-memory",
    "tasks-alarms-root-disk",
    "tasks-alarms-status",
  ]);
  for (const { inputs } of alarms) {
    assert.deepEqual([inputs.alarmActions, inputs.okActions], [[topicArn], [topicArn]]);
    assert.equal(inputs.dimensions.InstanceId, "i-2");
  }
});

test("a full disk or memory alarms, and so does a host that says nothing of them; not before it has begun to", async () => {
  const namespace = "Berth/shop-prod";
  const seen = await record(() => {
    const by = new pulumi.ComponentResource("test:Metrics", "web-metrics");
    new tls.PrivateKey("web-metrics-send", { algorithm: "ED25519" }, { parent: by });
    new Alarms("web-alarms", { instanceId: "i-1", measured: { namespace, by } });
  });
  const found = (what: string) => {
    const { inputs, dependsOn } = seen.named(`web-alarms-${what}`);
    assert.equal(inputs.treatMissingData, "breaching");
    assert.equal(inputs.namespace, namespace);
    assert.equal(inputs.comparisonOperator, "GreaterThanOrEqualToThreshold");
    assert.ok(dependsOn.includes("web-metrics-send"), `${dependsOn}`);
    const { metricName, dimensions, threshold, period, evaluationPeriods } = inputs;
    return { metricName, dimensions, threshold, minutes: (period * evaluationPeriods) / 60 };
  };
  assert.deepEqual(found("root-disk"), {
    metricName: "DiskUsed",
    dimensions: { InstanceId: "i-1", Directory: "/" },
    threshold: 85,
    minutes: 5,
  });
  assert.deepEqual(found("data-disk"), {
    metricName: "DiskUsed",
    dimensions: { InstanceId: "i-1", Directory: "/var/lib/berth/data" },
    threshold: 85,
    minutes: 5,
  });
  assert.deepEqual(found("memory"), {
    metricName: "MemoryUsed",
    dimensions: { InstanceId: "i-1" },
    threshold: 90,
    minutes: 15,
  });
  for (const what of ["status", "cpu"]) {
    assert.ok(!seen.named(`web-alarms-${what}`).dependsOn.includes("web-metrics-send"), what);
  }
});
