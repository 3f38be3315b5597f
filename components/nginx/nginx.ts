import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { Look } from "../host/look.ts";
import { renderTemplate } from "../host/template.ts";
import { headLimits } from "../service/request.ts";
import type { PackageSet, ServiceData } from "../system/system.ts";
import {
  certificateData,
  certificatePackages,
  certificatePlace,
  challengePlace,
  orderCertificate,
  placeCertificate,
} from "./certificate/certificate.ts";
import { doorOf, hasCertificate, schemeOf, type Tls } from "./certificate/schema.ts";
import { accelRules } from "./front/accel.ts";
import type { Behind } from "./front/behind.ts";
import { headersOf } from "./front/headers.ts";
import { coversHealth, immutablePatterns, locationRules } from "./front/locations.ts";
import { openPages, type PagesConfig, pagePlaces } from "./front/pages.ts";
import { allowRules, escaped, limitRules, patternOf } from "./front/paths.ts";
import { nameRedirects, pathRedirects, redirectedNames } from "./front/redirects.ts";
import type { SiteShape } from "./schema.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

export interface NginxArgs {
  readonly host: Host;
  /** The site's name; also that of its files. */
  readonly name: string;
  /** Names under which the site answers, the first being the one that people use. */
  readonly serverNames: pulumi.Input<readonly string[]>;
  /** Where its certificate comes from. */
  readonly tls: Tls;
  /** The names among them that an authority can be asked about: those that the site's author gave it. */
  readonly domains: readonly string[];
  /** The largest request body, in MiB. */
  readonly maxBody: number;
  /** How long a request may take, in seconds. */
  readonly timeout: number;
  /** Whether the application is asked for WebSockets, too. @default false */
  readonly websockets?: boolean;
  /** The application's socket, an absolute path. */
  readonly socket: string;
  /** The directory served under /static/, an absolute path; none when the application has no static files. */
  readonly staticRoot: string | undefined;
  /** Where further files of the live release lie, an absolute path: those of `locations`. @default it has none */
  readonly filesRoot?: string | undefined;
  /** The directory of uploads, an absolute path: what the application answers with X-Accel-Redirect comes from there. */
  readonly mediaRoot: string;
  /** Whether everyone may read it, under /media/. */
  readonly mediaPublic: boolean;
  /** The path that answers 200 when the application is healthy. */
  readonly health: string;
  /**
   * Asks every visitor for this name and password (RFC 7617), all but those of the health path; where that is the
   * front page, all but the host itself; and all but those of the paths in `except`. @default nobody is asked
   */
  readonly basicAuth?:
    | {
        readonly user: string;
        readonly password: pulumi.Input<string>;
        readonly realm?: string | undefined;
        readonly except?: readonly string[];
      }
    | undefined;
  /** The proxies in front of the host. @default none */
  readonly behind?: Behind | undefined;
  /** Paths that Berth asks for at the front door, beside the one for health; `allow` and `limits` let it. @default none */
  readonly asked?: readonly string[] | undefined;
  /** Redirects, headers, limits and lines of one's own: see `site` of the configuration. @default none */
  readonly shape?: Partial<SiteShape> | undefined;
}

/** nginx in front of an application: TLS, static files and media straight from the disk, all else to the socket. */
export class Nginx extends pulumi.ComponentResource {
  /** Where the site answers, once it has answered there. */
  readonly url: pulumi.Output<string>;

  /**
   * Makes the step that orders a certificate, where an authority gives it: undefined for any other. It is no child, and comes
   * last: while a name still points elsewhere it fails, and nothing else of the host should wait for that.
   */
  readonly order: ((options: pulumi.CustomResourceOptions) => HostScript | undefined) | undefined;

  /** What the service needs from Debian. */
  static packages(tls: Tls): PackageSet {
    const { packages } = certificatePackages(tls);
    return { packages: ["nginx", "libnginx-mod-http-brotli-static", ...packages] };
  }

  /** What of it must survive its machine. */
  static data(tls: Tls): ServiceData[] {
    return certificateData(tls);
  }

  /** Looks for another web server, and for what other sites of nginx have in common with this one. */
  static look(name: string, serverNames: readonly string[]): Look {
    return { script: here("look.sh"), slots: { site: name, site_names: serverNames.join(" ") } };
  }

  constructor(name: string, args: NginxArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:nginx:Nginx", name, {}, options);
    const { tls, host } = args;
    const serverNames = pulumi.output(args.serverNames);
    const domain = serverNames.apply((names) => names[0] ?? "localhost");
    const further = redirectedNames(args.shape?.redirects ?? []);
    const certificate = hasCertificate(tls)
      ? {
          host,
          name: args.name,
          tls,
          serverNames: serverNames.apply((names) => [...names, ...further]),
          domains: [...args.domains, ...further],
        }
      : undefined;
    const placed = certificate && placeCertificate(`${name}-certificate`, certificate, this);
    const password = args.basicAuth && this.#password(`${name}-basic-auth`, args.host, args.basicAuth);
    const pages = this.#pages(`${name}-pages`, args);

    const files = serverNames.apply((names) => siteFiles(args, names));
    const site = new HostScript(
      `${name}-site`,
      {
        host: args.host,
        script: args.basicAuth ? [here("site.sh"), here("basic-auth-proof.sh")] : here("site.sh"),
        removal: here("site-removal.sh"),
        slots: {
          name: args.name,
          scheme: doorOf(tls),
          domain,
          health: args.health,
          files: sitePlaces(args).join("\n"),
          ...loginSlots(args.basicAuth),
        },
        files: {
          ...Object.fromEntries(
            sitePlaces(args).map((place) => [
              `/etc/berth/nginx/${place}`,
              files.apply((all) => ({ content: all[place] as string })),
            ]),
          ),
          "/etc/berth/nginx/sandbox.conf": { content: text("sandbox.conf") },
          [`/usr/local/share/berth/${args.name}/berth/away.html`]: { content: text("away.html") },
          [`/usr/local/share/berth/${args.name}/berth/maintenance.html`]: {
            content: text("maintenance.html"),
          },
          ...logsFile("nginx", {
            units: ["nginx.service"],
            files: [
              `/var/log/nginx/${args.name}.access.log`,
              `/var/log/nginx/${args.name}.error.log`,
              "/var/log/nginx/error.log",
            ],
          }),
        },
        ...(args.basicAuth ? { secrets: { basic_auth: args.basicAuth.password } } : {}),
      },
      { parent: this, dependsOn: [placed, password, pages].filter((step) => step !== undefined) },
    );
    this.order = certificate && ((next) => orderCertificate(`${name}-certificate`, certificate, next));
    this.url = pulumi
      .unsecret(pulumi.all([domain, site.id]))
      .apply(([name]) => `${schemeOf(tls)}://${name}/`);
    this.registerOutputs();
  }

  /** Pages of the author's own: a step for themselves, which goes with them. */
  #pages(name: string, { host, name: site, shape }: NginxArgs): HostScript | undefined {
    const pages = Object.entries(openPages(shape?.pages ?? {}));
    if (pages.length === 0) return undefined;
    const place = ownPages(site);
    return new HostScript(
      name,
      {
        host,
        script: here("front/pages.sh"),
        removal: here("front/pages-removal.sh"),
        slots: { place, pages: pages.map(([path]) => path).join("\n") },
        files: Object.fromEntries(pages.map(([path, content]) => [`${place}/${path}`, { content }])),
      },
      { parent: this },
    );
  }

  /** A step of its own, which goes, with the file, when nobody is asked any longer. */
  #password(name: string, host: Host, login: Login): HostScript {
    return new HostScript(
      name,
      {
        host,
        script: here("basic-auth.sh"),
        removal: here("basic-auth-removal.sh"),
        slots: loginSlots(login),
        secrets: { basic_auth: login.password },
      },
      { parent: this },
    );
  }
}

type Login = NonNullable<NginxArgs["basicAuth"]>;

const passwordFile = "/etc/nginx/berth.htpasswd";

const loginSlots = (login: Login | undefined) =>
  login === undefined ? {} : { user: login.user, password_file: passwordFile };

const ownPages = (site: string) => `/usr/local/share/berth/${site}/own`;

/** What nginx reads of a site, by its place below /etc/nginx; what others build on comes first. */
const sitePlaces = ({ name }: NginxArgs) => [...Object.keys(sharedFiles), `sites-available/${name}.conf`];

/** Each a text of nginx's own, made of what the site is to be. */
const sharedFiles: Readonly<Record<string, (args: NginxArgs) => string>> = {
  "conf.d/berth.conf": () => text("http.conf"),
  "conf.d/berth-visitors.conf": ({ tls, behind, websockets = false }) =>
    renderTemplate(here("front/visitors.conf.liquid"), {
      // How visitors ask where nobody in front says so.
      scheme: tls.kind === "upstream" ? schemeOf(tls) : "$scheme",
      networks: behind?.networks ?? [],
      websockets,
    }),
  "conf.d/berth-headers.conf": (args) =>
    renderTemplate(here("front/header-maps.conf.liquid"), { headers: headersIn(args) }),
  "conf.d/berth-rules.conf": ({ shape, health, asked = [], staticRoot }) =>
    renderTemplate(here("front/rules.conf.liquid"), {
      own_patterns: [...new Set([health, ...asked].map((path) => escaped(pathOf(path))))],
      has_static: staticRoot !== undefined,
      allow: allowRules(shape?.allow ?? {}),
      limits: limitRules(shape?.limits ?? {}),
      redirects: pathRedirects(shape?.redirects ?? []),
    }),
  "snippets/berth-tls.conf": () => text("tls.conf"),
  "snippets/berth-headers.conf": (args) =>
    renderTemplate(here("front/headers.conf.liquid"), {
      headers: headersIn(args),
      passed: false,
      retry: Object.keys(args.shape?.limits ?? {}).length > 0,
    }),
  "snippets/berth-headers-passed.conf": (args) =>
    renderTemplate(here("front/headers.conf.liquid"), {
      headers: headersIn(args),
      passed: true,
      retry: false,
    }),
  "snippets/berth-server.conf": ({ name, shape }) =>
    renderTemplate(here("server.conf.liquid"), {
      name,
      format: shape?.log === "json" ? "berth_json" : "berth",
      line: headLimits.line,
      lines: headLimits.lines,
    }),
  "snippets/berth-visitors.conf": ({ behind }) =>
    renderTemplate(here("front/server-visitors.conf.liquid"), {
      networks: behind?.networks ?? [],
      header: behind?.header ?? "",
    }),
  "snippets/berth-rules.conf": ({ behind, shape }) =>
    renderTemplate(here("front/server-rules.conf.liquid"), {
      behind: behind !== undefined,
      allow: allowRules(shape?.allow ?? {}),
      limits: limitRules(shape?.limits ?? {}),
      redirects: pathRedirects(shape?.redirects ?? []),
    }),
  "snippets/berth-own.conf": ({ shape }) =>
    shape?.nginx ?? "# The stack's file has nothing under site.nginx.",
  "snippets/berth-proxy.conf": ({ behind, timeout, basicAuth, websockets = false }) => {
    const own = (header: string) => (behind?.header === header ? "$remote_addr" : '""');
    return renderTemplate(here("front/proxy.conf.liquid"), {
      true_client_ip: own("True-Client-IP"),
      cf_connecting_ip: own("CF-Connecting-IP"),
      asks_password: basicAuth !== undefined,
      websockets,
      timeout,
      answer: headLimits.answer,
    });
  },
};

/** A path as nginx's $uri has it: decoded, without the query. */
const pathOf = (path: string) => decodeURIComponent(new URL(path, "http://host").pathname);

const headersIn = ({ shape }: NginxArgs) => headersOf(shape?.headers ?? {}, shape?.hsts);

const siteFiles = (args: NginxArgs, names: readonly string[]): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(Object.entries(sharedFiles).map(([place, make]) => [place, make(args)])),
  [`sites-available/${args.name}.conf`]: siteConfiguration(args, names),
});

/**
 * nginx's table of names has 64 bytes for each by itself, of which it needs two words and the end of the text
 * (`NGX_HASH_ELT_SIZE`). It does not start with a longer one.
 */
const longestUsual = 46;

const isForAll = ({ basicAuth, shape }: NginxArgs) =>
  basicAuth === undefined && Object.keys(shape?.allow ?? {}).length === 0;

/** The site's configuration, in nginx's own format. */
function siteConfiguration(args: NginxArgs, names: readonly string[]): string {
  const openPath = pathOf(args.health);
  const all = [...names, ...redirectedNames(args.shape?.redirects ?? [])];
  const accel = accelRules(args.shape?.accel ?? {});
  return renderTemplate(here("site.conf.liquid"), {
    name: args.name,
    socket: args.socket,
    before_socket: join(dirname(args.socket), "before.sock"),
    tls: hasCertificate(args.tls),
    behind: args.behind !== undefined,
    certificate: certificatePlace.chain,
    key: certificatePlace.key,
    challenges: challengePlace,
    server_names: names,
    has_long_names: all.some((name) => name.length > longestUsual),
    max_body: args.maxBody,
    timeout: args.timeout,
    static_root: args.staticRoot ?? "",
    static_before: args.staticRoot === undefined ? "" : join(dirname(args.staticRoot), "before"),
    locations: locationRules(args.shape?.locations ?? {}),
    immutable: immutablePatterns(args.shape?.locations ?? {}),
    // What not everyone may see is no proxy's to keep.
    cache: isForAll(args) ? "public" : "private",
    cache_prefix: isForAll(args) ? "" : "private, ",
    files_root: args.filesRoot ?? "",
    files_before: args.filesRoot?.replace(/\/current\//, "/before/") ?? "",
    covers_health: coversHealth(args.shape?.locations ?? {}, openPath),
    covers_all: args.shape?.locations?.["/"] !== undefined,
    media_root: args.mediaRoot,
    media_public: args.mediaPublic,
    accel,
    private_media: [...new Set(accel.flatMap(({ directory }) => directory || []))],
    password_file: args.basicAuth === undefined ? "" : passwordFile,
    user: args.basicAuth?.user ?? "",
    realm: args.basicAuth?.realm ?? args.name,
    excepted: (args.basicAuth?.except ?? []).map((path) => patternOf(path, "/|[?]|\\z")),
    redirects: nameRedirects(args.shape?.redirects ?? []),
    own_root: ownPages(args.name),
    own_pages: Object.fromEntries(
      Object.keys(pagePlaces).map((page) => [
        page,
        args.shape?.pages?.[page as keyof PagesConfig] !== undefined,
      ]),
    ),
    open_path: openPath,
    open_pattern: escaped(openPath),
  });
}
