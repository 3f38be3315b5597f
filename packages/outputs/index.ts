// Reads the outputs of a stack of Berth in another Pulumi program.
import * as pulumi from "@pulumi/pulumi";
import { Outputs, outputsVersion, secretOutputs } from "./contract.ts";

export { type OtherHost, Outputs, outputsVersion } from "./contract.ts";

/** The name of an output. */
export type OutputName = Exclude<keyof Outputs, "require">;

type ValueOf<Name extends OutputName> =
  Outputs[Name] extends pulumi.Output<infer Value> ? NonNullable<Value> : never;

/**
 * The outputs of a stack of Berth, typed. The version of the outputs is checked, and what is secret stays secret.
 *
 * ```ts
 * const shop = new BerthStack("organization/berth/prod");
 * export const monitored = shop.url;
 * const database = shop.require("databaseUrl");
 * ```
 */
export class BerthStack extends Outputs {
  /** The stack as Pulumi knows it. */
  readonly reference: pulumi.StackReference;
  /** The stack's name, once its outputs have the version that is read here. */
  readonly #checked: pulumi.Output<string>;

  /**
   * @param stack the stack's name, such as `organization/berth/prod`, or a reference to it
   * @param options of the `pulumi.StackReference` that is made for a name
   */
  constructor(stack: string | pulumi.StackReference, options?: pulumi.CustomResourceOptions) {
    super();
    this.reference = typeof stack === "string" ? new pulumi.StackReference(stack, undefined, options) : stack;
    const version = this.reference.getOutput("outputsVersion");
    this.#checked = pulumi.all([this.reference.name, version]).apply(([name, found]) => {
      const fault = faultOf(name, found);
      if (fault !== undefined) throw new pulumi.RunError(fault);
      return name;
    });
  }

  /** An output that the program cannot do without: an error says what to do if the stack does not have it. */
  require<Name extends OutputName>(name: Name): pulumi.Output<ValueOf<Name>> {
    return this.always(name);
  }

  protected always<T>(name: string): pulumi.Output<T> {
    return this.#read(name, (stack, value) => {
      if (value !== undefined && value !== null) return value as T;
      throw new pulumi.RunError(
        `Stack '${stack}' has no output '${name}', which this program needs. docs/outputs.md of Berth says when a stack ` +
          `has it; 'pulumi stack output -s ${stack}' shows what it has now.`,
      );
    });
  }

  protected maybe<T>(name: string): pulumi.Output<T | undefined> {
    return this.#read(name, (_, value) => (value ?? undefined) as T | undefined);
  }

  #read<T>(name: string, take: (stack: string, value: unknown) => T): pulumi.Output<T> {
    const value = pulumi.all([this.#checked, this.reference.getOutput(name)]).apply(([stack, found]) => {
      if (secretOutputs.includes(name) && isUndecrypted(found)) {
        throw new pulumi.RunError(
          `The output '${name}' of stack '${stack}' could not be decrypted here. Give this program that stack's passphrase ` +
            "(PULUMI_CONFIG_PASSPHRASE), or the right to decrypt with its KMS key.",
        );
      }
      return take(stack, found);
    }) as pulumi.Output<T>;
    // Even from a backend or an engine that has lost the mark.
    return secretOutputs.includes(name) ? (pulumi.secret(value) as pulumi.Output<T>) : value;
  }
}

/** The engine hands over an empty group for a secret that it could not decrypt, and goes on. */
const isUndecrypted = (value: unknown) =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** What is wrong with a stack's version of the outputs, and what to do. */
function faultOf(stack: string, found: unknown): string | undefined {
  if (found === outputsVersion) return undefined;
  if (found === undefined || found === null) {
    return (
      `Stack '${stack}' has no output 'outputsVersion'; expected ${outputsVersion}. Check that this is a stack of Berth and ` +
      `that it is deployed: pulumi stack output -s ${stack}`
    );
  }
  const advice =
    typeof found === "number" && found < outputsVersion
      ? "Deploy the stack with a newer Berth, or install the berth-outputs of the Berth that deployed it."
      : "Install the berth-outputs of the Berth that deployed it. Its CHANGELOG.md says what has changed for readers.";
  return (
    `Stack '${stack}' has outputs of version ${JSON.stringify(found)}; berth-outputs, which reads them here, expected ` +
    `version ${outputsVersion}. ${advice}`
  );
}
