// What AWS's list has for what a stack makes, a month: docs/aws.md has the same in a table. A test compares the two.
import { isSecret, notYetKnown, type State } from "../events.ts";

/** Where and when these prices were looked up: aws.amazon.com/ec2/pricing/on-demand, /ebs/pricing, /vpc/pricing and so on. */
export const list = { region: "us-east-1", when: "November 2026" } as const;

/** As AWS counts a month. */
const hours = 730;

/** Linux on demand, an hour of the size `large`. A family's other sizes are fractions and multiples of it. */
const families: Readonly<Record<string, number>> = {
  ...{ t3: 0.0832, t3a: 0.0752, t4g: 0.0672 },
  ...{ m5: 0.096, m6g: 0.077, m6i: 0.096, m7g: 0.0816, m7i: 0.1008 },
  ...{ c6g: 0.068, c6i: 0.085, c7g: 0.0725, c7i: 0.08925 },
  ...{ r6g: 0.1008, r6i: 0.126, r7g: 0.1071, r7i: 0.1323 },
};
const sizes: Readonly<Record<string, number>> = {
  ...{ nano: 1 / 16, micro: 1 / 8, small: 1 / 4, medium: 1 / 2, large: 1, xlarge: 2 },
  ...{ "2xlarge": 4, "4xlarge": 8, "8xlarge": 16 },
};

/** A GB of a volume; gp3 has more speed for more. */
const volumes: Readonly<Record<string, number>> = { gp3: 0.08, gp2: 0.1, st1: 0.045, sc1: 0.015 };
const gp3 = { iops: 3000, each: 0.005, throughput: 125, megabyte: 0.04 } as const;

/** What is paid by what goes through it or lies in it, which a preview cannot know. */
const byUse =
  /^aws:(s3\/bucket(V2)?:|s3\/bucketObject|cloudfront\/distribution:|sns\/topic|sqs\/queue:|dynamodb\/table:|efs\/fileSystem:|cloudwatch\/logGroup:|ebs\/snapshot:|route53\/record:)/;
/** What has no price by itself. */
const free =
  /^aws:(iam\/|vpc\/securityGroup|ssm\/parameter:|s3\/bucket[A-Z]|cloudfront\/(originAccess|function|.*Policy)|secretsmanager\/secretVersion:|kms\/alias:|ec2\/(securityGroup|keyPair|eipAssociation|volumeAttachment|vpc:|vpcDhcp|subnet|route|internetGateway|launchTemplate|default|networkAcl)|ec2transitgateway\/(instanceState|instanceConnectEndpoint):)/;

export type Price =
  | { readonly kind: "monthly"; readonly dollars: number }
  | { readonly kind: "by use" }
  /** `what` is not in the table. */
  | { readonly kind: "unknown"; readonly what: string };

const unknown = (what: string): Price => ({ kind: "unknown", what });
const monthly = (dollars: number): Price => ({ kind: "monthly", dollars });

/** The price of a resource as it is or as it would be. */
export function priceOf({ type, inputs = {} }: State): Price {
  switch (type) {
    case "aws:ec2/instance:Instance": {
      const instance = instancePrice(inputs.instanceType);
      if (inputs.instanceMarketOptions !== undefined) return unknown("a spot instance");
      if (instance === undefined) return unknown(`the type ${shown(inputs.instanceType)}`);
      const root = volumePrice(inputs.rootBlockDevice, "volumeSize", "volumeType");
      return root.kind === "monthly" ? monthly(instance + root.dollars) : root;
    }
    case "aws:ebs/volume:Volume":
      return volumePrice(inputs, "size", "type");
    case "aws:ec2/eip:Eip":
      return monthly(0.005 * hours);
    case "aws:ec2/natGateway:NatGateway":
      return monthly(0.045 * hours);
    case "aws:cloudwatch/metricAlarm:MetricAlarm": {
      const { metricQueries } = inputs;
      if (metricQueries !== undefined && !Array.isArray(metricQueries))
        return unknown("how many metrics it reads");
      // One of several metrics is an alarm for each of them; a formula is none.
      const metrics = (metricQueries ?? [{ metric: {} }]).filter((one: { metric?: unknown }) => one.metric);
      return monthly((Number(inputs.period ?? 60) < 60 ? 0.3 : 0.1) * Math.max(1, metrics.length));
    }
    case "aws:secretsmanager/secret:Secret":
      return monthly(0.4);
    case "aws:kms/key:Key":
      return monthly(1);
    case "aws:route53/zone:Zone":
      return monthly(0.5);
  }
  if (free.test(type)) return monthly(0);
  return byUse.test(type) ? { kind: "by use" } : unknown("this type");
}

function instancePrice(type: unknown): number | undefined {
  const [, family = "", size = ""] = /^([a-z0-9-]+)\.([a-z0-9]+)$/.exec(String(type)) ?? [];
  const [large, factor] = [families[family], sizes[size]];
  return large === undefined || factor === undefined ? undefined : large * factor * hours;
}

function volumePrice(device: unknown, sizeKey: string, typeKey: string): Price {
  const read = (typeof device === "object" && device !== null ? device : {}) as Readonly<
    Record<string, unknown>
  >;
  const [size, type] = [read[sizeKey], read[typeKey]];
  const gigabyte = typeof type === "string" ? volumes[type] : undefined;
  if (typeof size !== "number") return unknown("the size of its disk, which is not in the stack");
  if (gigabyte === undefined) return unknown(`a volume of type ${shown(type)}`);
  const more = (value: unknown, included: number, price: number) =>
    typeof value === "number" ? Math.max(0, value - included) * price : 0;
  const speed = more(read.iops, gp3.iops, gp3.each) + more(read.throughput, gp3.throughput, gp3.megabyte);
  return monthly(size * gigabyte + (type === "gp3" ? speed : 0));
}

const shown = (value: unknown): string =>
  value === undefined
    ? "that AWS chooses"
    : isSecret(value) || value === notYetKnown
      ? "that is not known yet"
      : String(value);
