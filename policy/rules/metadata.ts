import { type Rule, shown } from "../rule.ts";
import { group, unknown } from "../values.ts";

const types = ["aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"];

/**
 * A program that can be made to fetch a URL must not thereby fetch the role's credentials.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
export const metadataTokens: Rule = {
  name: "imds-v2",
  description: "The instance metadata service asks for a token (IMDSv2).",
  comply:
    'set metadataOptions.httpTokens: "required" on the instance itself, also where a launch template has it',
  check({ type, props }) {
    if (!types.includes(type) || props.metadataOptions === unknown) return [];
    const { httpTokens, httpEndpoint } = group(props.metadataOptions);
    if (httpTokens === "required" || httpTokens === unknown || httpEndpoint === "disabled") return [];
    return [`metadataOptions.httpTokens is ${shown(httpTokens)}`];
  },
};
