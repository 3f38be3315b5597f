import { createHash } from "node:crypto";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { HostScript } from "../../host/host-script.ts";
import type { AppStep } from "../args.ts";
import { processFiles } from "../processes/processes.ts";
import { fileDigests, secretsIn } from "../settings/files.ts";
import { plainSettings } from "../settings/step.ts";
import type { UnitTexts } from "../web/step.ts";
import { factsOf, factsText } from "./facts.ts";
import { pagesOf } from "./pages-schema.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** The switch to the release. */
export function liveStep(
  step: AppStep,
  units: UnitTexts,
  release: pulumi.Output<string>,
  prepared: HostScript,
): HostScript {
  const { component, parent, args, isWeb, files } = step;
  return new HostScript(
    `${component}-live`,
    {
      host: args.host,
      script: here("live.sh"),
      slots: {
        name: args.name,
        facts: factsText({
          release,
          kept: args.release !== undefined,
          retry: args.retry ?? null,
          keep: args.keep,
          django: (isWeb ? args.settings : undefined) ?? null,
          release_command: args.releaseCommand ?? null,
          once: isWeb ? (args.once ?? []) : [],
          dump: args.dumpBeforeMigrate,
          secrets: Object.keys(args.secrets).sort(),
          ...factsOf(args.processes),
          health: args.health,
          pages: isWeb ? pagesOf(args.pages ?? []) : [],
          domain: args.domain,
          scheme: args.scheme,
          door: args.door,
          packages: args.packages,
          timeout: args.timeout,
          changes: {
            units: digest(JSON.stringify([units, processFiles(step.place, args.processes)])),
            settings: plainSettings(args).apply((plain) => digest(JSON.stringify(plain))),
            files: fileDigests(files),
          },
        }),
      },
      // Not for use: a changed secret must start the service anew, and what fails must not print one.
      secrets: pulumi.output({ ...secretsIn(files), ...args.secrets }).apply(withPasswords),
    },
    { parent, dependsOn: pulumi.output(args.liveAfter ?? []).apply((those) => [prepared, ...those]) },
  );
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** The secrets, and beside each URL with a password in it that password, which may be printed without its URL. */
function withPasswords(secrets: Record<string, string>): Record<string, string> {
  const passwords = Object.entries(secrets).flatMap(([name, value]) => {
    const password = URL.canParse(value) ? new URL(value).password : "";
    return password === "" ? [] : [[`${name}-password`, decodeURIComponent(password)]];
  });
  return { ...secrets, ...Object.fromEntries(passwords) };
}
