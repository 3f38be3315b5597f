// What docs/deploying-role.json and docs/deploying-role-services.json allow, and what calls of AWS's interfaces need.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** The documents, as they are. A managed policy has room for half of it. */
export const documents = (): string[] =>
  ["deploying-role", "deploying-role-services"].map((name) =>
    readFileSync(join(import.meta.dirname, `../../docs/${name}.json`), "utf8"),
  );

export const statements = (): Statement[] =>
  documents().flatMap((text) => (JSON.parse(text) as { readonly Statement: Statement[] }).Statement);

/**
 * What a call does to a resource, as its authorization sees it: made with the project's tags, made without, had by the
 * project (its tag is on it, or its name is the project's), or another's.
 */
export type Bearing = "tagged" | "untagged" | "own" | "other";

/** IAM's actions and, of each, the resources with their bearings: `arn:aws:ec2:…:vpc/* tagged`. */
export type Uses = Readonly<Record<string, readonly string[]>>;

/**
 * Operations whose action in IAM has another name, or that need more than one: https://docs.aws.amazon.com/service-authorization/latest/reference/
 * An action of the same name is what all others need.
 */
const named: Readonly<Record<string, readonly string[]>> = {
  "s3:HeadBucket": ["s3:ListBucket"],
  "s3:ListObjects": ["s3:ListBucket"],
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:ListObjectVersions": ["s3:ListBucketVersions"],
  "s3:ListBuckets": ["s3:ListAllMyBuckets"],
  "s3:HeadObject": ["s3:GetObject"],
  "s3:DeleteObjects": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
  "s3:GetBucketCors": ["s3:GetBucketCORS"],
  "s3:PutBucketCors": ["s3:PutBucketCORS"],
  "s3:DeleteBucketCors": ["s3:PutBucketCORS"],
  "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
  "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
  "s3:DeleteBucketEncryption": ["s3:PutEncryptionConfiguration"],
  "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
  "s3:PutBucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
  "s3:DeleteBucketLifecycle": ["s3:PutLifecycleConfiguration"],
  "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
  "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
  "s3:DeletePublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
  "s3:DeleteBucketOwnershipControls": ["s3:PutBucketOwnershipControls"],
  "s3:DeleteBucketTagging": ["s3:PutBucketTagging"],
  "s3:GetBucketReplication": ["s3:GetReplicationConfiguration"],
  "s3:GetBucketAccelerateConfiguration": ["s3:GetAccelerateConfiguration"],
  "s3:GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
  // It needs none: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
  "sts:GetCallerIdentity": [],
  // The provider asks it of images, which have none, and ignores the answer: hashicorp/terraform-provider-aws#47508
  "ec2:GetInstanceUefiData": [],
  "ec2:RunInstances": ["ec2:RunInstances", "iam:PassRole"],
  "iam:AddRoleToInstanceProfile": ["iam:AddRoleToInstanceProfile", "iam:PassRole"],
};

/** The actions that a role must be allowed to use an operation, such as `s3:PutEncryptionConfiguration` for `s3:PutBucketEncryption`. */
export const actionsOf = (operation: string): readonly string[] => named[operation] ?? [operation];

const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", ".*")}$`).test(text);

/** Whether a statement's conditions hold; one that is not known here is a fault of this test's. */
function holds(statement: Statement, action: string, bearing: Bearing): boolean {
  return Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.keys(keys).every((key) => {
      switch (`${operator} ${key}`) {
        case "StringEquals aws:RequestTag/project":
          return bearing === "tagged" || /^(ec2:CreateTags|cloudfront:TagResource)$/.test(action);
        case "StringEquals aws:ResourceTag/project":
          return bearing === "own";
        case "Null ec2:CreateAction":
          return bearing === "tagged";
        case "Null aws:ResourceTag/project":
          return bearing === "other";
        case "StringEquals aws:RequestedRegion":
          // That of a service for the whole world is us-east-1, whichever the stack's is.
          return !/^(iam|route53):/.test(action);
        case "StringEquals iam:AWSServiceName":
          return action === "iam:CreateServiceLinkedRole";
        case "NumericEquals ec2-instance-connect:remotePort":
          return action === "ec2-instance-connect:OpenTunnel";
        case "StringEquals iam:PassedToService":
          return action === "iam:PassRole";
        case "ForAllValues:StringEquals route53:ChangeResourceRecordSetsRecordTypes":
          return true;
        default:
          throw new Error(`${statement.Sid}: the condition ${operator} ${key} is not known here`);
      }
    }),
  );
}

/** The uses that the documents do not allow. */
export function refused(uses: Uses): string[] {
  const all = statements();
  return Object.entries(uses).flatMap(([action, resources]) =>
    resources
      .filter((use) => {
        const [resource = "", bearing = "own"] = use.split(" ");
        return !all.some(
          (one) =>
            one.Action.includes(action) &&
            one.Resource.some((pattern) => matches(pattern, resource)) &&
            holds(one, action, bearing as Bearing),
        );
      })
      .map((use) => `${action} on ${use}`),
  );
}

/** Every action of the documents. */
export const allowedActions = (): string[] =>
  [...new Set(statements().flatMap(({ Action }) => Action))].sort();

/** What the simulated cloud does of its own accord: moto ignores conditions, so it is not given statements with any. */
const simulators = ["s3:DeleteBucketPolicy"];

/** Fails unless the documents allow every operation of AWS's interfaces, such as `cloud.calls()` has, on something. */
export function assertAllowed(operations: readonly string[]): void {
  const allowed = new Set(allowedActions());
  const wanted = operations.filter((operation) => !simulators.includes(operation));
  const missing = wanted.flatMap((operation) =>
    actionsOf(operation)
      .filter((action) => !allowed.has(action))
      .map((action) => (action === operation ? action : `${action} (for ${operation})`)),
  );
  assert.deepEqual(missing, [], "docs/deploying-role*.json do not allow what a stack needs");
}
