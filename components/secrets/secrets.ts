import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { type ServiceSecret, serviceSecrets } from "../services.ts";

/** The secrets by their names: those of the services, and these. */
export type SecretName = ServiceSecret | "signingKey" | "basicAuth";

export interface SecretsArgs {
  /** Secrets that the stack brings itself. @default none */
  readonly own?: Readonly<Partial<Record<SecretName, pulumi.Input<string> | undefined>>>;
  /** The generation of each secret: one that is raised makes that secret anew. @default 1 for each */
  readonly rotate?: Readonly<Partial<Record<SecretName, number>>>;
  /** The secrets of services that there are. @default those of all services */
  readonly services?: readonly ServiceSecret[];
  /** Whether the site asks for a name and a password. @default false */
  readonly basicAuth?: boolean;
}

/** The secrets that a stack needs, each made once and kept in its state, or brought by the stack. */
export class Secrets extends pulumi.ComponentResource {
  /** Those of the services, by their names. */
  readonly ofServices: Readonly<Record<string, pulumi.Output<string>>>;
  /** Key that the application signs with (Django's SECRET_KEY). */
  readonly signingKey: pulumi.Output<string>;
  /** Password that the site asks visitors for, where it does. */
  readonly basicAuth: pulumi.Output<string> | undefined;

  readonly #args: SecretsArgs;

  constructor(name: string, args: SecretsArgs = {}, options?: pulumi.ComponentResourceOptions) {
    super("berth:secrets:Secrets", name, {}, options);
    this.#args = args;
    const names = args.services ?? (Object.keys(serviceSecrets) as ServiceSecret[]);
    this.ofServices = Object.fromEntries(
      names.map((which) => [which, this.#secret(which, `${name}-${which}`, 32)]),
    );
    this.signingKey = this.#secret("signingKey", `${name}-signing-key`, 64);
    this.basicAuth = args.basicAuth ? this.#secret("basicAuth", `${name}-basic-auth`, 24) : undefined;
    this.registerOutputs();
  }

  /** The stack's own one, or one of letters and digits only: the value goes into URLs and configuration files. */
  #secret(which: SecretName, name: string, length: number): pulumi.Output<string> {
    const own = this.#args.own?.[which];
    if (own !== undefined) return pulumi.secret(own);
    const generation = this.#args.rotate?.[which] ?? 1;
    return new random.RandomPassword(
      name,
      {
        length,
        special: false,
        // Not with the first one, which stacks have had since before there was a second.
        ...(generation > 1 ? { keepers: { generation: `${generation}` } } : {}),
      },
      { parent: this },
    ).result;
  }
}
