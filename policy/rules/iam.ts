import { type Resource, type Rule, shown } from "../rule.ts";
import { group, list, type Value, type Values } from "../values.ts";

/**
 * Actions that know no resource and so can be allowed on "*" only; and ssm:UpdateInstanceInformation, which AWS's own
 * least policy for Session Manager has on "*", since a role does not know its instances; and route53:GetChange, which tells how
 * far a change is, whose id nobody knows before.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_ssmmessages.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
const withoutResource = new Set(
  [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "ssm:UpdateInstanceInformation",
    "cloudwatch:PutMetricData",
    "route53:ListHostedZones",
    "route53:GetChange",
  ].map((action) => action.toLowerCase()),
);

/**
 * Of these, those that a condition limits in the place of a resource: without it, whoever has the key writes into what
 * others watch.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
 */
const limitedBy: Readonly<Record<string, string>> = {
  "cloudwatch:PutMetricData": "cloudwatch:namespace",
};

/** What a role or a user may do is listed, action by action and resource by resource. */
export const iamWildcard: Rule = {
  name: "iam-wildcard",
  description: "No policy allows an action or a resource by a wildcard.",
  comply:
    "name each action (s3:GetObject) and each resource (its ARN); what follows a bucket's or folder's / may be *; cloudwatch:PutMetricData needs a condition on cloudwatch:namespace",
  check: (resource) =>
    policies(resource).flatMap(({ where, text }) =>
      statements(text).flatMap((statement, index) =>
        wildcards(statement).map((fault) => `${where}, statement ${index + 1}: ${fault}`),
      ),
    ),
};

/** Policies that allow whole services, under a name that hides it. */
export const iamManagedPolicy: Rule = {
  name: "iam-managed-policy",
  description: "No administrator's policy, and none of full access, is attached.",
  comply: "write a policy of the actions that are needed, for the resources that are needed",
  check: ({ type, props }) => {
    const attached = type.startsWith("aws:iam/")
      ? [...list(props.policyArn), ...list(props.managedPolicyArns), ...list(props.permissionsBoundary)]
      : [];
    return attached
      .filter((arn) => typeof arn === "string")
      .filter((arn) =>
        /^arn:aws[\w-]*:iam::aws:policy\/(.*\/)?(AdministratorAccess|PowerUserAccess|\w*FullAccess)/.test(
          arn,
        ),
      )
      .map((arn) => `it attaches ${arn}`);
  },
};

/** A role that anyone may take on is everyone's. */
export const iamTrust: Rule = {
  name: "iam-trust",
  description: "No role trusts everyone.",
  comply: "name in assumeRolePolicy who may take on the role: a service, or the ARN of a role or an account",
  check: ({ type, props }) =>
    type === "aws:iam/role:Role"
      ? statements(props.assumeRolePolicy).flatMap((statement, index) => {
          if (statement.Effect !== "Allow") return [];
          const everyone = [statement.Principal, ...Object.values(group(statement.Principal))]
            .flatMap(list)
            .includes("*");
          return everyone || statement.NotPrincipal !== undefined
            ? [`assumeRolePolicy, statement ${index + 1}: its Principal is everyone`]
            : [];
        })
      : [],
};

/** The policies that say what an identity may do. */
function policies({ type, props }: Resource): { where: string; text: Value }[] {
  switch (type) {
    case "aws:iam/policy:Policy":
    case "aws:iam/rolePolicy:RolePolicy":
    case "aws:iam/userPolicy:UserPolicy":
    case "aws:iam/groupPolicy:GroupPolicy":
      return [{ where: "policy", text: props.policy }];
    case "aws:iam/role:Role":
      return list(props.inlinePolicies).map((policy, index) => ({
        where: `inlinePolicies[${index}]`,
        text: group(policy).policy,
      }));
    default:
      return [];
  }
}

function statements(text: Value): Values[] {
  let document: Value = text;
  if (typeof text === "string") {
    try {
      document = JSON.parse(text) as Value;
    } catch {
      // AWS refuses a policy that is no JSON, so it allows nothing.
      return [];
    }
  }
  return list(group(document).Statement).map(group);
}

function wildcards(statement: Values): string[] {
  if (statement.Effect !== "Allow") return [];
  const actions = list(statement.Action);
  const bound = actions.some(
    (action) => typeof action !== "string" || !withoutResource.has(action.toLowerCase()),
  );
  return [
    ...["NotAction", "NotResource"]
      .filter((key) => statement[key] !== undefined)
      .map((key) => `${key} allows all but what it names`),
    ...actions
      .filter((action) => typeof action === "string" && /[*?]/.test(action))
      .map((action) => `the action ${shown(action)} is a wildcard`),
    ...list(statement.Resource)
      .filter((resource) => bound && isWildcard(resource))
      .map((resource) => `the resource ${shown(resource)} is a wildcard`),
    ...Object.entries(limitedBy)
      .filter(([action]) => actions.some((one) => String(one).toLowerCase() === action.toLowerCase()))
      .filter(([, key]) => !isLimited(statement, key))
      .map(([action, key]) => `${action} has no condition StringEquals on ${key}, so it bears on everything`),
  ];
}

/** Whether a statement holds for named values of a condition's key alone. */
function isLimited(statement: Values, key: string): boolean {
  const named = Object.entries(group(group(statement.Condition).StringEquals));
  return named.some(([one]) => one.toLowerCase() === key);
}

/** Whether an ARN names everything of its kind, or of several kinds. */
function isWildcard(arn: Value): boolean {
  if (typeof arn !== "string") return false;
  const [, , service = "", region = "", account = "", ...rest] = arn.split(":");
  if (rest.length === 0 || /[*?]/.test(service + account) || region.includes("*")) return /[*?]/.test(arn);
  const name = rest.join(":");
  // Of S3 the first part is the bucket itself: all objects of one bucket are one thing.
  return service === "s3" ? /^[^/]*[*?]/.test(name) : /^([\w-]+[:/])?[*?]+$/.test(name);
}
