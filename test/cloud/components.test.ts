// The AWS components under the real engine and the vendor's own plugin, against a moto server: what the plugin says of
// AWS's resources (defaults, what a refresh reads, what replaces) is thereby what users get.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DescribeParametersCommand, SSMClient } from "@aws-sdk/client-ssm";
import { attachmentsOf, type StateResource } from "../../scripts/lib/removal.ts";
import { type Engine, type Result, withEngine, withoutRealPlugins } from "../engine/harness.ts";
import { startSshd } from "../engine/sshd.ts";
import { refused, type Uses } from "./deploying-role.ts";
import { type Moto, withMoto } from "./moto.ts";
import type { Shape } from "./real/program.ts";
import { type Recorder, record } from "./real/recorder.ts";

const own = { kind: "own", cidr: "10.20.0.0/16", privateSubnets: true, natGateway: true } as const;

interface Step {
  readonly op: string;
  readonly name: string;
}

/** A stack with everything of ours on AWS. */
class Trial {
  readonly moto: Moto;
  readonly recorder: Recorder;
  shape: Shape;
  readonly #engine: Engine;
  readonly #folder: string;

  private constructor(moto: Moto, recorder: Recorder, engine: Engine, folder: string, shape: Shape) {
    this.moto = moto;
    this.recorder = recorder;
    this.#engine = engine;
    this.#folder = folder;
    this.shape = shape;
  }

  static async start(t: TestContext, shape: Partial<Shape> = {}): Promise<Trial> {
    const moto = await withMoto(t);
    const sshd = await startSshd();
    t.after(() => sshd.stop());
    const recorder = await record(t, moto.endpoint, "trial");
    const engine = await withEngine(t, {
      plugins: "real",
      languageHost: "node",
      env: { ...moto.environment(), AWS_ENDPOINT_URL: recorder.endpoint },
    });
    const program = join(import.meta.dirname, "real/program.ts");
    const folder = engine.project({ "index.ts": `export * from ${JSON.stringify(program)};\n` });
    await engine.succeed(["stack", "init", "Trial_1.0"], { cwd: folder });
    await api(moto, "route53", "POST", "/2013-04-01/hostedzone", zoneRequest("example.org"));
    return new Trial(moto, recorder, engine, folder, {
      network: own,
      sshFrom: ["203.0.113.0/24", "2001:db8::/32"],
      instanceType: "t3.small",
      image: (await images(moto))[0] as string,
      dataVolume: 20,
      zone: "example.org",
      names: ["shop.example.org", "example.org", "shop.example.net"],
      oldVersionsDays: 30,
      keyGeneration: 1,
      secret: "first",
      tags: { team: "one" },
      sshd: { host: sshd.host, port: sshd.port, user: sshd.user, hostKey: sshd.hostKey.trim() },
      sshKey: sshd.keys.ed25519,
      ...shape,
    });
  }

  change(shape: Partial<Shape>): void {
    this.shape = { ...this.shape, ...shape };
  }

  #run(command: string, ...options: string[]): Promise<Result> {
    writeFileSync(join(this.#folder, "shape.json"), JSON.stringify(this.shape));
    return this.#engine.pulumi([command, ...options], { cwd: this.#folder, timeout: 280_000 });
  }

  async succeed(command: string, ...options: string[]): Promise<Result> {
    const result = await this.#run(command, ...options);
    assert.equal(result.code, 0, `pulumi ${command} ${options.join(" ")}\n${result.stdout}${result.stderr}`);
    return result;
  }

  up(...options: string[]): Promise<Result> {
    return this.succeed("up", "--yes", "--skip-preview", ...options);
  }

  /** Fails unless neither the program nor what is there asks for anything. */
  async unchanged(): Promise<void> {
    await this.succeed("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    await this.up("--expect-no-changes");
  }

  /** What an update would do, by the resources' names. */
  async planned(): Promise<Step[]> {
    const { stdout } = await this.succeed("preview", "--json");
    const { steps } = JSON.parse(stdout) as { steps: { op: string; urn: string }[] };
    return steps
      .filter(({ op, urn }) => op !== "same" && !urn.includes("::pulumi:providers:"))
      .map(({ op, urn }) => ({ op, name: urn.split("::").at(-1) as string }))
      .sort((left, right) => (`${left.op} ${left.name}` < `${right.op} ${right.name}` ? -1 : 1));
  }

  /** What a program that must fail says. */
  async refusal(): Promise<string> {
    const { code, stdout, stderr } = await this.#run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0, stdout);
    return stdout + stderr;
  }

  async outputs(): Promise<Record<string, string & string[]>> {
    return JSON.parse((await this.succeed("stack", "output", "--json")).stdout);
  }

  /** What the engine knows of. */
  async resources(): Promise<readonly StateResource[]> {
    return JSON.parse((await this.succeed("stack", "export")).stdout).deployment.resources;
  }

  async destroy(): Promise<void> {
    await this.succeed("destroy", "--yes", "--skip-preview");
    collect(this.recorder.uses());
  }
}

const zoneRequest = (name: string) =>
  `<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>${name}</Name><CallerReference>${name}</CallerReference></CreateHostedZoneRequest>`;

/** A call of AWS's interfaces for which the project carries no client. moto reads of the signature whose it is alone. */
async function api(
  moto: Moto,
  service: string,
  method: string,
  path: string,
  body?: string,
): Promise<string> {
  const scope = `${moto.admin.accessKeyId}/20260101/${moto.region}/${service}/aws4_request`;
  const answer = await fetch(`${moto.endpoint}${path}`, {
    method,
    headers: {
      Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      ...(path === "/" && method === "POST" ? { "Content-Type": "application/x-www-form-urlencoded" } : {}),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${service} ${path}: ${answer.status} ${text}`);
  return text;
}

const ec2 = (moto: Moto, action: string, values: Record<string, string> = {}) =>
  api(
    moto,
    "ec2",
    "POST",
    "/",
    `${new URLSearchParams({ Action: action, Version: "2016-11-15", ...values })}`,
  );

async function images(moto: Moto): Promise<string[]> {
  const answer = await ec2(moto, "DescribeImages", {
    "Filter.1.Name": "architecture",
    "Filter.1.Value.1": "x86_64",
  });
  return [...answer.matchAll(/<imageId>(ami-[0-9a-f]+)<\/imageId>/g)].map(([, id]) => id as string).sort();
}

async function dataVolumes(moto: Moto): Promise<string[]> {
  const answer = await ec2(moto, "DescribeVolumes", {
    "Filter.1.Name": "tag:component",
    "Filter.1.Value.1": "data",
  });
  return [...new Set(answer.match(/vol-[0-9a-f]+/g))];
}

/** The ids of all that there is of each kind that a stack makes. */
async function inventory(moto: Moto): Promise<Record<string, string[]>> {
  const listed = (text: string, element: string) =>
    [...text.matchAll(new RegExp(`<${element}>([^<]+)</${element}>`, "g"))]
      .map(([, id]) => id as string)
      .sort();
  const query = (service: string, Version: string, Action: string, values: Record<string, string> = {}) =>
    api(moto, service, "POST", "/", `${new URLSearchParams({ Action, Version, ...values })}`);
  const found: Record<string, string[]> = {};
  const ours = { "Filter.1.Name": "tag:project", "Filter.1.Value.1": "trial" };
  const living = {
    DescribeInstances: { "Filter.1.Name": "instance-state-name", "Filter.1.Value.1": "running" },
    DescribeNatGateways: { "Filter.1.Name": "state", "Filter.1.Value.1": "available" },
    // There is one of the system's for every image.
    DescribeVolumes: ours,
  } as Record<string, Record<string, string>>;
  for (const [Action, element] of [
    ["DescribeVpcs", "vpcId"],
    ["DescribeSubnets", "subnetId"],
    ["DescribeInternetGateways", "internetGatewayId"],
    ["DescribeNatGateways", "natGatewayId"],
    ["DescribeRouteTables", "routeTableId"],
    ["DescribeSecurityGroups", "groupId"],
    ["DescribeSecurityGroupRules", "securityGroupRuleId"],
    ["DescribeAddresses", "allocationId"],
    ["DescribeKeyPairs", "keyName"],
    ["DescribeInstances", "instanceId"],
    ["DescribeVolumes", "volumeId"],
  ] as const) {
    found[Action] = listed(await ec2(moto, Action, living[Action]), element);
  }
  found.users = listed(await query("iam", "2010-05-08", "ListUsers"), "UserName");
  found.roles = listed(await query("iam", "2010-05-08", "ListRoles"), "RoleName");
  found.profiles = listed(await query("iam", "2010-05-08", "ListInstanceProfiles"), "InstanceProfileName");
  found.topics = listed(await query("sns", "2010-03-31", "ListTopics"), "TopicArn");
  found.alarms = listed(await query("monitoring", "2010-08-01", "DescribeAlarms"), "AlarmName");
  found.buckets = listed(await api(moto, "s3", "GET", "/"), "Name");
  const [zone] = listed(await api(moto, "route53", "GET", "/2013-04-01/hostedzone"), "Id");
  found.records = listed(await api(moto, "route53", "GET", `/2013-04-01${zone}/rrset`), "Name");
  const secrets = new SecretsManagerClient(moto.client());
  const parameters = new SSMClient(moto.client());
  found.secrets = ((await secrets.send(new ListSecretsCommand({}))).SecretList ?? []).map(
    ({ Name }) => `${Name}`,
  );
  found.parameters = ((await parameters.send(new DescribeParametersCommand({}))).Parameters ?? []).map(
    ({ Name }) => `${Name}`,
  );
  secrets.destroy();
  parameters.destroy();
  return found;
}

/** The ways of the rules of a group. */
async function rulesOf(moto: Moto, group: string): Promise<string[]> {
  const rules = await ec2(moto, "DescribeSecurityGroupRules", {
    "Filter.1.Name": "group-id",
    "Filter.1.Value.1": group,
  });
  return rules
    .split("<item>")
    .filter((rule) => rule.includes("<securityGroupRuleId>"))
    .map((rule) => (/<isEgress>true/.test(rule) ? "out" : "in"));
}

const recordFile = join(import.meta.dirname, "real/actions.json");

/** What all trials so far needed to be allowed. */
const needed = new Map<string, Set<string>>();

function collect(uses: Uses): void {
  for (const [action, resources] of Object.entries(uses)) {
    needed.set(action, new Set([...(needed.get(action) ?? []), ...resources]));
  }
}

const promise = { skip: withoutRealPlugins, timeout: 900_000 };

test(
  "everything on AWS is made, is found as it was made, is changed in place, and goes without a rest",
  promise,
  async (t) => {
    const trial = await Trial.start(t);
    const before = await inventory(trial.moto);
    await trial.up();
    await trial.unchanged();
    const made = await trial.outputs();
    assert.deepEqual(made.toDo, [`shop.example.net A ${made.address}`]);
    assert.equal(made.privateSubnets?.length, 2);
    const there = await inventory(trial.moto);
    for (const [kind, ids] of Object.entries(before)) {
      assert.ok((there[kind]?.length ?? 0) > ids.length, `there are new ${kind}: ${there[kind]}`);
    }

    await t.test("no rule of AWS's own is left in a group", async () => {
      const count = async (id: unknown) => {
        const ways = await rulesOf(trial.moto, `${id}`);
        return ["in", "out"].map((way) => ways.filter((found) => found === way).length);
      };
      assert.deepEqual(await count(made.webGroup), [8, 2]);
      assert.deepEqual(await count(made.othersGroup), [2, 2]);
      assert.deepEqual(await count(made.privateGroup), [5, 4]);
    });

    await t.test(
      "a network that SSH is let in from is one rule; a tag for everything replaces nothing",
      async () => {
        trial.change({ sshFrom: ["2001:db8::/32", "198.51.100.7/32"], tags: { team: "two" } });
        const changes = await trial.planned();
        assert.deepEqual(
          changes.filter(({ op }) => op !== "update"),
          [
            { op: "create", name: "groups-others-ssh-198.51.100.7-32" },
            { op: "create", name: "groups-web-ssh-198.51.100.7-32" },
            { op: "delete", name: "groups-others-ssh-203.0.113.0-24" },
            { op: "delete", name: "groups-web-ssh-203.0.113.0-24" },
          ],
        );
        for (const tagged of ["network-vpc", "groups-web", "web-instance", "web-data-disk", "media-bucket"]) {
          assert.ok(
            changes.some(({ name }) => name === tagged),
            `${tagged} gets the tag`,
          );
        }
        await trial.up();
        await trial.unchanged();
      },
    );

    await t.test(
      "another key, secret, instance type and volume size keep the machine and its disk",
      async () => {
        trial.change({ keyGeneration: 2, secret: "second", instanceType: "t3.medium", dataVolume: 30 });
        const changes = await trial.planned();
        assert.deepEqual(
          changes.filter(({ op }) => op !== "update"),
          [
            { op: "create", name: "user-key-b" },
            { op: "replace", name: "secrets-manager-database-value" },
            { op: "replace", name: "web-running" },
          ],
        );
        for (const updated of ["parameter-store-database", "web-instance", "web-data-disk"]) {
          assert.ok(
            changes.some(({ name }) => name === updated),
            `${updated} is changed in place`,
          );
        }
        await trial.up();
        await trial.unchanged();
        const now = await trial.outputs();
        assert.equal(now.instanceId, made.instanceId);
        assert.equal(now.otherInstanceId, made.otherInstanceId);
        assert.notEqual(now.accessKeyId, made.accessKeyId);
      },
    );

    await t.test("a volume cannot shrink: that is told before anything is changed", async () => {
      trial.change({ dataVolume: 29 });
      assert.match(await trial.refusal(), /host\.dataVolume: expected 30 or more, .*; found 29\./);
      trial.change({ dataVolume: 30 });
    });

    const web = async () => {
      const told = await ec2(trial.moto, "DescribeInstances", { "InstanceId.1": `${made.instanceId}` });
      const found = (pattern: RegExp) => pattern.exec(told)?.[1];
      return `${found(/<instanceType>(\S+)<\/instanceType>/)} ${found(/<instanceState>.*?<name>(\w+)<\/name>/s)}`;
    };

    await t.test("an instance that somebody has stopped is started, and then nothing is to do", async () => {
      await ec2(trial.moto, "StopInstances", { "InstanceId.1": `${made.instanceId}` });
      assert.deepEqual(await trial.planned(), [
        { op: "replace", name: "web-running" },
        { op: "replace", name: "web-start" },
      ]);
      await trial.up();
      assert.equal(await web(), "t3.medium running");
      assert.deepEqual(await trial.planned(), []);
    });

    await t.test(
      "an instance that did not start with another type is started by the next update",
      async () => {
        trial.recorder.refuse("StartInstances", "VcpuLimitExceeded");
        trial.change({ instanceType: "t3.small" });
        assert.match(await trial.refusal(), /VcpuLimitExceeded/);
        assert.equal(await web(), "t3.small stopped");
        await trial.up();
        assert.equal(await web(), "t3.small running");
        assert.deepEqual(await trial.planned(), []);
      },
    );

    await t.test(
      "to name the image that runs, to name none, and one that is gone change nothing",
      async () => {
        trial.change({ imagePinned: false });
        assert.deepEqual(await trial.planned(), []);
        await trial.up();
        trial.change({ imagePinned: true });
        assert.deepEqual(await trial.planned(), []);
        await ec2(trial.moto, "DeregisterImage", { ImageId: `${trial.shape.image}` });
        assert.deepEqual(await trial.planned(), []);
      },
    );

    await t.test("another image is another machine with the same address and the same data", async () => {
      const [other] = await images(trial.moto);
      const disk = await dataVolumes(trial.moto);
      assert.equal(disk.length, 1);
      trial.change({ image: other as string });
      const replaced = (await trial.planned()).filter(({ op }) => op === "replace").map(({ name }) => name);
      for (const name of [
        "web-instance",
        "web-address-of-host",
        "web-data-attachment",
        "web-bootstrap-key",
      ]) {
        assert.ok(replaced.includes(name), `${name} is replaced: ${replaced}`);
      }
      for (const name of ["web-address", "web-data-disk", "web-host-key", "web-login"]) {
        assert.ok(!replaced.includes(name), `${name} stays`);
      }
      await trial.up();
      await trial.unchanged();
      const now = await trial.outputs();
      assert.notEqual(now.instanceId, made.instanceId);
      assert.equal(now.address, made.address);
      assert.deepEqual(await dataVolumes(trial.moto), disk);
    });

    await trial.destroy();
    assert.deepEqual(await inventory(trial.moto), before);
  },
);

test(
  "the account's default network is taken, and to name it as a given one changes nothing; a folder of the bucket is opened",
  promise,
  async (t) => {
    const trial = await Trial.start(t, { network: { kind: "default" } });
    const before = await inventory(trial.moto);
    // The account has one default subnet, in the zone c, and gets another.
    for (const zone of ["eu-central-1a", "eu-central-1b"]) {
      const filter = { "Filter.1.Name": "availability-zone", "Filter.1.Value.1": zone };
      const [, SubnetId = ""] =
        /<subnetId>(\S+)<\/subnetId>/.exec(await ec2(trial.moto, "DescribeSubnets", filter)) ?? [];
      await ec2(trial.moto, "DeleteSubnet", { SubnetId });
    }
    await trial.up();
    await trial.unchanged();
    await t.test("a new default subnet in an earlier zone changes nothing", async () => {
      const made = await ec2(trial.moto, "CreateDefaultSubnet", { AvailabilityZone: "eu-central-1a" });
      assert.match(made, /<defaultForAz>true</);
      assert.deepEqual(await trial.planned(), []);
    });
    const { vpc, publicSubnets } = await trial.outputs();
    assert.deepEqual((await inventory(trial.moto)).DescribeVpcs, before.DescribeVpcs);
    trial.change({ network: { kind: "given", vpc: vpc as string, subnets: publicSubnets as string[] } });
    await trial.unchanged();
    trial.change({ publicFolder: "static" });
    assert.deepEqual(await trial.planned(), [
      { op: "update", name: "media-policy" },
      { op: "update", name: "media-private" },
    ]);
    await trial.up();
    await trial.unchanged();
    await t.test(
      "an instance that was terminated by hand is made anew on the data, and is no obstacle",
      async () => {
        const disk = await dataVolumes(trial.moto);
        const terminate = async () => {
          const { instanceId } = await trial.outputs();
          await ec2(trial.moto, "TerminateInstances", { "InstanceId.1": `${instanceId}` });
          const attachments = attachmentsOf(await trial.resources());
          await trial.succeed("refresh", "--yes", "--skip-preview", "--target", `${attachments[0]}`);
          return instanceId;
        };
        const gone = await terminate();
        const machine = (await trial.resources()).find(({ urn }) => urn.endsWith("::web-machine"));
        await trial.up("--replace", `${machine?.urn}`);
        await trial.unchanged();
        assert.notEqual((await trial.outputs()).instanceId, gone);
        assert.deepEqual(await dataVolumes(trial.moto), disk);
        await terminate();
      },
    );
    await trial.destroy();
    const { DescribeSubnets } = before;
    assert.deepEqual({ ...(await inventory(trial.moto)), DescribeSubnets }, before);
  },
);

test("every fault is told at once, before anything is made", promise, async (t) => {
  const trial = await Trial.start(t);
  const before = await inventory(trial.moto);
  const good = trial.shape;
  const faultsOf = async (shape: Partial<Shape>) => {
    trial.shape = { ...good, ...shape };
    const faults = (await trial.refusal()).matchAll(/^ +((?:(?:host|site|media)\.|AWS: ).*)$/gm);
    return [...new Set([...faults].map(([, fault]) => fault as string))];
  };
  const expected = (faults: readonly string[], patterns: readonly RegExp[]) => {
    assert.equal(faults.length, patterns.length, faults.join("\n"));
    patterns.forEach((pattern, index) => {
      assert.match(`${faults[index]}`, pattern);
    });
  };

  expected(
    await faultsOf({
      instanceType: "t9.huge",
      network: { ...own, cidr: "10.20.1.0/16" },
      zone: "example.com",
      bucket: "x".repeat(64),
    }),
    [
      /^host\.instanceType: .* found "t9\.huge"/,
      /^host\.network\.cidr: .* Did you mean 10\.20\.0\.0\/16\?/,
      /^site\.zone: .* found no "example\.com"/,
      /^media\.bucket: .* 3 to 63 characters/,
    ],
  );
  expected(
    await faultsOf({
      instanceType: "t4g.small",
      network: { kind: "given", vpc: "vpc-0123456789abcdef0", subnets: ["subnet-0123456789abcdef0"] },
      names: ["shop.example.net"],
    }),
    [
      /^host\.image: expected an image for arm64, which t4g\.small is; found ami-\w+ for x86_64/,
      /^host\.network\.vpc: .* found no vpc-0123456789abcdef0/,
      /^site\.zone: .* \(shop\.example\.net\)/,
    ],
  );
  const { image: _image, ...newest } = good;
  trial.shape = newest;
  assert.match(await trial.refusal(), /host\.region: .* debian-13-amd64-\* /);
  assert.deepEqual(await inventory(trial.moto), before);
});

// The last one: it judges what those before it did.
test("all that the plugin asked for is what is on record, and the deploying role is allowed it", {
  skip: withoutRealPlugins,
}, () => {
  const uses = Object.fromEntries([...needed].sort().map(([action, all]) => [action, [...all].sort()]));
  if (process.env.BERTH_RECORD === "1") {
    writeFileSync(recordFile, `${JSON.stringify(uses, null, 2)}\n`);
  }
  assert.deepEqual(refused(uses), []);
  assert.deepEqual(
    uses,
    JSON.parse(readFileSync(recordFile, "utf8")),
    "BERTH_RECORD=1 with this test makes test/cloud/real/actions.json anew",
  );
});
