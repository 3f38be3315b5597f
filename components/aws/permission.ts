import * as pulumi from "@pulumi/pulumi";

/** What a stack's configuration allows for a time: `allow`. */
export interface Permission {
  /** What may happen to the resource. */
  readonly change: "delete" | "replace";
  /** The resource's name: the last part of its URN. */
  readonly resource: string;
  /** The last day on which it may, as YYYY-MM-DD (UTC). */
  readonly until: string;
  /** The reason, for those who review it. */
  readonly why: string;
}

/** What stands for the names under which a stack keeps its data, among the names of resources. */
export const dataResource = "data";

/** How many days ahead an exception may reach: long enough to plan, too short to be forgotten. */
export const longestException = 30;

/**
 * The last day of an exception, or undefined where there is none. Without quotes a day is a time to YAML, and the
 * engine hands it on as `2026-03-10 00:00:00 +0000 UTC`.
 */
export function lastDay(until: unknown): string | undefined {
  const found = typeof until === "string" && /^(\d{4}-\d{2}-\d{2})( 00:00:00 \+0000 UTC)?$/.exec(until);
  if (!found || found[1] === undefined) return undefined;
  const time = Date.parse(found[1]);
  // 2026-02-30 is read as the second of March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(found[1]) ? found[1] : undefined;
}

/** What is wrong with the last day of an exception, or undefined. */
export function dateFault(until: unknown, today: Date): string | undefined {
  const expected = `expected a day such as ${day(today, 7)}, ${longestException} days ahead at most`;
  const last = lastDay(until);
  if (last === undefined)
    return `${expected}; found ${until === undefined ? "nothing" : JSON.stringify(until)}`;
  if (last < day(today, 0)) return `${last} is over: take the entry out, or give it a new day (${expected})`;
  if (last > day(today, longestException)) return `${last} is too far ahead: ${expected}`;
  return undefined;
}

/**
 * Everything that is wrong with `allow`, one line for each fault.
 *
 * @param resources names of the resources of this stack that hold data
 */
export function permissionFaults(
  permissions: readonly Permission[],
  resources: readonly string[],
  today = new Date(),
): string[] {
  return permissions.flatMap(({ until, resource }, index) => {
    const date = dateFault(until, today);
    return [
      ...(date === undefined ? [] : [`allow[${index}].until: ${date}`]),
      ...(resources.includes(resource)
        ? []
        : [
            `allow[${index}].resource: found ${JSON.stringify(resource)}; expected a resource that holds data: ${resources.join(", ") || "this stack has none"}`,
          ]),
    ];
  });
}

/**
 * Refuses permissions with faults.
 *
 * @param resources names of what of this stack is protected beside {@link dataResource}
 * @throws {pulumi.RunError} naming every fault at once
 */
export function checkPermissions(permissions: readonly Permission[], resources: readonly string[]): void {
  const faults = permissionFaults(permissions, [dataResource, ...resources]);
  if (faults.length === 0) return;
  throw new pulumi.RunError(["The stack's permissions have faults:", ...faults].join("\n  "));
}

/**
 * The resource option `protect` for what holds data: the engine then refuses to delete or replace it, in a preview
 * already. A permission of the day takes it away, of either kind: the engine knows only one protection.
 */
export function protectedUnlessAllowed(
  resource: string,
  permissions: readonly Permission[],
  today = new Date(),
): boolean {
  return !permissions.some(
    (permission) => permission.resource === resource && dateFault(permission.until, today) === undefined,
  );
}

const day = (today: Date, ahead: number) =>
  new Date(today.getTime() + ahead * 86_400_000).toISOString().slice(0, 10);
