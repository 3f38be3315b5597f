// What other programs use of Berth; docs/using-components.md shows how. What is on AWS is in aws/index.ts, so that a
// program without AWS loads nothing of it.
export { type OtherHost, outputsVersion, type StackOutputs, stackOutputs } from "../outputs.ts";
export { App, type AppArgs } from "./app/app.ts";
export { openSource, type Source } from "./app/source/source.ts";
export { Docker, type DockerArgs, type Registry } from "./docker/docker.ts";
export { ExistingHost, type ExistingHostArgs } from "./host/existing-host.ts";
export type { Host } from "./host/host.ts";
export { HostScript, type HostScriptArgs, type SecretFile } from "./host/host-script.ts";
export { LocalHost, type LocalHostArgs } from "./host/local-host.ts";
export type { Look } from "./host/look.ts";
export type { StepFile } from "./host/step.ts";
export { renderTemplate, type Slots, type SlotValue } from "./host/template.ts";
export { MongoDb, type MongoDbArgs } from "./mongodb/mongodb.ts";
export type { Tls } from "./nginx/certificate/schema.ts";
export { Nginx, type NginxArgs } from "./nginx/nginx.ts";
export { Postgres, type PostgresArgs } from "./postgres/postgres.ts";
export { Redis, type RedisArgs } from "./redis/redis.ts";
export { Secrets, type SecretsArgs } from "./secrets/secrets.ts";
export type { SiteArgs } from "./site/schema.ts";
export { Site } from "./site/site.ts";
export {
  type Administrator,
  type Listener,
  type PackageSet,
  type ServiceData,
  System,
  type SystemArgs,
} from "./system/system.ts";
