// A provider named aws that accepts everything and makes nothing: policies look at inputs only. What a resource would
// be is what it is asked to be; a change of its zone or of its name replaces it, any other updates it.
import type { DifferenceKind, Resource } from "../../engine/plugins/provider.ts";
import { serve } from "../../engine/plugins/server.ts";
import type { Properties } from "../../engine/plugins/values.ts";

const replacing = ["availabilityZone", "bucket"];

const accepting: Resource = {
  check: async (news) => ({ inputs: news, failures: [] }),
  async diff({ news, oldInputs }) {
    const changed = [...new Set([...Object.keys(news), ...Object.keys(oldInputs)])].filter(
      (key) => JSON.stringify(news[key]) !== JSON.stringify(oldInputs[key]),
    );
    const kind = (key: string): DifferenceKind => (replacing.includes(key) ? "updateReplace" : "update");
    return { changes: new Map(changed.map((key) => [key, kind(key)])), plain: true };
  },
  async create({ inputs, preview }, { name }) {
    // A name that AWS would make up is known when the resource is there, and not before.
    const state = { bucket: `made-for-${name}`, arn: `arn:aws:s3:::made-for-${name}`, ...inputs };
    return preview ? { id: "", state: inputs } : { id: `made-for-${name}`, state };
  },
  update: async ({ inputs, state }) => ({ ...state, ...inputs }),
};

/** The answers of an account with a default network and nothing in it. */
const answers: Readonly<Record<string, Properties>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": { accountId: "123456789012" },
  "aws:index/getAvailabilityZones:getAvailabilityZones": { names: ["eu-central-1a", "eu-central-1b"] },
  "aws:ec2/getInstanceType:getInstanceType": { supportedArchitectures: ["arm64"] },
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": { locations: ["eu-central-1a"] },
  "aws:ec2/getInstances:getInstances": { ids: [] },
  "aws:ec2/getAmi:getAmi": { id: "ami-1", architecture: "arm64" },
  "aws:ec2/getVpc:getVpc": { id: "vpc-1" },
  "aws:ec2/getSubnets:getSubnets": { ids: ["subnet-1"] },
  "aws:ec2/getSubnet:getSubnet": { id: "subnet-1", availabilityZone: "eu-central-1a" },
  "aws:ebs/getEbsVolumes:getEbsVolumes": { ids: [] },
  "aws:ec2/getEips:getEips": { publicIps: [] },
  "aws:route53/getRecords:getRecords": { resourceRecordSets: [] },
  "aws:route53/getZone:getZone": { zoneId: "Z1", name: "example.org" },
};
const functions = Object.fromEntries(
  Object.entries(answers).map(([token, answer]) => [token, async () => ({ id: "answer", ...answer })]),
);

await serve({
  name: "aws",
  version: "7.48.0",
  functions,
  resources: new Proxy({}, { get: () => async () => accepting }),
});
