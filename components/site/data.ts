import * as pulumi from "@pulumi/pulumi";
import { dataResource, type Permission, protectedUnlessAllowed } from "../aws/permission.ts";
import type { SiteConfig } from "./schema.ts";

/**
 * Under which names a site keeps its data, by the keys of the configuration. With another one it would go live, healthy,
 * and without that data.
 */
export type DataNames = Readonly<Record<string, string>>;

/**
 * @param root the application's directory
 * @param before as it was so far: a database that is turned off keeps its name
 */
export function dataNames(
  { app, host, media, postgres }: SiteConfig,
  root: string,
  before: DataNames = {},
): DataNames {
  const { "postgres.database": database } = before;
  return {
    ...(database === undefined ? {} : { "postgres.database": database }),
    "host.kind": host.kind,
    ...(host.kind === "existing"
      ? { "host.address": host.address, "host.hostKey": host.hostKey.split(" ").slice(0, 2).join(" ") }
      : {}),
    ...(host.kind === "ec2"
      ? { "host.region": host.region, "host.network": JSON.stringify(host.network) }
      : {}),
    "app.name": app.name,
    "app.root": root,
    ...(postgres.enabled ? { "postgres.database": postgres.database ?? app.name } : {}),
    "media.store": media.store,
    ...(media.store === "host" ? { "media.directory": media.directory ?? ofRoot } : {}),
    ...(media.store === "s3" ? { "media.bucket": media.bucket ?? "" } : {}),
    ...(media.store === "s3" && media.region !== undefined ? { "media.region": media.region } : {}),
  };
}

/** Where uploads are if nothing is said; with another root that is another place, which is told of the root. */
const ofRoot = "media in app.root";

/** What of a site is lost from sight by another value of a key. */
const losses: Readonly<Record<string, string>> = {
  "host.kind": "the database, Redis and uploads are on the previous machine",
  "host.address": "this is another machine, without the database and the uploads",
  "host.region": "the instance and the bucket would be new ones, without the data",
  "host.network":
    "the instance may be in another zone then, where its data volume cannot follow: it would get a new, empty one",
  "app.name": "the application would start with an empty database and no uploads",
  "app.root": "uploads are in the previous directory",
  "postgres.database": "the application would start with an empty database",
  "media.directory": "uploads are in the previous directory",
  "media.store": "the application would find none of the uploaded files",
  "media.bucket": "the application would find none of the uploaded files, which are in the previous bucket",
  "media.region": "the application would find none of the uploaded files, which are in the previous bucket",
};

/** What follows from the name of the application where it is not said. */
const ofName: Readonly<Record<string, (name: string) => string>> = {
  "app.root": (name) => `/srv/${name}`,
  "postgres.database": (name) => name,
};

/**
 * What a change would lose, one line for each key: what was found, what was there, and what to do.
 *
 * @param before under which names the data lies; undefined where nothing has been deployed yet
 */
export function lossFaults(
  before: DataNames | undefined,
  now: DataNames,
  allowed: readonly Permission[],
): string[] {
  if (before === undefined || !protectedUnlessAllowed(dataResource, allowed)) return [];
  const changed = (key: string) => now[key] !== undefined && now[key] !== before[key];
  const renamed = changed("app.name");
  // A machine may get another address, or another key.
  const isElsewhere = changed("host.address") && changed("host.hostKey");
  const follows = (key: string, names: DataNames) => ofName[key]?.(names["app.name"] ?? "") === names[key];
  return Object.keys(before)
    .filter(changed)
    .filter((key) => (key === "host.address" ? isElsewhere : key !== "host.hostKey"))
    .filter((key) => !(renamed && follows(key, before) && follows(key, now)))
    .map((key) => {
      const [was, is] = [before[key], now[key]].map((name) =>
        name === "" ? "a generated name" : `'${name}'`,
      );
      return `${key}: found ${is}; this stack's data is under ${was}: ${losses[key]}.`;
    });
}

/**
 * Refuses what would leave the data of a site behind.
 *
 * @throws {pulumi.RunError} naming every key at once
 */
export function refuseLoss(
  before: DataNames | undefined,
  now: DataNames,
  allowed: readonly Permission[],
): void {
  const faults = lossFaults(before, now, allowed);
  if (faults.length === 0) return;
  const soon = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  throw new pulumi.RunError(
    [
      "This change would leave the stack's data behind:",
      ...faults.map((fault) => `  ${fault}`),
      ...(faults.some((fault) => fault.startsWith("host."))
        ? [
            "Is the previous machine lost? docs/backups.md says how its data comes back: 'If the server is lost'.",
          ]
        : []),
      "Nothing has been changed. Put back the previous value. To continue without that data, or after you have moved it by hand, allow the change for a while:",
      "  allow:",
      "    - change: replace",
      `      resource: ${dataResource}`,
      `      until: ${soon}`,
      "      why: WHY",
    ].join("\n"),
  );
}
