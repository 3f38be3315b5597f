import { notAvailable, type Provider } from "../provider.ts";

/**
 * Stands where Pulumi's AWS provider would be, so that stacks without AWS run as ever, and those with it are told what
 * is missing before anything is made.
 */
export const provider: Provider = {
  name: "aws",
  version: "7.48.0",
  refusal: `${notAvailable("aws")} (https://www.pulumi.com/docs/install), so that 'pulumi' is on the PATH, and run this again`,
  resources: {},
};
