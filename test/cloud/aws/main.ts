// The simulated `aws` provider: what Berth's stacks use of @pulumi/aws 7.48.0, and nothing else.
import type { Resource } from "../../../engine/plugins/provider.ts";
import { serve } from "../../../engine/plugins/server.ts";
import { settings } from "./cloud.ts";
import * as entries from "./entries.ts";
import { functions } from "./functions.ts";
import * as identity from "./identity.ts";
import * as instances from "./instances.ts";
import * as network from "./network.ts";
import * as notices from "./notices.ts";
import { type Behaviour, configuration, resource } from "./resource.ts";
import { carried } from "./schema.ts";
import * as storage from "./storage.ts";

const behaviours: Readonly<Record<string, Behaviour>> = {
  Vpc: network.vpc,
  InternetGateway: network.internetGateway,
  Subnet: network.subnet,
  RouteTable: network.routeTable,
  Route: network.route,
  RouteTableAssociation: network.routeTableAssociation,
  NatGateway: network.natGateway,
  SecurityGroup: network.securityGroup,
  SecurityGroupIngressRule: network.ingressRule,
  SecurityGroupEgressRule: network.egressRule,
  InstanceConnectEndpoint: network.connectEndpoint,
  KeyPair: network.keyPair,
  Instance: instances.instance,
  InstanceState: instances.instanceState,
  Volume: instances.volume,
  VolumeAttachment: instances.volumeAttachment,
  Eip: instances.address,
  EipAssociation: instances.addressAssociation,
  Bucket: storage.bucket,
  BucketPublicAccessBlock: storage.publicAccessBlock,
  BucketOwnershipControls: storage.ownershipControls,
  BucketServerSideEncryptionConfiguration: storage.encryption,
  BucketVersioning: storage.versioning,
  BucketLifecycleConfiguration: storage.lifecycle,
  BucketPolicy: storage.bucketPolicy,
  BucketCorsConfiguration: storage.cors,
  Role: identity.role,
  RolePolicy: identity.rolePolicy,
  InstanceProfile: identity.instanceProfile,
  User: identity.user,
  UserPolicy: identity.userPolicy,
  AccessKey: identity.accessKey,
  MetricAlarm: notices.alarm,
  Topic: notices.topic,
  TopicSubscription: notices.subscription,
  Record: notices.record,
  Secret: entries.secretEntry,
  SecretVersion: entries.secretVersion,
  Parameter: entries.parameter,
};

const resources = Object.fromEntries(
  carried.map((type): [string, () => Promise<Resource>] => {
    const behaviour = behaviours[type.split(":")[2] ?? ""] as Behaviour;
    return [type, async () => resource(type, behaviour)];
  }),
);

await serve({
  name: "aws",
  version: "7.48.0",
  resources,
  functions,
  async configure(config) {
    const { region } = settings();
    configuration.value = { ...config, region: config.region ?? region };
    if (config.region !== undefined && config.region !== region) {
      throw new Error(`aws:region is ${config.region}: the simulated cloud of this test is in ${region}`);
    }
  },
});
