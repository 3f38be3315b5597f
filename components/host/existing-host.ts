import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { local, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { connected } from "./connect.ts";
import { configKey, type Host } from "./host.ts";
import { localScripts } from "./local-script.ts";
import type { Look } from "./look.ts";
import { shellWord } from "./quote.ts";

export interface ExistingHostArgs {
  /** An IP address or a domain name. */
  readonly address: string;
  /** The port of its SSH. */
  readonly port: number;
  /** The account to log in with: root, or one with sudo without a password. */
  readonly user: string;
  /** Its ed25519 host key. */
  readonly hostKey: string;
  /** Path of the private key to log in with; `~/` is the home directory. @default the SSH agent is asked */
  readonly privateKeyFile?: string | undefined;
  /** The private key itself. @default the SSH agent is asked */
  readonly privateKey?: string | undefined;
  /** The IP address at which the stack's other hosts reach it. @default `address` */
  readonly privateAddress?: string | undefined;
  /** How the parts of the stack look at it before anything is made on it. @default as at every host */
  readonly looks?: readonly Look[];
}

/** A machine that the user has. It is not made, and it is not removed: its steps clean up after themselves. */
export class ExistingHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly address: pulumi.Output<string>;
  readonly privateAddress: pulumi.Output<string>;
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  readonly hostKey: pulumi.Output<string>;
  readonly identity: pulumi.Output<string>;
  readonly claim: pulumi.Output<string>;
  readonly sshCommand: pulumi.Output<string>;
  readonly ready: pulumi.Resource;
  readonly memory = undefined;
  readonly deletedWith = undefined;

  constructor(name: string, args: ExistingHostArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:host:ExistingHost", name, {}, options);
    // Only type and key count; the comment that ssh-keyscan or a .pub file brings does not.
    const hostKey = args.hostKey.split(" ").slice(0, 2).join(" ");
    const privateKey = args.privateKey ?? readKey(name, args.privateKeyFile);
    this.name = name;
    this.address = pulumi.output(args.address);
    this.privateAddress = pulumi.output(args.privateAddress ?? args.address);
    this.hostKey = pulumi.output(hostKey);
    // A machine that is set up anew shows another host key.
    this.identity = pulumi.output(`${args.address}:${args.port} ${hostKey}`);
    // A name would not do: another backend, or another checkout, may have a stack of the same one.
    this.claim = new random.RandomId(`${name}-claim`, { byteLength: 8 }, { parent: this }).hex;
    this.connection = pulumi.output({
      host: args.address,
      port: args.port,
      user: args.user,
      hostKey,
      ...(privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) }),
    });
    this.sshCommand = pulumi.output(
      `ssh ${args.port === 22 ? "" : `-p ${args.port} `}${shellWord(`${args.user}@${args.address}`)}`,
    );

    const reach = new local.Command(
      `${name}-reach`,
      {
        ...localScripts({ create: "components/host/reach.sh" }),
        environment: {
          BERTH_SETTINGS: configKey(name),
          BERTH_ADDRESS: args.address,
          BERTH_PORT: `${args.port}`,
          BERTH_USER: args.user,
          BERTH_HOST_KEY: hostKey,
        },
        stdin: pulumi.secret(privateKey ?? ""),
        triggers: [this.identity, args.user],
        addPreviousOutputInEnv: false,
      },
      { parent: this, additionalSecretOutputs: ["stdin"] },
    );
    this.ready = reach;
    this.ready = connected(this, this, args.looks).ready;
    this.registerOutputs();
  }
}

function readKey(name: string, path: string | undefined): string | undefined {
  if (path === undefined) {
    return undefined;
  }
  const file = path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
  if (!existsSync(file)) {
    throw new pulumi.RunError(
      `${configKey(name)}.privateKeyFile: expected a private key; found no file '${file}'`,
    );
  }
  return readFileSync(file, "utf8");
}
