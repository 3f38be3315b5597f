import { dockerGroup, reservedNames } from "../app/processes/processes.ts";
import { referenceFaults } from "../app/settings/references.ts";
import type { SiteConfig } from "./schema.ts";

type Fault = readonly [path: readonly string[], message: string, found: unknown];

/**
 * What does not hold between Docker and the rest of a stack: where, what was expected, and what was found.
 *
 * @param references all names that may be referred to
 */
export function dockerFaults(
  { docker, app }: Pick<SiteConfig, "docker" | "app">,
  references: readonly string[],
): Fault[] {
  const users = [
    ...Object.entries(app.processes)
      // They may not be in the group at all.
      .filter(([name]) => !reservedNames.includes(name))
      .map(([name, one]) => ({ path: ["app", "processes", name], ...one })),
    ...Object.entries(app.timers).map(([name, one]) => ({
      path: ["app", "timers", name],
      runsOn: undefined,
      ...one,
    })),
  ].filter(({ groups }) => groups.includes(dockerGroup));
  const ofUsers = users.flatMap(({ path, groups, account, runsOn }): Fault[] => {
    const place = [...path, "groups"];
    if (!docker.enabled) return [[place, "expected none where 'docker.enabled' is false", groups]];
    const faults: Fault[] = [];
    if (account === undefined || account === app.name) {
      const why =
        "what serves visitors runs as the application's, and could get into a process of the same account";
      faults.push([
        [...path, "account"],
        `expected an account of its own beside 'groups: [docker]': ${why}`,
        account,
      ]);
    }
    if (runsOn !== undefined)
      faults.push([place, `expected none on 'hosts.${runsOn}': Docker runs on the first host alone`, groups]);
    return faults;
  });
  const ofRegistries = Object.entries(docker.registries).flatMap(([at, { password }]) =>
    referenceFaults({ password }, references).map(
      ([, message, found]): Fault => [["docker", "registries", at, "password"], message, found],
    ),
  );
  return [...ofUsers, ...ofRegistries];
}
