import * as pulumi from "@pulumi/pulumi";
import type { StackOutputs } from "../../outputs.ts";
import { Names } from "../app/names/names.ts";
import { Front } from "../app/program/front.ts";
import { Backup } from "../backup/backup.ts";
import { Copies } from "../backup/copies.ts";
import { Fleet } from "../fleet/fleet.ts";
import { Metrics } from "../metrics/metrics.ts";
import { Nginx } from "../nginx/nginx.ts";
import { Places, placesArgs } from "../nginx/places.ts";
import { Reboots } from "../reboots/reboots.ts";
import { Secrets } from "../secrets/secrets.ts";
import { Notices } from "../status/notices.ts";
import { Syslog } from "../syslog/syslog.ts";
import { Application, referencesOf } from "./application.ts";
import {
  backupArgs,
  cloudArgs,
  copiesArgs,
  fleetArgs,
  frontArgs,
  metricsArgs,
  namesArgs,
  nginxArgs,
  noticesArgs,
  rebootsArgs,
  secretsArgs,
  syslogArgs,
} from "./args.ts";
import { checkSite } from "./check.ts";
import type { DataNames } from "./data.ts";
import { namesOf } from "./names.ts";
import { outputsOf } from "./outputs.ts";
import { grace, planSite, type SitePlan, warnings } from "./plan.ts";
import type { SiteArgs, SiteConfig } from "./schema.ts";
import { Services } from "./services.ts";

/** A Django or Flask application in production: its hosts, the services on them, the application, and what is in front. */
export class Site extends pulumi.ComponentResource {
  /** What it tells other teams. */
  readonly outputs: Omit<StackOutputs, "outputsVersion">;

  /**
   * Makes a site once all that it needs to begin with is there.
   *
   * @param before its output `data` as it was last deployed: a change that would leave that data behind is refused.
   *   @default a new one
   * @throws {pulumi.RunError} naming every fault of the arguments at once; or for a source, or for something of AWS's,
   * that is not there. Then nothing has been made.
   */
  static async open(
    name: string,
    args: SiteArgs,
    options?: pulumi.ComponentResourceOptions,
    before?: DataNames,
  ): Promise<Site> {
    const checked = checkSite(args);
    if ("config" in checked) return Site.openChecked(name, checked.config, options, before);
    throw new pulumi.RunError(
      [
        `The site '${name}' cannot be made of its arguments:`,
        ...checked.faults.map((fault) => `  ${fault}`),
        "Each is described in docs/configuration.md, by the key of the same name.",
      ].join("\n"),
    );
  }

  /** {@link open} for arguments that were checked, and have their defaults. */
  static async openChecked(
    name: string,
    config: SiteConfig,
    options?: pulumi.ComponentResourceOptions,
    before?: DataNames,
  ): Promise<Site> {
    return new Site(name, await planSite(config, before), options);
  }

  private constructor(name: string, plan: SitePlan, options?: pulumi.ComponentResourceOptions) {
    super("berth:site:Site", name, {}, options);
    const own = { parent: this };
    const secrets = new Secrets("secrets", secretsArgs(plan), own);
    const cloud = plan.makeCloud?.(cloudArgs(plan), own);
    const fleet = new Fleet(fleetArgs(plan, cloud), own);
    const names = namesOf(plan.config, fleet.first);
    const references = referencesOf(plan, names, secrets.ofApplication);
    const services = new Services(plan.services, fleet, secrets.ofServices, references);
    const places = placesArgs(fleet.first, plan.config.site.locations);
    if (places !== undefined) fleet.next(fleet.first, (next) => new Places("nginx-places", places, next));
    const application = new Application({
      ...{ plan, fleet, services, cloud, names, references },
      signingKey: secrets.signingKey,
      generated: secrets.ofApplication,
    });
    const nginx = fleet.next(
      fleet.first,
      (next) => new Nginx("nginx", nginxArgs(plan, fleet.first, names, application.first, secrets), next),
    );
    const named = [fleet.first, ...fleet.others].map((host) =>
      fleet.next(
        host,
        (next) =>
          new Names(
            host === fleet.first ? "app-names" : `${host.name}-app-names`,
            namesArgs(plan, host),
            next,
          ),
      ),
    );
    const made = cloud?.backupPlace(fleet.first, plan.config.app.name, fleet.last(fleet.first));
    if (made !== undefined) fleet.follows(fleet.first, made.ready);
    const backup = backupArgs(plan, fleet.first, names, secrets, made);
    if (backup !== undefined) fleet.next(fleet.first, (next) => new Backup("backup", backup, next));
    const copies = copiesArgs(plan, fleet.first, names);
    if (copies !== undefined) fleet.next(fleet.first, (next) => new Copies("copy", copies, next));
    const front = frontArgs(plan, fleet.first, names, application.first);
    if (front !== undefined) fleet.next(fleet.first, (next) => new Front("app-front", front, next));
    const targets: Record<string, pulumi.Output<string[]>> = {};
    for (const host of [fleet.first, ...fleet.others]) {
      const notices = noticesArgs(plan, host, names);
      const own = host === fleet.first ? "notices" : `${host.name}-notices`;
      if (notices !== undefined) fleet.next(host, (next) => new Notices(own, notices, next));
      const syslog = syslogArgs(plan, host);
      const sends = host === fleet.first ? "syslog" : `${host.name}-syslog`;
      if (syslog !== undefined) fleet.next(host, (next) => new Syslog(sends, syslog, next));
      const metrics = metricsArgs(plan, host);
      const measures = host === fleet.first ? "metrics" : `${host.name}-metrics`;
      if (metrics !== undefined)
        targets[host.name] = fleet.next(host, (next) => new Metrics(measures, metrics, next)).targets;
      const reboots = rebootsArgs(plan, host, names);
      const name = host === fleet.first ? "reboots" : `${host.name}-reboots`;
      if (reboots !== undefined) fleet.next(host, (next) => new Reboots(name, reboots, next));
    }
    const order = nginx.order?.({ ...own, dependsOn: [fleet.last(fleet.first)] });
    if (order !== undefined) fleet.follows(fleet.first, order);
    services.endPasswordsOfBefore(grace(plan), named, own);
    for (const host of [fleet.first, ...fleet.others]) cloud?.watch(host.name, fleet.last(host));
    const mirrored = cloud?.mirror({
      SECRET_KEY: secrets.signingKey,
      ...secrets.ofApplication,
      ...services.urlsBy("setting"),
      ...(secrets.basicAuth ? { BASIC_AUTH_PASSWORD: secrets.basicAuth } : {}),
    });
    for (const warning of warnings(plan)) pulumi.log.info(warning, this);
    this.outputs = outputsOf({
      fleet,
      services,
      application,
      nginx,
      cloud,
      secrets,
      mirrored,
      targets,
      data: plan.data,
    });
    this.registerOutputs();
  }
}
