import { InstanceConnectEndpoint } from "@pulumi/aws/ec2transitgateway/instanceConnectEndpoint.js";
import * as pulumi from "@pulumi/pulumi";
import { tagsOf } from "./naming.ts";

export interface ConnectEndpointArgs {
  /** The subnet that it is in. Its VPC has room for one, and so an instance anywhere in it is reached. */
  readonly subnetId: pulumi.Input<string>;
  /** The group that says which instances it may reach. */
  readonly securityGroupId: pulumi.Input<string>;
}

/**
 * An EC2 Instance Connect Endpoint: AWS's CLI opens tunnels through it to the SSH of instances whose port 22 is closed to
 * the internet, for whoever IAM lets. Nothing of it runs on the instance.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/connect-using-eice.html
 */
export class ConnectEndpoint extends pulumi.ComponentResource {
  constructor(name: string, args: ConnectEndpointArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:ConnectEndpoint", name, {}, options);
    new InstanceConnectEndpoint(
      `${name}-endpoint`,
      {
        subnetId: args.subnetId,
        securityGroupIds: [args.securityGroupId],
        // An instance then knows it by its group, wherever the tunnel begins.
        preserveClientIp: false,
        tags: tagsOf("network", "connect"),
      },
      // One to a VPC.
      { parent: this, deleteBeforeReplace: true },
    );
    this.registerOutputs();
  }
}
