import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { type ServiceSecret, serviceSecrets } from "../services.ts";
import type { Generated } from "./generate-schema.ts";

/** The secrets by their names: those of the services, and these. */
export type SecretName = ServiceSecret | "signingKey" | "basicAuth";

export interface SecretsArgs {
  /** Secrets that the stack brings itself. @default none */
  readonly own?: Readonly<Partial<Record<SecretName, pulumi.Input<string> | undefined>>>;
  /** The generation of each secret: one that is raised makes that secret anew. @default 1 for each */
  readonly rotate?: Readonly<Partial<Record<SecretName, number>>>;
  /** The secrets of services that there are. @default those of all services */
  readonly services?: readonly ServiceSecret[];
  /** Secrets that the application has for itself: see `app.generate` of the configuration. @default none */
  readonly generate?: readonly Generated[];
  /** Whether the site asks for a name and a password. @default false */
  readonly basicAuth?: boolean;
}

/** The secrets that a stack needs, each made once and kept in its state, or brought by the stack. */
export class Secrets extends pulumi.ComponentResource {
  /** Those of the services, by their names. */
  readonly ofServices: Readonly<Record<string, pulumi.Output<string>>>;
  /** Those that the application has for itself, by their settings. */
  readonly ofApplication: Readonly<Record<string, pulumi.Output<string>>>;
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
    this.ofApplication = Object.fromEntries(
      (args.generate ?? []).map((one) => [one.name, this.#generated(`${name}-of-app-${one.name}`, one)]),
    );
    this.registerOutputs();
  }

  /** The stack's own one, or one of letters and digits only: the value goes into URLs and configuration files. */
  #secret(which: SecretName, name: string, length: number): pulumi.Output<string> {
    const own = this.#args.own?.[which];
    if (own !== undefined) return pulumi.secret(own);
    return this.#random(name, { length, special: false }, this.#args.rotate?.[which] ?? 1);
  }

  #generated(name: string, { alphabet, length, generation }: Generated): pulumi.Output<string> {
    if (alphabet === "alphanumeric") return this.#random(name, { length, special: false }, generation);
    const digits = { upper: false, lower: false, special: true, overrideSpecial: "abcdef" };
    if (alphabet === "hex") return this.#random(name, { length, ...digits }, generation);
    return this.#random(name, { length: 2 * length, ...digits }, generation).apply((hex) => {
      const text = Buffer.from(hex, "hex").toString("base64url");
      return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
    });
  }

  #random(name: string, args: random.RandomPasswordArgs, generation: number): pulumi.Output<string> {
    // Not with the first one, which stacks have had since before there was a second.
    const keepers = generation > 1 ? { keepers: { generation: `${generation}` } } : {};
    return new random.RandomPassword(name, { ...args, ...keepers }, { parent: this }).result;
  }
}
