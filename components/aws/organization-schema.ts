import { z } from "zod";

const accountId = z
  .string()
  .regex(/^\d{12}$/, { error: 'expected the 12 digits of an AWS account, such as "123456789012"' });

/** What every service of AWS takes (https://docs.aws.amazon.com/general/latest/gr/aws_tagging.html). */
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const characters = "letters, digits, spaces and _ . : / = + - @";

/** Berth's own, which it finds its things by, and on which the deploying role's rights depend. */
const ownTags = ["project", "stack", "component", "name"];

const tagKey = z
  .string()
  .min(1)
  .max(128)
  .regex(tagText, { error: `expected a tag's key of ${characters}` })
  .refine((key) => !/^aws:/i.test(key), {
    error: "expected a key that does not begin with 'aws:', which AWS keeps for itself",
  })
  // IAM tells keys apart by more than upper and lower case.
  .refine((key) => !ownTags.includes(key.toLowerCase()), {
    error: "expected another key than project, stack, component and Name, which Berth sets itself",
  });
const tagValue = z
  .string()
  .max(256)
  .regex(tagText, { error: `expected a tag's value of ${characters}` });

/** AWS has room for 50 on each thing, and four are Berth's. */
const roomForTags = 40;

export const organizationSchema = z
  .strictObject({
    account: accountId
      .optional()
      .describe(
        "The AWS account that the stack is in, 12 digits in quotes. Credentials of another account are refused. Default: the account of the credentials.",
      ),
    tags: z
      .record(tagKey, tagValue)
      .default({})
      .refine((tags) => Object.keys(tags).length <= roomForTags, {
        error: `expected ${roomForTags} tags at most`,
      })
      .describe(
        "More tags for everything that the stack makes in AWS, such as a cost centre. Berth's own tags are `project`, `stack`, `component` and `Name`.",
      ),
    permissionsBoundary: z
      .string()
      .regex(/^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/, {
        error: "expected the ARN of a policy, such as arn:aws:iam::123456789012:policy/developers",
      })
      .optional()
      .describe(
        "The ARN of a policy that bounds what the stack's roles and users in IAM may do. Many organizations let nobody make a role without one; see docs/aws.md. Default: none.",
      ),
  })
  .check(({ value: { account, permissionsBoundary }, issues }) => {
    const owner = /:iam::(\d+):/.exec(permissionsBoundary ?? "")?.[1];
    if (account !== undefined && owner !== undefined && owner !== account) {
      issues.push({
        code: "custom",
        path: ["permissionsBoundary"],
        message: `expected a policy of the account ${account} (aws.account)`,
        input: permissionsBoundary,
      });
    }
  });

/** What the organization asks of all that a stack has in AWS. */
export type OrganizationConfig = z.output<typeof organizationSchema>;
