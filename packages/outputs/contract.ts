// Made from the outputs.ts of Berth by 'npm run docs'; change it there.
import type * as pulumi from "@pulumi/pulumi";

/** The version of the outputs that this package reads. */
export const outputsVersion = 1;

/** The outputs that are secret. */
export const secretOutputs: readonly string[] = [
  "databaseUrl",
  "redisUrl",
  "mongodbUrl",
  "basicAuthPassword",
];

/** One of `otherHosts`. */
export interface OtherHost {
  /** The host's IP address, or its domain name. */
  readonly address: string;
  /** A command that logs in to the host. */
  readonly sshCommand: string;
  /** The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file. */
  readonly hostKey: string;
  /** The id of the EC2 instance. Absent unless the host is on EC2. */
  readonly instanceId?: string;
  /** The id of a newer Debian image than the instance's own; empty if there is none. Absent unless the host is on EC2. */
  readonly imageOffer?: string;
}

/** The outputs of a stack of Berth. */
export abstract class Outputs {
  /** The site's address, with a slash at the end. Set when the site has answered there with 200. */
  get url(): pulumi.Output<string> {
    return this.always("url");
  }

  /** The host's IP address, or its domain name. */
  get hostAddress(): pulumi.Output<string> {
    return this.always("hostAddress");
  }

  /** A command that logs in to the host. For local and EC2 hosts it is `npm run ssh`, in the checkout that made them. */
  get sshCommand(): pulumi.Output<string> {
    return this.always("sshCommand");
  }

  /** The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file. */
  get hostKey(): pulumi.Output<string> {
    return this.always("hostKey");
  }

  /** `postgresql://LOGIN:PASSWORD@127.0.0.1:5432/DATABASE`, as the application gets it. A new password comes with a new login. Absent if `postgres.enabled` is false. Secret. */
  get databaseUrl(): pulumi.Output<string | undefined> {
    return this.maybe("databaseUrl");
  }

  /** `redis://:PASSWORD@127.0.0.1:6379/0`, as the application gets it: the queue, and without a password if `redis.password` is `none`. Absent if `redis.enabled` is false. Secret. */
  get redisUrl(): pulumi.Output<string | undefined> {
    return this.maybe("redisUrl");
  }

  /** `mongodb://LOGIN:PASSWORD@127.0.0.1:27017/DATABASE?authMechanism=PLAIN`, as the application gets it, answered by FerretDB. A new password comes with a new login. Absent unless `mongodb.enabled` is true. Secret. */
  get mongodbUrl(): pulumi.Output<string | undefined> {
    return this.maybe("mongodbUrl");
  }

  /** The names under which the stack keeps its data, by configuration key. Berth refuses a change of one. */
  get data(): pulumi.Output<Readonly<Record<string, string>>> {
    return this.always("data");
  }

  /** Where uploaded files are: a directory on the host, or `s3://BUCKET`. */
  get media(): pulumi.Output<string> {
    return this.always("media");
  }

  /** Where the bucket's public files are, with a slash at the end. Absent unless `media.publicFiles` names a folder. */
  get publicFiles(): pulumi.Output<string | undefined> {
    return this.maybe("publicFiles");
  }

  /** The hosts in `berth:hosts`, by their names. Absent if there are none. */
  get otherHosts(): pulumi.Output<Readonly<Record<string, OtherHost>> | undefined> {
    return this.maybe("otherHosts");
  }

  /** The public key to enter at the git server of a private repository. Absent unless the source is a git URL reached by SSH. */
  get deployKey(): pulumi.Output<string | undefined> {
    return this.maybe("deployKey");
  }

  /** The id of the live release: the first ten characters of the code's hash or commit, a hyphen, and four for how it was built. */
  get release(): pulumi.Output<string> {
    return this.always("release");
  }

  /** The password for `site.basicAuth.user`. Absent if the site asks for none. Secret. */
  get basicAuthPassword(): pulumi.Output<string | undefined> {
    return this.maybe("basicAuthPassword");
  }

  /** The id of the EC2 instance. Absent unless the host is on EC2. */
  get instanceId(): pulumi.Output<string | undefined> {
    return this.maybe("instanceId");
  }

  /** The id of a newer Debian image than the instance's own; empty if there is none. Absent unless the host is on EC2. */
  get imageOffer(): pulumi.Output<string | undefined> {
    return this.maybe("imageOffer");
  }

  /** DNS records for you to make, such as `shop.example.org A 203.0.113.7`; empty if the stack makes them itself. Absent unless the host is on EC2. */
  get dns(): pulumi.Output<readonly string[] | undefined> {
    return this.maybe("dns");
  }

  /** Where Prometheus reads each host's exporters, such as `10.0.0.5:9100`, by the hosts' names; the one that serves the site is `web`. Absent unless there is `berth:metrics`. */
  get metrics(): pulumi.Output<Readonly<Record<string, readonly string[]>> | undefined> {
    return this.maybe("metrics");
  }

  /** The name of each secret in Secrets Manager or the Parameter Store. Absent unless `secrets.mirror` names one. */
  get mirroredSecrets(): pulumi.Output<Readonly<Record<string, string>> | undefined> {
    return this.maybe("mirroredSecrets");
  }

  /** An output that is always there. */
  protected abstract always<T>(name: string): pulumi.Output<T>;
  /** An output that may be absent. */
  protected abstract maybe<T>(name: string): pulumi.Output<T | undefined>;
}
