import * as pulumi from "@pulumi/pulumi";
import { fill, type References } from "../app/settings/references.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Host } from "../host/host.ts";
import type { RunningService, ServerPlan, Service, ServicePlace } from "../service/service.ts";
import type { PlannedService } from "../services.ts";

type Settings = Readonly<Record<string, pulumi.Output<string>>>;
type Urls = readonly { readonly service: Service; readonly url: pulumi.Output<string> }[];

/** What may be referred to, given the services' URLs. */
export type ReferencesTo = (urls: Urls) => References;

/** The services of a site, as they run on the fleet's first host. */
export class Services {
  readonly #running: {
    readonly service: Service;
    readonly server: ServerPlan;
    readonly made: RunningService;
  }[] = [];

  /**
   * @param secrets the services' secrets by their keys
   * @param references what their own configuration may refer to
   */
  constructor(planned: readonly PlannedService[], fleet: Fleet, secrets: Settings, references: ReferencesTo) {
    const { first: host, others } = fleet;
    const secret = (key: string) => secrets[key] as pulumi.Output<string>;
    for (const { service, plan } of planned) {
      const { server } = plan;
      if (server === undefined) continue;
      const filled: ServicePlace["fill"] = (text, key) => {
        const own = server.at === undefined ? [] : [{ service, url: pulumi.output(server.at) }];
        const { value, secrets } = fill(text, references([...this.urlsOn(host), ...own]), key);
        return secrets.length === 0
          ? { value, isSecret: false }
          : { value: pulumi.secret(value), isSecret: true };
      };
      const make = (options: pulumi.ComponentResourceOptions) =>
        server.make(service.name, { host, others, secret, fill: filled }, options);
      this.#running.push({
        service,
        server,
        made: fleet.next(host, make, server.at === undefined ? others : []),
      });
    }
  }

  /** The URL of each on one of the fleet's hosts. */
  urlsOn(host: Host): Urls {
    return this.#running.flatMap(({ service, made }) => {
      const url = made.urlOn(host);
      return url === undefined ? [] : [{ service, url }];
    });
  }

  /** The application's settings on one of the fleet's hosts that name the services, secret. */
  settingsOn(host: Host): Settings {
    const settings = this.urlsOn(host).flatMap(({ service: { setting, furtherSettings = {} }, url }) => [
      ...(setting === undefined ? [] : [[setting, url] as const]),
      ...Object.entries(furtherSettings).map(([name, read]) => [name, url.apply(read)] as const),
    ]);
    return Object.fromEntries(settings);
  }

  /** Further settings of the application on one of the fleet's hosts, with what they refer to still to be filled in. */
  textsOn(host: Host): Readonly<Record<string, string>> {
    const here = this.#running.filter(({ made }) => made.urlOn(host) !== undefined);
    return Object.assign({}, ...here.map(({ server }) => server.settings ?? {}));
  }

  /** The URL of each on its own host, secret, by the settings or by the outputs that it is. */
  urlsBy(name: "setting" | "output"): Settings {
    return Object.fromEntries(
      this.#running.flatMap(({ service, made }) => {
        const key = service[name];
        return key === undefined ? [] : [[key, made.url]];
      }),
    );
  }

  /** Ends the passwords of before, once the new ones are live everywhere. See {@link RunningService}. */
  endPasswordsOfBefore(
    grace: number,
    live: readonly pulumi.Resource[],
    options: pulumi.ComponentResourceOptions,
  ): void {
    let after = live;
    for (const { made } of this.#running) {
      const ended = made.endPasswordsOfBefore?.(grace, after, options);
      if (ended !== undefined) after = [ended];
    }
  }
}
