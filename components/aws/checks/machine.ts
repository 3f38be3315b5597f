// Whether AWS has the instance that is wanted: its type and its image.
import { getAmi } from "@pulumi/aws/ec2/getAmi.js";
import { getInstanceType } from "@pulumi/aws/ec2/getInstanceType.js";
import { configKey, firstHost } from "../../host/host.ts";
import type { ExistingInstance } from "../existing.ts";
import { type Ask, asked, unclear } from "./answers.ts";
import { offerFaults, type Place } from "./place.ts";
import type { InstanceFacts, Wanted } from "./wishes.ts";

/** Debian's own account, and what it calls its images (https://wiki.debian.org/Cloud/AmazonEC2Image/Trixie). */
const debian = { owner: "136693071363", arm64: "debian-13-arm64-*", x86_64: "debian-13-amd64-*" };

/** What AWS has of an instance that is wanted, or all that is wrong with it. */
export async function findMachine(
  host: Wanted,
  existing: ExistingInstance | undefined,
  place: Place,
  ask: Ask,
): Promise<InstanceFacts | string[]> {
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
    image === undefined
      ? newestDebian(host, architecture, ask)
      : givenImage(host, image, architecture, existing, ask),
    offerFaults(host, place, ask),
  ]);
  if (Array.isArray(facts)) return [...facts, ...away];
  const keeps = existing !== undefined && (image === undefined || image === existing.image);
  const kept = keeps ? await keptImageFaults(host, facts, existing, ask) : [];
  const faults = [...away, ...kept];
  return faults.length > 0 ? faults : { ...facts, ...(existing && { existing }) };
}

/** An instance keeps its image unless another one is named, and no image runs on both architectures. */
async function keptImageFaults(
  host: Wanted,
  newest: InstanceFacts,
  existing: ExistingInstance,
  ask: Ask,
): Promise<string[]> {
  const { name, instanceType } = host;
  const key = `${configKey(name)}.instanceType`;
  const before = await asked(getInstanceType({ instanceType: existing.instanceType }, ask));
  if (before.value === undefined) return [unclear(key, before.error)];
  const { supportedArchitectures } = before.value;
  return supportedArchitectures.includes(newest.architecture)
    ? []
    : [
        `${key}: expected a type for ${supportedArchitectures.join(" or ")}, as the image ${existing.image} of the stack's instance ${existing.id} is; found "${instanceType}" for ${newest.architecture}. ` +
          `To change over, name an image for ${newest.architecture} by ${configKey(name)}.image as well${newest.image === existing.image ? "" : `, such as ${newest.image}`}: it replaces the instance, and ${name === firstHost ? "address and data stay" : "its address stays"}.`,
      ];
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
  existing: ExistingInstance | undefined,
  ask: Ask,
): Promise<InstanceFacts | string[]> {
  // The machine was made from it and needs it no more: its owner may have taken it away.
  if (existing?.image === image) return { architecture, image };
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
