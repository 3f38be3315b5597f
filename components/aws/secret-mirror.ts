import { Secret } from "@pulumi/aws/secretsmanager/secret.js";
import { SecretVersion } from "@pulumi/aws/secretsmanager/secretVersion.js";
import { Parameter } from "@pulumi/aws/ssm/parameter.js";
import * as pulumi from "@pulumi/pulumi";
import { tagsOf } from "./naming.ts";

export interface SecretMirrorArgs {
  /** Where other teams look: AWS Secrets Manager (paid by the secret and month), or SSM's Parameter Store. */
  readonly to: "secrets-manager" | "parameter-store";
  /** The secrets by their names, of letters, digits, hyphens and underscores. */
  readonly secrets: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Copies of the stack's secrets for other teams: one that is rotated is rotated there, in the same update. */
export class SecretMirror extends pulumi.ComponentResource {
  /** By the name of each secret the one under which it is found there: `/PROJECT/STACK/NAME`. */
  readonly names: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: SecretMirrorArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:SecretMirror", name, {}, options);
    const copy = args.to === "secrets-manager" ? inSecretsManager : inParameterStore;
    this.names = pulumi.output(
      Object.fromEntries(
        Object.entries(args.secrets).map(([secret, value]) => [
          secret,
          copy(`${name}-${secret}`, placeOf(secret), secret, pulumi.secret(value), this),
        ]),
      ),
    );
    this.registerOutputs();
  }
}

/** Project and stack hold nothing that the two stores do not take. */
const placeOf = (secret: string) => `/${pulumi.getProject()}/${pulumi.getStack()}/${secret}`;

type Copy = (
  name: string,
  place: string,
  secret: string,
  value: pulumi.Output<string>,
  parent: pulumi.Resource,
) => pulumi.Output<string>;

const inSecretsManager: Copy = (name, place, secret, value, parent) => {
  const entry = new Secret(
    name,
    {
      name: place,
      description: `The secret '${secret}' of the stack; Berth writes it.`,
      tags: tagsOf(secret),
      // It is a copy. A name that stays taken for weeks would stop a stack that is made again.
      recoveryWindowInDays: 0,
    },
    { parent },
  );
  new SecretVersion(`${name}-value`, { secretId: entry.id, secretString: value }, { parent });
  return entry.name;
};

const inParameterStore: Copy = (name, place, secret, value, parent) =>
  new Parameter(
    name,
    {
      name: place,
      description: `The secret '${secret}' of the stack; Berth writes it.`,
      type: "SecureString",
      value,
      tags: tagsOf(secret),
    },
    { parent },
  ).name;
