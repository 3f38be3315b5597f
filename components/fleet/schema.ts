import { isIP } from "node:net";
import { z } from "zod";
import { ec2Host, isBurstable, otherEc2Host } from "../aws/schema.ts";
import { firstHost } from "../host/host.ts";
import { existingHost, localHost } from "../host/schema.ts";
import { services } from "../services.ts";

export const hostSchema = z.discriminatedUnion("kind", [localHost, existingHost, ec2Host]);

/**
 * What a host cannot be called: a step or resource of the stack has a name that one of its own would have (with a host
 * `server`, what reaches the database from there would be `postgres-server`), or a machine calls itself so.
 */
const takenNames = [
  ...new Set([
    ...["app", "certificate", "cloud", "localhost", "media", "nginx", "secrets", "server", "site", "system"],
    ...services.flatMap(({ name, steps }) => [name, ...steps]),
  ]),
].sort();
const hostName = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/, {
    error: "expected a name of lower-case letters, digits and hyphens, 20 at most",
  })
  .refine((name) => name !== firstHost, {
    error: `expected another name than '${firstHost}', which is the host that 'host' describes; choose one that says what the host does, such as 'tasks'`,
  })
  .refine((name) => !takenNames.includes(name), {
    error: `expected a name that nothing else of the stack has, so none of ${takenNames.join(", ")}; choose one that says what the host does, such as 'tasks'`,
  });
const otherHostSchema = z.discriminatedUnion("kind", [localHost, existingHost, otherEc2Host]);
export const hostsSchema = z.record(hostName, otherHostSchema);

/** What is wanted of the host that serves the site. */
export type HostConfig = z.output<typeof hostSchema>;
/** What is wanted of a host beside it. */
export type OtherHostConfig = z.output<typeof otherHostSchema>;

/** What does not hold among the hosts of a stack: the key of each fault, and what is expected there. */
export function faultsOfHosts(
  host: HostConfig,
  hosts: Readonly<Record<string, OtherHostConfig>>,
): (readonly [path: string, expected: string])[] {
  const others = Object.entries(hosts).map(([name, one]) => [`hosts.${name}`, one] as const);
  const all = [["host", host], ...others] as const;
  const ofCredits = all.flatMap(([path, one]) =>
    one.kind === "ec2" && one.cpuCredits !== undefined && !isBurstable(one.instanceType)
      ? [[`${path}.cpuCredits`, `expected none: '${one.instanceType}' has no CPU credits`] as const]
      : [],
  );
  if (others.length === 0) return ofCredits;
  const taken = new Map<string, string>();
  /** Where a host is to be found must be no other one's. */
  const alone = (place: string, path: string) => {
    const other = taken.get(place);
    taken.set(place, path);
    return other === undefined ? [] : [[path, `expected another address than ${other}`] as const];
  };
  const ofPlaces = all.flatMap(([path, one]): (readonly [string, string])[] => {
    if (one.kind !== host.kind) {
      return [[`${path}.kind`, `expected '${host.kind}' as 'host' has: the hosts must reach each other`]];
    }
    if (one.kind === "ec2") {
      if (one.reach !== undefined) return alone(`${one.reach.address}:${one.reach.port}`, `${path}.reach`);
      return host.kind === "ec2" && host.sshFrom.length === 0 && path !== "host"
        ? [[`${path}.reach`, "expected a tunnel of its own: host.sshFrom lets SSH in from nowhere"]]
        : [];
    }
    if (one.kind !== "existing") return [];
    const own = one.privateAddress ?? one.address;
    if (isIP(own) === 0) {
      return [[`${path}.privateAddress`, `expected an IP address: the other hosts take none of '${own}'`]];
    }
    return alone(own, `${path}.${one.privateAddress === undefined ? "address" : "privateAddress"}`);
  });
  return [...ofCredits, ...ofPlaces];
}
