import { getInstanceType } from "@pulumi/aws/ec2/getInstanceType.js";
import { getServiceQuota } from "@pulumi/aws/servicequotas/getServiceQuota.js";
import type * as pulumi from "@pulumi/pulumi";

/** An instance that a stack wants, and the type of the one that runs for it now. */
export interface WantedType {
  readonly instanceType: string;
  /** Undefined when none runs. */
  readonly running: string | undefined;
}

/**
 * "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", in vCPUs of all that run in the account and region:
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
 */
const quota = { serviceCode: "ec2", quotaCode: "L-1216C47A" };
const standard = /^(a|c|d|h|i|m|r|t|z)\d/;

/**
 * What is wrong when the stack's own instances have more vCPUs than the account may run: they would be stopped for another
 * type and could not start again. What else runs in the account is not counted, so that this refuses nothing that fits.
 */
export async function quotaFaults(
  wanted: readonly WantedType[],
  region: string,
  ask: pulumi.InvokeOptions,
): Promise<string[]> {
  if (wanted.every(({ instanceType, running }) => instanceType === running)) return [];
  try {
    const [{ value }, ...kinds] = await Promise.all([
      getServiceQuota(quota, ask),
      ...wanted
        .filter(({ instanceType }) => standard.test(instanceType))
        .map(({ instanceType }) => getInstanceType({ instanceType }, ask)),
    ]);
    const vcpus = kinds.reduce((sum, { defaultVcpus }) => sum + defaultVcpus, 0);
    return vcpus <= value
      ? []
      : [
          `host.instanceType: expected instances with ${value} vCPUs together at most, which is this account's quota in ${region}; found types with ${vcpus}. ` +
            `Choose smaller types, or ask AWS for more: aws service-quotas request-service-quota-increase --service-code ${quota.serviceCode} --quota-code ${quota.quotaCode} --desired-value ${vcpus} --region ${region}`,
        ];
  } catch {
    // A role that may not look at quotas deploys all the same.
    return [];
  }
}
