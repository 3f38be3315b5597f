import * as pulumi from "@pulumi/pulumi";
import type { SecretFile } from "../../host/host-script.ts";
import { logsFile } from "../../host/logs.ts";
import type { StepFile } from "../../host/step.ts";
import type { HooksConfig } from "./schema.ts";

/** The URL or command of each event. */
export type Hooks = Readonly<Record<string, pulumi.Input<string>>>;

/** A URL holds a token as a rule, whether the stack's file says so or not. */
export const openHooks = (hooks: HooksConfig): Hooks =>
  Object.fromEntries(
    Object.entries(hooks).flatMap(([event, hook]) =>
      hook === undefined ? [] : [[event, pulumi.secret(hook)]],
    ),
  );

export const noHooks = { files: {}, secretFiles: {} };

/** What the release program reads of them; only root can. */
export function hookFiles(
  name: string,
  hooks: Hooks = {},
): { readonly files: Record<string, StepFile>; readonly secretFiles: Record<string, SecretFile> } {
  if (Object.keys(hooks).length === 0) return noHooks;
  const content = pulumi.output(hooks).apply((all) => JSON.stringify(all));
  return {
    files: logsFile("hooks", { units: [`berth-${name}-hook-*`], files: [] }),
    secretFiles: { [`/etc/berth/${name}/hooks`]: { content } },
  };
}
