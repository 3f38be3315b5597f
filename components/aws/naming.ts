import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { firstHost } from "../host/host.ts";

/** How long AWS lets a name be, in characters. */
export const limits = {
  /** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
  iamUser: 64,
  iamRole: 64,
  instanceProfile: 128,
  iamPolicy: 128,
  /** Global, so that a generated name needs a random part as well. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
  bucket: 63,
  /** May not begin with `sg-`. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html */
  securityGroup: 255,
  /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateKeyPair.html */
  keyPair: 255,
  /** https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html */
  topic: 256,
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
  alarm: 255,
  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html */
  namespace: 255,
  /** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
  secret: 512,
  /** With the ARN that precedes it. https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html */
  parameter: 1011,
  /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html */
  tagValue: 256,
} as const;

/**
 * The name of a thing in the cloud: `PROJECT-STACK-COMPONENT` in lower-case letters, digits and hyphens, which every
 * service of AWS takes, whatever project and stack are called. One that says less than the names it was made of (cut,
 * or with characters replaced) ends in 8 hexadecimal digits of the whole's SHA-256, so that two stacks never share it.
 *
 * @param component what it is the name of, such as `media`
 * @param limit one of {@link limits}
 */
export function cloudName(component: string, limit: number): string {
  return shortName(`${pulumi.getProject()}-${pulumi.getStack()}-${component}`, limit);
}

/** The part of {@link cloudName} that asks nobody. */
export function shortName(whole: string, limit: number): string {
  const plain = whole
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^-/, "")
    .replace(/-$/, "");
  // AWS keeps this beginning for the ids of its own.
  const allowed = plain.startsWith("sg-") ? `berth-${plain}` : plain;
  if (allowed === whole && allowed.length <= limit) return allowed;
  const digest = createHash("sha256").update(whole).digest("hex").slice(0, 8);
  const kept = allowed.slice(0, limit - digest.length - 1).replace(/-$/, "");
  return kept === "" ? digest : `${kept}-${digest}`;
}

/**
 * The tags that everything of a stack carries; `Name` is what the console shows.
 *
 * @param component what it belongs to, such as `network`
 * @param part which of several it is there, for the name alone
 */
export function tagsOf(component: string, part?: string): Record<string, string> {
  const project = pulumi.getProject();
  const stack = pulumi.getStack();
  return {
    project: tagValue(project),
    stack: tagValue(stack),
    component: tagValue(component),
    Name: tagValue([project, stack, component, ...(part === undefined ? [] : [part])].join("-")),
  };
}

/** The tags of a host's own things; of several hosts in a stack each is known by the name. */
export function hostTags(host: string): Record<string, string> {
  return tagsOf("host", host === firstHost ? undefined : host);
}

/**
 * What all services take in a tag (https://docs.aws.amazon.com/general/latest/gr/aws_tagging.html): IAM is stricter
 * than EC2. Names of projects and stacks consist of these characters alone, and only a long one is cut.
 */
function tagValue(text: string): string {
  const allowed = text.replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, "-");
  return allowed.length <= limits.tagValue ? allowed : shortName(allowed, limits.tagValue);
}

/** The component of the bucket that a stack makes for its backups, and the bucket in it. */
export const backupBucketNames = { component: "backup-bucket", resource: "backup-bucket-bucket" } as const;
