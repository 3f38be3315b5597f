import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { copyArchive } from "../../host/copy-archive.ts";
import { HostScript } from "../../host/host-script.ts";
import type { AppStep } from "../args.ts";
import { fileLinks } from "../settings/files.ts";
import { isReleaseId, releaseId } from "../source/source.ts";
import { entryOf } from "../web/servers.ts";
import { tools } from "../web/tools.ts";
import { factsOf, factsText } from "./facts.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** The release, made beside what runs. */
export function prepareStep(step: AppStep, before: HostScript): [pulumi.Output<string>, HostScript] {
  const { component, parent, args, isWeb } = step;
  const { host, name, source, python, requirements, server, settings, release, processes } = args;
  const statics = args.static;
  const { commands, env, afterCollectstatic = [], frontEnd = "." } = args.build;
  const build = { commands, env };
  const after = isWeb ? afterCollectstatic : [];
  const { served = {} } = args;
  const files = fileLinks(step.files);
  const { groups = [], extras = [] } = args;
  const asked = groups.length + extras.length === 0 ? {} : { groups, extras };
  const own = [
    commands.length + Object.keys(env).length === 0 ? {} : build,
    files,
    args.shared,
    afterCollectstatic,
    asked,
    frontEnd === "." ? {} : { frontEnd },
    Object.keys(served).length === 0 ? {} : { served },
  ]
    .filter((part) => Object.keys(part).length > 0)
    .map((part) => JSON.stringify(part))
    .join("");
  const recipe = [python, requirements, source.git?.path, tools[server].join(", "), settings, statics, own];
  const ofSource = source.version.apply((version) =>
    releaseId(
      version,
      recipe.map((part) => part ?? ""),
    ),
  );
  const id = release !== undefined && isReleaseId(release) ? pulumi.output(release) : ofSource;
  const archive =
    source.archive === undefined
      ? undefined
      : copyArchive(
          `${component}-archive`,
          host,
          source.archive,
          ofSource.apply((own) => `.berth-${name}-${own}.tar`),
        );
  const prepared = new HostScript(
    `${component}-release`,
    {
      host,
      script: here("prepare.sh"),
      slots: {
        name,
        facts: factsText({
          release: id,
          kept: release !== undefined,
          archive:
            archive === undefined ? null : { name: archive.remotePath, sha256: source.archive?.sha256 ?? "" },
          git: source.git ?? null,
          python: python ?? null,
          python_mirror: args.pythonMirror ?? null,
          index: args.index ?? null,
          requirements: requirements ?? null,
          groups,
          extras,
          build: { ...build, front_end: frontEnd || null, after_collectstatic: after },
          files,
          server,
          module: entryOf(args).module,
          worker_class: (isWeb ? args.workerClass : undefined) ?? null,
          django: (isWeb ? settings : undefined) ?? null,
          check: args.check?.enabled === false ? null : (args.check?.tags ?? []),
          static: (isWeb ? statics : undefined) ?? null,
          served: isWeb ? served : {},
          shared: args.shared,
          media_public: args.mediaPublic ?? null,
          secrets: Object.keys(args.secrets).sort(),
          ...factsOf(processes),
          all_processes: args.processNames ?? processes.map((process) => process.name),
        }),
      },
    },
    { parent, dependsOn: archive === undefined ? [before] : [before, archive] },
  );
  return [id, prepared];
}
