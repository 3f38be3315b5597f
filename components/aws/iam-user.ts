import { AccessKey } from "@pulumi/aws/iam/accessKey.js";
import { User } from "@pulumi/aws/iam/user.js";
import { UserPolicy } from "@pulumi/aws/iam/userPolicy.js";
import * as pulumi from "@pulumi/pulumi";
import { cloudName, limits, tagsOf } from "./naming.ts";

export interface IamUserArgs {
  /** What the user may, an IAM policy in JSON. */
  readonly policy: pulumi.Input<string>;
  /**
   * The key's generation, 1 at first. Raised by one it makes a new key, and the one before goes on working until
   * the next is made: AWS lets a user have two. Never raise it by more, nor lower it: that deletes the key in use
   * before there is another. Of uploads {@link keyTurn} sees to it
   * (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html#Using_RotateAccessKey).
   */
  readonly generation: number;
}

/**
 * An IAM user for an application that does not run on EC2, with an access key that can be rotated while the
 * application runs. There are two places for keys: `a` for odd generations, `b` for even ones. A rotation fills the
 * place that is not in use, so that the application never holds a key that is gone.
 */
export class IamUser extends pulumi.ComponentResource {
  /** The user's ARN. */
  readonly arn: pulumi.Output<string>;
  /** The id of the newest key. */
  readonly accessKeyId: pulumi.Output<string>;
  /** Its secret part. */
  readonly secretAccessKey: pulumi.Output<string>;

  readonly #name: string;

  constructor(name: string, args: IamUserArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:IamUser", name, {}, options);
    this.#name = name;
    const user = new User(
      `${name}-user`,
      { name: cloudName(name, limits.iamUser), tags: tagsOf(name) },
      { parent: this },
    );
    const policy = new UserPolicy(
      `${name}-policy`,
      { user: user.name, name: cloudName(name, limits.iamPolicy), policy: args.policy },
      { parent: this },
    );
    if (args.generation > 1) this.#key(args.generation - 1, user, policy);
    const key = this.#key(args.generation, user, policy);
    this.arn = user.arn;
    this.accessKeyId = key.id;
    this.secretAccessKey = pulumi.secret(key.secret);
    this.registerOutputs();
  }

  #key(generation: number, user: User, policy: UserPolicy): AccessKey {
    const place = generation % 2 === 1 ? "a" : "b";
    return new AccessKey(
      `${this.#name}-key-${place}`,
      { user: user.name },
      // A key may what the policy says from its first moment on; AWS refuses a third, so the old one goes first.
      { parent: this, dependsOn: [policy], replacementTrigger: generation, deleteBeforeReplace: true },
    );
  }
}
