// IAM, by the moto server, so that a key truly can and cannot.
import { createHmac } from "node:crypto";
import * as aws from "@aws-sdk/client-iam";
import { type Properties, secret } from "../../../engine/plugins/values.ts";
import { iam, orGone } from "./clients.ts";
import { drop, put, settings } from "./cloud.ts";
import { type Behaviour, object, requiredName, text } from "./resource.ts";

const name = (inputs: Properties) => text(inputs.name);
const tagged = (inputs: Properties) => ({
  Tags: Object.entries(object(inputs.tags)).map(([Key, value]) => ({ Key, Value: text(value) })),
});
/** The tags that are wanted, and those that are to go. */
const retagged = (inputs: Properties, before: Properties) => ({
  wanted: tagged(inputs),
  gone: { TagKeys: Object.keys(object(before.tags)).filter((key) => !(key in object(inputs.tags))) },
});
const named = (limit: number) =>
  requiredName("name", new RegExp(`^[\\w+=,.@-]{1,${limit}}$`), "name for IAM");

export const role: Behaviour = {
  defaults: { forceDetachPolicies: false, maxSessionDuration: 3600, path: "/" },
  required: ["name"],
  valid: named(64),
  json: ["assumeRolePolicy"],
  async create(inputs) {
    const { Role } = await iam().send(
      new aws.CreateRoleCommand({
        RoleName: name(inputs),
        AssumeRolePolicyDocument: text(inputs.assumeRolePolicy),
        ...(inputs.description === undefined ? {} : { Description: text(inputs.description) }),
        ...tagged(inputs),
      }),
    );
    put("roles", { id: name(inputs), arn: Role?.Arn ?? "" });
    const createDate = `${Role?.CreateDate?.toISOString()}`;
    return { id: name(inputs), outputs: { arn: Role?.Arn ?? "", uniqueId: Role?.RoleId ?? "", createDate } };
  },
  async update(RoleName, inputs, before) {
    const PolicyDocument = text(inputs.assumeRolePolicy);
    await iam().send(new aws.UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
    const { wanted, gone } = retagged(inputs, before);
    await iam().send(new aws.TagRoleCommand({ RoleName, ...wanted }));
    if (gone.TagKeys.length > 0) await iam().send(new aws.UntagRoleCommand({ RoleName, ...gone }));
    return {};
  },
  async delete(RoleName) {
    await orGone(iam().send(new aws.DeleteRoleCommand({ RoleName })));
    drop("roles", RoleName);
  },
  read: async (RoleName) =>
    (await orGone(iam().send(new aws.GetRoleCommand({ RoleName })))) ? {} : undefined,
};

export const rolePolicy: Behaviour = {
  required: ["name"],
  valid: named(128),
  json: ["policy"],
  async create(inputs) {
    await putRolePolicy(inputs);
    return { id: `${text(inputs.role)}:${name(inputs)}`, outputs: {} };
  },
  async update(_id, inputs) {
    await putRolePolicy(inputs);
    return {};
  },
  async delete(_id, state) {
    const which = { RoleName: text(state.role), PolicyName: name(state) };
    await orGone(iam().send(new aws.DeleteRolePolicyCommand(which)));
  },
  async read(_id, state) {
    const which = { RoleName: text(state.role), PolicyName: name(state) };
    return (await orGone(iam().send(new aws.GetRolePolicyCommand(which)))) ? {} : undefined;
  },
};
const putRolePolicy = (inputs: Properties) =>
  iam().send(
    new aws.PutRolePolicyCommand({
      RoleName: text(inputs.role),
      PolicyName: name(inputs),
      PolicyDocument: text(inputs.policy),
    }),
  );

export const instanceProfile: Behaviour = {
  defaults: { path: "/" },
  required: ["name"],
  valid: named(128),
  async create(inputs) {
    const InstanceProfileName = name(inputs);
    const made = await iam().send(
      new aws.CreateInstanceProfileCommand({ InstanceProfileName, ...tagged(inputs) }),
    );
    const outputs = {
      arn: made.InstanceProfile?.Arn ?? "",
      uniqueId: made.InstanceProfile?.InstanceProfileId ?? "",
      createDate: `${made.InstanceProfile?.CreateDate?.toISOString()}`,
    };
    await setRole(InstanceProfileName, "", text(inputs.role));
    put("instance-profiles", { id: InstanceProfileName, arn: outputs.arn, role: text(inputs.role) });
    return { id: InstanceProfileName, outputs };
  },
  async update(InstanceProfileName, inputs, before) {
    await setRole(InstanceProfileName, text(before.role), text(inputs.role));
    put("instance-profiles", { id: InstanceProfileName, arn: text(before.arn), role: text(inputs.role) });
    await iam().send(new aws.TagInstanceProfileCommand({ InstanceProfileName, ...tagged(inputs) }));
    return {};
  },
  async delete(InstanceProfileName, state) {
    await setRole(InstanceProfileName, text(state.role), "");
    await orGone(iam().send(new aws.DeleteInstanceProfileCommand({ InstanceProfileName })));
    drop("instance-profiles", InstanceProfileName);
  },
  async read(InstanceProfileName) {
    return (await orGone(iam().send(new aws.GetInstanceProfileCommand({ InstanceProfileName }))))
      ? {}
      : undefined;
  },
};

async function setRole(InstanceProfileName: string, before: string, after: string): Promise<void> {
  if (before === after) return;
  if (before) {
    const which = { InstanceProfileName, RoleName: before };
    await orGone(iam().send(new aws.RemoveRoleFromInstanceProfileCommand(which)));
  }
  if (after)
    await iam().send(new aws.AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName: after }));
}

export const user: Behaviour = {
  defaults: { forceDestroy: false, path: "/" },
  required: ["name"],
  valid: named(64),
  async create(inputs) {
    const { User } = await iam().send(
      new aws.CreateUserCommand({ UserName: name(inputs), ...tagged(inputs) }),
    );
    return { id: name(inputs), outputs: { arn: User?.Arn ?? "", uniqueId: User?.UserId ?? "" } };
  },
  async update(UserName, inputs, before) {
    if (name(inputs) !== UserName) {
      throw new Error(`iam user ${UserName}: the simulator does not rename users`);
    }
    const { wanted, gone } = retagged(inputs, before);
    await iam().send(new aws.TagUserCommand({ UserName, ...wanted }));
    if (gone.TagKeys.length > 0) await iam().send(new aws.UntagUserCommand({ UserName, ...gone }));
    return {};
  },
  async delete(UserName, state) {
    const keys = await orGone(iam().send(new aws.ListAccessKeysCommand({ UserName })));
    if (state.forceDestroy === true) {
      for (const { AccessKeyId = "" } of keys?.AccessKeyMetadata ?? [])
        await iam().send(new aws.DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    }
    await orGone(iam().send(new aws.DeleteUserCommand({ UserName })));
  },
  read: async (UserName) =>
    (await orGone(iam().send(new aws.GetUserCommand({ UserName })))) ? {} : undefined,
};

const putUserPolicy = (inputs: Properties) =>
  iam().send(
    new aws.PutUserPolicyCommand({
      UserName: text(inputs.user),
      PolicyName: name(inputs),
      PolicyDocument: text(inputs.policy),
    }),
  );
export const userPolicy: Behaviour = {
  required: ["name"],
  valid: named(128),
  json: ["policy"],
  async create(inputs) {
    await putUserPolicy(inputs);
    return { id: `${text(inputs.user)}:${name(inputs)}`, outputs: {} };
  },
  async update(_id, inputs) {
    await putUserPolicy(inputs);
    return {};
  },
  async delete(_id, state) {
    const which = { UserName: text(state.user), PolicyName: name(state) };
    await orGone(iam().send(new aws.DeleteUserPolicyCommand(which)));
  },
  async read(_id, state) {
    const which = { UserName: text(state.user), PolicyName: name(state) };
    return (await orGone(iam().send(new aws.GetUserPolicyCommand(which)))) ? {} : undefined;
  },
};

/** https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html */
function smtpPassword(key: string): string {
  const sign = (by: Buffer | string, what: string) => createHmac("sha256", by).update(what).digest();
  let signature: Buffer = sign(`AWS4${key}`, "11111111");
  for (const part of [settings().region, "ses", "aws4_request", "SendRawEmail"])
    signature = sign(signature, part);
  return Buffer.concat([Buffer.from([4]), signature]).toString("base64");
}

/** A user has two keys at most; a third is refused, as by AWS. */
export const accessKey: Behaviour = {
  defaults: { status: "Active" },
  async create(inputs) {
    const UserName = text(inputs.user);
    const keys = await iam().send(new aws.ListAccessKeysCommand({ UserName }));
    if ((keys.AccessKeyMetadata ?? []).length >= 2) {
      throw new Error(
        "CreateAccessKey: api error LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2",
      );
    }
    const { AccessKey: key } = await iam().send(new aws.CreateAccessKeyCommand({ UserName }));
    const id = text(key?.AccessKeyId);
    if (inputs.status === "Inactive") await setStatus(id, inputs);
    const hidden = text(key?.SecretAccessKey);
    return {
      id,
      outputs: {
        secret: secret(hidden),
        sesSmtpPasswordV4: secret(smtpPassword(hidden)),
        createDate: `${key?.CreateDate?.toISOString()}`,
      },
    };
  },
  async update(id, inputs) {
    await setStatus(id, inputs);
    return {};
  },
  async delete(AccessKeyId, state) {
    await orGone(iam().send(new aws.DeleteAccessKeyCommand({ UserName: text(state.user), AccessKeyId })));
  },
  async read(id, state) {
    const keys = await orGone(iam().send(new aws.ListAccessKeysCommand({ UserName: text(state.user) })));
    return keys?.AccessKeyMetadata?.some((key) => key.AccessKeyId === id) ? {} : undefined;
  },
};
const setStatus = (AccessKeyId: string, inputs: Properties) =>
  iam().send(
    new aws.UpdateAccessKeyCommand({
      UserName: text(inputs.user),
      AccessKeyId,
      Status: text(inputs.status) as "Active" | "Inactive",
    }),
  );
