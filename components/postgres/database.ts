// A database of a cluster, and who logs in to it: the stack's own, and that of a service which keeps its data in PostgreSQL.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface DatabaseArgs {
  readonly host: Host;
  readonly database: string;
  /** The role that owns it. What logs in is a member of it, another one for each password. */
  readonly role: string;
  /** The login that has the password: {@link loginOf}. */
  readonly login: pulumi.Input<string>;
  readonly password: pulumi.Input<string>;
  /** Extensions that are made as the superuser. @default none */
  readonly extensions?: readonly string[] | undefined;
}

/**
 * The login that has this password. While a release with another one goes live, and until it has proved itself, the one
 * before runs on with its own. Of the password it tells 24 bits of a digest, which is no help with a long one.
 */
export function loginOf(role: string, password: pulumi.Input<string>): pulumi.Output<string> {
  const name = pulumi
    .output(password)
    .apply(
      (secret) => `${role}_${createHash("sha256").update(`${role} ${secret}`).digest("hex").slice(0, 6)}`,
    );
  return pulumi.unsecret(name);
}

/** @param service the name of the component that has it */
export function makeDatabase(
  service: string,
  { host, database, role, extensions = [], login, password }: DatabaseArgs,
  options: pulumi.CustomResourceOptions,
): HostScript {
  return new HostScript(
    `${service}-database`,
    {
      host,
      script: ["common.sh", "database.sh"].map(here),
      slots: { database, role, extensions: extensions.join(" "), login },
      secrets: { password },
    },
    options,
  );
}

/**
 * Ends the passwords of before, once the new one is live everywhere.
 *
 * @param service the name of the component that has the database
 * @param grace for how long what was live before may still be at work, in seconds
 */
export function endLogins(
  service: string,
  { host, database, role, login }: Omit<DatabaseArgs, "password" | "extensions">,
  grace: number,
  after: readonly pulumi.Resource[],
  options: pulumi.ComponentResourceOptions,
): HostScript {
  return new HostScript(
    `${service}-logins`,
    {
      host,
      script: ["common.sh", "logins.sh"].map(here),
      slots: { database, role, login, grace },
      files: {
        "/usr/local/lib/berth/postgres-end-logins": {
          content: `#!/bin/bash\n${text("common.sh")}\n${text("end-logins.sh")}`,
          mode: "0755",
        },
      },
    },
    // No child of the component, which those that it waits for depend on as a whole.
    { ...options, dependsOn: [...after] },
  );
}
