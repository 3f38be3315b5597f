import { mediaRoot } from "../app/args.ts";
import type { Process } from "../app/processes/processes.ts";
import { openSource, processesOf, type Source, sourceOf } from "../app/source/source.ts";
import { entryOf } from "../app/web/servers.ts";
import type { MakeCloud } from "../aws/cloud.ts";
import { checkPermissions } from "../aws/permission.ts";
import { firstHost } from "../host/host.ts";
import type { PlannedService } from "../services.ts";
import { type DataNames, dataNames, refuseLoss } from "./data.ts";
import { plansOf, type SiteConfig } from "./schema.ts";

/** What a site is to be, settled as far as it can be while nothing has been made. */
export interface SitePlan {
  readonly config: SiteConfig;
  /** Where the application's code comes from. */
  readonly source: Source;
  /** Each service that there is, and what the site has of it. */
  readonly services: readonly PlannedService[];
  /** The processes beside the web server, those included of which none runs. */
  readonly processes: readonly Process[];
  /** The application's directory on every host. */
  readonly root: string;
  /** Where uploaded files lie on a host. */
  readonly mediaRoot: string;
  /** Where its owner finds it at home, by a link. */
  readonly link: string | undefined;
  /** Under which names the site keeps its data. */
  readonly data: DataNames;
  /** Makes what is on AWS; undefined where nothing is. */
  readonly makeCloud: MakeCloud | undefined;
}

/**
 * Settles what a site is to be: first that it keeps its data, then the source, then what AWS must give, so that what is not
 * there stops the program while nothing has been made.
 *
 * @param before under which names it has kept its data so far; undefined for a new one
 * @throws {pulumi.RunError} for the first that is not there, and for what would leave data behind
 */
export async function planSite(given: SiteConfig, before: DataNames | undefined): Promise<SitePlan> {
  const { app, host, media, backup, allow } = given;
  // What lies in a home can be moved by the account whose home it is; there is a link there instead.
  const link = app.root?.startsWith("/home/") ? app.root : undefined;
  const root = (link === undefined ? app.root : undefined) ?? `/srv/${app.name}`;
  const data = dataNames(given, root, before);
  refuseLoss(before, data, allow);
  const entry = entryOf(app);
  const [source, config] = await Promise.all([
    openSource(
      "app",
      sourceOf(app.source, app.release),
      entry.module,
      `${app.env.PYTHONPATH ?? ""}`,
      entry.key,
      {
        settings: app.settings,
        files: Object.keys(app.files),
        commands: app.build.commands,
        requirements: app.requirements,
      },
    ),
    withSecrets(given),
  ]);
  // A site without AWS loads nothing of it.
  const onAws = host.kind === "ec2" || media.store === "s3" || backup?.place.kind === "aws";
  if (!onAws) checkPermissions(allow, []);
  const makeCloud = onAws ? await (await import("../aws/cloud.ts")).lookAtCloud("cloud", config) : undefined;
  return {
    config,
    source,
    services: plansOf(config),
    processes: processesOf(source, app.processes),
    root,
    mediaRoot: mediaRoot({ root, mediaRoot: media.directory }),
    link,
    data,
    makeCloud,
  };
}

/** The same with the secret settings that come from elsewhere: from here on they are as those in the stack's file. */
async function withSecrets(config: SiteConfig): Promise<SiteConfig> {
  const { app, secrets } = config;
  if (app.secretFrom === undefined) return config;
  const read = await (await import("../secrets/from/read.ts")).readSecrets(app.secretFrom);
  return {
    ...config,
    app: { ...app, secrets: { ...app.secrets, ...read } },
    secrets: read.SECRET_KEY === undefined ? secrets : { ...secrets, signingKey: read.SECRET_KEY },
  };
}

/** The processes that run on a host. */
export const processesOn = ({ processes }: SitePlan, host: string): Process[] =>
  processes.filter(({ count, runsOn }) => count > 0 && (runsOn ?? firstHost) === host);

/** For how long what finishes with a password of before may still be at work, in seconds. */
export const grace = ({ config, processes }: SitePlan): number =>
  10 +
  Math.max(
    config.site.timeout + 10,
    ...processes.filter(({ count }) => count > 0).map(({ stopTimeout }) => stopTimeout),
  );

/** What a person should know of the plan. */
export function warnings({ config: { media }, processes }: SitePlan): string[] {
  if (media.store !== "host") return [];
  const runsElsewhere = processes.some(({ count, runsOn }) => count > 0 && runsOn !== undefined);
  return [
    ...(runsElsewhere
      ? [
          "Processes with 'runsOn' do not see uploaded files, which are on the first host's disk. With 'media.store: s3', all hosts see them.",
        ]
      : []),
    ...(media.public === undefined
      ? [
          "Uploaded files are private: requests below /media/ reach the application. 'media.public: true' shows them to everyone; 'false' keeps them private, and ends this message.",
        ]
      : []),
  ];
}
