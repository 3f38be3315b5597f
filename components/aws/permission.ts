/** What a stack's configuration allows for a time: `berth:allow`. */
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

/** How many days ahead an exception may reach: long enough to plan, too short to be forgotten. */
export const longestException = 30;

/** What is wrong with the last day of an exception, or undefined. */
export function dateFault(until: unknown, today: Date): string | undefined {
  const expected = `expected a day such as ${day(today, 7)}, ${longestException} days ahead at most`;
  const parsed = typeof until === "string" && /^\d{4}-\d{2}-\d{2}$/.test(until) ? Date.parse(until) : NaN;
  // 2026-02-30 is read as the second of March.
  if (Number.isNaN(parsed) || new Date(parsed).toISOString().slice(0, 10) !== until) {
    return `${expected}; found ${JSON.stringify(until)}`;
  }
  if (until < day(today, 0))
    return `${until} is over: take the entry out, or give it a new day (${expected})`;
  if (until > day(today, longestException)) return `${until} is too far ahead: ${expected}`;
  return undefined;
}

/**
 * Everything that is wrong with `berth:allow`, one line for each fault.
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
      ...(date === undefined ? [] : [`berth:allow[${index}].until: ${date}`]),
      ...(resources.includes(resource)
        ? []
        : [
            `berth:allow[${index}].resource: found ${JSON.stringify(resource)}; expected a resource that holds data: ${resources.join(", ") || "this stack has none"}`,
          ]),
    ];
  });
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
