// Everything that AWS could refuse, asked before anything is made.
import { getCallerIdentity } from "@pulumi/aws/getCallerIdentity.js";
import * as pulumi from "@pulumi/pulumi";
import { type Ask, asked } from "./answers.ts";
import { bucketFaults } from "./bucket.ts";
import { findHosts } from "./hosts.ts";
import type { CloudFacts, CloudWishes, HostWishes } from "./wishes.ts";
import { zoneFaults } from "./zone.ts";

/**
 * Asks AWS whether it can give what the stack wants.
 *
 * @throws {pulumi.RunError} naming every fault at once: the key, what was found, what is expected, what to do
 */
export async function checkCloud<Host extends HostWishes | undefined>(
  wishes: CloudWishes<Host>,
  provider: pulumi.ProviderResource,
): Promise<Host extends undefined ? undefined : CloudFacts>;
export async function checkCloud(
  wishes: CloudWishes,
  provider: pulumi.ProviderResource,
): Promise<CloudFacts | undefined> {
  const ask = { provider };
  const refusal = await accountFault(wishes.account, ask);
  if (refusal !== undefined) throw refused([refusal]);

  const [hosts, ...found] = await Promise.all([
    wishes.host ? findHosts(wishes.host, wishes.others, ask) : undefined,
    zoneFaults(wishes, ask),
    ...Object.entries(wishes.buckets).map(([key, bucket]) => bucketFaults(key, bucket, ask)),
    mirrorFaults(wishes.mirror),
  ]);
  const faults = [...(Array.isArray(hosts) ? hosts : []), ...found.flat()];
  if (faults.length > 0) throw refused(faults);
  return hosts as CloudFacts | undefined;
}

/** Whether it is the right account, and there is one at all; every other question would get another's answers. */
async function accountFault(expected: string | undefined, ask: Ask): Promise<string | undefined> {
  const answer = await asked(getCallerIdentity({}, ask));
  // The provider of a stack with such a key lets no other account in either.
  const found = answer.value?.accountId ?? /account ID not allowed: (\d+)/.exec(`${answer.error}`)?.[1];
  if (expected !== undefined && found !== undefined && found !== expected) {
    return `aws.account: expected credentials of the account ${expected}; found those of ${found}. Set AWS_PROFILE, so that 'aws sts get-caller-identity' shows ${expected}.`;
  }
  return answer.value
    ? undefined
    : `AWS: expected credentials of an account; found none that work: ${answer.error} ` +
        "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, so that 'aws sts get-caller-identity' answers; check the region, too.";
}

/**
 * SSM keeps names with these beginnings for AWS itself, and a mirrored secret's begins with the project's
 * (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html).
 */
function mirrorFaults(mirror: CloudWishes["mirror"]): string[] {
  const project = pulumi.getProject();
  return mirror === "parameter-store" && /^(aws|ssm)/i.test(project)
    ? [
        `secrets.mirror: expected a project whose name begins with neither "aws" nor "ssm", for SSM refuses parameters like "/${project}/…"; found parameter-store in project "${project}". ` +
          "Choose secrets-manager, or another name in Pulumi.yaml.",
      ]
    : [];
}

function refused(faults: readonly string[]): pulumi.RunError {
  const stack = pulumi.getStack();
  return new pulumi.RunError(
    [
      `Nothing has been changed: AWS cannot do what stack '${stack}' (Pulumi.${stack}.yaml) asks for:`,
      ...faults.map((fault) => `  ${fault}`),
      "Every key is described in docs/configuration.md; docs/aws.md says what the deploying account must be allowed.",
    ].join("\n"),
  );
}
