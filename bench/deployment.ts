import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { packDirectory } from "../components/app/source/archive.ts";
import { site } from "./contender.ts";

/** What a tool that keeps no state is told about a host, in the names that the templates of bench/contenders use. */
export interface Deployment {
  readonly domain: string;
  readonly max_body: number;
  /** The name of the release: what its source is. */
  readonly release: string;
  readonly released_at: string;
  /** The source of the application, a tar file here. */
  readonly archive: string;
  readonly away_page: string;
  readonly database_password: string;
  readonly redis_password: string;
  readonly secret_key: string;
}

/** What is deployed, with new secrets. */
export function newDeployment(root: string, folder: string): Deployment {
  const archive = resolve(packDirectory(join(root, site.app), join(folder, "archives")).path);
  return {
    domain: site.domain,
    max_body: site.maxBody,
    release: createHash("sha256").update(readFileSync(archive)).digest("hex").slice(0, 10),
    released_at: new Date().toISOString(),
    archive,
    away_page: join(root, "components/nginx/away.html"),
    database_password: randomBytes(16).toString("hex"),
    redis_password: randomBytes(16).toString("hex"),
    secret_key: randomBytes(32).toString("hex"),
  };
}

/** The version that a requirements file pins. */
export function pinned(requirements: string, name: string): string {
  const version = new RegExp(`^${name}==(\\S+)`, "m").exec(readFileSync(requirements, "utf8"))?.[1];
  if (version === undefined) throw new Error(`${requirements}: no version of ${name}`);
  return version;
}
