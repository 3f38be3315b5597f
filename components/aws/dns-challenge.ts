import { getZoneOutput } from "@pulumi/aws/route53/getZone.js";
import type * as pulumi from "@pulumi/pulumi";

/**
 * What a host's role must be allowed to show an authority that names are its own, as an IAM policy in JSON: to change the
 * one record of each that the authority looks at, and no other of the zone.
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
 *
 * @param zoneArn such as `arn:aws:route53:::hostedzone/Z1`
 * @param names the site's; of `*.NAME` it is the record of NAME
 */
export function challengePolicy(zoneArn: string, names: readonly string[]): string {
  const records = names.map((name) => `_acme-challenge.${name.replace(/^\*\./, "")}`);
  const asked = "route53:ChangeResourceRecordSets";
  const limits = {
    [`${asked}NormalizedRecordNames`]: [...new Set(records)],
    [`${asked}RecordTypes`]: ["TXT"],
    [`${asked}Actions`]: ["UPSERT", "DELETE"],
  };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      // certbot finds the zone among all, and waits until Route 53's own servers know the record. Neither knows a resource
      // that could be named here.
      {
        Sid: "FindTheZone",
        Effect: "Allow",
        Action: ["route53:ListHostedZones", "route53:GetChange"],
        Resource: "*",
      },
      {
        Sid: "Challenge",
        Effect: "Allow",
        Action: [asked],
        Resource: [zoneArn],
        Condition: {
          "ForAllValues:StringEquals": limits,
          // Of a request without such a value, ForAllValues would be true.
          Null: Object.fromEntries(Object.keys(limits).map((key) => [key, "false"])),
        },
      },
    ],
  });
}

/** The same for the zone of this name. */
export const challengePolicyIn = (
  zone: string,
  names: readonly string[],
  options: pulumi.InvokeOptions,
): pulumi.Output<string> =>
  getZoneOutput({ name: zone, privateZone: false }, options).arn.apply((arn) => challengePolicy(arn, names));
