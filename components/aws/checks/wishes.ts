import type { ExistingInstance } from "../existing.ts";
import type { NetworkChoice } from "../network.ts";

/** What a stack wants of an EC2 instance, by the keys of its host. */
export interface InstanceWishes {
  readonly instanceType: string;
  /** @default the newest Debian 13 */
  readonly image?: string | undefined;
  /** Size of its root volume, in GiB. @default not looked at */
  readonly rootVolume?: number;
}

/** What a stack wants of the EC2 host that serves the site, by the keys under `host`. */
export interface HostWishes extends InstanceWishes {
  readonly region: string;
  /** GiB. */
  readonly dataVolume: number;
  /** The snapshot that the data volume begins with. @default it begins empty */
  readonly dataVolumeFrom?: string | undefined;
  readonly network: NetworkChoice;
}

export interface CloudWishes<Host extends HostWishes | undefined = HostWishes | undefined> {
  /** The host; undefined when it is not on AWS. */
  readonly host: Host;
  /** `aws.account`: the account that it must be. @default any */
  readonly account?: string | undefined;
  /** More hosts by their names, in the first one's subnet. @default none */
  readonly others?: Readonly<Record<string, InstanceWishes>>;
  /** `site.zone`. */
  readonly zone: string | undefined;
  /** The names of the site. One of them at least should be in the zone. @default not looked at */
  readonly names?: readonly string[];
  /** Whether the stack overwrites records of these names. @default false */
  readonly takeOver?: boolean;
  /** `media.bucket`. */
  readonly buckets: Readonly<Record<string, string | undefined>>;
  /** `secrets.mirror`. @default "none" */
  readonly mirror?: "none" | "secrets-manager" | "parameter-store";
}

/** What AWS tells of a machine to be made. */
export interface InstanceFacts {
  /** What the instance type runs. */
  readonly architecture: "arm64" | "x86_64";
  /** The image that the stack names, or else the newest Debian 13 for that architecture. */
  readonly image: string;
  /** The machine that there is. @default none yet */
  readonly existing?: ExistingInstance;
}

export interface CloudFacts extends InstanceFacts {
  /** The availability zone for the hosts: where the stack's data is, if it has any. */
  readonly zone?: string;
  /** Whether a volume is made from a snapshot in place of the one that there is. */
  readonly restores: boolean;
  /** The same of the stack's other hosts. */
  readonly others: Readonly<Record<string, InstanceFacts>>;
}

/** An instance that is asked for: its name in the program, and where it is to be. */
export interface Wanted extends InstanceWishes, Pick<HostWishes, "region"> {
  readonly name: string;
}
