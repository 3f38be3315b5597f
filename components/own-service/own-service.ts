import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { environmentFile } from "../app/settings/settings.ts";
import type { Host } from "../host/host.ts";
import { HostScript, type SecretFile } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import { unitQuote } from "../host/quote.ts";
import type { StepFile } from "../host/step.ts";
import { renderTemplate } from "../host/template.ts";
import type { Filled, RunningService } from "../service/service.ts";
import { placeOf } from "./place.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface OwnServiceArgs {
  readonly host: Host;
  /** Its name: its account and its unit are called so, behind `service-`. */
  readonly name: string;
  /** Its packages, whose upgrades restart it. */
  readonly packages: readonly string[];
  /** The command, which stays in the foreground. */
  readonly command: Filled;
  /** The TCP port at which it listens on 127.0.0.1. */
  readonly port: number;
  /** Whether it keeps data. */
  readonly data: boolean;
  readonly env: Readonly<Record<string, Filled>>;
  /** Its files, by their path in its directory of such. */
  readonly files: Readonly<Record<string, Filled>>;
  /** The path that answers 200. @default it works when it accepts a connection */
  readonly health?: string | undefined;
  /** The most memory that it may take, in MiB. */
  readonly memory: number;
  /** The most processor time, in percent of one CPU. @default no limit */
  readonly cpu?: number | undefined;
}

/** Where a service of one's own is. */
export const addressOf = (port: number): string => `tcp://127.0.0.1:${port}`;

/** A program of a team's own as a service on a host: with an account of its own, shut in, bounded, for the application alone. */
export class OwnService extends pulumi.ComponentResource implements RunningService {
  /** `tcp://127.0.0.1:PORT`, once it answers there. */
  readonly url: pulumi.Output<string>;

  readonly #host: Host;

  constructor(component: string, args: OwnServiceArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:own-service:OwnService", component, {}, options);
    const { host, name, packages, port, data, health = "" } = args;
    this.#host = host;
    const place = placeOf(name);
    const server = new HostScript(
      `${component}-server`,
      {
        host,
        script: here("setup.sh"),
        removal: here("removal.sh"),
        slots: { name, port, health, data: data ? place.data : "", packages: packages.join(" ") },
        files: {
          [`/etc/systemd/system/${place.unit}`]: unitOf(args),
          [`${place.files}.env`]: environment(args.env, false).apply((content) => ({ content })),
          ...plainFiles(args),
          "/usr/local/lib/berth/service-answers": { content: text("answers.sh"), mode: "0755" },
          ...(packages.length === 0 ? {} : upgradeFiles(name, packages)),
          ...logsFile(name, { units: [place.unit], files: [] }),
        },
        secretFiles: {
          ...(hasSecrets(args.env)
            ? { [`${place.files}.secrets`]: { content: environment(args.env, true) } }
            : {}),
          ...secretFiles(args),
        },
      },
      { parent: this },
    );
    this.url = server.id.apply(() => addressOf(port));
    this.registerOutputs(data ? { keeps: `the data of the service '${name}'` } : {});
  }

  /** The URL on a host; undefined on all but its own. */
  urlOn(host: Host): pulumi.Output<string> | undefined {
    return host.name === this.#host.name ? this.url : undefined;
  }
}

const hasSecrets = (env: Readonly<Record<string, Filled>>) =>
  Object.values(env).some(({ isSecret }) => isSecret);

function unitOf({ name, command, port, data, env, health = "", memory, cpu }: OwnServiceArgs) {
  const place = placeOf(name);
  return command.value.apply(
    (line): StepFile => ({
      content: renderTemplate(here("unit.service.liquid"), {
        name,
        account: place.account,
        files: place.files,
        home: data ? place.data : place.runtime,
        has_data: data,
        has_secrets: hasSecrets(env),
        command: unitQuote(line),
        port,
        health: health.replaceAll("%", "%%"),
        memory,
        cpu: cpu ?? "",
      }),
    }),
  );
}

/** Its environment variables: those that are secret, or all others. */
function environment(env: Readonly<Record<string, Filled>>, secret: boolean): pulumi.Output<string> {
  const entries = Object.entries(env).filter(([, { isSecret }]) => isSecret === secret);
  return pulumi
    .output(Object.fromEntries(entries.map(([name, { value }]) => [name, value])))
    .apply(environmentFile);
}

/** Its files without a secret in them. */
const plainFiles = (args: OwnServiceArgs): Record<string, pulumi.Output<StepFile>> =>
  Object.fromEntries(
    filesOf(args, false).map(([path, content]) => [
      path,
      content.apply((text) => ({ content: text, ...accessOf(args) })),
    ]),
  );

/** Those with one. */
const secretFiles = (args: OwnServiceArgs): Record<string, SecretFile> =>
  Object.fromEntries(filesOf(args, true).map(([path, content]) => [path, { content, ...accessOf(args) }]));

const accessOf = ({ name }: OwnServiceArgs) => ({ owner: `root:${placeOf(name).account}`, mode: "0640" });

const filesOf = ({ name, files }: OwnServiceArgs, secret: boolean) =>
  Object.entries(files)
    .filter(([, { isSecret }]) => isSecret === secret)
    .map(([path, { value }]) => [`${placeOf(name).files}/${path}`, value] as const);

/** Debian's packages restart their own units when they are upgraded, and know nothing of this one. */
const upgradeFiles = (name: string, packages: readonly string[]): Readonly<Record<string, StepFile>> => ({
  "/usr/local/lib/berth/service-upgraded": { content: text("upgraded.sh"), mode: "0755" },
  [`/etc/apt/apt.conf.d/54berth-${name}`]: {
    content: `// Berth: an upgrade of its packages restarts the service.\nDPkg::Post-Invoke { "/usr/local/lib/berth/service-upgraded ${name} ${packages.join(" ")} || true"; };\n`,
  },
});
