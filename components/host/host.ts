import type { types } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

/**
 * A Debian machine that can be reached by SSH. However it came to be (a local one, an EC2 instance, one that the
 * user has), nothing that runs on it can tell the difference.
 */
export interface Host {
  /** The name it has in the program, the first part of the names of its own steps. */
  readonly name: string;
  /** The address at which the site and SSH answer. */
  readonly address: pulumi.Output<string>;
  /** The IP address at which the stack's other hosts reach it. */
  readonly privateAddress: pulumi.Output<string>;
  /** How the engine reaches it; always with the host key that it must show. */
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  /** Its ed25519 host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: pulumi.Output<string>;
  /**
   * Changes when the machine is another one, even though its address and host key stay. Every step runs again when
   * it changes.
   */
  readonly identity: pulumi.Output<string>;
  /**
   * What the stack knows this machine by, and nobody else does: the machine keeps it, so that it has one stack at a
   * time. It stays in the stack's state, whatever the stack and the machine's address are called.
   */
  readonly claim: pulumi.Output<string>;
  /** The memory it may use, in MiB, where it cannot see that by itself; otherwise undefined. */
  readonly memory: number | undefined;
  /** A command that logs in. */
  readonly sshCommand: pulumi.Output<string>;
  /** What must have happened before a step can run on it. */
  readonly ready: pulumi.Resource;
  /** The resource with which everything on the machine goes; then no step is asked to clean up after itself. */
  readonly deletedWith: pulumi.Resource | undefined;
}

/** The name of the host that serves the site. */
export const firstHost = "web";

/** The key of the configuration that describes a host, for messages to people. */
export const configKey = (name: string): string => (name === firstHost ? "host" : `hosts.${name}`);

/** The account that the first boot makes on hosts of Berth's own, and that the engine logs in with. */
export const firstAccount = "berth";
