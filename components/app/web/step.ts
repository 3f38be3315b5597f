import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HostScript } from "../../host/host-script.ts";
import { renderTemplate } from "../../host/template.ts";
import { headBehind } from "../../service/request.ts";
import { type AppStep, environmentOf } from "../args.ts";
import { limitLines, sandbox } from "../processes/processes.ts";
import { type ServerName, serverNames } from "./servers.ts";

const here = (file: string) => join(import.meta.dirname, file);

/** The units of the web server, and the files of each server. */
export type UnitTexts = Readonly<Record<"socket" | "service", string>> &
  Readonly<Partial<Record<ServerName, Readonly<Record<string, string>>>>>;

/** What decides how an instance runs: a change of it is another instance. */
export function unitTexts(step: AppStep): UnitTexts {
  const { args } = step;
  const { name, root, server, limits = {}, wsgi, asgi, workers, threads, workerClass, timeout, after } = args;
  const common = { workers, timeout, head_bytes: headBehind.bytes, head_fields: headBehind.fields };
  const start = { "wrapper.sh": renderTemplate(here("wrapper.sh.liquid"), { wrapper: args.wrapper ?? "" }) };
  const answers = readFileSync(here("answers.py"), "utf8");
  return {
    socket: renderTemplate(here("web.socket.liquid"), { name, media: step.place.media }),
    service: renderTemplate(here("web.service.liquid"), {
      name,
      root,
      media: step.place.media,
      after,
      stop_timeout: timeout + 10,
      has_sockets: server === "uvicorn",
      limits: limitLines(limits),
      environment: environmentOf(step, "%i"),
      sandbox: sandbox(step.place),
    }),
    ...(wsgi === undefined
      ? {}
      : {
          gunicorn: {
            ...start,
            "gunicorn.py": renderTemplate(here("gunicorn.py.liquid"), {
              ...{ ...common, wsgi, threads, answers },
              worker_class: workerClass ?? (threads > 1 ? "gthread" : "sync"),
            }),
          },
          uwsgi: {
            ...start,
            "uwsgi.ini": renderTemplate(here("uwsgi.ini.liquid"), { ...common, threads }),
            "uwsgi-application.py": renderTemplate(here("uwsgi-application.py.liquid"), {
              ...{ wsgi, timeout, answers },
            }),
          },
        }),
    ...(asgi === undefined
      ? {}
      : { uvicorn: { ...start, "asgi.py": renderTemplate(here("asgi.py.liquid"), { ...common, asgi }) } }),
  };
}

/** The web server's units, its files and the commands of those who administer the host. */
export function webStep(step: AppStep, units: UnitTexts, before: HostScript): HostScript {
  const { component, parent, args } = step;
  const { host, name, root } = args;
  // Of each server: a release that is rolled back to runs with the one that it was prepared for.
  const files = serverNames.flatMap((server) => Object.entries(units[server] ?? {}));
  return new HostScript(
    `${component}-web`,
    {
      host,
      application: name,
      script: ["../processes/units.sh", "web.sh"].map(here),
      removal: here("web-removal.sh"),
      slots: { name, root },
      files: {
        [`/etc/systemd/system/${name}-web@.socket`]: { content: units.socket },
        [`/etc/systemd/system/${name}-web@.service`]: { content: units.service },
        [`/usr/local/lib/berth/${name}/serve`]: {
          content: renderTemplate(here("serve.sh.liquid"), { name, root }),
          mode: "0755",
        },
        ...Object.fromEntries(files.map(([file, content]) => [`/etc/berth/${name}/${file}`, { content }])),
        [`/usr/local/bin/${name}-run`]: {
          content: renderTemplate(here("run.sh.liquid"), {
            name,
            root,
            environment: environmentOf(step, "current").split("\n"),
          }),
          mode: "0755",
        },
        ...(args.settings === undefined
          ? {}
          : {
              [`/usr/local/bin/${name}-manage`]: {
                content: renderTemplate(here("manage.sh.liquid"), { name }),
                mode: "0755",
              },
            }),
      },
    },
    { parent, dependsOn: [before] },
  );
}
