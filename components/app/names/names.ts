import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../host/host.ts";
import { HostScript } from "../../host/host-script.ts";
import type { Process, Timer } from "../processes/processes.ts";

export interface NamesArgs {
  readonly host: Host;
  /** Name of the application. */
  readonly name: string;
  /** The account that owns the application's files. */
  readonly owner: string;
  /** The application's directory on the host. */
  readonly root: string;
  /** Processes beside the web server that run on this host. */
  readonly processes: readonly Process[];
  /** Commands that run at certain times on this host, by name. */
  readonly timers: Readonly<Record<string, Timer>>;
}

/**
 * What other names have left on a host, once the application serves under its names of now: what ran under another name of
 * the application is ended and taken away, and what may hold data is named. It runs again when a name changes.
 */
export class Names extends HostScript {
  constructor(name: string, args: NamesArgs, options: pulumi.CustomResourceOptions) {
    const { host, root } = args;
    super(
      name,
      {
        host,
        script: join(import.meta.dirname, "names.sh"),
        slots: { name: args.name, root, data: placesOf(args).join("\n") },
      },
      options,
    );
  }
}

/** The accounts and places that may hold data under the stack's names: a line each. */
function placesOf({ name, owner, root, processes, timers }: NamesArgs): string[] {
  const own = [...processes.map((one) => [one.name, one] as const), ...Object.entries(timers)].flatMap(
    ([part, { account }]) =>
      account === undefined ? [] : [`account ${account}`, `directory /var/lib/${name}-${part}`],
  );
  const places = [
    `account ${name}`,
    `account ${owner}`,
    `directory ${root}`,
    `directory /var/backups/berth/${name}`,
  ];
  return [...new Set([...places, ...own])].sort();
}
