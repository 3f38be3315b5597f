// The look-ups (invokes), with the real provider's words for what there is not.

import { HeadBucketCommand } from "@aws-sdk/client-s3";
import type { ProviderFunction } from "../../../engine/plugins/provider.ts";
import type { Properties, Value } from "../../../engine/plugins/values.ts";
import { orGone, s3 } from "./clients.ts";
import { all, called, find, settings, type Thing } from "./cloud.ts";
import { instanceTypes } from "./instances.ts";
import { zones } from "./network.ts";
import { list, object, text } from "./resource.ts";

/** EC2's filters, and where each is found in a thing. A filter that is not here is refused. */
const filterNames: Readonly<Record<string, (thing: Thing) => Value | undefined>> = {
  "vpc-id": (one) => one.vpcId ?? one.id,
  "subnet-id": (one) => one.id,
  "volume-id": (one) => one.id,
  "image-id": (one) => one.id,
  "instance-type": (one) => one.instanceType ?? one.id,
  "default-for-az": (one) => one.defaultForAz,
  "is-default": (one) => one.isDefault,
  "availability-zone": (one) => one.availabilityZone,
  name: (one) => one.name,
  architecture: (one) => one.architecture,
  state: () => "available",
  status: (one) =>
    all("attachments", (other) => other.volumeId === one.id).length > 0 ? "in-use" : "available",
  "opt-in-status": () => "opt-in-not-required",
  "root-device-type": () => "ebs",
  "virtualization-type": () => "hvm",
  "owner-id": (one) => one.ownerId,
};

const globbed = (pattern: string, value: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  ).test(value);

function matching(things: readonly Thing[], args: Properties): Thing[] {
  const filters = Array.isArray(args.filters) ? args.filters.map(object) : [];
  const tags = Object.entries(object(args.tags));
  return things.filter(
    (thing) =>
      tags.every(([key, value]) => object(thing.tags)[key] === value) &&
      filters.every((filter) => {
        const name = text(filter.name);
        const value = name.startsWith("tag:")
          ? object(thing.tags)[name.slice(4)]
          : (filterNames[name] ?? refuse(name))(thing);
        return list(filter.values).some((pattern) => globbed(pattern, `${value ?? ""}`));
      }),
  );
}

function refuse(name: string): never {
  throw new Error(`the simulated AWS knows no filter '${name}'`);
}

function only(things: readonly Thing[], what: string): Thing {
  const [found, second] = things;
  if (!found) throw new Error(`no matching ${what} found`);
  if (second)
    throw new Error(
      `multiple ${what}s matched; use additional constraints to reduce matches to a single ${what}`,
    );
  return found;
}

const getVpc: ProviderFunction = async (args) => {
  called("ec2:DescribeVpcs");
  const wanted = all(
    "vpcs",
    (one) =>
      (args.id === undefined || one.id === args.id) &&
      (args.default === undefined || one.isDefault === args.default) &&
      (args.cidrBlock === undefined || one.cidrBlock === args.cidrBlock),
  );
  const found = only(matching(wanted, args), "EC2 VPC");
  return { ...found, default: found.isDefault ?? false, tags: found.tags ?? {} };
};

const getSubnets: ProviderFunction = async (args) => {
  called("ec2:DescribeSubnets");
  const { region } = settings();
  return {
    id: region,
    ids: matching(all("subnets"), args).map((one) => one.id),
    tags: args.tags ?? {},
    region,
  };
};

const getSubnet: ProviderFunction = async (args) => {
  called("ec2:DescribeSubnets");
  const wanted = all(
    "subnets",
    (one) =>
      (args.id === undefined || one.id === args.id) && (args.vpcId === undefined || one.vpcId === args.vpcId),
  );
  const found = only(matching(wanted, args), "EC2 Subnet");
  return { ...found, tags: found.tags ?? {}, state: "available" };
};

const getAmi: ProviderFunction = async (args) => {
  called("ec2:DescribeImages");
  const owners = list(args.owners);
  const wanted = all("images", (one) => owners.length === 0 || owners.includes(text(one.ownerId)));
  const found = matching(wanted, args).sort((left, right) =>
    text(left.creationDate) < text(right.creationDate) ? 1 : -1,
  );
  const [newest, second] = found;
  if (!newest)
    throw new Error("Your query returned no results. Please change your search criteria and try again.");
  if (second && args.mostRecent !== true) {
    throw new Error(
      "Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.",
    );
  }
  return {
    ...newest,
    imageId: newest.id,
    state: "available",
    rootDeviceType: "ebs",
    virtualizationType: "hvm",
    tags: {},
  };
};

const getInstanceType: ProviderFunction = async (args) => {
  called("ec2:DescribeInstanceTypes");
  const name = text(args.instanceType);
  const found = instanceTypes[name];
  if (!found) {
    throw new Error(
      `reading EC2 Instance Type (${name}): operation error EC2: DescribeInstanceTypes, api error InvalidInstanceType: The following supplied instance types do not exist: [${name}]`,
    );
  }
  return {
    id: name,
    instanceType: name,
    memorySize: found.memory,
    defaultVcpus: found.vcpus,
    supportedArchitectures: [found.architecture],
    currentGeneration: true,
    hypervisor: "nitro",
    bareMetal: false,
  };
};

const getInstanceTypeOfferings: ProviderFunction = async (args) => {
  called("ec2:DescribeInstanceTypeOfferings");
  const { region } = settings();
  const byZone = args.locationType === "availability-zone";
  // A thing of the kind "offerings" says that a type, its id, is in some zones alone.
  const offers = Object.keys(instanceTypes).flatMap((type) =>
    (byZone ? list(find("offerings", type)?.zones ?? zones()) : [region]).map((location) => ({
      id: type,
      location,
    })),
  );
  const found = matching(offers, args) as { id: string; location: string }[];
  return {
    id: region,
    instanceTypes: found.map(({ id }) => id),
    locations: found.map(({ location }) => location),
    locationTypes: found.map(() => (byZone ? "availability-zone" : "region")),
    region,
  };
};

/** As an account has them at first; a thing of the kind "quotas" says otherwise. */
const getServiceQuota: ProviderFunction = async (args) => {
  called("servicequotas:GetServiceQuota");
  const code = text(args.quotaCode);
  return {
    id: code,
    serviceCode: args.serviceCode ?? "",
    quotaCode: code,
    value: find("quotas", code)?.value ?? 32,
  };
};

const getInstances: ProviderFunction = async (args) => {
  called("ec2:DescribeInstances");
  const { region } = settings();
  const states = args.instanceStateNames === undefined ? ["running"] : list(args.instanceStateNames);
  const found = matching(
    all("instances", (one) => states.includes(text(one.instanceState))),
    { filters: args.filters ?? [], tags: args.instanceTags ?? {} },
  );
  return {
    id: region,
    ids: found.map(({ id }) => id),
    instanceTags: args.instanceTags ?? {},
    ipv6Addresses: [],
    privateIps: found.map((one) => text(one.privateIp)),
    publicIps: found.map((one) => text(one.publicIp)),
    region,
  };
};

const getInstance: ProviderFunction = async (args) => {
  called("ec2:DescribeInstances", "ec2:DescribeInstanceAttribute");
  const wanted = all("instances", (one) => args.instanceId === undefined || one.id === args.instanceId);
  const found = matching(wanted, { filters: args.filters ?? [], tags: args.instanceTags ?? {} });
  if (!found[0])
    throw new Error("Your query returned no results. Please change your search criteria and try again.");
  if (found[1])
    throw new Error("Your query returned more than one result. Please try a more specific search criteria.");
  const { architecture: _, userData: __, ...shown } = found[0];
  return { ...shown, tags: shown.tags ?? {} };
};

const getEbsVolumes: ProviderFunction = async (args) => {
  called("ec2:DescribeVolumes");
  const { region } = settings();
  return {
    id: region,
    ids: matching(all("volumes"), args).map((one) => one.id),
    tags: args.tags ?? {},
    region,
  };
};

const getVolume: ProviderFunction = async (args) => {
  called("ec2:DescribeVolumes");
  const found = matching(all("volumes"), args);
  if (!found[0])
    throw new Error("Your query returned no results. Please change your search criteria and try again.");
  if (found[1] && args.mostRecent !== true) throw new Error("Your query returned more than one result.");
  return {
    ...found[0],
    volumeId: found[0].id,
    volumeType: found[0].type ?? "gp2",
    tags: found[0].tags ?? {},
  };
};

const getSnapshot: ProviderFunction = async (args) => {
  called("ec2:DescribeSnapshots");
  const found = all("snapshots", (one) => list(args.snapshotIds).includes(one.id))[0];
  if (!found)
    throw new Error("Your query returned no results. Please change your search criteria and try again.");
  return { ...found, snapshotId: found.id, state: "completed" };
};

const getAvailabilityZones: ProviderFunction = async () => {
  called("ec2:DescribeAvailabilityZones");
  const names = zones();
  return {
    id: settings().region,
    names,
    zoneIds: names.map((name) => `${name}-id`),
    groupNames: [settings().region],
  };
};

const getCallerIdentity: ProviderFunction = async () => {
  called("sts:GetCallerIdentity");
  const { account } = settings();
  return {
    id: account,
    accountId: account,
    arn: `arn:aws:iam::${account}:user/admin`,
    userId: "AIDASIMULATED",
  };
};

const getRegion: ProviderFunction = async () => {
  const { region } = settings();
  return { id: region, name: region, region, endpoint: `ec2.${region}.amazonaws.com`, description: region };
};

const getZone: ProviderFunction = async (args) => {
  called("route53:ListHostedZones");
  const name = text(args.name).replace(/\.$/, "");
  const found = all(
    "zones",
    (one) =>
      (args.zoneId === undefined || one.id === args.zoneId) &&
      (name === "" || one.name === name) &&
      one.privateZone === (args.privateZone === true),
  );
  const zone = only(found, "Route 53 Hosted Zone");
  return {
    ...zone,
    zoneId: zone.id,
    nameServers: ["ns-1.awsdns-01.org"],
    tags: {},
    arn: `arn:aws:route53:::hostedzone/${zone.id}`,
  };
};

const getRecords: ProviderFunction = async (args) => {
  called("route53:ListResourceRecordSets");
  const names = new RegExp(text(args.nameRegex));
  const found = all("records", (one) => one.zoneId === args.zoneId && names.test(`${text(one.name)}.`));
  return {
    id: text(args.zoneId),
    zoneId: text(args.zoneId),
    resourceRecordSets: found.map((one) => ({
      name: `${text(one.name)}.`,
      type: text(one.type),
      resourceRecords: list(one.records).map((value) => ({ value })),
    })),
  };
};

const getEips: ProviderFunction = async (args) => {
  called("ec2:DescribeAddresses");
  const found = matching(all("addresses"), args);
  return {
    id: settings().region,
    allocationIds: found.map(({ id }) => id),
    publicIps: found.map((one) => text(one.publicIp)),
  };
};

const getBucket: ProviderFunction = async (args) => {
  const Bucket = text(args.bucket);
  const { region } = settings();
  if (find("taken-buckets", Bucket)) {
    throw new Error(
      `reading S3 Bucket (${Bucket}): operation error S3: HeadBucket, https response error StatusCode: 403, api error Forbidden: Forbidden`,
    );
  }
  const found = await orGone(s3().send(new HeadBucketCommand({ Bucket })));
  if (!found) throw new Error(`reading S3 Bucket (${Bucket}): couldn't find resource`);
  return { id: Bucket, bucket: Bucket, arn: `arn:aws:s3:::${Bucket}`, region, bucketRegion: region };
};

export const functions: Readonly<Record<string, ProviderFunction>> = {
  "aws:ec2/getVpc:getVpc": getVpc,
  "aws:ec2/getSubnets:getSubnets": getSubnets,
  "aws:ec2/getSubnet:getSubnet": getSubnet,
  "aws:ec2/getAmi:getAmi": getAmi,
  "aws:ec2/getInstanceType:getInstanceType": getInstanceType,
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": getInstanceTypeOfferings,
  "aws:ec2/getInstances:getInstances": getInstances,
  "aws:ec2/getInstance:getInstance": getInstance,
  "aws:ebs/getEbsVolumes:getEbsVolumes": getEbsVolumes,
  "aws:ebs/getVolume:getVolume": getVolume,
  "aws:ebs/getSnapshot:getSnapshot": getSnapshot,
  "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
  "aws:index/getCallerIdentity:getCallerIdentity": getCallerIdentity,
  "aws:index/getRegion:getRegion": getRegion,
  "aws:route53/getZone:getZone": getZone,
  "aws:route53/getRecords:getRecords": getRecords,
  "aws:ec2/getEips:getEips": getEips,
  "aws:s3/getBucket:getBucket": getBucket,
  "aws:servicequotas/getServiceQuota:getServiceQuota": getServiceQuota,
};
