import { Provider } from "@pulumi/aws/provider.js";
import type { Region } from "@pulumi/aws/types/enums/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { backupSchema } from "../backup/schema.ts";
import { Ec2Host, type Ec2HostArgs } from "../ec2/ec2-host.ts";
import { HostMetrics, metricsNamespace, metricsPolicy } from "../ec2/host-metrics.ts";
import { keyProof, keyTurn } from "../ec2/key-proof.ts";
import { RoleCredentials } from "../ec2/role-credentials.ts";
import type { HostConfig, OtherHostConfig } from "../fleet/schema.ts";
import { firstHost, type Host } from "../host/host.ts";
import { schemeOf, tlsOf } from "../nginx/certificate/schema.ts";
import { namesGiven, namesServed, type siteSchema } from "../nginx/schema.ts";
import type { NetworkPort, ServiceData } from "../system/system.ts";
import { Alarms } from "./alarms.ts";
import { BackupBucket } from "./backup-bucket.ts";
import { checkCloud } from "./checks/checks.ts";
import type { CloudFacts, InstanceFacts } from "./checks/wishes.ts";
import { ConnectEndpoint } from "./connect-endpoint.ts";
import { Dns } from "./dns.ts";
import { challengePolicyIn } from "./dns-challenge.ts";
import { IamUser } from "./iam-user.ts";
import { InstanceRole } from "./instance-role.ts";
import { mediaPolicy } from "./media-access.ts";
import { MediaBucket } from "./media-bucket.ts";
import type { mediaSchema } from "./media-schema.ts";
import { backupBucketNames } from "./naming.ts";
import { Network, type NetworkChoice } from "./network.ts";
import { asOrganizationAsks } from "./organization.ts";
import type { OrganizationConfig } from "./organization-schema.ts";
import { checkPermissions, type Permission, protectedUnlessAllowed } from "./permission.ts";
import { isBurstable } from "./schema.ts";
import { SecretMirror } from "./secret-mirror.ts";
import { SecurityGroups } from "./security-groups.ts";

type Ec2Config = Extract<HostConfig, { kind: "ec2" }>;
type OtherEc2Config = Extract<OtherHostConfig, { kind: "ec2" }>;
type Settings = Readonly<Record<string, pulumi.Input<string>>>;

/** What of a site's configuration decides on its cloud. */
export interface CloudConfig {
  readonly host: HostConfig;
  readonly hosts: Readonly<Record<string, OtherHostConfig>>;
  readonly site: Pick<
    z.output<typeof siteSchema>,
    "domain" | "aliases" | "redirects" | "tls" | "zone" | "takeOver"
  >;
  readonly media: z.output<typeof mediaSchema>;
  readonly aws: OrganizationConfig;
  /** Settings of the application: S3 may be elsewhere than at AWS. */
  readonly app: { readonly env: Readonly<Record<string, string | number | boolean>> };
  readonly secrets: { readonly mirror: "none" | "secrets-manager" | "parameter-store" };
  readonly backup?: Pick<z.output<typeof backupSchema>, "place"> | undefined;
  /** The generations of the IAM users' keys. */
  readonly rotate: { readonly media: number; readonly backup: number };
  readonly allow: readonly Permission[];
}

export interface CloudArgs {
  readonly config: CloudConfig;
  /** What the host keeps on its data volume. */
  readonly data: readonly ServiceData[];
  /** The services on it that the stack's other hosts reach: the port of each by its name. */
  readonly reached: Readonly<Record<string, number>>;
  /** Ports that some networks reach, by the name of the host. */
  readonly networkPorts: Readonly<Record<string, readonly NetworkPort[]>>;
}

/** Makes the cloud that was looked at. */
export type MakeCloud = (args: CloudArgs, options: pulumi.ComponentResourceOptions) => Cloud;

const bucketResource = "media-bucket-bucket";

/** The network with the zone that was chosen; the first of given subnets says so itself. */
const placed = (network: NetworkChoice, zone: string | undefined): NetworkChoice =>
  network.kind === "given" ? network : { ...network, zone };

/** What of a host nobody could bring back, or others rely on, by the names of the resources. */
const preciousOf = (host: string) => [
  `${host}-instance`,
  `${host}-address`,
  ...(host === firstHost ? [`${host}-data-disk`] : []),
];

/** The instances beside the first. */
const otherInstances = ({ hosts }: CloudConfig) =>
  Object.fromEntries(
    Object.entries(hosts).filter((entry): entry is [string, OtherEc2Config] => entry[1].kind === "ec2"),
  );

/** What becomes of an instance that has used up its CPU credits; undefined where it has none. */
const creditsOf = ({ instanceType, cpuCredits }: OtherEc2Config) =>
  isBurstable(instanceType) ? (cpuCredits ?? "unlimited") : undefined;

/** The same of a stack. */
const precious = (config: CloudConfig) => [
  ...[firstHost, ...Object.keys(otherInstances(config))].flatMap(preciousOf),
  bucketResource,
  backupBucketNames.resource,
];

/** A bucket for backups that the stack has made, and the host's key to it. */
export interface MadePlace {
  readonly bucketName: pulumi.Output<string>;
  readonly region: string;
  readonly accessKeyId: pulumi.Output<string>;
  readonly secretAccessKey: pulumi.Output<string>;
  /** What must have happened on the host before it can use them. */
  readonly ready: pulumi.Resource;
}

/** How an application gets at its bucket, under the names that AWS's SDKs read. */
export interface MediaSettings {
  /** Settings that are not secret. */
  readonly env: Settings;
  /** Settings that are. */
  readonly secrets: Settings;
  /** What must have happened on the host before the application can use them. */
  readonly ready: pulumi.Resource;
}

/** Of the bucket for backups, where the stack makes one. */
const wantedBackups = ({ backup }: CloudConfig) => (backup?.place.kind === "aws" ? backup.place : undefined);

/** The region of what is not told to be in another one. */
const regionOf = (config: CloudConfig): string =>
  (config.host.kind === "ec2"
    ? config.host.region
    : (config.media.region ?? wantedBackups(config)?.region)) as string;

/**
 * Checks what the stack wants of AWS, before it begins to make any of it.
 *
 * @param name name of what is made
 * @throws {pulumi.RunError} naming every fault at once
 */
export async function lookAtCloud(name: string, config: CloudConfig): Promise<MakeCloud> {
  const { host, media, site, secrets, allow, aws } = config;
  checkPermissions(allow, precious(config));
  const provider = new Provider(`${name}-account`, {
    region: regionOf(config) as Region,
    // Of destroy and refresh as well, which do not run this program.
    ...(aws.account === undefined ? {} : { allowedAccountIds: [aws.account] }),
  });
  const facts = await checkCloud(
    {
      host: host.kind === "ec2" ? host : undefined,
      others: otherInstances(config),
      account: aws.account,
      zone: site.zone,
      names: namesServed(site),
      takeOver: site.takeOver,
      buckets: {
        "media.bucket": media.store === "s3" ? media.bucket : undefined,
        "backup.place.bucket": config.backup?.place.kind === "aws" ? config.backup.place.bucket : undefined,
      },
      mirror: secrets.mirror,
    },
    provider,
  );
  for (const { existing } of facts === undefined ? [] : [facts, ...Object.values(facts.others)]) {
    if (existing?.stopped !== undefined) {
      pulumi.log.info(`The instance ${existing.id} is stopped. An update starts it.`);
    }
  }
  const transformations = [asOrganizationAsks(aws)];
  return (args, options) =>
    new Cloud(name, args, facts, { ...options, providers: [provider], transformations });
}

/** The AWS side of a stack: the hosts with their network, their role and their alarms; the bucket; the way to all. */
export class Cloud extends pulumi.ComponentResource {
  /** The stack's hosts by their names; none when only the bucket is on AWS. */
  readonly hosts: Readonly<Record<string, Ec2Host>> = {};
  /** The bucket for uploaded files; absent when they lie on the host. */
  readonly bucket: MediaBucket | undefined;
  /** Records to make by hand, such as `shop.example.org A 203.0.113.7`. */
  readonly dns: pulumi.Output<string[]> | undefined;

  readonly #config: CloudConfig;
  readonly #siteNames: readonly string[];
  readonly #byRole: boolean;
  #userSettings: Omit<MediaSettings, "ready"> | undefined;
  #alarmTopic: pulumi.Output<string> | undefined;

  /** @param facts what AWS has of what is wanted: see {@link lookAtCloud} */
  constructor(
    name: string,
    args: CloudArgs,
    facts: CloudFacts | undefined,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("berth:aws:Cloud", name, {}, options);
    const { host, media, site } = args.config;
    this.#config = args.config;
    this.#siteNames = namesGiven(site);
    this.#byRole = media.store === "s3" && host.kind === "ec2" && media.access !== "user";
    if (media.store === "s3") {
      this.bucket = this.#bucket();
    }
    if (host.kind === "ec2" && facts !== undefined) {
      this.hosts = this.#makeHosts(host, facts, args);
      const { address } = this.hosts[firstHost] as Ec2Host;
      this.dns = new Dns(
        "site-dns",
        { zone: site.zone, names: namesServed(site), address, takeOver: site.takeOver },
        { parent: this },
      ).toDo;
    }
    this.registerOutputs();
  }

  /**
   * Lets the application at the bucket, on the first host before any other.
   *
   * @param app name of the application, and of its account on the host
   * @param root the application's directory on the host
   * @param after the step on the host after which those of this come
   */
  mediaSettings(host: Host, app: string, root: string, after: pulumi.Resource): MediaSettings {
    const bucket = this.bucket;
    if (bucket === undefined) {
      return { env: {}, secrets: {}, ready: after };
    }
    const { publicFiles } = this.#config.media;
    const env = {
      BUCKET_NAME: bucket.bucketName,
      AWS_DEFAULT_REGION: this.#region(),
      ...(publicFiles && bucket.publicUrl
        ? { PUBLIC_FILES_FOLDER: publicFiles.folder, PUBLIC_FILES_URL: bucket.publicUrl }
        : {}),
    };
    if (this.#byRole) {
      const credentials = new RoleCredentials(
        host.name === firstHost ? "media-credentials" : `${host.name}-media-credentials`,
        { host, app, root, region: this.#region(), atAws: this.#endpoint() === undefined },
        { parent: this, dependsOn: [after] },
      );
      return { env: { ...env, AWS_CONFIG_FILE: credentials.configFile }, secrets: {}, ready: credentials };
    }
    // There is one key, which was proven on the first host.
    if (this.#userSettings !== undefined) return { ...this.#userSettings, ready: after };
    const generation = this.#config.rotate.media;
    const turn = keyTurn(
      "media-user-turn",
      { host, app, root, generation },
      { parent: this, dependsOn: [after] },
    );
    const user = new IamUser(
      "media-user",
      { policy: this.#mediaPolicy(bucket), generation },
      { parent: this, dependsOn: [turn] },
    );
    const { accessKeyId, secretAccessKey } = user;
    const proof = keyProof(
      "media-user-proof",
      {
        host,
        app,
        generation,
        bucket: bucket.bucketName,
        region: this.#region(),
        endpoint: this.#endpoint(),
        accessKeyId,
        secretAccessKey,
      },
      { parent: this, dependsOn: [turn] },
    );
    const secrets = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    this.#userSettings = { env, secrets };
    return { env, secrets, ready: proof };
  }

  /**
   * Makes the bucket for backups, and the host's key to it; undefined where the stack has another place for them, or none.
   *
   * @param app name of the application
   * @param after the step on the host after which that of this comes
   */
  backupPlace(host: Host, app: string, after: pulumi.Resource): MadePlace | undefined {
    const wanted = wantedBackups(this.#config);
    if (wanted === undefined) return undefined;
    const own = this.#region();
    const { region = own } = wanted;
    const generation = this.#config.rotate.backup;
    const made = new BackupBucket(
      backupBucketNames.component,
      {
        bucket: wanted.bucket,
        region: region === own ? undefined : region,
        keepDeletedDays: wanted.keepDeleted,
        protect: this.#protects(backupBucketNames.resource),
        generation,
      },
      { parent: this },
    );
    const { bucketName, accessKeyId, secretAccessKey } = made;
    const ready = keyProof(
      "backup-key-proof",
      {
        ...{
          host,
          app: `${app}-backup`,
          generation,
          bucket: bucketName,
          region,
          accessKeyId,
          secretAccessKey,
        },
        meanwhile: "Backups wait until it does.",
      },
      { parent: this, dependsOn: [after] },
    );
    return { bucketName, region, accessKeyId, secretAccessKey, ready };
  }

  /**
   * Makes the alarms for a host that the stack asks for, of the first one before any other's.
   *
   * @param name the host
   * @param after the step on the host after which that of this comes
   */
  watch(name: string, after: pulumi.Resource): void {
    const { host: config } = this.#config;
    const host = this.hosts[name];
    const wanted = name === firstHost ? config : this.#config.hosts[name];
    if (host === undefined || wanted?.kind !== "ec2") return;
    if (config.kind !== "ec2" || config.alarms === undefined) return;
    const { email, agent } = config.alarms;
    const disks = name === firstHost ? undefined : (["root"] as const);
    const by = agent
      ? new HostMetrics(`${name}-metrics`, { host, disks }, { parent: this, dependsOn: [after] })
      : undefined;
    const alarms = new Alarms(
      `${name}-alarms`,
      {
        instanceId: host.instanceId,
        credits: creditsOf(wanted),
        topicArn: this.#alarmTopic,
        email,
        measured: by && { namespace: metricsNamespace(), by, disks },
      },
      { parent: this },
    );
    this.#alarmTopic = alarms.topicArn;
  }

  /** What the stack tells of one of its hosts; undefined where that is no instance. */
  outputsOf(name: string): Pick<Ec2Host, "instanceId" | "imageOffer"> | undefined {
    const host = this.hosts[name];
    return host && { instanceId: host.instanceId, imageOffer: host.imageOffer };
  }

  /**
   * Puts the stack's secrets where other teams find them, if it wants that.
   *
   * @returns the name there of each
   */
  mirror(secrets: Settings): pulumi.Output<Record<string, string>> | undefined {
    const to = this.#config.secrets.mirror;
    return to === "none"
      ? undefined
      : new SecretMirror("secrets-mirror", { to, secrets }, { parent: this }).names;
  }

  #region(): string {
    return regionOf(this.#config);
  }

  /** Where the application finds S3, when that is not AWS's: as AWS's SDKs read it, the more specific name first. */
  #endpoint(): string | undefined {
    const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = this.#config.app.env;
    const endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
    return endpoint === undefined ? undefined : `${endpoint}`;
  }

  /** Whether a resource may be neither deleted nor replaced today. */
  #protects(resource: string): boolean {
    const { host, allow } = this.#config;
    return host.kind === "ec2" && host.protect && protectedUnlessAllowed(resource, allow);
  }

  #bucket(): MediaBucket {
    const { host, media } = this.#config;
    return new MediaBucket(
      "media-bucket",
      {
        bucket: media.bucket,
        origins: this.#origins(),
        oldVersionsDays: media.oldVersions,
        retain: media.retainBucket,
        forceDestroy: !(host.kind === "ec2" && host.protect),
        protect: this.#protects(bucketResource),
        publicFiles: media.publicFiles,
      },
      { parent: this },
    );
  }

  #origins(): string[] {
    const scheme = schemeOf(tlsOf(this.#config.site.tls));
    return this.#siteNames.map((name) => `${scheme}://${name}`);
  }

  #mediaPolicy(bucket: MediaBucket): pulumi.Output<string> {
    return bucket.arn.apply((arn) => mediaPolicy(arn, this.#config.media.mayDelete));
  }

  /** What shows an authority that the site's names are its own, where that is by their zone in Route 53. */
  #challengePolicy(): { certificate?: pulumi.Output<string> } {
    const { site } = this.#config;
    const tls = tlsOf(site.tls);
    return tls.kind === "acme" && tls.challenge === "route53" && site.zone !== undefined
      ? { certificate: challengePolicyIn(site.zone, namesServed(site), { parent: this }) }
      : {};
  }

  #makeHosts(config: Ec2Config, facts: CloudFacts, args: CloudArgs): Readonly<Record<string, Ec2Host>> {
    const others = Object.entries(otherInstances(args.config));
    const network = new Network("web-network", placed(config.network, facts.zone), { parent: this });
    const groups = new SecurityGroups(
      "web-groups",
      {
        vpcId: network.vpcId,
        sshFrom: config.sshFrom,
        privateServices: false,
        connectEndpoint: config.connectEndpoint,
        othersReach: others.length === 0 ? undefined : args.reached,
        webPorts: args.networkPorts[firstHost] ?? [],
        otherPorts: others.flatMap(([name]) => args.networkPorts[name] ?? []),
      },
      { parent: this },
    );
    const subnetId = network.publicSubnetIds.apply((ids) => ids[0] as string);
    const endpoint =
      groups.connectId &&
      new ConnectEndpoint("web-connect", { subnetId, securityGroupId: groups.connectId }, { parent: this });
    const role = new InstanceRole(
      "web-role",
      {
        policies: {
          ...(this.bucket && this.#byRole ? { media: this.#mediaPolicy(this.bucket) } : {}),
          ...this.#challengePolicy(),
          ...(config.alarms?.agent ? { metrics: metricsPolicy(metricsNamespace()) } : {}),
        },
      },
      { parent: this },
    );
    const way = endpoint === undefined ? [] : [endpoint];
    // Beside each other, in one zone: what they say to each other costs nothing and is quick.
    const place = { subnetId, zone: network.zone, instanceProfile: role.profileName };
    const host = (
      name: string,
      wanted: OtherEc2Config,
      { image, existing }: InstanceFacts,
      own: Pick<Ec2HostArgs, "securityGroupIds" | "data" | "way">,
    ) =>
      new Ec2Host(
        name,
        {
          ...place,
          ...own,
          instanceType: wanted.instanceType,
          cpuCredits: wanted.cpuCredits,
          image,
          imagePinned: wanted.image !== undefined,
          existing,
          rootVolume: wanted.rootVolume,
          protect: config.protect,
          unprotected: preciousOf(name).filter((resource) => !this.#protects(resource)),
          reach: wanted.reach,
        },
        { parent: this },
      );
    const data = {
      volume: config.dataVolume,
      retain: config.retainDataVolume,
      from: config.dataVolumeFrom,
      restores: facts.restores,
      directories: args.data.flatMap((service) => service.directories),
      services: args.data.flatMap((service) => service.services),
    };
    const first = host(firstHost, config, facts, { securityGroupIds: [groups.webId], data, way });
    const made = others.map(([name, wanted]): [string, Ec2Host] => {
      const securityGroupIds = [groups.othersId as pulumi.Output<string>];
      // The rules that let it reach the first host's services are there before it asks for them.
      const own = { securityGroupIds, way: [...way, groups] };
      return [name, host(name, wanted, facts.others[name] as InstanceFacts, own)];
    });
    return { [firstHost]: first, ...Object.fromEntries(made) };
  }
}
