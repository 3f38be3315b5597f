import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  allowedActions,
  assertAllowed,
  documents,
  type Policy,
  refused,
  type Statement,
  statements,
  type Uses,
} from "../cloud/deploying-role.ts";

const recorded: Uses = JSON.parse(
  readFileSync(join(import.meta.dirname, "../cloud/real/actions.json"), "utf8"),
);

const distribution = "arn:aws:cloudfront::123456789012:distribution/*";
const wayToTheBucket = "arn:aws:cloudfront::123456789012:origin-access-control/*";

/** What CloudFront is asked for, by AWS's reference of its actions: the build that was recorded has none of it. */
const cloudFront: Uses = {
  "cloudfront:CreateDistribution": ["* tagged"],
  "cloudfront:CreateOriginAccessControl": ["* own"],
  "cloudfront:DeleteDistribution": [`${distribution} own`],
  "cloudfront:DeleteOriginAccessControl": [`${wayToTheBucket} own`],
  "cloudfront:GetDistribution": [`${distribution} own`],
  "cloudfront:GetOriginAccessControl": [`${wayToTheBucket} own`],
  "cloudfront:ListTagsForResource": [`${distribution} own`],
  // While it is being made it has no tag yet.
  "cloudfront:TagResource": [`${distribution} other`, `${distribution} own`],
  "cloudfront:UpdateDistribution": [`${distribution} own`],
};

const ec2 = (kind: string) => `arn:aws:ec2:eu-central-1:123456789012:${kind}/*`;

/**
 * What an EC2 Instance Connect Endpoint needs, which moto does not know:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/permissions-for-ec2-instance-connect-endpoint.html
 */
const connectEndpoint: Uses = {
  "ec2:CreateInstanceConnectEndpoint": [
    `${ec2("instance-connect-endpoint")} tagged`,
    `${ec2("security-group")} own`,
    `${ec2("subnet")} other`,
  ],
  "ec2:CreateNetworkInterface": [
    `${ec2("network-interface")} untagged`,
    `${ec2("security-group")} own`,
    `${ec2("subnet")} other`,
  ],
  "ec2:CreateTags": [`${ec2("instance-connect-endpoint")} tagged`],
  "ec2:DeleteInstanceConnectEndpoint": [`${ec2("instance-connect-endpoint")} own`],
  "ec2:DescribeInstanceConnectEndpoints": ["* own"],
  "ec2-instance-connect:OpenTunnel": [`${ec2("instance-connect-endpoint")} own`],
  "iam:CreateServiceLinkedRole": [
    "arn:aws:iam::123456789012:role/aws-service-role/ec2-instance-connect.amazonaws.com/AWSServiceRoleForEC2InstanceConnect own",
  ],
};

/**
 * A snapshot of a protected volume that is deleted, and a volume from one:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
const snapshots: Uses = {
  "ec2:CreateSnapshot": ["arn:aws:ec2:eu-central-1::snapshot/* tagged", `${ec2("volume")} own`],
  "ec2:CreateTags": ["arn:aws:ec2:eu-central-1::snapshot/* tagged"],
  "ec2:CreateVolume": ["arn:aws:ec2:eu-central-1::snapshot/* own", `${ec2("volume")} tagged`],
  "ec2:DescribeSnapshots": ["* own"],
};

/**
 * What AWS's provider calls when a version of Berth, or the key `aws`, changes a description, a tag, a boundary or an option of
 * what is there: without it an update would fail in the middle.
 */
const upgrades = [
  "cloudfront:UntagResource",
  "cloudwatch:UntagResource",
  "ec2:DeleteTags",
  "ec2:ModifyInstanceCreditSpecification",
  "ec2:ModifyInstanceMaintenanceOptions",
  "ec2:ModifyInstanceMetadataOptions",
  "ec2:ModifySecurityGroupRules",
  "iam:DeleteRolePermissionsBoundary",
  "iam:DeleteUserPermissionsBoundary",
  "iam:PutRolePermissionsBoundary",
  "iam:PutUserPermissionsBoundary",
  "iam:UntagInstanceProfile",
  "iam:UntagRole",
  "iam:UntagUser",
  "iam:UpdateAssumeRolePolicy",
  "s3:UntagResource",
  "secretsmanager:UntagResource",
  "secretsmanager:UpdateSecret",
  "secretsmanager:UpdateSecretVersionStage",
  "sns:UntagResource",
  "ssm:RemoveTagsFromResource",
];

/** What no recorded run could show, and why it is needed. */
const unseen: Readonly<Record<string, string>> = {
  "ec2:DescribeVolumesModifications": "a larger root volume is waited for; the recorded stack keeps its size",
  "s3:DeleteObject":
    "a bucket that is full is emptied; moto ignores conditions, so that a bucket of ours refuses every object there",
  "s3:DeleteObjectVersion": "see s3:DeleteObject",
  "s3:ListBucketVersions": "see s3:DeleteObject",
  "s3:ListTagsForResource":
    "Pulumi's release reads a bucket's tags by S3 Control (hashicorp/terraform-provider-aws#45251); the recorded build does it as before",
  "servicequotas:GetServiceQuota": "the recorded build has no look-up of quotas",
  "s3:TagResource": "Pulumi's release writes them by S3 Control, the recorded build does not",
};

test("IAM takes each document: it fits a managed policy, and its statements have names of their own", () => {
  for (const text of documents()) {
    assert.equal(JSON.parse(text).Version, "2012-10-17");
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    const own = text.replaceAll("berth", "p".repeat(32)).replaceAll("eu-central-1", "ap-southeast-1");
    assert.ok(JSON.stringify(JSON.parse(own)).length <= 6144, "with a long project's name as well");
  }
  const names = statements().map(({ Sid }) => Sid);
  assert.deepEqual([...new Set(names)], names);
  for (const { Sid, Effect } of statements()) {
    assert.match(Sid, /^[A-Za-z0-9]+$/);
    assert.equal(Effect, "Allow");
  }
});

test("no action is a pattern, and every resource is allowed for reading alone, or for making what is then the project's", () => {
  for (const { Sid, Action, Resource, Condition } of statements()) {
    for (const action of Action) assert.match(action, /^[a-z0-9-]+:[A-Za-z0-9]+$/);
    if (!Resource.includes("*")) continue;
    for (const action of Action) {
      // It knows no resource, and opens nothing until a distribution and a bucket's policy name it.
      if (action === "cloudfront:CreateOriginAccessControl") continue;
      // It knows none either; what it makes must carry the project's tag.
      if (action === "cloudfront:CreateDistribution") {
        assert.deepEqual(Condition, { StringEquals: { "aws:RequestTag/project": "berth" } });
        continue;
      }
      assert.match(action, /:(Describe|List)|^servicequotas:Get/, Sid);
    }
  }
});

test("the deploying role may do all that AWS's own provider asked for", () => {
  assert.ok(Object.keys(recorded).length > 100);
  assert.deepEqual(refused(recorded), []);
  assert.deepEqual(refused(cloudFront), []);
  assert.deepEqual(refused(connectEndpoint), []);
  assert.deepEqual(refused(snapshots), []);
});

test("the deploying role may do nothing that no stack needs", () => {
  const seen = new Set(Object.keys(recorded));
  assert.deepEqual(
    allowedActions().filter((action) => !seen.has(action)),
    [
      ...Object.keys(unseen),
      ...upgrades,
      ...Object.keys(cloudFront),
      ...Object.keys({ ...connectEndpoint, ...snapshots }).filter((action) => !seen.has(action)),
    ].sort(),
  );
});

test("what is not the project's is out of the deploying role's reach", () => {
  const others: Uses = {
    "ec2:TerminateInstances": ["arn:aws:ec2:eu-central-1:123456789012:instance/* other"],
    "ec2:DeleteVolume": ["arn:aws:ec2:eu-central-1:123456789012:volume/* other"],
    "ec2:DescribeInstanceAttribute": ["arn:aws:ec2:eu-central-1:123456789012:instance/* other"],
    "ec2:CreateVolume": [
      "arn:aws:ec2:eu-central-1:123456789012:volume/* untagged",
      "arn:aws:ec2:eu-west-1:123456789012:volume/* tagged",
      "arn:aws:ec2:eu-central-1::snapshot/* other",
    ],
    "ec2:CreateTags": ["arn:aws:ec2:eu-central-1:123456789012:instance/* other"],
    "iam:PutRolePolicy": ["arn:aws:iam::123456789012:role/deploy-stacks own"],
    "iam:PassRole": ["arn:aws:iam::123456789012:role/admin own"],
    "s3:DeleteObject": ["arn:aws:s3:::other-bucket/* own"],
    "secretsmanager:GetSecretValue": [
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:/other/prod/x own",
    ],
    "ssm:GetParameter": ["arn:aws:ssm:eu-central-1:123456789012:parameter/other/prod/x own"],
    "ec2:DeleteInstanceConnectEndpoint": [`${ec2("instance-connect-endpoint")} other`],
    "ec2-instance-connect:OpenTunnel": [`${ec2("instance-connect-endpoint")} other`],
    "cloudfront:CreateDistribution": ["* untagged"],
    "cloudfront:DeleteDistribution": [`${distribution} other`],
    "cloudfront:UpdateDistribution": [`${distribution} other`],
    "sns:DeleteTopic": ["arn:aws:sns:eu-central-1:123456789012:other own"],
    "route53:DeleteHostedZone": ["arn:aws:route53:::hostedzone/* own"],
  };
  assert.deepEqual(
    refused(others),
    Object.entries(others).flatMap(([action, uses]) => uses.map((use) => `${action} on ${use}`)),
  );
});

test("with the document of the boundary, whatever lets a role or a user do something needs the boundary", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/deploying-role-boundary.json"), "utf8");
  const [bound, kept] = (JSON.parse(text) as Policy).Statement as [Statement, Statement];
  assert.deepEqual([bound.Effect, kept.Effect], ["Deny", "Deny"]);
  // An operator that denies holds where the key is not there at all.
  assert.deepEqual(Object.keys(bound.Condition ?? {}), ["StringNotEquals"]);
  assert.deepEqual(Object.keys(bound.Condition?.StringNotEquals ?? {}), ["iam:PermissionsBoundary"]);
  assert.equal(kept.Condition, undefined);
  // Tags, assumptions, memberships and keys give no more than the policies do.
  const gives = /^iam:(Create(Role|User)|Put|Attach|Delete(Role|User)PermissionsBoundary)/;
  const denied = [...bound.Action, ...kept.Action];
  assert.deepEqual(
    allowedActions().filter((action) => gives.test(action) && !denied.includes(action)),
    [],
  );
});

test("an operation that is not allowed is told by the action that it needs", () => {
  assertAllowed(["s3:PutBucketEncryption", "ec2:RunInstances", "sts:GetCallerIdentity"]);
  assert.throws(
    () => assertAllowed(["s3:DeletePublicAccessBlock", "s3:ListBuckets", "rds:CreateDBInstance"]),
    /s3:ListAllMyBuckets \(for s3:ListBuckets\)[\s\S]*rds:CreateDBInstance/,
  );
});
