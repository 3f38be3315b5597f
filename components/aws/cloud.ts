import { Provider } from "@pulumi/aws/provider.js";
import type { Region } from "@pulumi/aws/types/enums/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Config } from "../../config.ts";
import type { Host } from "../host/host.ts";
import type { ServiceData } from "../system/system.ts";
import { Alarms } from "./alarms.ts";
import { type CloudFacts, checkCloud } from "./checks.ts";
import { ConnectEndpoint } from "./connect-endpoint.ts";
import { Dns } from "./dns.ts";
import { Ec2Host } from "./ec2-host.ts";
import { HostMetrics, metricsNamespace, metricsPolicy } from "./host-metrics.ts";
import { IamUser } from "./iam-user.ts";
import { InstanceRole } from "./instance-role.ts";
import { keyProof, keyTurn } from "./key-proof.ts";
import { mediaPolicy } from "./media-access.ts";
import { MediaBucket } from "./media-bucket.ts";
import { Network } from "./network.ts";
import { permissionFaults, protectedUnlessAllowed } from "./permission.ts";
import { RoleCredentials } from "./role-credentials.ts";
import { SecretMirror } from "./secret-mirror.ts";
import { SecurityGroups } from "./security-groups.ts";

type Ec2Config = Extract<Config["host"], { kind: "ec2" }>;
type Settings = Readonly<Record<string, pulumi.Input<string>>>;

export interface CloudArgs {
  /** The stack's configuration. */
  readonly config: Config;
  /** What the host keeps on its data volume. */
  readonly data: readonly ServiceData[];
}

/** The resources that hold what nobody could bring back, or that others rely on, by their names. */
const precious = {
  instance: "web-instance",
  address: "web-address",
  volume: "web-data-disk",
  bucket: "media-bucket-bucket",
} as const;

/** How an application gets at its bucket, under the names that AWS's SDKs read. */
export interface MediaSettings {
  /** Settings that are not secret. */
  readonly env: Settings;
  /** Settings that are. */
  readonly secrets: Settings;
  /** What must have happened on the host before the application can use them. */
  readonly ready: pulumi.Resource;
}

/**
 * Checks what the stack wants of AWS, and begins to make it only when all of it can be had.
 *
 * @throws {pulumi.RunError} naming every fault at once, before anything is made
 */
export async function openCloud(name: string, args: CloudArgs): Promise<Cloud> {
  const { host, media, site, secrets, allow } = args.config;
  const faults = permissionFaults(allow, Object.values(precious));
  if (faults.length > 0) {
    throw new pulumi.RunError(["The stack's permissions have faults:", ...faults].join("\n  "));
  }
  const region = host.kind === "ec2" ? host.region : media.region;
  const provider = new Provider(`${name}-account`, { region: region as Region });
  const facts = await checkCloud(
    {
      host: host.kind === "ec2" ? host : undefined,
      zone: site.zone,
      names: [...(site.domain === undefined ? [] : [site.domain]), ...site.aliases],
      bucket: media.store === "s3" ? media.bucket : undefined,
      mirror: secrets.mirror,
    },
    provider,
  );
  return new Cloud(name, args, facts, { providers: [provider] });
}

/** The AWS side of a stack: the host with its network, its role and its alarms; the bucket; the way to both. */
export class Cloud extends pulumi.ComponentResource {
  /** The host; absent when only the bucket is on AWS. */
  readonly host: Ec2Host | undefined;
  /** The bucket for uploaded files; absent when they lie on the host. */
  readonly bucket: MediaBucket | undefined;
  /** Records to make by hand, such as `shop.example.org A 203.0.113.7`. */
  readonly dns: pulumi.Output<string[]> | undefined;

  readonly #config: Config;
  readonly #siteNames: readonly string[];
  readonly #byRole: boolean;

  constructor(
    name: string,
    args: CloudArgs,
    facts: CloudFacts | undefined,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("berth:aws:Cloud", name, {}, options);
    const { host, media, site } = args.config;
    this.#config = args.config;
    this.#siteNames = [...(site.domain === undefined ? [] : [site.domain]), ...site.aliases];
    this.#byRole = media.store === "s3" && host.kind === "ec2" && media.access !== "user";
    if (media.store === "s3") {
      this.bucket = this.#bucket();
    }
    if (host.kind === "ec2" && facts !== undefined) {
      this.host = this.#host(host, facts, args);
      this.dns = new Dns(
        "site-dns",
        { zone: site.zone, names: [...this.#siteNames], address: this.host.address },
        { parent: this },
      ).toDo;
    }
    this.registerOutputs();
  }

  /**
   * Lets the application at the bucket.
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
        "media-credentials",
        { host, app, root, region: this.#region() },
        { parent: this, dependsOn: [after] },
      );
      return { env: { ...env, AWS_CONFIG_FILE: credentials.configFile }, secrets: {}, ready: credentials };
    }
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
    return { env, secrets, ready: proof };
  }

  /**
   * Makes the alarms that the stack asks for.
   *
   * @param after the step on the host after which that of this comes
   */
  watch(after: pulumi.Resource): void {
    const { host: config } = this.#config;
    if (this.host === undefined || config.kind !== "ec2" || config.alarms === undefined) return;
    const { email, agent } = config.alarms;
    const by = agent
      ? new HostMetrics("web-metrics", { host: this.host }, { parent: this, dependsOn: [after] })
      : undefined;
    new Alarms(
      "web-alarms",
      {
        instanceId: this.host.instanceId,
        email,
        measured: by && { namespace: metricsNamespace(), by },
      },
      { parent: this },
    );
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
    const { host, media } = this.#config;
    return (host.kind === "ec2" ? host.region : media.region) as string;
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
        forceDestroy: !(host.kind === "ec2" && host.protect),
        protect: this.#protects(precious.bucket),
        publicFiles: media.publicFiles,
      },
      { parent: this },
    );
  }

  #origins(): string[] {
    const scheme = this.#config.site.tls === "off" ? "http" : "https";
    return this.#siteNames.map((name) => `${scheme}://${name}`);
  }

  #mediaPolicy(bucket: MediaBucket): pulumi.Output<string> {
    return bucket.arn.apply((arn) => mediaPolicy(arn, this.#config.media.mayDelete));
  }

  #host(config: Ec2Config, facts: CloudFacts, args: CloudArgs): Ec2Host {
    const network = new Network("web-network", config.network, { parent: this });
    const groups = new SecurityGroups(
      "web-groups",
      {
        vpcId: network.vpcId,
        sshFrom: config.sshFrom,
        privateServices: false,
        connectEndpoint: config.connectEndpoint,
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
          ...(config.alarms?.agent ? { metrics: metricsPolicy(metricsNamespace()) } : {}),
        },
      },
      { parent: this },
    );
    return new Ec2Host(
      "web",
      {
        instanceType: config.instanceType,
        image: facts.image,
        imagePinned: config.image !== undefined,
        subnetId,
        zone: network.zone,
        securityGroupIds: [groups.webId],
        instanceProfile: role.profileName,
        rootVolume: config.rootVolume,
        dataVolume: config.dataVolume,
        dataDirectories: args.data.flatMap((service) => service.directories),
        dataServices: args.data.flatMap((service) => service.services),
        protect: config.protect,
        unprotected: Object.values(precious).filter((resource) => !this.#protects(resource)),
        reach: config.reach,
        way: endpoint,
      },
      { parent: this },
    );
  }
}
