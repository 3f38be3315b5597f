import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { HostScript } from "../../host/host-script.ts";
import { type AppArgs, type AppStep, mediaRoot } from "../args.ts";
import { hookFiles, noHooks } from "../hooks/hooks.ts";
import { filesOfStep } from "./files.ts";
import { environmentFile } from "./settings.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** What the application is told, and what else it and its builds must not show to others. */
export function settingsStep(
  { component, parent, args, files, isWeb }: AppStep,
  account: HostScript,
): HostScript {
  const { host, name, owner, root, build, source, indexLogins: logins = {} } = args;
  const { deployKey } = source;
  const own = filesOfStep(name, root, files);
  const hooks = isWeb ? hookFiles(name, args.hooks) : noHooks;
  return new HostScript(
    `${component}-settings`,
    {
      host,
      application: name,
      script: here("settings.sh"),
      slots: {
        name,
        root,
        files: Object.keys(files).join("\n"),
      },
      secretFiles: {
        [`${root}/config/env`]: {
          content: pulumi
            .all([plainSettings(args), args.secrets])
            .apply(([plain, secret]) => environmentFile({ ...plain, ...secret })),
          owner: `root:${name}`,
          mode: "0640",
        },
        ...own.secretFiles,
        ...hooks.secretFiles,
        ...(Object.keys(logins).length === 0
          ? {}
          : {
              [`/etc/berth/${name}/netrc`]: {
                content: pulumi.output(logins).apply(netrc),
                owner: `root:${owner}`,
                mode: "0640",
              },
            }),
        ...(Object.keys(build.secrets).length === 0
          ? {}
          : {
              [`/etc/berth/${name}/build-secrets`]: {
                content: pulumi.output(build.secrets).apply((all) => JSON.stringify(all)),
              },
            }),
        ...(deployKey === undefined
          ? {}
          : {
              [`/etc/berth/${name}/deploy-key`]: {
                content: deployKey.key.privateKeyOpenssh,
                owner: `${owner}:${owner}`,
                mode: "0400",
              },
            }),
      },
      files: {
        ...own.files,
        ...hooks.files,
        ...(deployKey === undefined
          ? {}
          : { [`/etc/berth/${name}/known_hosts`]: { content: deployKey.knownHosts } }),
      },
    },
    { parent, dependsOn: [account] },
  );
}

/** What every application is told, under the names that twelve-factor applications use (https://12factor.net/config). */
export function plainSettings(args: AppArgs): pulumi.Output<Record<string, string>> {
  const { env, settings, domain, scheme, root, host } = args;
  return pulumi.all([env, domain]).apply(
    ([own, site]): Record<string, string> => ({
      ...(settings === undefined ? {} : { DJANGO_SETTINGS_MODULE: settings }),
      LANG: "C.UTF-8",
      PYTHONUNBUFFERED: "1",
      SITE_URL: `${scheme}://${site}`,
      STATIC_URL: "/static/",
      MEDIA_URL: "/media/",
      MEDIA_ROOT: mediaRoot(args),
      DATA_ROOT: `${root}/data`,
      BERTH_STACK: pulumi.getStack(),
      BERTH_HOST: host.name,
      ...own,
    }),
  );
}

/** Logins as curl, uv and others read them: https://everything.curl.dev/usingcurl/netrc.html */
const netrc = (logins: Readonly<Record<string, string>>): string =>
  Object.entries(logins)
    .map(([host, login]) => {
      const [user = "", ...password] = login.split(":");
      return `machine ${host} login ${user} password ${password.join(":")}\n`;
    })
    .join("");
