import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import test, { describe } from "node:test";
import { gzipSync } from "node:zlib";
import ssh2 from "ssh2";
import { userData } from "../../cloud-init/user-data.ts";
import { challengePolicy } from "../../components/aws/dns-challenge.ts";
import { metricsPolicy } from "../../components/ec2/host-metrics.ts";
import { message, type Rule, type StackResource } from "../../policy/rule.ts";
import { bucketEncrypted, bucketPrivate } from "../../policy/rules/buckets.ts";
import { dataProtected } from "../../policy/rules/data-protected.ts";
import { exceptions } from "../../policy/rules/exceptions.ts";
import { hostKeyReplaced } from "../../policy/rules/host-key.ts";
import { iamManagedPolicy, iamTrust, iamWildcard } from "../../policy/rules/iam.ts";
import { metadataTokens } from "../../policy/rules/metadata.ts";
import { sshFromAnywhere } from "../../policy/rules/ssh.ts";
import { tagged } from "../../policy/rules/tags.ts";
import { userDataSecret } from "../../policy/rules/user-data.ts";
import { volumeEncrypted } from "../../policy/rules/volumes.ts";
import { readStack, type Stack } from "../../policy/stack.ts";
import { publicHalf } from "../../policy/user-data.ts";
import { plain, unknown, type Values } from "../../policy/values.ts";
import { keyPair } from "../keys.ts";

const today = new Date("2026-03-10T12:00:00Z");
const stackOf = (config: Record<string, unknown>, name = "staging"): Stack =>
  readStack(
    name,
    Object.fromEntries(Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)])),
    ["imds-v2", "tags"],
    today,
  );
const staging = stackOf({});
const prod = stackOf({}, "prod");

function resource(type: string, props: Values, more: Partial<StackResource> = {}): StackResource {
  const name = more.name ?? "it";
  return {
    urn: `urn:pulumi:s::p::${type}::${name}`,
    type,
    name,
    props,
    protect: false,
    provider: {},
    madeFrom: {},
    ...more,
  };
}

const judge = (rule: Rule, type: string, props: Values, stack = staging) =>
  rule.check?.(resource(type, props), stack) ?? [];
const judgeStack = (rule: Rule, resources: StackResource[]) =>
  (rule.checkStack?.(resources, staging) ?? []).map(
    (finding) => `${finding.resource.name}: ${finding.fault}`,
  );

const ingressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const instance = "aws:ec2/instance:Instance";

describe("SSH from anywhere", () => {
  const open: [string, string, Values][] = [
    ["IPv4", ingressRule, { ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: "0.0.0.0/0" }],
    ["IPv6", ingressRule, { ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv6: "::/0" }],
    [
      "a range of ports",
      ingressRule,
      { ipProtocol: "tcp", fromPort: 1, toPort: 1024, cidrIpv4: "0.0.0.0/0" },
    ],
    ["every protocol", ingressRule, { ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" }],
    [
      "TCP by its number",
      ingressRule,
      { ipProtocol: "6", fromPort: 0, toPort: 65535, cidrIpv4: "0.0.0.0/0" },
    ],
    ["half the world", ingressRule, { ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: "128.0.0.0/1" }],
    [
      "inline rules",
      "aws:ec2/securityGroup:SecurityGroup",
      { ingress: [{ protocol: "tcp", fromPort: 20, toPort: 23, cidrBlocks: ["10.0.0.0/8", "0.0.0.0/0"] }] },
    ],
    [
      "the older rule resource",
      "aws:ec2/securityGroupRule:SecurityGroupRule",
      { type: "ingress", protocol: "-1", fromPort: 0, toPort: 0, ipv6CidrBlocks: ["::/0"] },
    ],
  ];
  for (const [how, type, props] of open) {
    test(`is found by ${how}`, () => assert.equal(judge(sshFromAnywhere, type, props).length, 1));
  }
  const closed: [string, string, Values][] = [
    [
      "a named network",
      ingressRule,
      { ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: "203.0.113.0/24" },
    ],
    ["HTTPS for all", ingressRule, { ipProtocol: "tcp", fromPort: 443, toPort: 443, cidrIpv4: "0.0.0.0/0" }],
    ["UDP", ingressRule, { ipProtocol: "udp", fromPort: 0, toPort: 65535, cidrIpv4: "0.0.0.0/0" }],
    [
      "what goes out",
      "aws:ec2/securityGroupRule:SecurityGroupRule",
      { type: "egress", protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] },
    ],
    [
      "a network not known yet",
      ingressRule,
      { ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: unknown },
    ],
  ];
  for (const [what, type, props] of closed) {
    test(`is not ${what}`, () => assert.deepEqual(judge(sshFromAnywhere, type, props), []));
  }
});

describe("volumes", () => {
  test("must say that they are encrypted", () => {
    assert.deepEqual(judge(volumeEncrypted, "aws:ebs/volume:Volume", {}), ["encrypted is nothing"]);
    assert.deepEqual(judge(volumeEncrypted, "aws:ebs/volume:Volume", { encrypted: true }), []);
    assert.deepEqual(judge(volumeEncrypted, "aws:ebs/volume:Volume", { encrypted: unknown }), []);
  });
  test("of an instance count, the root one even where it is not mentioned", () => {
    assert.deepEqual(judge(volumeEncrypted, instance, {}), ["rootBlockDevice.encrypted is nothing"]);
    const props = { rootBlockDevice: { encrypted: true }, ebsBlockDevices: [{ encrypted: false }] };
    assert.deepEqual(judge(volumeEncrypted, instance, props), ["ebsBlockDevices[0].encrypted is false"]);
  });
  test("of a launch template count", () => {
    const props = { blockDeviceMappings: [{ ebs: { encrypted: "false" } }, { ebs: { encrypted: "true" } }] };
    assert.deepEqual(judge(volumeEncrypted, "aws:ec2/launchTemplate:LaunchTemplate", props), [
      'blockDeviceMappings[0].ebs.encrypted is "false"',
    ]);
  });
});

describe("buckets", () => {
  const bucket = (name: string, props: Values) => resource("aws:s3/bucket:Bucket", props, { name });
  const media = bucket("media", { bucket: unknown });
  const on = {
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  };
  const block = (props: Values, from?: StackResource) =>
    resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", props, {
      name: "block",
      madeFrom: from ? { bucket: [from.urn] } : {},
    });
  const encryption = (props: Values, from?: StackResource) =>
    resource(
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
      { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }], ...props },
      { name: "encryption", madeFrom: from ? { bucket: [from.urn] } : {} },
    );

  test("have their settings found before their names are known", () => {
    assert.deepEqual(judgeStack(bucketPrivate, [media, block({ ...on, bucket: unknown }, media)]), []);
    assert.deepEqual(judgeStack(bucketEncrypted, [media, encryption({ bucket: unknown }, media)]), []);
  });
  test("have their settings found by name", () => {
    const named = bucket("media", { bucket: "shop" });
    assert.deepEqual(judgeStack(bucketPrivate, [named, block({ ...on, bucket: "shop" })]), []);
    assert.deepEqual(judgeStack(bucketEncrypted, [named, encryption({ bucket: "shop" })]), []);
  });
  test("do not share the settings of another bucket", () => {
    const other = bucket("other", { bucket: unknown });
    const resources = [
      media,
      other,
      block({ ...on, bucket: unknown }, other),
      encryption({ bucket: unknown }, other),
    ];
    assert.deepEqual(judgeStack(bucketPrivate, resources), ["media: no public access block is set for it"]);
    assert.deepEqual(judgeStack(bucketEncrypted, resources), ["media: no encryption is set for it"]);
    const byName = [bucket("media", { bucket: "a" }), block({ ...on, bucket: "b" }, bucket("media", {}))];
    assert.equal(judgeStack(bucketPrivate, byName).length, 1);
  });
  test("must block public access in every way", () => {
    const half = block(
      { ...on, ignorePublicAcls: false, restrictPublicBuckets: undefined, bucket: unknown },
      media,
    );
    assert.deepEqual(judgeStack(bucketPrivate, [media, half]), [
      "media: block leaves ignorePublicAcls, restrictPublicBuckets off",
    ]);
  });
});

describe("the metadata service", () => {
  test("must ask for a token", () => {
    assert.equal(judge(metadataTokens, instance, {}).length, 1);
    assert.equal(judge(metadataTokens, instance, { metadataOptions: { httpTokens: "optional" } }).length, 1);
    assert.deepEqual(judge(metadataTokens, instance, { metadataOptions: { httpTokens: "required" } }), []);
    assert.deepEqual(judge(metadataTokens, instance, { metadataOptions: { httpEndpoint: "disabled" } }), []);
    assert.equal(judge(metadataTokens, "aws:ec2/launchTemplate:LaunchTemplate", {}).length, 1);
  });
});

describe("IAM policies", () => {
  const allow = (Action: unknown, Resource: unknown, more = {}) => ({
    policy: JSON.stringify({ Statement: [{ Effect: "Allow", Action, Resource, ...more }] }),
  });
  const role = "aws:iam/rolePolicy:RolePolicy";
  const bucket = "arn:aws:s3:::shop-media";
  const broken: [string, Values][] = [
    ["every action", allow("*", bucket)],
    ["every action of a service", allow(["s3:*"], bucket)],
    ["a family of actions", allow("s3:Get*", bucket)],
    ["every resource", allow("s3:GetObject", "*")],
    ["every bucket", allow("s3:GetObject", "arn:aws:s3:::*")],
    [
      "every secret",
      allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-central-1:1:secret:*"),
    ],
    ["everything in an account", allow("ssm:GetParameter", "arn:aws:ssm:*:*:*")],
    [
      "a resource beside an action that knows none",
      allow(["ssmmessages:OpenDataChannel", "s3:GetObject"], "*"),
    ],
    ["metrics of every namespace", allow("cloudwatch:PutMetricData", "*")],
    [
      "metrics of namespaces by a pattern",
      allow("cloudwatch:PutMetricData", "*", {
        Condition: { StringLike: { "cloudwatch:namespace": "*" } },
      }),
    ],
    [
      "all but some actions",
      { policy: { Statement: { Effect: "Allow", NotAction: "iam:*", Resource: bucket } } },
    ],
    ["all but some resources", allow("s3:GetObject", undefined, { NotResource: bucket })],
  ];
  for (const [what, props] of broken) {
    test(`may not allow ${what}`, () => assert.equal(judge(iamWildcard, role, props).length, 1));
  }
  test("may allow named actions on named resources, and all objects of one bucket", () => {
    assert.deepEqual(judge(iamWildcard, role, allow(["s3:GetObject", "s3:PutObject"], [`${bucket}/*`])), []);
    const parameter = "arn:aws:ssm:eu-central-1:1:parameter/shop/prod/*";
    assert.deepEqual(judge(iamWildcard, role, allow("ssm:GetParameter", parameter)), []);
  });
  test("may allow what Session Manager needs on every resource, as these actions know none", () => {
    const session = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ];
    assert.deepEqual(judge(iamWildcard, role, allow(session, "*")), []);
  });
  test("may allow metrics on every resource in one namespace, as that action knows none", () => {
    const Condition = { StringEquals: { "cloudwatch:namespace": "Berth/shop-prod" } };
    assert.deepEqual(judge(iamWildcard, role, allow(["cloudwatch:PutMetricData"], "*", { Condition })), []);
    assert.deepEqual(judge(iamWildcard, role, { policy: metricsPolicy("Berth/shop-prod") }), []);
  });
  test("may find a zone and follow a change in Route 53, as these actions know no resource to name, and change named records", () => {
    const names = ["shop.example.org", "*.shop.example.org", "www.example.org"];
    const policy = challengePolicy("arn:aws:route53:::hostedzone/Z1", names);
    assert.deepEqual(judge(iamWildcard, role, { policy }), []);
    assert.deepEqual(JSON.parse(policy).Statement[1], {
      Sid: "Challenge",
      Effect: "Allow",
      Action: ["route53:ChangeResourceRecordSets"],
      Resource: ["arn:aws:route53:::hostedzone/Z1"],
      Condition: {
        "ForAllValues:StringEquals": {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames": [
            "_acme-challenge.shop.example.org",
            "_acme-challenge.www.example.org",
          ],
          "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
          "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
        },
        Null: {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames": "false",
          "route53:ChangeResourceRecordSetsRecordTypes": "false",
          "route53:ChangeResourceRecordSetsActions": "false",
        },
      },
    });
    const all = allow(["route53:ChangeResourceRecordSets"], "arn:aws:route53:::hostedzone/*");
    assert.equal(judge(iamWildcard, role, all).length, 1);
  });
  test("may deny by wildcards", () => {
    const policy = JSON.stringify({ Statement: [{ Effect: "Deny", Action: "*", NotResource: bucket }] });
    assert.deepEqual(judge(iamWildcard, role, { policy }), []);
  });
  test("inside a role count", () => {
    const props = { inlinePolicies: [allow("*", bucket)] };
    assert.equal(judge(iamWildcard, "aws:iam/role:Role", props).length, 1);
  });
  test("of administrators may not be attached", () => {
    const attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
    const arn = (name: string) => ({ policyArn: `arn:aws:iam::aws:policy/${name}` });
    assert.equal(judge(iamManagedPolicy, attachment, arn("AdministratorAccess")).length, 1);
    assert.equal(judge(iamManagedPolicy, attachment, arn("AmazonS3FullAccess")).length, 1);
    assert.deepEqual(judge(iamManagedPolicy, attachment, arn("AmazonSSMManagedInstanceCore")), []);
    const own = { managedPolicyArns: ["arn:aws:iam::aws:policy/job-function/PowerUserAccess"] };
    assert.equal(judge(iamManagedPolicy, "aws:iam/role:Role", own).length, 1);
  });
  test("of trust may not name everyone", () => {
    const trust = (Principal: unknown) => ({
      assumeRolePolicy: JSON.stringify({
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal }],
      }),
    });
    assert.equal(judge(iamTrust, "aws:iam/role:Role", trust("*")).length, 1);
    assert.equal(judge(iamTrust, "aws:iam/role:Role", trust({ AWS: ["*"] })).length, 1);
    assert.deepEqual(judge(iamTrust, "aws:iam/role:Role", trust({ Service: "ec2.amazonaws.com" })), []);
  });
});

describe("user-data", () => {
  const openSsh = keyPair();
  const authorized = keyPair();
  const own = userData({
    fqdn: "shop.example.org",
    user: "berth",
    authorizedKey: authorized.public,
    hostPrivateKey: openSsh.private,
    hostPublicKey: openSsh.public,
  });
  const judgeText = (text: string) => judge(userDataSecret, instance, { userData: text });
  const config = (lines: string) => `#cloud-config\n${lines}\n`;
  const inKeys = (name: string, key: string) => config(`ssh_keys:\n  ${name}: ${JSON.stringify(key)}`);

  test("of Berth's own hosts breaks no rule", () => {
    assert.match(own, /PRIVATE KEY/);
    assert.deepEqual(judgeText(own), []);
    const packed = gzipSync(own).toString("base64");
    assert.deepEqual(judge(userDataSecret, instance, { userDataBase64: packed }), []);
  });
  const held: [string, string, RegExp][] = [
    ["a private key in a script", `#!/bin/sh\necho '${openSsh.private}' > /etc/key\n`, /a private key/],
    [
      "a private key in a file",
      config(`write_files:\n  - content: ${JSON.stringify(openSsh.private)}`),
      /content holds/,
    ],
    [
      "a private key packed in base64",
      config(
        `write_files:\n  - encoding: b64\n    content: ${Buffer.from(openSsh.private).toString("base64")}`,
      ),
      /write_files\.0\.content holds a private key/,
    ],
    [
      "a private key packed in gzip",
      config(`write_files:\n  - content: !!binary ${gzipSync(openSsh.private).toString("base64")}`),
      /a private key/,
    ],
    [
      "a private key in a part of a MIME message",
      `Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Transfer-Encoding: base64\n\n${Buffer.from(
        config(`write_files:\n  - content: ${JSON.stringify(openSsh.private)}`),
      )
        .toString("base64")
        .replaceAll(/.{76}/g, "$&\n")}\n--b--\n`,
      /a private key/,
    ],
    [
      "a password that a script unpacks",
      `#!/bin/sh\necho ${Buffer.from("DB_PASSWORD=hunter2hunter2").toString("base64")} | base64 -d > /etc/env\n`,
      /like a password/,
    ],
    [
      "two keys where one has its place",
      inKeys("ed25519_private", openSsh.private + authorized.private),
      /private key/,
    ],
    [
      "an RSA host key",
      inKeys("rsa_private", ssh2.utils.generateKeyPairSync("rsa", { bits: 1024 }).private),
      /rsa_private holds a private key/,
    ],
    [
      "an AWS key's id",
      "#!/bin/sh\naws configure set aws_access_key_id AKIAIOSFODNN7EXAMPLE\n",
      /AWS access key/,
    ],
    ["a password in a script", "#!/bin/sh\nexport DB_PASSWORD=hunter2hunter2\n", /like a password/],
    ...["$-", "<7", "%9%", "`=", "{("].map((sign): [string, string, RegExp] => [
      `a password that begins with ${sign}`,
      `#!/bin/sh\nexport DB_PASSWORD='${sign}hunter2'\n`,
      /like a password/,
    ]),
    [
      "a password in cloud-config",
      config("users:\n  - name: a\n    plain_text_passwd: tulip"),
      /like a password/,
    ],
    ["a password's hash", config("users:\n  - name: a\n    passwd: $6$salt$hash"), /like a password/],
    ["passwords in a list", config("chpasswd:\n  list: |\n    root:tulip"), /like a password/],
    ["a token in a JSON file", `#!/bin/sh\necho '{"token": "abcdef"}' > /etc/t\n`, /like a password/],
    ["a database's address", "#!/bin/sh\necho postgres://shop:tulip@db/shop\n", /address with a password/],
  ];
  for (const [what, text, expected] of held) {
    test(`may not hold ${what}`, () => {
      const faults = judgeText(text);
      assert.match(faults.join("\n"), expected);
      assert.doesNotMatch(
        faults.join("\n"),
        /hunter2|tulip|AKIA|b3BlbnNzaC1r|\$6\$/,
        "no message repeats a secret",
      );
    });
  }
  const fine = [
    config("users:\n  - name: a\n    lock_passwd: true\nssh_pwauth: false"),
    `#!/bin/sh\nTOKEN=$(curl -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)\n`,
    `#!/bin/sh\ncurl -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/\nPASSWORD_FILE=/run/secret\n`,
    config("chpasswd:\n  list: |\n    root:RANDOM"),
    ...["`cat /run/key`", "<your password>", "%DB_PASSWORD%", "{{ password }}", "$DB_PASSWORD"].map(
      (value) => `DB_PASSWORD=${value}\n`,
    ),
  ];
  for (const text of fine) {
    test(`may say ${JSON.stringify(text.slice(0, 60))}`, () => assert.deepEqual(judgeText(text), []));
  }

  test("of a launch template is read through its base64", () => {
    const text = Buffer.from("#!/bin/sh\nexport DB_PASSWORD=hunter2\n").toString("base64");
    assert.equal(
      judge(userDataSecret, "aws:ec2/launchTemplate:LaunchTemplate", { userData: text }).length,
      1,
    );
  });

  test("may carry a host key that nothing goes on trusting", () => {
    const machine = resource(instance, { userData: own }, { name: "web" });
    const step = (hostKey: unknown) =>
      resource("command:remote:Command", plain({ connection: hostKey }) as Values, { name: "step" });
    assert.deepEqual(judgeStack(hostKeyReplaced, [machine, step({ hostKey: authorized.public })]), []);
    const fault = "step: it trusts the host key that stands in the user-data of web";
    assert.deepEqual(judgeStack(hostKeyReplaced, [machine, step({ hostKey: openSsh.public })]), [fault]);
    assert.deepEqual(judgeStack(hostKeyReplaced, [machine, step({ proxy: { hostKey: openSsh.public } })]), [
      fault,
    ]);
  });

  test("has the public half of its keys read from the private half, in both formats", () => {
    assert.equal(publicHalf(openSsh.private), openSsh.public.split(" ")[1]);
    const pair = generateKeyPairSync("ed25519", {
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "der" },
    });
    const half = Buffer.from(publicHalf(pair.privateKey) ?? "", "base64");
    assert.deepEqual(half.subarray(-32), pair.publicKey.subarray(-32));
    assert.equal(
      publicHalf("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"),
      undefined,
    );
  });
});

describe("data in production", () => {
  const volume = (more: Partial<StackResource>, stack: Stack) =>
    dataProtected.check?.(resource("aws:ebs/volume:Volume", {}, { name: "web-data", ...more }), stack);
  const permission = { change: "replace", resource: "web-data", until: "2026-03-12", why: "a new zone" };

  test("is protected, by the stack's name or its configuration", () => {
    assert.deepEqual(volume({}, prod), ["it is not protected"]);
    assert.deepEqual(volume({}, stackOf({ "berth:host": { protect: true } })), ["it is not protected"]);
    assert.deepEqual(volume({ protect: true }, prod), []);
    assert.deepEqual(volume({}, staging), []);
  });
  test("may be deleted or replaced with a permission of the day, and only the resource that it names", () => {
    const allowed = stackOf({ "berth:allow": [permission] }, "prod");
    assert.deepEqual(volume({}, allowed), []);
    assert.equal(volume({ name: "other" }, allowed)?.length, 1);
    assert.equal(
      volume({}, stackOf({ "berth:allow": [{ ...permission, until: "2026-03-09" }] }, "prod"))?.length,
      1,
    );
    assert.equal(volume({}, stackOf({ "berth:allow": [{ ...permission, why: "" }] }, "prod"))?.length, 1);
  });
  test("is not emptied by the way", () => {
    const bucket = resource("aws:s3/bucket:Bucket", { forceDestroy: true }, { protect: true });
    assert.equal(dataProtected.check?.(bucket, prod).length, 1);
  });
  test("does not lie on volumes that go with their instance", () => {
    assert.equal(judge(dataProtected, instance, { ebsBlockDevices: [{ encrypted: true }] }, prod).length, 1);
    assert.deepEqual(judge(dataProtected, instance, { rootBlockDevice: {} }, prod), []);
  });
});

describe("tags", () => {
  const tags = { project: "shop", stack: "prod", component: "web" };
  test("say to what a resource belongs", () => {
    assert.deepEqual(judge(tagged, instance, { tags }), []);
    assert.deepEqual(judge(tagged, instance, { tags: { stack: unknown } }), [
      "it has no tag project, component",
    ]);
    assert.deepEqual(judge(tagged, "aws:s3/bucketVersioning:BucketVersioning", {}), []);
  });
  test("may come from the provider", () => {
    const provider = { defaultTags: JSON.stringify({ tags: { project: "shop", stack: "prod" } }) };
    const props = { tags: { component: "web" } };
    assert.deepEqual(tagged.check?.(resource(instance, props, { provider }), staging), []);
  });
});

describe("exceptions", () => {
  const waiver = { rule: "imds-v2", resource: "old", until: "2026-03-20", why: "its agent is of 2018" };
  const finding = (name: string) => ({ resource: resource(instance, {}, { name }), fault: "it is so" });

  test("take a rule off one resource for a time", () => {
    const stack = stackOf({ "berth:waive": [waiver] });
    assert.deepEqual(stack.faults, []);
    assert.equal(message(metadataTokens, finding("old"), stack), undefined);
    assert.match(message(metadataTokens, finding("new"), stack) ?? "", /new .* breaks the rule 'imds-v2'/);
    assert.match(message(tagged, finding("old"), stack) ?? "", /breaks the rule 'tags'/);
  });
  const wrong: [string, unknown, RegExp][] = [
    ["that are over", { ...waiver, until: "2026-03-09" }, /berth:waive\[0\]\.until: 2026-03-09 is over/],
    ["that reach too far", { ...waiver, until: "2026-04-30" }, /until: 2026-04-30 is too far ahead/],
    ["without a date", { ...waiver, until: undefined }, /until: expected a day/],
    ["on a day that there is not", { ...waiver, until: "2026-02-30" }, /until: expected a day/],
    ["without a reason", { ...waiver, why: " " }, /berth:waive\[0\]\.why: expected a text/],
    [
      "of a rule that there is not",
      { ...waiver, rule: "imds" },
      /rule: expected one of imds-v2, tags; found "imds"/,
    ],
    ["that are a word", "please", /expected the keys rule, resource, why, until/],
  ];
  for (const [what, entry, expected] of wrong) {
    test(`${what} have no effect and are a fault`, () => {
      const stack = stackOf({ "berth:waive": [entry] });
      assert.match(exceptions.check?.(resource("pulumi:pulumi:Stack", {}), stack).join("\n") ?? "", expected);
      assert.notEqual(message(metadataTokens, finding("old"), stack), undefined);
    });
  }
});

test("a message says which resource, which rule, how to comply and how to waive", () => {
  const text = message(
    metadataTokens,
    { resource: resource(instance, {}, { name: "web" }), fault: "it is so" },
    prod,
  );
  assert.equal(
    text,
    [
      "web (aws:ec2/instance:Instance) breaks the rule 'imds-v2': it is so.",
      'To comply: set metadataOptions.httpTokens: "required" on the instance itself, also where a launch template has it.',
      "To waive it for a time, in Pulumi.prod.yaml: berth:waive: [{ rule: imds-v2, resource: web, until: YYYY-MM-DD, why: … }].",
    ].join("\n"),
  );
});

test("values that a preview does not know are told apart from those that are absent", () => {
  const given = {
    list: ["a", "b"],
    get hidden(): string {
      throw new Error("string value at .hidden can't be known during preview");
    },
  };
  assert.deepEqual(plain({ given, none: null }), {
    given: { list: ["a", "b"], hidden: unknown },
    none: null,
  });
});
