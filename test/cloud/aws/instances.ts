// EC2's instances, disks and addresses. An instance is a real machine on this computer (machines.ts), a volume a real
// disk in it, an Elastic IP a real way to it (packets.ts).
import { chmodSync, constants, copyFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { dirname } from "node:path";
import { GetInstanceProfileCommand } from "@aws-sdk/client-iam";
import type { Properties } from "../../../engine/plugins/values.ts";
import { iam } from "./clients.ts";
import {
  AwsError,
  all,
  arn,
  called,
  cloudId,
  drop,
  find,
  locked,
  need,
  newId,
  put,
  settings,
  type Thing,
} from "./cloud.ts";
import { diskFile, grown, loopDevice, machineName, plug, release, script, unplug } from "./machines.ts";
import { startMetadata, stopMetadata } from "./metadata-service.ts";
import { defaultVpc } from "./network.ts";
import { applyRules, bridgeAddress, dropRoute } from "./packets.ts";
import { type Behaviour, list, object, text } from "./resource.ts";

export interface InstanceType {
  readonly vcpus: number;
  /** MiB. */
  readonly memory: number;
  readonly architecture: "x86_64" | "arm64";
}

/** A few of EC2's types (https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html); all others are unknown here. */
export const instanceTypes: Readonly<Record<string, InstanceType>> = Object.fromEntries(
  [...["t3", "t3a"].map((family) => [family, "x86_64"] as const), ["t4g", "arm64"] as const]
    .flatMap(([family, architecture]) =>
      Object.entries({ nano: 512, micro: 1024, small: 2048, medium: 4096, large: 8192, xlarge: 16384 }).map(
        ([size, memory]) => [
          `${family}.${size}`,
          { architecture, memory, vcpus: size === "xlarge" ? 4 : 2 } satisfies InstanceType,
        ],
      ),
    )
    .concat([
      ["m7i.large", { architecture: "x86_64", memory: 8192, vcpus: 2 }],
      ["m7g.large", { architecture: "arm64", memory: 8192, vcpus: 2 }],
    ]),
);

const here = arch() === "arm64" ? "arm64" : "x86_64";

function typeOf(inputs: Properties, operation: string): InstanceType {
  const name = text(inputs.instanceType);
  const found = instanceTypes[name];
  if (!found)
    throw new AwsError(operation, "InvalidParameterValue", `Invalid value '${name}' for InstanceType.`);
  return found;
}

/** What EC2 refuses before it makes a machine. */
function checkLaunch(inputs: Properties): { type: InstanceType; subnet: Thing } {
  const refused = (code: string, message: string) => new AwsError("RunInstances", code, message);
  const image = need("images", inputs.ami, "RunInstances", "InvalidAMIID.NotFound");
  const type = typeOf(inputs, "RunInstances");
  if (image.architecture !== type.architecture) {
    const message = `The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI.`;
    throw refused(
      "InvalidParameterValue",
      `${message} Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
  }
  if (type.architecture !== here) {
    throw refused(
      "InsufficientInstanceCapacity",
      `this computer makes machines for ${here} only, not ${type.architecture}`,
    );
  }
  const defaults = () => all("subnets", (one) => one.vpcId === defaultVpc().id)[0];
  const subnet =
    inputs.subnetId === undefined
      ? defaults()
      : need("subnets", inputs.subnetId, "RunInstances", "InvalidSubnetID.NotFound");
  if (!subnet) throw refused("MissingInput", "No subnets found for the default VPC.");
  for (const id of list(inputs.vpcSecurityGroupIds)) {
    const group = need("security-groups", id, "RunInstances", "InvalidGroup.NotFound");
    if (group.vpcId !== subnet.vpcId)
      throw refused(
        "InvalidParameter",
        `Security group ${id} and subnet ${subnet.id} belong to different networks.`,
      );
  }
  if (inputs.keyName !== undefined)
    need("key-pairs", inputs.keyName, "RunInstances", "InvalidKeyPair.NotFound");
  const userData = userDataOf(inputs);
  if (userData.length > 16384) throw refused("InvalidParameterValue", "User data is limited to 16384 bytes");
  return { type, subnet };
}

const userDataOf = (inputs: Properties) =>
  inputs.userDataBase64 === undefined
    ? text(inputs.userData)
    : Buffer.from(text(inputs.userDataBase64), "base64").toString();

const rootSize = (inputs: Properties) => Number(object(inputs.rootBlockDevice).volumeSize ?? 8);

export const instance: Behaviour = {
  defaults: { getPasswordData: false, sourceDestCheck: true, forceDestroy: false },
  required: ["ami", "instanceType"],
  replaces: (name, before, after) =>
    (["userData", "userDataBase64"].includes(name) && after.userDataReplaceOnChange === true) ||
    // Its system would not run there.
    (name === "instanceType" &&
      instanceTypes[text(before.instanceType)]?.architecture !==
        instanceTypes[text(after.instanceType)]?.architecture),
  async create(inputs, context) {
    called("ec2:RunInstances", "ec2:DescribeInstances");
    const { type, subnet } = checkLaunch(inputs);
    if (inputs.iamInstanceProfile !== undefined) {
      const InstanceProfileName = text(inputs.iamInstanceProfile);
      await iam()
        .send(new GetInstanceProfileCommand({ InstanceProfileName }))
        .catch(() => {
          const message = `Value (${InstanceProfileName}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`;
          throw new AwsError("RunInstances", "InvalidParameterValue", message);
        });
    }
    const id = newId("i");
    const machine = machineName(id);
    const userData = userDataOf(inputs);
    // Written down first: whatever happens to this process, the machine is known and can be removed.
    await locked(() => put("instances", { id, ami: inputs.ami ?? "", instanceState: "pending" }));
    try {
      context.log("info", `starting ${id}`, { status: true });
      const size = { memory: type.memory, disk: rootSize(inputs) };
      const made = await script("create.sh", machine, size, userData || "#cloud-config\n{}\n");
      const { address } = JSON.parse(made) as { address: string };
      const outputs: Properties = {
        arn: arn("ec2", `instance/${id}`),
        availabilityZone: text(subnet.availabilityZone),
        subnetId: subnet.id,
        vpcSecurityGroupIds: list(inputs.vpcSecurityGroupIds),
        architecture: type.architecture,
        instanceState: "running",
        launchTime: new Date().toISOString(),
        privateIp: address,
        privateDns: `ip-${address.replaceAll(".", "-")}.${settings().region}.compute.internal`,
        publicIp: "",
        publicDns: "",
        primaryNetworkInterfaceId: newId("eni"),
        userData: inputs.userData ?? null,
        disableApiTermination: inputs.disableApiTermination ?? false,
        metadataOptions: {
          httpEndpoint: "enabled",
          httpTokens: "required",
          httpPutResponseHopLimit: 2,
          ...object(inputs.metadataOptions),
        },
        rootBlockDevice: {
          volumeSize: rootSize(inputs),
          volumeType: "gp3",
          encrypted: false,
          deleteOnTermination: true,
          ...object(inputs.rootBlockDevice),
          volumeId: newId("vol"),
          deviceName: "/dev/xvda",
        },
        tenancy: "default",
        monitoring: inputs.monitoring ?? false,
      };
      await locked(async () => {
        put("instances", { ...inputs, ...outputs, userData, id });
        await startMetadata(bridgeAddress());
        applyRules();
      });
      const { architecture: _, launchTime: __, ...shown } = outputs;
      return { id, outputs: shown };
    } catch (error) {
      await terminate(id);
      throw error;
    }
  },

  async update(id, inputs, before) {
    const now = need("instances", id, "ModifyInstanceAttribute", "InvalidInstanceID.NotFound");
    const type = typeOf(inputs, "ModifyInstanceAttribute");
    const changed = (name: string) =>
      JSON.stringify(inputs[name] ?? null) !== JSON.stringify(before[name] ?? null);
    const known = Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
    const userData = userDataOf(inputs);
    if (changed("instanceType") || rootSize(inputs) !== rootSize(before)) {
      called("ec2:StopInstances", "ec2:ModifyInstanceAttribute", "ec2:StartInstances");
      await script("stop.sh", machineName(id));
      await script("keep.sh", machineName(id), { memory: type.memory, disk: rootSize(inputs) });
    } else called("ec2:ModifyInstanceAttribute");
    await locked(async () => {
      put("instances", { ...now, ...known, userData, instanceState: "running", id });
      await startMetadata(bridgeAddress());
      applyRules();
    });
    return { instanceState: "running" };
  },

  async delete(id) {
    called("ec2:TerminateInstances");
    const now = find("instances", id);
    if (now?.disableApiTermination === true && now.forceDestroy !== true) {
      const message = `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
      throw new AwsError("TerminateInstances", "OperationNotPermitted", message);
    }
    await terminate(id);
  },

  async read(id) {
    called("ec2:DescribeInstances");
    const now = find("instances", id);
    if (!now) return undefined;
    const { id: _, architecture: __, launchTime: ___, ...properties } = now;
    return properties;
  },
};

/** The machine of an instance that is stopped, with what it has. */
async function start(id: string): Promise<void> {
  called("ec2:StartInstances");
  const now = need("instances", id, "StartInstances", "InvalidInstanceID.NotFound");
  const { memory } = typeOf(now, "StartInstances");
  await script("keep.sh", machineName(id), { memory, disk: rootSize(now) });
  await locked(async () => {
    put("instances", { ...now, instanceState: "running", launchTime: new Date().toISOString() });
    await startMetadata(bridgeAddress());
    applyRules();
  });
}

/** https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ec2/ec2_instance_state.go */
export const instanceState: Behaviour = {
  defaults: { force: false },
  async create(inputs) {
    called("ec2:DescribeInstances");
    const id = text(inputs.instanceId);
    const now = need("instances", id, "DescribeInstances", "InvalidInstanceID.NotFound");
    if (inputs.state === "running" && now.instanceState !== "running") await start(id);
    return { id, outputs: {} };
  },
  async update(id, inputs) {
    if (inputs.state === "running" && find("instances", id)?.instanceState !== "running") await start(id);
    return {};
  },
  // The instance stays as it is.
  async delete() {},
  async read(id) {
    called("ec2:DescribeInstances");
    const now = find("instances", id);
    return now && { state: text(now.instanceState) };
  },
};

async function terminate(id: string): Promise<void> {
  await script("destroy.sh", machineName(id));
  await locked(async () => {
    for (const attachment of all("attachments", (one) => one.instanceId === id)) {
      await release(text(attachment.volumeId));
      drop("attachments", attachment.id);
    }
    for (const address of all("addresses", (one) => one.instanceId === id)) {
      put("addresses", { ...address, instanceId: "", associationId: "" });
    }
    drop("instances", id);
    if (all("instances").length === 0) stopMetadata();
    applyRules();
  });
}

export const volume: Behaviour = {
  valid: (inputs) =>
    inputs.size === undefined && inputs.snapshotId === undefined
      ? [{ property: "size", reason: "Missing required argument: 'size' or 'snapshotId' must be specified" }]
      : [],
  create: (inputs) =>
    locked(() => {
      called("ec2:CreateVolume", "ec2:DescribeVolumes");
      const snapshot = inputs.snapshotId === undefined ? undefined : find("snapshots", inputs.snapshotId);
      if (inputs.snapshotId !== undefined && snapshot === undefined) {
        throw new AwsError(
          "CreateVolume",
          "InvalidSnapshot.NotFound",
          `The snapshot '${inputs.snapshotId}' does not exist.`,
        );
      }
      const zones = all("subnets").map((one) => one.availabilityZone);
      if (
        !zones.includes(inputs.availabilityZone as string) &&
        !text(inputs.availabilityZone).startsWith(settings().region)
      ) {
        throw new AwsError(
          "CreateVolume",
          "InvalidZone.NotFound",
          `The zone '${inputs.availabilityZone}' does not exist.`,
        );
      }
      const id = newId("vol");
      const file = diskFile(id);
      mkdirSync(dirname(file), { recursive: true });
      if (snapshot !== undefined) copyFileSync(diskFile(snapshot.id), file, constants.COPYFILE_EXCL);
      else writeFileSync(file, "", { flag: "wx", mode: 0o600 });
      chmodSync(file, 0o600);
      truncateSync(file, Number(inputs.size) * 2 ** 30);
      const outputs: Properties = {
        arn: arn("ec2", `volume/${id}`),
        type: inputs.type ?? "gp2",
        encrypted: inputs.encrypted ?? false,
        createTime: new Date().toISOString(),
        kmsKeyId:
          inputs.kmsKeyId ?? (inputs.encrypted ? arn("kms", "key/00000000-0000-4000-8000-000000000000") : ""),
        iops: inputs.iops ?? 3000,
        throughput: inputs.throughput ?? 125,
        snapshotId: inputs.snapshotId ?? "",
      };
      put("volumes", { ...inputs, ...outputs, id });
      return { id, outputs };
    }),
  update: (id, inputs) =>
    locked(() => {
      called("ec2:ModifyVolume");
      const now = need("volumes", id, "ModifyVolume", "InvalidVolume.NotFound");
      if (Number(inputs.size) < Number(now.size)) {
        const message = `New size cannot be smaller than existing size: '${now.size}'`;
        throw new AwsError("ModifyVolume", "InvalidParameterValue", message);
      }
      truncateSync(diskFile(id), Number(inputs.size) * 2 ** 30);
      grown(id);
      put("volumes", { ...now, ...inputs, id });
      return {};
    }),
  delete: (id, state) =>
    locked(() => {
      if (state.finalSnapshot === true) {
        called("ec2:CreateSnapshot", "ec2:DescribeSnapshots");
        const snapshot = newId("snap");
        copyFileSync(diskFile(id), diskFile(snapshot));
        put("snapshots", {
          id: snapshot,
          volumeId: id,
          volumeSize: Number(state.size),
          tags: state.tags ?? {},
        });
      }
      called("ec2:DeleteVolume");
      const user = all("attachments", (one) => one.volumeId === id)[0];
      if (user) {
        throw new AwsError(
          "DeleteVolume",
          "VolumeInUse",
          `Volume ${id} is currently attached to ${user.instanceId}`,
        );
      }
      if (loopDevice(id) !== "")
        throw new AwsError("DeleteVolume", "VolumeInUse", `Volume ${id} is still in use`);
      rmSync(diskFile(id), { force: true });
      drop("volumes", id);
    }),
  async read(id) {
    called("ec2:DescribeVolumes");
    const now = find("volumes", id);
    if (!now) return undefined;
    const { id: _, ...properties } = now;
    return properties;
  },
};

export const volumeAttachment: Behaviour = {
  create: (inputs) =>
    locked(() => {
      called("ec2:AttachVolume");
      const volume = need("volumes", inputs.volumeId, "AttachVolume", "InvalidVolume.NotFound");
      const target = need("instances", inputs.instanceId, "AttachVolume", "InvalidInstanceID.NotFound");
      const name = text(inputs.deviceName);
      const taken = all("attachments", (one) => one.volumeId === volume.id)[0];
      if (taken) {
        const message = `${volume.id} is already attached to an instance`;
        throw new AwsError("AttachVolume", "VolumeInUse", message);
      }
      if (volume.availabilityZone !== target.availabilityZone) {
        const message = `The volume '${volume.id}' is not in the same availability zone as instance '${target.id}'`;
        throw new AwsError("AttachVolume", "InvalidVolume.ZoneMismatch", message);
      }
      if (!/^\/dev\/(sd[b-z]|xvd[b-z])$/.test(name)) {
        throw new AwsError(
          "AttachVolume",
          "InvalidParameterValue",
          `Value (${name}) for parameter device is invalid.`,
        );
      }
      const other = all("attachments", (one) => one.instanceId === target.id && one.deviceName === name)[0];
      if (other) {
        const message = `Invalid value '${name}' for unixDevice. Attachment point ${name} is already in use`;
        throw new AwsError("AttachVolume", "InvalidParameterValue", message);
      }
      plug(machineName(target.id), volume.id, name);
      const id = `vai-${cloudId(`${name} ${target.id} ${volume.id}`)}`;
      put("attachments", { ...inputs, id });
      return { id, outputs: {} };
    }),
  update: async () => ({}),
  async delete(id, state) {
    const attachment = find("attachments", id);
    if (!attachment) return;
    const machine = machineName(text(attachment.instanceId));
    if (state.stopInstanceBeforeDetaching === true) {
      called("ec2:StopInstances");
      await script("stop.sh", machine);
      await locked(() => {
        const now = find("instances", attachment.instanceId);
        if (now) put("instances", { ...now, instanceState: "stopped" });
        applyRules();
      });
    }
    called("ec2:DetachVolume");
    await locked(async () => {
      await unplug(machine, text(attachment.volumeId), text(attachment.deviceName));
      drop("attachments", id);
    });
  },
  async read(id) {
    return find("attachments", id) ? {} : undefined;
  },
};

/** 198.18.0.0/15 is for tests of networks (RFC 2544): no real host has such an address. */
function freeAddress(): string {
  const taken = all("addresses").map((one) => one.publicIp);
  const block = Number.parseInt(cloudId().slice(0, 4), 16);
  for (let last = 10; last < 250; last++) {
    const address = `198.${18 + (block & 1)}.${block >> 8}.${last}`;
    if (!taken.includes(address)) return address;
  }
  throw new AwsError(
    "AllocateAddress",
    "AddressLimitExceeded",
    "The maximum number of addresses has been reached.",
  );
}

export const address: Behaviour = {
  create: (inputs) =>
    locked(() => {
      called("ec2:AllocateAddress");
      const id = newId("eipalloc");
      const publicIp = freeAddress();
      const outputs: Properties = {
        arn: arn("ec2", `elastic-ip/${id}`),
        allocationId: id,
        publicIp,
        publicDns: `ec2-${publicIp.replaceAll(".", "-")}.${settings().region}.compute.amazonaws.com`,
        domain: "vpc",
        associationId: "",
      };
      put("addresses", { ...inputs, ...outputs, instanceId: "", id });
      applyRules();
      return { id, outputs };
    }),
  update: async (id, inputs) => {
    const now = need("addresses", id, "CreateTags", "InvalidAllocationID.NotFound");
    put("addresses", { ...now, tags: inputs.tags ?? {}, id });
    return {};
  },
  delete: (id) =>
    locked(() => {
      called("ec2:ReleaseAddress");
      const now = find("addresses", id);
      if (
        text(now?.associationId) !== "" ||
        all("nat-gateways", (one) => one.allocationId === id).length > 0
      ) {
        const message = `Address ${id} is in use`;
        throw new AwsError("ReleaseAddress", "InvalidIPAddress.InUse", message);
      }
      drop("addresses", id);
      if (now) dropRoute(text(now.publicIp));
      applyRules();
    }),
  async read(id, state) {
    return find("addresses", id) ? state : undefined;
  },
};

export const addressAssociation: Behaviour = {
  required: ["allocationId"],
  create: (inputs) =>
    locked(() => {
      called("ec2:AssociateAddress");
      const allocation = need(
        "addresses",
        inputs.allocationId,
        "AssociateAddress",
        "InvalidAllocationID.NotFound",
      );
      const target = need("instances", inputs.instanceId, "AssociateAddress", "InvalidInstanceID.NotFound");
      if (text(allocation.associationId) !== "" && inputs.allowReassociation !== true) {
        const message = `resource ${allocation.id} is already associated with associate-id ${allocation.associationId}`;
        throw new AwsError("AssociateAddress", "Resource.AlreadyAssociated", message);
      }
      const id = newId("eipassoc");
      put("addresses", { ...allocation, instanceId: target.id, associationId: id });
      applyRules();
      const outputs: Properties = {
        publicIp: text(allocation.publicIp),
        privateIpAddress: text(target.privateIp),
        networkInterfaceId: text(target.primaryNetworkInterfaceId),
      };
      return { id, outputs };
    }),
  update: async () => ({}),
  delete: (id) =>
    locked(() => {
      called("ec2:DisassociateAddress");
      for (const one of all("addresses", (allocation) => allocation.associationId === id)) {
        put("addresses", { ...one, instanceId: "", associationId: "" });
      }
      applyRules();
    }),
  async read(id, state) {
    return all("addresses", (one) => one.associationId === id).length > 0 ? state : undefined;
  },
};
