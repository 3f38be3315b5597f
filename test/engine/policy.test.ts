// The policy pack under the real engine: programs that break each rule are stopped, programs that break none are not.
// The aws provider here accepts everything; with BERTH_REAL_PLUGINS the vendor's own, and the vendor's language host.
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { parse } from "yaml";
import { writeFile } from "../../engine/files.ts";
import { launcherText, pluginPath } from "../../engine/launchers.ts";
import { type Origin, type Result, root, withEngine, withoutRealPlugins } from "./harness.ts";

const pack = join(root, "policy");
/** As many days from now, as YYYY-MM-DD. */
const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

const settings = {
  "aws:region": "eu-central-1",
  "aws:accessKey": "test",
  "aws:secretKey": "test",
  "aws:skipCredentialsValidation": "true",
  "aws:skipRequestingAccountId": "true",
  "aws:skipMetadataApiCheck": "true",
};

/** A stack whose program the test exchanges, and on which the pack is run. */
async function withPolicies(
  t: TestContext,
  origin: Origin,
  name = "staging",
  files: Readonly<Record<string, string>> = { "index.ts": "" },
) {
  const engine = await withEngine(t, { plugins: origin });
  if (origin === "node") {
    const provider = join(root, "test/engine/accepting-aws.ts");
    writeFile(pluginPath(engine.home, "aws", "7.48.0"), launcherText(process.execPath, provider), 0o755);
  }
  const cwd = engine.project(files);
  const write = (program: string) => writeFileSync(join(cwd, "index.ts"), program);
  const configure = (values: Readonly<Record<string, unknown>>) => {
    const lines = Object.entries({ ...settings, ...values }).map(
      // Days without quotes, as people write them.
      ([key, value]) => `  ${key}: ${JSON.stringify(value).replaceAll(/"(\d{4}-\d\d-\d\d)"/g, "$1")}\n`,
    );
    writeFileSync(join(cwd, `Pulumi.${name}.yaml`), `config:\n${lines.join("")}`);
  };
  await engine.succeed(["stack", "init", name], { cwd });
  configure({});
  return {
    configure,
    folder: cwd,
    async preview(program?: string): Promise<Result> {
      if (program !== undefined) write(program);
      return engine.pulumi(["preview", "--policy-pack", pack], { cwd });
    },
    async up(program: string): Promise<Result> {
      write(program);
      return engine.pulumi(["up", "--yes", "--skip-preview", "--policy-pack", pack], { cwd });
    },
    destroy: () => engine.pulumi(["destroy", "--yes", "--skip-preview"], { cwd }),
    async names(): Promise<string[]> {
      const { stdout } = await engine.succeed(["stack", "export"], { cwd });
      return JSON.parse(stdout).deployment.resources.map(({ urn }: { urn: string }) =>
        urn.split("::").at(-1),
      );
    },
  };
}

function assertPasses({ code, stdout, stderr }: Result): void {
  assert.doesNotMatch(stdout, /breaks the rule|can't run policy/);
  assert.equal(code, 0, stdout + stderr);
}

function assertStopped({ code, stdout, stderr }: Result, ...expected: RegExp[]): void {
  assert.notEqual(code, 0, `nothing was stopped:\n${stdout}`);
  for (const line of expected) assert.match(stdout + stderr, line);
}

const imports = (...modules: string[]) =>
  modules
    .map((module) => {
      const file = module.split("/").at(-1) as string;
      const name = file.charAt(0).toUpperCase() + file.slice(1);
      return `import { ${name} } from "@pulumi/aws/${module}.js";\n`;
    })
    .join("");

const breaking = `${imports(
  "vpc/securityGroupIngressRule",
  "ec2/securityGroup",
  "ec2/securityGroupRule",
  "ebs/volume",
  "ec2/instance",
  "ec2/launchTemplate",
  "s3/bucket",
  "s3/bucketPublicAccessBlock",
  "iam/role",
  "iam/rolePolicy",
  "iam/userPolicy",
  "iam/rolePolicyAttachment",
)}
const tags = { project: "p", stack: "s", component: "c" };
const world = ["0.0.0.0/0"];
new SecurityGroupIngressRule("rule4", { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: world[0], tags });
new SecurityGroupIngressRule("rule6", { securityGroupId: "sg-1", ipProtocol: "-1", cidrIpv6: "::/0", tags });
new SecurityGroup("group", { description: "d", ingress: [{ protocol: "tcp", fromPort: 1, toPort: 1024, cidrBlocks: world }], tags });
new SecurityGroupRule("older", { securityGroupId: "sg-1", type: "ingress", protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: world });
new Volume("volume", { availabilityZone: "eu-central-1a", size: 8 });
new Instance("instance", { ami: "ami-1", instanceType: "t4g.small", tags, userData: "#!/bin/sh\\nexport DB_PASSWORD=tulip-4711\\n" });
new LaunchTemplate("template", { imageId: "ami-1", blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { volumeSize: 8 } }] });
new Bucket("bare", { tags });
const half = new Bucket("half", { tags });
new BucketPublicAccessBlock("half-block", { bucket: half.id, blockPublicAcls: true });
const trust = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: "*" }] });
const role = new Role("role", { assumeRolePolicy: trust, tags });
const policy = (Action: string, Resource: string) => JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] });
new RolePolicy("actions", { role: role.name, policy: policy("s3:*", "arn:aws:s3:::shop/*") });
new UserPolicy("resources", { user: "u", policy: policy("s3:GetObject", "*") });
new RolePolicyAttachment("administrator", { role: role.name, policyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
`;

/** Each resource of the program above, the rule that it breaks, and how. */
const broken: [string, string, string][] = [
  ["rule4", "ssh-from-anywhere", "it lets 0.0.0.0/0 in to port 22"],
  ["rule6", "ssh-from-anywhere", "it lets ::/0 in to port 22"],
  ["group", "ssh-from-anywhere", "ingress[0] lets 0.0.0.0/0 in to port 22"],
  ["older", "ssh-from-anywhere", "it lets 0.0.0.0/0 in to port 22"],
  ["volume", "volume-encrypted", "encrypted is nothing"],
  ["volume", "tags", "it has no tag project, stack, component"],
  ["instance", "volume-encrypted", "rootBlockDevice.encrypted is nothing"],
  ["instance", "imds-v2", "metadataOptions.httpTokens is nothing"],
  ["instance", "user-data-secret", "userData holds what looks like a password"],
  ["template", "volume-encrypted", "blockDeviceMappings[0].ebs.encrypted is nothing"],
  ["template", "imds-v2", "metadataOptions.httpTokens is nothing"],
  ["bare", "bucket-private", "no public access block is set for it"],
  ["bare", "bucket-encrypted", "no encryption is set for it"],
  ["half", "bucket-encrypted", "no encryption is set for it"],
  [
    "half",
    "bucket-private",
    "half-block leaves blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets off",
  ],
  ["role", "iam-trust", "assumeRolePolicy, statement 1: its Principal is everyone"],
  ["actions", "iam-wildcard", 'policy, statement 1: the action "s3:*" is a wildcard'],
  ["resources", "iam-wildcard", 'policy, statement 1: the resource "*" is a wildcard'],
  ["administrator", "iam-managed-policy", "it attaches arn:aws:iam::aws:policy/AdministratorAccess"],
];

const complying = `${imports(
  "vpc/securityGroupIngressRule",
  "ebs/volume",
  "ec2/instance",
  "s3/bucket",
  "s3/bucketPublicAccessBlock",
  "s3/bucketServerSideEncryptionConfiguration",
  "iam/role",
  "iam/rolePolicy",
)}
import * as aws from "@pulumi/aws/provider.js";
import { PrivateKey } from "@pulumi/tls";
const provider = new aws.Provider("tagging", { ${Object.entries(settings)
  .map(([key, value]) => `${key.slice(4)}: ${value === "true" ? value : JSON.stringify(value)}`)
  .join(", ")}, defaultTags: { tags: { project: "p", stack: "s" } } });
const tags = { component: "c" };
const options = { provider };
new SecurityGroupIngressRule("ssh", { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: "203.0.113.0/24", tags }, options);
new SecurityGroupIngressRule("https", { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 443, toPort: 443, cidrIpv4: "0.0.0.0/0", tags }, options);
new Volume("volume", { availabilityZone: "eu-central-1a", size: 8, encrypted: true, tags }, options);
const first = new PrivateKey("first", { algorithm: "ED25519" });
new Instance("instance", {
  ami: "ami-1", instanceType: "t4g.small", tags, rootBlockDevice: { encrypted: true }, metadataOptions: { httpTokens: "required" },
  userData: first.privateKeyOpenssh.apply((key) => "#cloud-config\\nssh_keys:\\n  ed25519_private: " + JSON.stringify(key) + "\\n"),
}, options);
const bucket = new Bucket("media", { tags }, options);
new BucketPublicAccessBlock("block", { bucket: bucket.id, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true }, options);
new BucketServerSideEncryptionConfiguration("encryption", { bucket: bucket.bucket, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] }, options);
const trust = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }] });
const role = new Role("role", { assumeRolePolicy: trust, tags }, options);
new RolePolicy("policy", { role: role.name, policy: bucket.arn.apply((arn) => JSON.stringify({ Version: "2012-10-17", Statement: [
  { Effect: "Allow", Action: "s3:GetObject", Resource: arn + "/*" },
  { Effect: "Allow", Action: "ssmmessages:OpenDataChannel", Resource: "*" },
] })) }, options);
`;

const hosts: [Origin, string | false][] = [
  ["node", false],
  ["real", withoutRealPlugins],
];
for (const [origin, skip] of hosts) {
  describe(`the policy pack under the ${origin} language host`, { skip }, () => {
    test("stops a preview at each rule that is broken, and says where and how", async (t) => {
      const stack = await withPolicies(t, origin);
      const result = await stack.preview(breaking);
      assertStopped(result);
      // The engine indents what it shows.
      const lines = new Set(result.stdout.split("\n").map((line) => line.trim()));
      const missing = broken.filter(
        ([name, rule, fault]) =>
          ![...lines].some(
            (line) => line.startsWith(`${name} (aws:`) && line.endsWith(`'${rule}': ${fault}.`),
          ),
      );
      assert.deepEqual(missing, [], result.stdout);
      const found = [...lines].filter((line) => line.includes("breaks the rule"));
      assert.equal(found.length, broken.length, found.join("\n"));
      assert.match(result.stdout, /To comply: name the networks that need SSH/);
      assert.match(result.stdout, /berth:waive: \[\{ rule: imds-v2, resource: instance, until: YYYY-MM-DD/);
      assert.doesNotMatch(result.stdout + result.stderr, /tulip-4711/, "no secret is repeated");
    });

    test("lets a preview pass that breaks none, though much is not known in it", async (t) => {
      const stack = await withPolicies(t, origin);
      assertPasses(await stack.preview(complying));
    });

    test("looks away from what is waived for a time, shows that it does, and no longer than that", async (t) => {
      const stack = await withPolicies(t, origin);
      const program = `${imports("ebs/volume")}
        const tags = { project: "p", stack: "s", component: "c" };
        new Volume("old", { availabilityZone: "eu-central-1a", size: 8, tags });`;
      const waiver = { rule: "volume-encrypted", resource: "old", until: day(7), why: "moves next week" };
      stack.configure({ "berth:waive": [waiver] });
      const waived = await stack.preview(program);
      assertPasses(waived);
      assert.match(
        waived.stdout,
        /'volume-encrypted' is waived for old until \d{4}-\d\d-\d\d: moves next week/,
      );
      stack.configure({ "berth:waive": [{ ...waiver, until: day(-1) }] });
      const rules = /old .* breaks the rule 'volume-encrypted'/;
      assertStopped(
        await stack.preview(program),
        rules,
        /berth:waive\[0\]\.until: .* is over: take the entry out/,
      );
    });
  });
}

describe("an update", () => {
  test("is stopped before it makes what a preview could not judge yet", async (t) => {
    const stack = await withPolicies(t, "node");
    const program = `${imports("ec2/instance")}
      import { RandomPassword } from "@pulumi/random";
      const { result } = new RandomPassword("password", { length: 20, special: false });
      new Instance("web", {
        ami: "ami-1", instanceType: "t4g.small", tags: { project: "p", stack: "s", component: "c" },
        rootBlockDevice: { encrypted: true }, metadataOptions: { httpTokens: "required" },
        userData: result.apply((password) => "#!/bin/sh\\nexport DB_PASSWORD=" + password + "\\n"),
      });`;
    assertPasses(await stack.preview(program));
    assertStopped(await stack.up(program), /web .* breaks the rule 'user-data-secret'/);
    const names = await stack.names();
    assert.ok(names.includes("password") && !names.includes("web"), names.join(", "));
  });

  test("that breaks no rule is carried out, and so is the next", async (t) => {
    const stack = await withPolicies(t, "node");
    assertPasses(await stack.up(complying));
    assertPasses(await stack.preview(complying));
  });

  test("may not leave a step that trusts the host key of the user-data", async (t) => {
    const stack = await withPolicies(t, "node");
    const step = (key: string) => `${complying}
      import { Command } from "@pulumi/command/remote/index.js";
      const life = new PrivateKey("life", { algorithm: "ED25519" });
      new Command("step", { create: "true", connection: { host: "192.0.2.1", hostKey: ${key}.publicKeyOpenssh, privateKey: life.privateKeyOpenssh } });`;
    assertPasses(await stack.up(`${complying}\nnew PrivateKey("life", { algorithm: "ED25519" });`));
    assertPasses(await stack.preview(step("life")));
    const stopped = await stack.preview(step("first"));
    assertStopped(stopped, /step .*: it trusts the host key that stands in the user-data of instance/);
  });
});

describe("in production", () => {
  const components = join(root, "components/aws");
  const own = (protect: boolean) => `
    import * as aws from "@pulumi/aws/provider.js";
    import { Alarms } from ${JSON.stringify(join(components, "alarms.ts"))};
    import { Ec2Host } from ${JSON.stringify(join(root, "components/ec2/ec2-host.ts"))};
    import { IamUser } from ${JSON.stringify(join(components, "iam-user.ts"))};
    import { InstanceRole } from ${JSON.stringify(join(components, "instance-role.ts"))};
    import { mediaPolicy } from ${JSON.stringify(join(components, "media-access.ts"))};
    import { MediaBucket } from ${JSON.stringify(join(components, "media-bucket.ts"))};
    import { Network } from ${JSON.stringify(join(components, "network.ts"))};
    import { SecretMirror } from ${JSON.stringify(join(components, "secret-mirror.ts"))};
    import { SecurityGroups } from ${JSON.stringify(join(components, "security-groups.ts"))};
    const protect = ${protect};
    const provider = new aws.Provider("aws", { region: "eu-central-1" });
    const options = { providers: [provider] };
    const network = new Network("network", { kind: "own", cidr: "10.0.0.0/16", privateSubnets: true, natGateway: true }, options);
    const groups = new SecurityGroups("security", { vpcId: network.vpcId, sshFrom: ["203.0.113.0/24"], privateServices: true }, options);
    const media = new MediaBucket("media", { origins: ["https://shop.example.org"], oldVersionsDays: 30, retain: true, forceDestroy: !protect, protect, publicFiles: { folder: "static", by: "cloudfront" } }, options);
    const policy = media.arn.apply((arn) => mediaPolicy(arn, true));
    new IamUser("user", { policy, generation: 2 }, options);
    const role = new InstanceRole("role", { policies: { media: policy } }, options);
    const host = new Ec2Host("web", {
      instanceType: "t4g.small", image: "ami-1", imagePinned: false, subnetId: "subnet-1", zone: "eu-central-1a",
      securityGroupIds: [groups.webId], instanceProfile: role.profileName, rootVolume: 12, protect,
      data: { volume: 20, retain: true, directories: ["/var/lib/postgresql"], services: ["postgresql.service"] },
    }, options);
    new Alarms("alarms", { instanceId: host.instanceId, email: "ops@example.org", agent: true }, options);
    new SecretMirror("mirror", { to: "secrets-manager", secrets: { key: "s" } }, options);
  `;

  test("Berth's own components break no rule, when they are protected", async (t) => {
    const stack = await withPolicies(t, "node", "prod");
    assertPasses(await stack.preview(own(true)));
    assertStopped(
      await stack.preview(own(false)),
      /web-data-disk .* breaks the rule 'data-protected': it is not protected/,
      /media-bucket .* breaks the rule 'data-protected': it is not protected/,
      /media-bucket .* breaks the rule 'data-protected': forceDestroy would empty it/,
    );
  });

  const tags = `{ project: "p", stack: "s", component: "c" }`;
  const volume = (zone: string, options: string) => `${imports("ebs/volume")}
    import * as pulumi from "@pulumi/pulumi";
    import { protectedUnlessAllowed } from ${JSON.stringify(join(root, "components/aws/permission.ts"))};
    const allow = new pulumi.Config("berth").getObject("allow") ?? [];
    new Volume("web-data", { availabilityZone: ${JSON.stringify(zone)}, size: 8, encrypted: true, tags: ${tags} }, ${options});`;
  const kept = "{ protect: protectedUnlessAllowed('web-data', allow) }";
  const permission = (change: string) => ({ change, resource: "web-data", until: day(3), why: "a new zone" });

  test("a data volume without protection is stopped", async (t) => {
    const stack = await withPolicies(t, "node", "prod");
    assertStopped(
      await stack.preview(volume("eu-central-1a", "{}")),
      /web-data .* breaks the rule 'data-protected': it is not protected/,
      /berth:allow: \[\{ change: delete or replace, resource: its name, until: YYYY-MM-DD/,
    );
  });

  test("a preview and an update refuse to replace a data volume, unless a permission of the day names it", async (t) => {
    const stack = await withPolicies(t, "node", "prod");
    assertPasses(await stack.up(volume("eu-central-1a", kept)));
    const refused = /unable to replace resource ".*::web-data"/;
    assertStopped(await stack.preview(volume("eu-central-1b", kept)), refused);
    assertStopped(await stack.up(volume("eu-central-1b", kept)), refused);
    // To take the protection away without a permission is what the pack stops.
    assertStopped(await stack.preview(volume("eu-central-1b", "{}")), /it is not protected/);
    stack.configure({ "berth:allow": [{ ...permission("replace"), until: day(-1) }] });
    assertStopped(
      await stack.preview(volume("eu-central-1b", kept)),
      refused,
      /berth:allow\[0\]\.until: .* is over/,
    );
    stack.configure({ "berth:allow": [permission("replace")] });
    assertPasses(await stack.up(volume("eu-central-1b", kept)));
  });

  test("a preview, an update and a destroy refuse to delete a data volume, unless a permission came before", async (t) => {
    const stack = await withPolicies(t, "node", "prod");
    assertPasses(await stack.up(volume("eu-central-1a", kept)));
    const refused = /resource ".*::web-data" cannot be deleted\s+because it is protected/;
    assertStopped(await stack.preview(""), refused);
    assertStopped(await stack.up(""), refused);
    assertStopped(await stack.destroy(), refused);
    assert.ok((await stack.names()).includes("web-data"));
    stack.configure({ "berth:allow": [permission("delete")] });
    assertPasses(await stack.up(volume("eu-central-1a", kept)));
    assertPasses(await stack.up(""));
    assert.ok(!(await stack.names()).includes("web-data"));
  });
});

for (const name of ["staging", "prod"]) {
  test(`the stack '${name}' as it stands in this checkout breaks no rule`, async (t) => {
    const sources = readdirSync(root).filter((file) => file.endsWith(".ts"));
    const files = [...sources, "Pulumi.yaml", "package.json"];
    const program = Object.fromEntries(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
    const stack = await withPolicies(t, "node", name, program);
    for (const folder of ["components", "config", "cloud-init", "examples"]) {
      cpSync(join(root, folder), join(stack.folder, folder), { recursive: true });
    }
    const { config } = parse(readFileSync(join(root, `Pulumi.${name}.yaml`), "utf8"));
    // The repository in these files is nobody's.
    const source = { directory: "examples/django" };
    stack.configure({
      ...config,
      "berth:app": { ...config["berth:app"], source, wsgi: "logbook.wsgi", settings: "logbook.settings" },
    });
    const preview = await stack.preview();
    assertPasses(preview);
    assert.match(preview.stdout, /web-instance create/);
    assert.match(preview.stdout, /media-bucket-private create/);
  });
}
