// Networks, and who may come in: kept as state, with what EC2 refuses. What is let in is enforced by packets.ts.
import type { Properties, Value } from "../../../engine/plugins/values.ts";
import {
  AwsError,
  all,
  arn,
  called,
  drop,
  find,
  locked,
  need,
  newId,
  put,
  settings,
  type Thing,
} from "./cloud.ts";
import { applyRules } from "./packets.ts";
import { type Behaviour, list, text } from "./resource.ts";

/** First and last address of an IPv4 network as numbers; undefined when it is none, or not given by its first. */
export function range(cidr: string): { first: number; last: number; bits: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const [a = 999, b = 999, c = 999, d = 999, bits = 99] = match?.slice(1).map(Number) ?? [];
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return undefined;
  const first = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  return first % 2 ** (32 - bits) === 0 ? { first, last: first + 2 ** (32 - bits) - 1, bits } : undefined;
}

const tags = (inputs: Properties) => ({ tags: inputs.tags ?? {} });

/** A thing that EC2 keeps and that nothing here depends on beyond its record. */
function record(
  kind: string,
  prefix: string,
  operations: { create: string; delete: string; update?: string },
  make: (inputs: Properties, id: string) => Properties,
  options: { inUse?: (id: string) => string | undefined; check?: (inputs: Properties) => void } = {},
): Behaviour {
  return {
    create: (inputs) =>
      locked(() => {
        called(`ec2:${operations.create}`);
        options.check?.(inputs);
        const id = newId(prefix);
        const outputs = make(inputs, id);
        put(kind, { ...inputs, ...outputs, id });
        return { id, outputs };
      }),
    update: (id, inputs, before) =>
      locked(() => {
        called(`ec2:${operations.update ?? "CreateTags"}`);
        const now = need(kind, id, operations.update ?? "CreateTags", "InvalidID");
        put(kind, { ...now, ...before, ...inputs, id });
        applyRules();
        return {};
      }),
    delete: (id) =>
      locked(() => {
        called(`ec2:${operations.delete}`);
        const user = options.inUse?.(id);
        if (user) {
          throw new AwsError(
            operations.delete,
            "DependencyViolation",
            `${id} has dependencies (${user}) and cannot be deleted.`,
          );
        }
        drop(kind, id);
      }),
    async read(id) {
      const now = find(kind, id);
      if (!now) return undefined;
      const { id: _, ...properties } = now;
      return properties;
    },
  };
}

const users = (kind: string, property: string) => (id: string) =>
  all(kind, (thing) => thing[property] === id).map((thing) => thing.id)[0];
const firstOf =
  (...finders: ((id: string) => string | undefined)[]) =>
  (id: string) =>
    finders.map((finder) => finder(id)).find((found) => found !== undefined);

export const vpc = record(
  "vpcs",
  "vpc",
  { create: "CreateVpc", delete: "DeleteVpc", update: "ModifyVpcAttribute" },
  (inputs, id) => ({
    arn: arn("ec2", `vpc/${id}`),
    ownerId: settings().account,
    isDefault: false,
    enableDnsSupport: inputs.enableDnsSupport ?? true,
    enableDnsHostnames: inputs.enableDnsHostnames ?? false,
    instanceTenancy: inputs.instanceTenancy ?? "default",
    ...tags(inputs),
  }),
  {
    check(inputs) {
      const block = range(text(inputs.cidrBlock));
      if (!block || block.bits < 16 || block.bits > 28) {
        throw new AwsError("CreateVpc", "InvalidVpc.Range", `The CIDR '${inputs.cidrBlock}' is invalid.`);
      }
    },
    inUse: firstOf(
      users("subnets", "vpcId"),
      users("security-groups", "vpcId"),
      users("internet-gateways", "vpcId"),
      users("route-tables", "vpcId"),
    ),
  },
);

export const internetGateway = record(
  "internet-gateways",
  "igw",
  { create: "CreateInternetGateway", delete: "DeleteInternetGateway" },
  (inputs, id) => ({
    arn: arn("ec2", `internet-gateway/${id}`),
    ownerId: settings().account,
    vpcId: inputs.vpcId ?? "",
    ...tags(inputs),
  }),
);

export const subnet = record(
  "subnets",
  "subnet",
  { create: "CreateSubnet", delete: "DeleteSubnet", update: "ModifySubnetAttribute" },
  (inputs, id) => ({
    arn: arn("ec2", `subnet/${id}`),
    ownerId: settings().account,
    availabilityZone: inputs.availabilityZone ?? `${settings().region}a`,
    mapPublicIpOnLaunch: inputs.mapPublicIpOnLaunch ?? false,
    defaultForAz: false,
    ...tags(inputs),
  }),
  {
    check(inputs) {
      const inside = need("vpcs", inputs.vpcId, "CreateSubnet", "InvalidVpcID.NotFound");
      const [outer, wanted] = [range(text(inside.cidrBlock)), range(text(inputs.cidrBlock))];
      if (!wanted || !outer || wanted.first < outer.first || wanted.last > outer.last || wanted.bits > 28) {
        throw new AwsError(
          "CreateSubnet",
          "InvalidSubnet.Range",
          `The CIDR '${inputs.cidrBlock}' is invalid.`,
        );
      }
      for (const other of all("subnets", (one) => one.vpcId === inputs.vpcId)) {
        const taken = range(text(other.cidrBlock));
        if (taken && wanted.first <= taken.last && taken.first <= wanted.last) {
          const message = `The CIDR '${inputs.cidrBlock}' conflicts with another subnet`;
          throw new AwsError("CreateSubnet", "InvalidSubnet.Conflict", message);
        }
      }
      const zone = inputs.availabilityZone;
      if (zone !== undefined && !zones().includes(text(zone))) {
        const message = `Value (${zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: ${zones().join(", ")}.`;
        throw new AwsError("CreateSubnet", "InvalidParameterValue", message);
      }
    },
    inUse: firstOf(users("instances", "subnetId"), users("nat-gateways", "subnetId")),
  },
);

export const zones = () => ["a", "b", "c"].map((letter) => `${settings().region}${letter}`);

export const routeTable = record(
  "route-tables",
  "rtb",
  { create: "CreateRouteTable", delete: "DeleteRouteTable" },
  (inputs, id) => ({ arn: arn("ec2", `route-table/${id}`), ownerId: settings().account, ...tags(inputs) }),
  {
    check: (inputs) => void need("vpcs", inputs.vpcId, "CreateRouteTable", "InvalidVpcID.NotFound"),
    inUse: users("route-table-associations", "routeTableId"),
  },
);

export const route = record(
  "routes",
  "r-rtb",
  { create: "CreateRoute", delete: "DeleteRoute", update: "ReplaceRoute" },
  () => ({ origin: "CreateRoute", state: "active" }),
  {
    check(inputs) {
      need("route-tables", inputs.routeTableId, "CreateRoute", "InvalidRouteTableID.NotFound");
      const same = (one: Thing) =>
        one.routeTableId === inputs.routeTableId && one.destinationCidrBlock === inputs.destinationCidrBlock;
      if (all("routes", same).length > 0) {
        const message = `The route identified by ${inputs.destinationCidrBlock} already exists.`;
        throw new AwsError("CreateRoute", "RouteAlreadyExists", message);
      }
      if (inputs.gatewayId !== undefined)
        need("internet-gateways", inputs.gatewayId, "CreateRoute", "InvalidInternetGatewayID.NotFound");
      if (inputs.natGatewayId !== undefined)
        need("nat-gateways", inputs.natGatewayId, "CreateRoute", "InvalidNatGatewayID.NotFound");
    },
  },
);

export const routeTableAssociation = record(
  "route-table-associations",
  "rtbassoc",
  { create: "AssociateRouteTable", delete: "DisassociateRouteTable", update: "ReplaceRouteTableAssociation" },
  () => ({}),
  {
    check(inputs) {
      need("route-tables", inputs.routeTableId, "AssociateRouteTable", "InvalidRouteTableID.NotFound");
      need("subnets", inputs.subnetId, "AssociateRouteTable", "InvalidSubnetID.NotFound");
      if (all("route-table-associations", (one) => one.subnetId === inputs.subnetId).length > 0) {
        const message = `the specified association for subnet ${inputs.subnetId} already exists`;
        throw new AwsError("AssociateRouteTable", "Resource.AlreadyAssociated", message);
      }
    },
  },
);

export const natGateway = record(
  "nat-gateways",
  "nat",
  { create: "CreateNatGateway", delete: "DeleteNatGateway" },
  (inputs) => ({
    connectivityType: inputs.connectivityType ?? "public",
    publicIp: find("addresses", inputs.allocationId)?.publicIp ?? "",
    ...tags(inputs),
  }),
  {
    check(inputs) {
      need("subnets", inputs.subnetId, "CreateNatGateway", "InvalidSubnetID.NotFound");
      need("addresses", inputs.allocationId, "CreateNatGateway", "InvalidAllocationID.NotFound");
    },
  },
);

const connectRecord = record(
  "connect-endpoints",
  "eice",
  { create: "CreateInstanceConnectEndpoint", delete: "DeleteInstanceConnectEndpoint" },
  (inputs, id) => {
    const subnet = find("subnets", inputs.subnetId);
    return {
      arn: arn("ec2", `instance-connect-endpoint/${id}`),
      ownerId: settings().account,
      vpcId: subnet?.vpcId ?? "",
      availabilityZone: subnet?.availabilityZone ?? "",
      ...tags(inputs),
    };
  },
  {
    check(inputs) {
      const operation = "CreateInstanceConnectEndpoint";
      const { vpcId } = need("subnets", inputs.subnetId, operation, "InvalidSubnetID.NotFound");
      for (const group of list(inputs.securityGroupIds)) {
        need("security-groups", group, operation, "InvalidGroup.NotFound");
      }
      if (all("connect-endpoints", (one) => one.vpcId === vpcId).length > 0) {
        const message = `You have reached the maximum number of EC2 Instance Connect Endpoints for ${vpcId}`;
        throw new AwsError(operation, "InstanceConnectEndpointLimitExceeded", message);
      }
    },
  },
);

/** By which a tunnel would reach an instance; what stands in for one in a test asks for it and for its rules. */
export const connectEndpoint: Behaviour = {
  ...connectRecord,
  // EC2 changes none; the real provider's schema does not say so.
  replaces: (name) => name !== "tags",
};

const groupRecord = record(
  "security-groups",
  "sg",
  { create: "CreateSecurityGroup", delete: "DeleteSecurityGroup" },
  (inputs, id) => ({
    arn: arn("ec2", `security-group/${id}`),
    ownerId: settings().account,
    vpcId: inputs.vpcId ?? defaultVpc().id,
    ...tags(inputs),
  }),
  {
    check(inputs) {
      need("vpcs", inputs.vpcId ?? defaultVpc().id, "CreateSecurityGroup", "InvalidVpcID.NotFound");
      const inVpc = inputs.vpcId ?? defaultVpc().id;
      if (all("security-groups", (one) => one.vpcId === inVpc && one.name === inputs.name).length > 0) {
        const message = `The security group '${inputs.name}' already exists for VPC '${inVpc}'`;
        throw new AwsError("CreateSecurityGroup", "InvalidGroup.Duplicate", message);
      }
    },
    inUse: firstOf(
      (id) => all("instances", (one) => list(one.vpcSecurityGroupIds).includes(id)).map((one) => one.id)[0],
      users("rules", "referencedSecurityGroupId"),
      (id) =>
        all("connect-endpoints", (one) => list(one.securityGroupIds).includes(id)).map((one) => one.id)[0],
    ),
  },
);

/** The class of characters that a group's name and descriptions may have: EC2's own. */
const allowed = /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]{0,255}$/;

export const securityGroup: Behaviour = {
  ...groupRecord,
  // Terraform's default, which cannot be changed later.
  defaults: { description: "Managed by Pulumi", revokeRulesOnDelete: false },
  required: ["name"],
  valid(inputs) {
    const faults = ["name", "description"].filter((name) => !allowed.test(text(inputs[name])));
    const reserved = text(inputs.name).startsWith("sg-") ? ["name"] : [];
    return [...faults, ...reserved].map((property) => ({
      property,
      reason: `invalid value for ${property} (${text(inputs[property])}): of 255 of EC2's characters at most, and no name that starts with sg-`,
    }));
  },
  async delete(id, state, context) {
    await groupRecord.delete(id, state, context);
    for (const rule of all("rules", (one) => one.securityGroupId === id)) drop("rules", rule.id);
  },
};

const rule = (direction: "ingress" | "egress"): Behaviour => {
  const word = direction === "ingress" ? "Ingress" : "Egress";
  const operation = `AuthorizeSecurityGroup${word}`;
  const sources = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
  const facts = (inputs: Properties) =>
    [
      direction,
      inputs.securityGroupId,
      inputs.ipProtocol,
      inputs.fromPort,
      inputs.toPort,
      ...sources.map((name) => inputs[name]),
    ]
      .map((value) => `${value ?? ""}`)
      .join(" ");
  const basic = record(
    "rules",
    "sgr",
    { create: operation, delete: `RevokeSecurityGroup${word}`, update: "ModifySecurityGroupRules" },
    (inputs, id) => ({
      arn: arn("ec2", `security-group-rule/${id}`),
      securityGroupRuleId: id,
      direction,
      ...tags(inputs),
    }),
    {
      check(inputs) {
        need("security-groups", inputs.securityGroupId, operation, "InvalidGroup.NotFound");
        if (inputs.referencedSecurityGroupId !== undefined)
          need("security-groups", inputs.referencedSecurityGroupId, operation, "InvalidGroup.NotFound");
        if (inputs.cidrIpv4 !== undefined && !range(text(inputs.cidrIpv4))) {
          throw new AwsError(
            operation,
            "InvalidParameterValue",
            `CIDR block ${inputs.cidrIpv4} is malformed`,
          );
        }
        if (all("rules", (one) => facts(one) === facts(inputs)).length > 0) {
          throw new AwsError(operation, "InvalidPermission.Duplicate", "the specified rule already exists");
        }
      },
    },
  );
  const enforced = async <Result>(work: Promise<Result>): Promise<Result> => {
    const result = await work;
    await locked(applyRules);
    return result;
  };
  return {
    ...basic,
    replaces: (name) => name === "securityGroupId",
    valid(inputs) {
      const given = sources.filter((name) => inputs[name] !== undefined);
      if (given.length === 1) return [];
      const reason = `Invalid Attribute Combination: exactly one of ${sources.join(", ")} is needed, found ${given.length}`;
      return [{ property: "cidrIpv4", reason }];
    },
    create: (inputs, context) => enforced(basic.create(inputs, context)),
    delete: (id, state, context) => enforced(basic.delete(id, state, context)),
  };
};
export const ingressRule = rule("ingress");
export const egressRule = rule("egress");

export const defaultVpc = (): Thing => {
  const found = all("vpcs", (one) => one.isDefault === true)[0];
  if (!found) throw new AwsError("DescribeVpcs", "VPCIdNotSpecified", "No default VPC for this user.");
  return found;
};

export const keyPair: Behaviour = {
  required: ["keyName"],
  create: (inputs) =>
    locked(() => {
      called("ec2:ImportKeyPair");
      const id = text(inputs.keyName);
      if (find("key-pairs", id)) {
        throw new AwsError(
          "ImportKeyPair",
          "InvalidKeyPair.Duplicate",
          `The keypair '${id}' already exists.`,
        );
      }
      if (!/^(ssh-rsa|ssh-ed25519) [A-Za-z0-9+/=]+/.test(text(inputs.publicKey))) {
        throw new AwsError(
          "ImportKeyPair",
          "InvalidKey.Format",
          "Key is not in valid OpenSSH public key format",
        );
      }
      const outputs: Record<string, Value> = {
        arn: arn("ec2", `key-pair/${id}`),
        keyPairId: newId("key"),
        keyType: text(inputs.publicKey).startsWith("ssh-rsa") ? "rsa" : "ed25519",
        fingerprint: "",
      };
      put("key-pairs", { ...inputs, ...outputs, id });
      return { id, outputs };
    }),
  update: async () => ({}),
  async delete(id) {
    called("ec2:DeleteKeyPair");
    drop("key-pairs", id);
  },
  read: async (id, state) => (find("key-pairs", id) ? state : undefined),
};
