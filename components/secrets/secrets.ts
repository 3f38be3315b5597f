import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** The secrets that a stack needs, each made once and kept in its state. */
export class Secrets extends pulumi.ComponentResource {
  /** Password of the database's role. */
  readonly database: pulumi.Output<string>;
  /** Password of Redis. */
  readonly redis: pulumi.Output<string>;
  /** Key that the application signs with (Django's SECRET_KEY). */
  readonly signingKey: pulumi.Output<string>;

  constructor(name: string, options?: pulumi.ComponentResourceOptions) {
    super("berth:secrets:Secrets", name, {}, options);
    this.database = this.#generate(`${name}-database`, 32);
    this.redis = this.#generate(`${name}-redis`, 32);
    this.signingKey = this.#generate(`${name}-signing-key`, 64);
    this.registerOutputs();
  }

  /** Letters and digits only: the value goes into URLs and configuration files. */
  #generate(name: string, length: number): pulumi.Output<string> {
    return new random.RandomPassword(name, { length, special: false }, { parent: this }).result;
  }
}
