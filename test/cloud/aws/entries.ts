// Secrets Manager and the Parameter Store, by the moto server.
import * as manager from "@aws-sdk/client-secrets-manager";
import * as store from "@aws-sdk/client-ssm";
import type { Properties } from "../../../engine/plugins/values.ts";
import { orGone, secretsManager, ssm } from "./clients.ts";
import { arn } from "./cloud.ts";
import { type Behaviour, object, requiredName, text } from "./resource.ts";

const tagged = (inputs: Properties) =>
  Object.entries(object(inputs.tags)).map(([Key, value]) => ({ Key, Value: text(value) }));

export const secretEntry: Behaviour = {
  defaults: { forceOverwriteReplicaSecret: false, recoveryWindowInDays: 30 },
  required: ["name"],
  valid: requiredName("name", /^[\w/+=.@-]{1,512}$/, "name for a secret"),
  async create(inputs) {
    const made = await secretsManager().send(
      new manager.CreateSecretCommand({
        Name: text(inputs.name),
        ...(inputs.description === undefined ? {} : { Description: text(inputs.description) }),
        Tags: tagged(inputs),
      }),
    );
    return { id: text(made.ARN), outputs: { arn: text(made.ARN) } };
  },
  async update(SecretId, inputs) {
    await secretsManager().send(
      new manager.UpdateSecretCommand({ SecretId, Description: text(inputs.description) }),
    );
    await secretsManager().send(new manager.TagResourceCommand({ SecretId, Tags: tagged(inputs) }));
    return {};
  },
  async delete(SecretId, state) {
    const days = Number(state.recoveryWindowInDays);
    const how = days === 0 ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: days };
    await orGone(secretsManager().send(new manager.DeleteSecretCommand({ SecretId, ...how })));
  },
  async read(SecretId) {
    const found = await orGone(secretsManager().send(new manager.DescribeSecretCommand({ SecretId })));
    return found && !found.DeletedDate ? {} : undefined;
  },
};

async function putSecret(inputs: Properties) {
  const made = await secretsManager().send(
    new manager.PutSecretValueCommand({
      SecretId: text(inputs.secretId),
      SecretString: text(inputs.secretString),
    }),
  );
  return { versionId: text(made.VersionId), arn: text(made.ARN), versionStages: made.VersionStages ?? [] };
}
export const secretVersion: Behaviour = {
  valid: (inputs) =>
    inputs.secretString === undefined
      ? [{ property: "secretString", reason: "the simulator carries secretString only" }]
      : [],
  // Another value is another version, which the real provider decides as it looks at both.
  replaces: (name) => name === "secretString",
  async create(inputs) {
    const outputs = await putSecret(inputs);
    return { id: `${text(inputs.secretId)}|${outputs.versionId}`, outputs };
  },
  // The value goes with its secret, as in AWS, where the current version has no removal.
  async delete() {},
  async read(_id, state) {
    const SecretId = text(state.secretId);
    const found = await orGone(secretsManager().send(new manager.GetSecretValueCommand({ SecretId })));
    return found ? { secretString: text(found.SecretString) } : undefined;
  },
};

const putParameter = (inputs: Properties, Overwrite: boolean) =>
  ssm().send(
    new store.PutParameterCommand({
      Name: text(inputs.name),
      Value: text(inputs.value),
      Type: text(inputs.type) as "String",
      Overwrite,
      ...(inputs.description === undefined ? {} : { Description: text(inputs.description) }),
      // AWS takes tags with a new parameter only.
      ...(Overwrite ? {} : { Tags: tagged(inputs) }),
    }),
  );
export const parameter: Behaviour = {
  required: ["name", "value"],
  valid: requiredName("name", /^[\w./-]{1,1011}$/, "name for a parameter"),
  async create(inputs) {
    const made = await putParameter(inputs, false);
    const name = text(inputs.name);
    const outputs = {
      arn: arn("ssm", `parameter${name.startsWith("/") ? "" : "/"}${name}`),
      version: made.Version ?? 1,
      tier: "Standard",
      dataType: "text",
      hasValueWo: false,
    };
    return { id: name, outputs };
  },
  async update(ResourceId, inputs) {
    const made = await putParameter(inputs, true);
    const Tags = tagged(inputs);
    if (Tags.length > 0)
      await ssm().send(new store.AddTagsToResourceCommand({ ResourceType: "Parameter", ResourceId, Tags }));
    return { version: made.Version ?? 1 };
  },
  async delete(Name) {
    await orGone(ssm().send(new store.DeleteParameterCommand({ Name })));
  },
  async read(Name) {
    const found = await orGone(ssm().send(new store.GetParameterCommand({ Name, WithDecryption: true })));
    return found?.Parameter
      ? { value: text(found.Parameter.Value), version: found.Parameter.Version ?? 1 }
      : undefined;
  },
};
