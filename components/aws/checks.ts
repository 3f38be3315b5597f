import { getEbsVolumes } from "@pulumi/aws/ebs/getEbsVolumes.js";
import { getVolume } from "@pulumi/aws/ebs/getVolume.js";
import { getAmi } from "@pulumi/aws/ec2/getAmi.js";
import { getInstance } from "@pulumi/aws/ec2/getInstance.js";
import { getInstances } from "@pulumi/aws/ec2/getInstances.js";
import { getInstanceType } from "@pulumi/aws/ec2/getInstanceType.js";
import { getInstanceTypeOfferings } from "@pulumi/aws/ec2/getInstanceTypeOfferings.js";
import { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import { getSubnets } from "@pulumi/aws/ec2/getSubnets.js";
import { getVpc } from "@pulumi/aws/ec2/getVpc.js";
import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones.js";
import { getCallerIdentity } from "@pulumi/aws/getCallerIdentity.js";
import { getZone } from "@pulumi/aws/route53/getZone.js";
import { getBucket } from "@pulumi/aws/s3/getBucket.js";
import * as pulumi from "@pulumi/pulumi";
import { configKey, firstHost } from "../host/host.ts";
import { parseCidr } from "./cidr.ts";
import { isIn } from "./dns.ts";
import { hostTags, limits, tagsOf } from "./naming.ts";
import type { NetworkChoice } from "./network.ts";

/** What a stack wants of an EC2 instance, by the keys of its host. */
export interface InstanceWishes {
  readonly instanceType: string;
  /** @default the newest Debian 13 */
  readonly image?: string | undefined;
}

/** What a stack wants of the EC2 host that serves the site, by the keys under `host`. */
export interface HostWishes extends InstanceWishes {
  readonly region: string;
  /** GiB. */
  readonly dataVolume: number;
  readonly network: NetworkChoice;
}

export interface CloudWishes<Host extends HostWishes | undefined = HostWishes | undefined> {
  /** The host; undefined when it is not on AWS. */
  readonly host: Host;
  /** More hosts by their names, in the first one's subnet. @default none */
  readonly others?: Readonly<Record<string, InstanceWishes>>;
  /** `site.zone`. */
  readonly zone: string | undefined;
  /** The names of the site. One of them at least should be in the zone. @default not looked at */
  readonly names?: readonly string[];
  /** `media.bucket`. */
  readonly bucket: string | undefined;
  /** `secrets.mirror`. @default "none" */
  readonly mirror?: "none" | "secrets-manager" | "parameter-store";
}

/** What AWS tells of a machine to be made. */
export interface InstanceFacts {
  /** What the instance type runs. */
  readonly architecture: "arm64" | "x86_64";
  /** The image that the stack names, or else the newest Debian 13 for that architecture. */
  readonly image: string;
}

export interface CloudFacts extends InstanceFacts {
  /** The same of the stack's other hosts. */
  readonly others: Readonly<Record<string, InstanceFacts>>;
}

/** An instance that is asked for: its name in the program, and where it is to be. */
interface Wanted extends InstanceWishes, Pick<HostWishes, "region" | "network"> {
  readonly name: string;
}

type Ask = pulumi.InvokeOptions;

/** Debian's own account, and what it calls its images (https://wiki.debian.org/Cloud/AmazonEC2Image/Trixie). */
const debian = { owner: "136693071363", arm64: "debian-13-arm64-*", x86_64: "debian-13-amd64-*" };

/** As `Network` asks. */
const ordinaryZones = {
  state: "available",
  filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
};
const defaultSubnets = (vpc: string) => [
  { name: "vpc-id", values: [vpc] },
  { name: "default-for-az", values: ["true"] },
];

/** Addresses for private networks (RFC 1918, and RFC 6598 for those that these would clash with). */
const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/** Beginnings and ends that S3 keeps for itself (the page of {@link limits.bucket}). */
const reservedBuckets =
  /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-an)$|^\d+\.\d+\.\d+\.\d+$/;

/**
 * Asks AWS whether it can give what the stack wants.
 *
 * @throws {pulumi.RunError} naming every fault at once: the key, what was found, what is expected, what to do
 */
export async function checkCloud<Host extends HostWishes | undefined>(
  wishes: CloudWishes<Host>,
  provider: pulumi.ProviderResource,
): Promise<Host extends undefined ? undefined : CloudFacts>;
export async function checkCloud(
  wishes: CloudWishes,
  provider: pulumi.ProviderResource,
): Promise<CloudFacts | undefined> {
  const ask = { provider };
  const refusal = await accountFault(ask);
  if (refusal !== undefined) throw refused([refusal]);

  const { host } = wishes;
  const wanted = host === undefined ? [] : instancesOf(host, wishes.others);
  const [machines, ...found] = await Promise.all([
    Promise.all(wanted.map((one) => findMachine(one, ask))),
    host ? volumeFaults(host, ask) : [],
    host ? networkFaults(host.network, ask) : [],
    zoneFaults(wishes, ask),
    bucketFaults(wishes.bucket, ask),
    mirrorFaults(wishes.mirror),
  ]);
  const faults = [...machines.flatMap((one) => (Array.isArray(one) ? one : [])), ...found.flat()];
  if (faults.length > 0) throw refused(faults);
  const [first, ...others] = machines as InstanceFacts[];
  const named = others.map((facts, index) => [wanted[index + 1]?.name, facts] as const);
  return first && { ...first, others: Object.fromEntries(named) };
}

function instancesOf(host: HostWishes, others: Readonly<Record<string, InstanceWishes>> = {}): Wanted[] {
  const { region, network } = host;
  return Object.entries({ [firstHost]: host, ...others }).map(([name, { instanceType, image }]) => ({
    name,
    region,
    network,
    instanceType,
    image,
  }));
}

function refused(faults: readonly string[]): pulumi.RunError {
  const stack = pulumi.getStack();
  return new pulumi.RunError(
    [
      `Nothing has been changed: AWS cannot do what stack '${stack}' (Pulumi.${stack}.yaml) asks for:`,
      ...faults.map((fault) => `  ${fault}`),
      "Every key is described in docs/configuration.md; docs/aws.md says what the deploying account must be allowed.",
    ].join("\n"),
  );
}

/** Whether there is an account at all; without one every other question would get the same answer. */
async function accountFault(ask: Ask): Promise<string | undefined> {
  const answer = await asked(getCallerIdentity({}, ask));
  return answer.value
    ? undefined
    : `AWS: expected credentials of an account; found none that work: ${answer.error} ` +
        "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, so that 'aws sts get-caller-identity' answers; check the region, too.";
}

async function findMachine(host: Wanted, ask: Ask): Promise<InstanceFacts | string[]> {
  const { instanceType, region, image } = host;
  const key = `${configKey(host.name)}.instanceType`;
  const kind = await asked(getInstanceType({ instanceType }, ask), /InvalidInstanceType/);
  if (kind.error !== undefined) return [unclear(key, kind.error)];
  if (kind.value === undefined) {
    return [
      `${key}: expected a type that EC2 has in ${region}, such as t4g.small; found "${instanceType}". ` +
        `All of them: aws ec2 describe-instance-types --region ${region} --query 'InstanceTypes[].InstanceType'`,
    ];
  }
  const runs = kind.value.supportedArchitectures;
  const architecture = (["arm64", "x86_64"] as const).find((one) => runs.includes(one));
  if (architecture === undefined) {
    return [
      `${key}: expected a type for arm64 or x86_64; found "${instanceType}" for ${runs.join(", ")}. Choose another.`,
    ];
  }
  const [facts, away] = await Promise.all([
    image === undefined ? newestDebian(host, architecture, ask) : givenImage(host, image, architecture, ask),
    placeFaults(host, ask),
  ]);
  if (Array.isArray(facts)) return [...facts, ...away];
  const faults = [...away, ...(image === undefined ? await keptImageFaults(host, facts, ask) : [])];
  return faults.length > 0 ? faults : facts;
}

/** A region offers a type, and yet not each of its zones need have it. */
async function placeFaults({ name, instanceType, network }: Wanted, ask: Ask): Promise<string[]> {
  const key = `${configKey(name)}.instanceType`;
  const filters = [{ name: "instance-type", values: [instanceType] }];
  const [zone, offers] = await Promise.all([
    // Without an answer the check of the network says why.
    asked(firstZone(network, ask)),
    asked(getInstanceTypeOfferings({ locationType: "availability-zone", filters }, ask)),
  ]);
  if (offers.value === undefined) return [unclear(key, offers.error)];
  const { locations } = offers.value;
  return zone.value === undefined || locations.includes(zone.value)
    ? []
    : [
        `${key}: expected a type that ${zone.value} has, the zone of the host's subnet; found "${instanceType}", which is in ${locations.sort().join(", ") || "no zone"}. ` +
          "Choose another type, or a network whose first subnet is in such a zone (host.network, kind 'given').",
      ];
}

/** The zone of the subnet that `Network` puts first; undefined where there is none. */
async function firstZone(network: NetworkChoice, ask: Ask): Promise<string | undefined> {
  const zoneOf = async (id: string) => (await getSubnet({ id }, ask)).availabilityZone;
  switch (network.kind) {
    case "given":
      return zoneOf(network.subnets[0] as string);
    case "own":
      return (await getAvailabilityZones(ordinaryZones, ask)).names.sort()[0];
    case "default": {
      const vpc = await getVpc({ default: true }, ask);
      const { ids } = await getSubnets({ filters: defaultSubnets(vpc.id) }, ask);
      return (await Promise.all(ids.map(zoneOf))).sort()[0];
    }
  }
}

/** An instance keeps its image unless another one is named, and no image runs on both architectures. */
async function keptImageFaults(host: Wanted, newest: InstanceFacts, ask: Ask): Promise<string[]> {
  const { name, instanceType } = host;
  const key = `${configKey(name)}.instanceType`;
  const instances = await asked(
    getInstances(
      {
        instanceTags: hostTags(name),
        instanceStateNames: ["pending", "running", "stopping", "stopped"],
      },
      ask,
    ),
  );
  if (instances.value === undefined) return [unclear(key, instances.error)];
  const faults = instances.value.ids.map(async (instanceId) => {
    const instance = await asked(getInstance({ instanceId }, ask));
    if (instance.value === undefined) return [unclear(key, instance.error)];
    const before = await asked(getInstanceType({ instanceType: instance.value.instanceType }, ask));
    if (before.value === undefined) return [unclear(key, before.error)];
    const { supportedArchitectures } = before.value;
    return supportedArchitectures.includes(newest.architecture)
      ? []
      : [
          `${key}: expected a type for ${supportedArchitectures.join(" or ")}, as the image ${instance.value.ami} of the stack's instance ${instanceId} is; found "${instanceType}" for ${newest.architecture}. ` +
            `To change over, name an image for ${newest.architecture} by ${configKey(name)}.image as well, such as ${newest.image}: it replaces the instance, and ${name === firstHost ? "address and data stay" : "its address stays"}.`,
        ];
  });
  return (await Promise.all(faults)).flat();
}

async function newestDebian(
  { name: of, region }: Wanted,
  architecture: InstanceFacts["architecture"],
  ask: Ask,
): Promise<InstanceFacts | string[]> {
  const key = `${configKey(of)}.image`;
  const name = debian[architecture];
  const filters = [
    { name: "name", values: [name] },
    { name: "architecture", values: [architecture] },
    { name: "state", values: ["available"] },
  ];
  const answer = await asked(
    getAmi({ owners: [debian.owner], mostRecent: true, filters }, ask),
    /no results/,
  );
  if (answer.error !== undefined) return [unclear(key, answer.error)];
  return answer.value
    ? { architecture, image: answer.value.id }
    : [
        `host.region: expected a region with Debian 13 images; found none named ${name} of account ${debian.owner} in ${region}. ` +
          `Name an image by ${key}, or choose another region.`,
      ];
}

async function givenImage(
  { name, region, instanceType }: Wanted,
  image: string,
  architecture: InstanceFacts["architecture"],
  ask: Ask,
): Promise<InstanceFacts | string[]> {
  const key = `${configKey(name)}.image`;
  const filters = [{ name: "image-id", values: [image] }];
  const answer = await asked(getAmi({ includeDeprecated: true, filters }, ask), /no results|InvalidAMIID/);
  if (answer.error !== undefined) return [unclear(key, answer.error)];
  const next = "Name another, or none for the newest Debian 13.";
  if (answer.value === undefined) {
    return [`${key}: expected an image that this account may use in ${region}; found no ${image}. ${next}`];
  }
  return answer.value.architecture === architecture
    ? { architecture, image }
    : [
        `${key}: expected an image for ${architecture}, which ${instanceType} is; found ${image} for ${answer.value.architecture}. ${next}`,
      ];
}

/** A volume cannot shrink: a smaller one would be another one, and empty. */
async function volumeFaults(host: HostWishes, ask: Ask): Promise<string[]> {
  const key = "host.dataVolume";
  const { project = "", stack = "", component = "" } = tagsOf("data");
  const there = { name: "status", values: ["creating", "available", "in-use"] };
  const volumes = await asked(getEbsVolumes({ tags: { project, stack, component }, filters: [there] }, ask));
  if (volumes.value === undefined) return [unclear(key, volumes.error)];
  const faults = volumes.value.ids.map(async (id) => {
    const answer = await asked(getVolume({ filters: [{ name: "volume-id", values: [id] }] }, ask));
    if (answer.value === undefined) return [unclear(key, answer.error)];
    return answer.value.size > host.dataVolume
      ? [
          `${key}: expected ${answer.value.size} or more, as the stack's volume ${id} has, because a volume can only grow; found ${host.dataVolume}.`,
        ]
      : [];
  });
  return (await Promise.all(faults)).flat();
}

async function networkFaults(network: NetworkChoice, ask: Ask): Promise<string[]> {
  switch (network.kind) {
    case "default":
      return defaultNetworkFaults(ask);
    case "given":
      return givenNetworkFaults(network, ask);
    case "own":
      return ownNetworkFaults(network);
  }
}

async function defaultNetworkFaults(ask: Ask): Promise<string[]> {
  const key = "host.network";
  const next =
    "Make one: aws ec2 create-default-vpc; or choose another network: kind 'own', or 'given' with its ids.";
  const vpc = await asked(getVpc({ default: true }, ask), /no matching/);
  if (vpc.error !== undefined) return [unclear(key, vpc.error)];
  if (vpc.value === undefined) return [`${key}: expected a default VPC in the region; found none. ${next}`];
  const subnets = await asked(getSubnets({ filters: defaultSubnets(vpc.value.id) }, ask));
  if (subnets.value === undefined) return [unclear(key, subnets.error)];
  return subnets.value.ids.length > 0
    ? []
    : [`${key}: expected default subnets in the default VPC ${vpc.value.id}; found none. ${next}`];
}

async function givenNetworkFaults(
  network: Extract<NetworkChoice, { kind: "given" }>,
  ask: Ask,
): Promise<string[]> {
  const vpc = await asked(getVpc({ id: network.vpc }, ask), /no matching|InvalidVpcID/);
  const key = "host.network.vpc";
  if (vpc.error !== undefined) return [unclear(key, vpc.error)];
  if (vpc.value === undefined) {
    return [
      `${key}: expected a VPC of this account in the region; found no ${network.vpc}. All of them: aws ec2 describe-vpcs`,
    ];
  }
  const subnets = await asked(getSubnets({ filters: [{ name: "vpc-id", values: [network.vpc] }] }, ask));
  if (subnets.value === undefined) return [unclear("host.network.subnets", subnets.error)];
  const { ids } = subnets.value;
  return network.subnets
    .filter((id) => !ids.includes(id))
    .map(
      (id) =>
        `host.network.subnets: expected subnets of ${network.vpc}: ${ids.sort().join(", ") || "it has none"}; found ${id}.`,
    );
}

function ownNetworkFaults(network: Extract<NetworkChoice, { kind: "own" }>): string[] {
  const faults: string[] = [];
  const cidr = parseCidr(network.cidr);
  const isPrivate = privateNetworks
    .map((text) => parseCidr(text))
    .some(
      (range) => range && cidr && parseCidr(`${cidr.text.split("/")[0]}/${range.bits}`)?.text === range.text,
    );
  if (cidr?.family !== 4 || !cidr.exact || cidr.bits < 16 || cidr.bits > 24 || !isPrivate) {
    const near = cidr?.family === 4 && !cidr.exact ? ` Did you mean ${cidr.text}?` : "";
    faults.push(
      `host.network.cidr: expected a private IPv4 network of /16 to /24 (in ${privateNetworks.join(", ")}), by its first address, such as 10.20.0.0/16; found "${network.cidr}".${near}`,
    );
  }
  return faults;
}

async function zoneFaults({ zone, names = [] }: CloudWishes, ask: Ask): Promise<string[]> {
  if (zone === undefined) return [];
  const key = "site.zone";
  const answer = await asked(getZone({ name: zone, privateZone: false }, ask), /no matching/);
  if (answer.error !== undefined) return [unclear(key, answer.error)];
  if (answer.value === undefined) {
    return [
      `${key}: expected a public Route 53 zone of this account; found no "${zone}". ` +
        "All of them: aws route53 list-hosted-zones. Without the key the output 'dns' says which records to make.",
    ];
  }
  return names.length === 0 || names.some((name) => isIn(name, zone))
    ? []
    : [`${key}: expected the zone of one of the site's names (${names.join(", ")}); found "${zone}".`];
}

async function bucketFaults(bucket: string | undefined, ask: Ask): Promise<string[]> {
  if (bucket === undefined) return [];
  const key = "media.bucket";
  const rule = bucketRule(bucket);
  if (rule !== undefined) return [`${key}: expected ${rule}; found "${bucket}".`];
  const answer = await asked(getBucket({ bucket }, ask), /couldn't find resource|NoSuchBucket|NotFound/);
  if (answer.error === undefined) {
    // None, or the account's: then it is this stack's, or S3 refuses to make it.
    return [];
  }
  return /StatusCode: (403|301)|Forbidden|AccessDenied|PermanentRedirect/.test(answer.error)
    ? [
        `${key}: expected a name that nobody in the world has taken, or this stack's own bucket; found "${bucket}", which is another account's ` +
          "(or this one may not look at it: s3:ListBucket). Choose another, or none for a generated name.",
      ]
    : [unclear(key, answer.error)];
}

/**
 * SSM keeps names with these beginnings for AWS itself, and a mirrored secret's begins with the project's
 * (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html).
 */
function mirrorFaults(mirror: CloudWishes["mirror"]): string[] {
  const project = pulumi.getProject();
  return mirror === "parameter-store" && /^(aws|ssm)/i.test(project)
    ? [
        `secrets.mirror: expected a project whose name begins with neither "aws" nor "ssm", for SSM refuses parameters like "/${project}/…"; found parameter-store in project "${project}". ` +
          "Choose secrets-manager, or another name in Pulumi.yaml.",
      ]
    : [];
}

/** What a name of a bucket must be and this one is not; undefined when it is all of it. */
function bucketRule(bucket: string): string | undefined {
  if (bucket.length < 3 || bucket.length > limits.bucket) {
    return `a name of 3 to ${limits.bucket} characters, not ${bucket.length}`;
  }
  if (!/^[a-z0-9][a-z0-9-]*[a-z0-9]$/.test(bucket)) {
    return "a name of lower-case letters, digits and hyphens inside of it (no dots: HTTPS would not reach it)";
  }
  return reservedBuckets.test(bucket)
    ? "a name whose beginning or end S3 does not keep for itself"
    : undefined;
}

/** An answer: a value, neither when there is no such thing, or an error that says something else. */
type Answer<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error?: string | undefined };

async function asked<T>(answer: Promise<T>, none?: RegExp): Promise<Answer<T>> {
  try {
    return { value: await answer };
  } catch (error) {
    const text = error instanceof Error ? error.message : `${error}`;
    return none?.test(text) ? {} : { error: said(text) };
  }
}

/** What AWS said, in one line, without what the provider puts around it. */
function said(text: string): string {
  return text
    .replaceAll(
      /(invocation of|invoking) \S+( returned an error)?:|\d+ errors? occurred:|RequestID: \S*,/g,
      "",
    )
    .replaceAll(/[\s*]+/g, " ")
    .trim();
}

function unclear(key: string, error: string | undefined): string {
  return `${key}: AWS did not answer whether it can be had: ${error}`;
}
