import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Contender, site } from "./contender.ts";
import type { Project } from "./engine.ts";
import type { BareHost } from "./host.ts";

/** Berth on a machine that is there already: a stack of the kind `existing` for each host. */
export function berth(root: string, project: Project): Contender {
  const config = (host: BareHost, maxBody: number) => existingConfig(root, host, maxBody);
  return {
    name: "Berth",
    version: berthVersion(root),
    // The stack for the no-op, made before, has read everything once.
    async prepare() {},
    async bootstrap(host) {
      await project.init(host.name, config(host, site.maxBody));
      return project.up(host.name);
    },
    again: (host) => project.up(host.name, "no-changes"),
    changeLine(host) {
      project.configure(host.name, config(host, site.otherMaxBody));
      return project.up(host.name);
    },
  };
}

export const berthVersion = (root: string): string =>
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;

/** The configuration of stack `local`, on a machine that is there already. */
export function existingConfig(root: string, host: BareHost, maxBody: number): Record<string, unknown> {
  return {
    ...localConfig(root, maxBody),
    "berth:host": {
      kind: "existing",
      address: host.address,
      user: host.user,
      hostKey: host.hostKey,
      privateKeyFile: host.keyFile,
    },
  };
}

/** The example's worker and beat, as stack `local` has them. */
export const exampleProcesses = (root: string): unknown =>
  (readLocal(root)["berth:app"] as { readonly processes: unknown }).processes;

function readLocal(root: string): Record<string, object> {
  const text = readFileSync(join(root, "Pulumi.local.yaml"), "utf8");
  return (parse(text) as { config: Record<string, object> }).config;
}

/** The configuration of stack `local`, without the worker and the beat, which nothing it is measured against has. */
export function localConfig(root: string, maxBody: number): Record<string, unknown> {
  const config = readLocal(root);
  const app = { ...config["berth:app"], processes: undefined };
  return {
    ...config,
    "berth:app": app,
    "berth:site": { ...config["berth:site"], domain: site.domain, maxBody },
  };
}
