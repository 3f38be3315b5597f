import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** Raised by a change that breaks a reader of the outputs; scripts/lib/contract/compare.ts says what does. */
export const outputsVersion = 1;

const text = (meaning: string) => z.string().describe(meaning);
/** Absent or a secret: the schema says so by a key of its own, as Pulumi's package schemas do. */
const secretText = (meaning: string) => z.string().optional().meta({ description: meaning, secret: true });
const namesWithText = (meaning: string) => z.record(z.string(), z.string()).describe(meaning);

const instanceId = "The id of the EC2 instance. Absent unless the host is on EC2.";
const imageOffer =
  "The id of a newer Debian image than the instance's own; empty if there is none. Absent unless the host is on EC2.";

/** What a stack tells of a host besides the one that serves the site. */
const otherHostSchema = z.object({
  address: text("The host's IP address, or its domain name."),
  sshCommand: text("A command that logs in to the host."),
  hostKey: text("The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file."),
  instanceId: text(instanceId).optional(),
  imageOffer: text(imageOffer).optional(),
});

/**
 * The contract with other teams: what a stack of Berth tells a `pulumi.StackReference`. The types, the JSON Schema, the
 * table in docs/outputs.md and the packages for readers come from here, by `npm run docs`.
 */
export const outputsSchema = z.object({
  outputsVersion: z.literal(outputsVersion).describe("The version of this contract."),
  url: text("The site's address, with a slash at the end. Set when the site has answered there with 200."),
  hostAddress: text("The host's IP address, or its domain name."),
  sshCommand: text(
    "A command that logs in to the host. For local and EC2 hosts it is `npm run ssh`, in the checkout that made them.",
  ),
  hostKey: text("The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file."),
  databaseUrl: secretText(
    "`postgresql://LOGIN:PASSWORD@127.0.0.1:5432/DATABASE`, as the application gets it. A new password comes with a new login. Absent if `postgres.enabled` is false.",
  ),
  redisUrl: secretText(
    "`redis://:PASSWORD@127.0.0.1:6379/0`, as the application gets it: the queue, and without a password if `redis.password` is `none`. Absent if `redis.enabled` is false.",
  ),
  mongodbUrl: secretText(
    "`mongodb://LOGIN:PASSWORD@127.0.0.1:27017/DATABASE?authMechanism=PLAIN`, as the application gets it, answered by FerretDB. A new password comes with a new login. Absent unless `mongodb.enabled` is true.",
  ),
  data: namesWithText(
    "The names under which the stack keeps its data, by configuration key. Berth refuses a change of one.",
  ),
  media: text("Where uploaded files are: a directory on the host, or `s3://BUCKET`."),
  publicFiles: text(
    "Where the bucket's public files are, with a slash at the end. Absent unless `media.publicFiles` names a folder.",
  ).optional(),
  otherHosts: z
    .record(z.string(), otherHostSchema)
    .describe("The hosts in `berth:hosts`, by their names. Absent if there are none.")
    .optional(),
  deployKey: text(
    "The public key to enter at the git server of a private repository. Absent unless the source is a git URL reached by SSH.",
  ).optional(),
  release: text(
    "The id of the live release: the first ten characters of the code's hash or commit, a hyphen, and four for how it was built.",
  ),
  basicAuthPassword: secretText("The password for `site.basicAuth.user`. Absent if the site asks for none."),
  instanceId: text(instanceId).optional(),
  imageOffer: text(imageOffer).optional(),
  dns: z
    .array(z.string())
    .describe(
      "DNS records for you to make, such as `shop.example.org A 203.0.113.7`; empty if the stack makes them itself. Absent unless the host is on EC2.",
    )
    .optional(),
  metrics: z
    .record(z.string(), z.array(z.string()))
    .describe(
      "Where Prometheus reads each host's exporters, such as `10.0.0.5:9100`, by the hosts' names; the one that serves the site is `web`. Absent unless there is `berth:metrics`.",
    )
    .optional(),
  mirroredSecrets: namesWithText(
    "The name of each secret in Secrets Manager or the Parameter Store. Absent unless `secrets.mirror` names one.",
  ).optional(),
});

/** A value that the engine may learn only later, at any depth. */
type Later<T> = pulumi.Input<T extends object ? { readonly [Key in keyof T]: Later<T[Key]> } : T>;
type Told = z.infer<typeof outputsSchema>;

/** What a stack tells of a host besides the one that serves the site, as its program gives it. */
export type OtherHost = Later<z.infer<typeof otherHostSchema>>;

/** The outputs of a stack, as its program gives them. */
export type StackOutputs = {
  readonly [Key in keyof Told]: Key extends "outputsVersion" ? number : Later<Told[Key]>;
};

/** The outputs of a stack: those that are secret marked so, those that it does not have left out. */
export function stackOutputs(outputs: Omit<StackOutputs, "outputsVersion">): StackOutputs {
  const contract: Readonly<Record<string, z.ZodType>> = outputsSchema.shape;
  const present = Object.entries(outputs).filter(([, value]) => value !== undefined);
  const marked = present.map(([name, value]) => [
    name,
    contract[name]?.meta()?.secret ? pulumi.secret(value) : value,
  ]);
  return { outputsVersion, ...Object.fromEntries(marked) };
}
