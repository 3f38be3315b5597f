// What other programs use of Berth's on AWS.

export { Ec2Host, type Ec2HostArgs, type HostData } from "../ec2/ec2-host.ts";
export { Alarms, type AlarmsArgs } from "./alarms.ts";
export { BackupBucket, type BackupBucketArgs } from "./backup-bucket.ts";
export { ConnectEndpoint, type ConnectEndpointArgs } from "./connect-endpoint.ts";
export { Dns, type DnsArgs } from "./dns.ts";
export { IamUser, type IamUserArgs } from "./iam-user.ts";
export { InstanceRole, type InstanceRoleArgs } from "./instance-role.ts";
export { MediaBucket, type MediaBucketArgs, type PublicFiles } from "./media-bucket.ts";
export { Network, type NetworkChoice } from "./network.ts";
export { SecretMirror, type SecretMirrorArgs } from "./secret-mirror.ts";
export { SecurityGroups, type SecurityGroupsArgs } from "./security-groups.ts";
