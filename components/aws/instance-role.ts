import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import * as pulumi from "@pulumi/pulumi";
import { cloudName, limits, tagsOf } from "./naming.ts";

export interface InstanceRoleArgs {
  /** What the instance may do beside being reached, by a name for each: IAM policies, JSON. */
  readonly policies: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * What Session Manager's agent needs to let people in, and no more: of AWS's AmazonSSMManagedInstanceCore neither
 * parameters nor Run Command. None of these actions knows resources:
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
const sessionManager = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "SessionManager",
      Effect: "Allow",
      Action: [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ],
      Resource: "*",
    },
  ],
});

const assumedByInstances = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

/** The role of an instance: no key to keep, and only what is named. */
export class InstanceRole extends pulumi.ComponentResource {
  /** Name of the instance profile. */
  readonly profileName: pulumi.Output<string>;
  readonly roleName: pulumi.Output<string>;
  readonly roleArn: pulumi.Output<string>;

  constructor(name: string, args: InstanceRoleArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:InstanceRole", name, {}, options);
    const role = new Role(
      `${name}-role`,
      {
        name: cloudName(name, limits.iamRole),
        assumeRolePolicy: assumedByInstances,
        tags: tagsOf("host"),
      },
      // The name is taken as long as the old one is there.
      { parent: this, deleteBeforeReplace: true },
    );
    const policies = Object.entries({ "session-manager": sessionManager, ...args.policies }).map(
      ([policy, document]) =>
        new RolePolicy(
          `${name}-${policy}`,
          { name: policy, role: role.name, policy: document },
          { parent: this, deleteBeforeReplace: true },
        ),
    );
    const profile = new InstanceProfile(
      `${name}-profile`,
      { name: cloudName(name, limits.instanceProfile), role: role.name, tags: tagsOf("host") },
      // A machine that boots with the profile has all its rights.
      { parent: this, deleteBeforeReplace: true, dependsOn: policies },
    );
    this.profileName = profile.name;
    this.roleName = role.name;
    this.roleArn = role.arn;
    this.registerOutputs();
  }
}
