import type { z } from "zod";
import { docker } from "./docker/service.ts";
import { mongodb } from "./mongodb/service.ts";
import type { OwnServices } from "./own-service/schema.ts";
import { ownServices } from "./own-service/service.ts";
import { postgres } from "./postgres/service.ts";
import { redis } from "./redis/service.ts";
import type { Service, ServicePlan, StackFacts } from "./service/service.ts";

/** The services that there are, in the order in which a host gets them. */
export const services = [postgres, redis, mongodb, docker] as const;

type Known = (typeof services)[number];

/** The configuration of each service, by its name. */
export type ServiceConfigs = { readonly [S in Known as S["name"]]: z.output<S["schema"]> };

/** The secrets of all services, by their keys. */
export type ServiceSecret = { [S in Known as S["name"]]: keyof S["secrets"] }[Known["name"]];

/** The schemas of the services' parts of the configuration. */
export const serviceSchemas = Object.fromEntries(services.map(({ name, schema }) => [name, schema])) as {
  readonly [S in Known as S["name"]]: S["schema"];
};

/** What each secret of a service is, by its key. */
export const serviceSecrets = Object.assign({}, ...services.map(({ secrets }) => secrets)) as Readonly<
  Record<ServiceSecret, string>
>;

export interface PlannedService {
  readonly service: Service;
  readonly plan: ServicePlan;
}

/** What a stack has of each service; those of a team's own come last, since they may use the others. */
export function planServices(
  config: ServiceConfigs & { readonly services: OwnServices },
  stack: StackFacts,
): readonly PlannedService[] {
  const known = (services as readonly Service[]).map((service) => ({
    service,
    plan: service.plan(config[service.name as Known["name"]], stack),
  }));
  const own = ownServices(config.services).map((service) => ({ service, plan: service.plan({}, stack) }));
  return [...known, ...own];
}
