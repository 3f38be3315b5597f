import type * as pulumi from "@pulumi/pulumi";
import type { Fleet } from "../fleet/fleet.ts";
import type { Host } from "../host/host.ts";
import type { RunningService, Service } from "../service/service.ts";
import type { PlannedService } from "../services.ts";

type Settings = Readonly<Record<string, pulumi.Output<string>>>;

/** The services of a site, as they run on the fleet's first host. */
export class Services {
  readonly #running: readonly { readonly service: Service; readonly made: RunningService }[];

  /** @param secrets the services' secrets by their keys */
  constructor(planned: readonly PlannedService[], fleet: Fleet, secrets: Settings) {
    const { first: host, others } = fleet;
    const secret = (key: string) => secrets[key] as pulumi.Output<string>;
    this.#running = planned.flatMap(({ service, plan: { server } }) =>
      server === undefined
        ? []
        : [
            {
              service,
              made: fleet.next(
                host,
                (options) => server.make(service.name, { host, others, secret }, options),
                others,
              ),
            },
          ],
    );
  }

  /** The URL of each on one of the fleet's hosts. */
  urlsOn(host: Host): { readonly service: Service; readonly url: pulumi.Output<string> }[] {
    return this.#running.flatMap(({ service, made }) => {
      const url = made.urlOn(host);
      return url === undefined ? [] : [{ service, url }];
    });
  }

  /** The application's settings on one of the fleet's hosts that name the services, secret. */
  settingsOn(host: Host): Settings {
    const settings = this.urlsOn(host).flatMap(({ service: { setting, furtherSettings = {} }, url }) => [
      [setting, url] as const,
      ...Object.entries(furtherSettings).map(([name, read]) => [name, url.apply(read)] as const),
    ]);
    return Object.fromEntries(settings);
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
