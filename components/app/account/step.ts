import { join } from "node:path";
import { HostScript } from "../../host/host-script.ts";
import { renderTemplate } from "../../host/template.ts";
import { type AppStep, mediaRoot } from "../args.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** The application's account, its owner's rights, and the directories. */
export function accountStep({ component, parent, args, isWeb, timers }: AppStep): HostScript {
  const { name, owner, ownerServices, host, root, link = "" } = args;
  const shown = isWeb ? (args.shown ?? []) : [];
  return new HostScript(
    `${component}-account`,
    {
      host,
      application: name,
      script: shown.length === 0 ? here("account.sh") : ["account.sh", "accel.sh"].map(here),
      removal: here("account-removal.sh"),
      slots: {
        ...{ name, owner, root, link, media: mediaRoot(args) },
        ...(shown.length === 0 ? {} : { shown: shown.join("\n") }),
      },
      files: {
        [`/etc/logrotate.d/${name}`]: {
          content: renderTemplate(here("logrotate.conf.liquid"), { name, root }),
        },
        [`/etc/sudoers.d/berth-${name}`]: {
          content: renderTemplate(here("owner.sudoers.liquid"), {
            name,
            owner,
            services: ownerServices,
            timers: Object.keys(timers),
            processes: [...(isWeb ? ["web"] : []), ...args.processes.map((process) => process.name)],
          }),
          mode: "0440",
        },
      },
    },
    { parent },
  );
}
