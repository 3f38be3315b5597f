import { firstHost } from "../host/host.ts";
import { otherPort } from "../host/schema.ts";
import { partsOn, portsOf } from "../metrics/exporters.ts";
import type { PlannedService } from "../services.ts";
import type { SiteConfig } from "./schema.ts";

type Config = Pick<SiteConfig, "host" | "metrics" | "postgres" | "redis">;

/** The ports of the first host that are taken, and by what. */
export function takenPorts(config: Config, running: readonly PlannedService[]): Map<number, string> {
  const ofServices = running.flatMap(({ service: { name }, plan: { server } }) =>
    server === undefined || server.at !== undefined
      ? []
      : (server.listener?.ports ?? []).map((port): [number, string] => [port, name]),
  );
  return new Map([...ofMachine("host", config.host), ...ofMetrics(config, firstHost), ...ofServices]);
}

/** What is wrong with the ports of processes: below `app.processes`, what was expected and what was found. */
export function portFaults(config: SiteConfig, running: readonly PlannedService[]) {
  const { hosts, services, app } = config;
  const own = Object.entries(services).map(([name, { port }]): [number, string] => [
    port,
    `services.${name}`,
  ]);
  const taken = new Map([
    [firstHost, new Map([...takenPorts(config, running), ...own])],
    ...Object.entries(hosts).map(
      ([name, other]) =>
        [name, new Map([...ofMachine(`hosts.${name}`, other), ...ofMetrics(config, name)])] as const,
    ),
  ]);
  return Object.entries(app.processes).flatMap(([name, { ports, count, runsOn = firstHost }]) => {
    // One that does not run takes none.
    if (count === 0) return [];
    const there = taken.get(runsOn);
    return ports.flatMap(({ port }, index) => {
      const by = there?.get(port);
      there?.set(port, `app.processes.${name}`);
      if (by === undefined) return [];
      return [
        {
          path: [name, "ports", index, "port"],
          message: `expected a port that is free: ${by} has this one`,
          found: port,
        },
      ];
    });
  });
}

const ofMetrics = (config: Config, host: string): (readonly [number, string])[] =>
  config.metrics === undefined
    ? []
    : portsOf(partsOn(config, host)).map((port) => [port, "metrics"] as const);

/** Ports of a machine that the user has: what else it serves, and its SSH. */
function ofMachine(
  key: string,
  host: SiteConfig["host"] | SiteConfig["hosts"][string],
): (readonly [number, string])[] {
  if (host.kind !== "existing") return [];
  const others = (host.openPorts ?? []).map((one) => [otherPort(one).number, `${key}.openPorts`] as const);
  return [...others, [host.port, `SSH (${key}.port)`]];
}
