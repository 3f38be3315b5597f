import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type * as tls from "@pulumi/tls";
import { firstAccount } from "../host/host.ts";
import { localScripts } from "../host/local-script.ts";

export interface FirstContactArgs {
  /** Where its SSH answers. */
  readonly address: pulumi.Input<string>;
  /** The port there. */
  readonly port: pulumi.Input<number>;
  /** The id of the machine that must answer. */
  readonly instanceId: pulumi.Input<string>;
  /** Its instance type: another one means that the machine was stopped, and is waited for. */
  readonly instanceType: string;
  /** The key that the engine logs in with. */
  readonly login: tls.PrivateKey;
  /** The host key of its first boot, which user-data shows for good. */
  readonly bootstrapKey: tls.PrivateKey;
  /** The host key that stays. */
  readonly hostKey: tls.PrivateKey;
}

/**
 * The first step on a new instance, once a machine: the host key that came by user-data gives way to the one that
 * stays. What user-data shows (to whoever reads the metadata service or may call `ec2:DescribeInstanceAttribute`) then
 * opens nothing. Only a machine that shows one of the two keys is spoken to; cut off at any moment, the next run goes
 * on, for the machine shows one of the two. Later updates wait for the machine and take the key that stays alone.
 */
export function firstContact(
  name: string,
  args: FirstContactArgs,
  options: pulumi.CustomResourceOptions,
): local.Command {
  return new local.Command(
    name,
    {
      ...localScripts({
        create: "components/ec2/host-key.sh exchange",
        update: "components/ec2/host-key.sh check",
      }),
      environment: {
        BERTH_ADDRESS: args.address,
        BERTH_PORT: pulumi.interpolate`${args.port}`,
        BERTH_USER: firstAccount,
        BERTH_INSTANCE: args.instanceId,
        BERTH_INSTANCE_TYPE: args.instanceType,
        BERTH_HOST_KEY: publicKey(args.hostKey),
        BERTH_BOOTSTRAP_KEY: publicKey(args.bootstrapKey),
      },
      stdin: pulumi.secret(
        pulumi.interpolate`${args.login.privateKeyOpenssh}\n${args.hostKey.privateKeyOpenssh}\n`,
      ),
      triggers: [args.instanceId],
      logging: local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    {
      ...options,
      additionalSecretOutputs: ["stdin"],
      customTimeouts: { create: "20m", update: "20m" },
    },
  );
}

/** Without the line's end, which the text of an environment variable would keep. */
export function publicKey(key: tls.PrivateKey): pulumi.Output<string> {
  return key.publicKeyOpenssh.apply((line) => line.trim());
}
