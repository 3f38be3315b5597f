// What a stack's file says of its front door: checked before anything is changed, and written for nginx so that no value can
// say more than it should.
import assert from "node:assert/strict";
import { test } from "node:test";
import { behindOf } from "../../components/nginx/front/behind.ts";
import { cloudflareNetworks } from "../../components/nginx/front/cloudflare.ts";
import { Nginx, type NginxArgs } from "../../components/nginx/nginx.ts";
import { isCidr } from "../../components/service/forms.ts";
import { fleetArgs } from "../../components/site/args.ts";
import { checkSite } from "../../components/site/check.ts";
import { record, standInHost } from "./aws-mocks.ts";
import { textOf } from "./step-snapshots.ts";

const app = { name: "shop", source: { directory: "." }, wsgi: "shop.wsgi", health: "/health" };
const check = (site: unknown) => checkSite({ host: { kind: "local" }, app, site }, "berth:");

/** What is wrong with a `berth:site`. */
function faults(site: unknown): readonly string[] {
  const checked = check(site);
  return "faults" in checked ? checked.faults : [];
}

/** The text of nginx's step for a site. */
async function textFor(site: Record<string, unknown>, args: Partial<NginxArgs> = {}): Promise<string> {
  const checked = check(site);
  assert.ok("config" in checked, JSON.stringify(checked));
  const made = await record(
    () =>
      new Nginx("nginx", {
        host: standInHost("machine"),
        name: "shop",
        serverNames: ["example.org"],
        tls: { kind: "off" },
        domains: ["example.org"],
        maxBody: 25,
        timeout: 60,
        socket: "/run/shop/web.sock",
        staticRoot: "/srv/shop/static/current",
        mediaRoot: "/srv/shop/media",
        mediaPublic: true,
        health: "/health",
        behind: behindOf(checked.config.site.behind),
        shape: checked.config.site,
        ...args,
      }),
  );
  const step = made.all("remote:Command").find(({ name }) => name === "nginx-site");
  assert.ok(step);
  return textOf(step);
}

test("no value can say more to nginx than it should, and each is refused by its key", () => {
  for (const realm of ["", "off", 'a" b', "a\\", "$uri", "a\nb", "Käse", "x".repeat(121)])
    assert.match(
      faults({ basicAuth: { user: "team", realm } })[0] ?? "",
      /^berth:site\.basicAuth\.realm/,
      realm,
    );
  const evil = [
    "/a b",
    '/a"',
    "/a;",
    "/x$uri",
    "/a{",
    "/a\n",
    "/a\\",
    "/../a",
    "/a/./b",
    "//a",
    "a",
    "/é",
    "/a*",
  ];
  for (const path of [...evil, "/berth", "/berth/media/"]) {
    const at = (key: string, site: unknown) =>
      assert.match(faults(site)[0] ?? "", new RegExp(`^berth:site\\.${key}`), `${key} ${path}`);
    at("allow", { allow: { [path]: ["192.0.2.0/24"] } });
    at("limits", { limits: { [path]: { requests: 1 } } });
    at("basicAuth\\.except\\[0\\]", { basicAuth: { user: "team", except: [path] } });
    at("accel", { accel: { [path]: "${paths.media}/a" } });
    at("redirects\\[0\\]\\.from", { redirects: [{ from: path, to: "/new" }] });
  }
  for (const to of [
    "//evil.org",
    "/\\evil.org",
    "/a b",
    '/a"',
    "/x$host",
    "/a\r\nX: y",
    "javascript:x",
    "ftp://a",
  ])
    assert.match(
      faults({ redirects: [{ from: "/a", to }] })[0] ?? "",
      /^berth:site\.redirects\[0\]\.to: expected /,
      to,
    );
  for (const value of ["a\nb", "a\r\nSet-Cookie: x", "$uri", "é", "\u0000"])
    assert.match(
      faults({ headers: { "X-A": value } })[0] ?? "",
      /^berth:site\.headers\.X-A: expected printable/,
    );
  for (const name of [
    "X A",
    "X:",
    "",
    "X\nY",
    "X_A",
    "Set-Cookie",
    "content-length",
    "Strict-Transport-Security",
  ])
    assert.match(faults({ headers: { [name]: "x" } })[0] ?? "", /^berth:site\.headers\.?/, name);
  for (const network of ["10.0.0.1", "0.0.0.0/0", "::/0", "10.0.0.0/8;", "all"])
    assert.match(faults({ behind: [network] })[0] ?? "", /^berth:site\.behind\[0\]: expected /, network);
  assert.match(faults({ allow: { "/a": ["all; satisfy any"] } })[0] ?? "", /^berth:site\.allow\./);
});

test("nginx sends files from nowhere but the uploads, and under no path that something else answers", async () => {
  for (const place of [
    "/etc",
    "/srv/shop/media/a",
    "${paths.data}/a",
    "${paths.media}/../data",
    "${paths.media}/.git",
  ])
    assert.match(
      faults({ accel: { "/a/": place } })[0] ?? "",
      /^berth:site\.accel\.\/a\/: expected \$\{paths\.media\} or /,
      place,
    );
  for (const place of [
    "${paths.media}/a;b",
    "${paths.media}/a b",
    "${paths.media}/a\nb",
    "${paths.media}/$uri",
    "${paths.media}//a",
  ])
    assert.equal(faults({ accel: { "/a/": place } }).length, 1, place);
  const place = "${paths.media}/a";
  const at = (accel: Record<string, string>, more: object = {}) => {
    const checked = checkSite(
      { host: { kind: "local" }, app: { ...app, pages: ["/books/1"] }, site: { accel }, ...more },
      "berth:",
    );
    return "faults" in checked ? checked.faults.map((fault) => fault.split("; found")[0]) : [];
  };
  const key = "berth:site.accel.";
  assert.deepEqual(at({ "/": place }), [
    `${key}/: expected a part of the site: nginx would answer all of it`,
  ]);
  for (const root of ["/static/", "/media/", "/.well-known/"])
    assert.deepEqual(at({ [`${root}a`]: place }), [
      `${key}${root}a: expected another path: ${root} has files of its own`,
    ]);
  for (const [path, page] of [
    ["/health", "/health"],
    ["/books/", "/books/1"],
  ] as const)
    assert.deepEqual(
      at({ [path]: place }),
      path === page
        ? []
        : [`${key}${path}: expected a path that ${page} is not below: visitors get 404 for it`],
    );
  assert.deepEqual(at({ "/a": place, "/a/b/": place }), [
    `${key}/a/b/: expected a path that is not in another one, /a/`,
  ]);
  assert.deepEqual(at({ "/a": place, "/a/": place }).length, 2);
  assert.match(
    at({ "/a/": "${paths.media}" }, { media: { public: true } }).join(),
    /expected a directory below \$\{paths\.media\}: with media\.public: true everyone sees/,
  );
  assert.match(
    at(
      { "/a/": place },
      { media: { store: "s3", bucket: "b", region: "eu-central-1", access: "user" } },
    ).join(),
    /expected none with media\.store: s3/,
  );
  const text = await textFor(
    { accel: { "/a": "${paths.media}/b/c/", "/d/": "${paths.media}" } },
    { mediaPublic: false },
  );
  assert.match(
    text,
    /location \^~ \/a\/ \{\n +internal;\n +alias \/srv\/shop\/media\/b\/c\/;\n.*\n +disable_symlinks on from=\/srv\/shop\/media;/,
  );
  assert.match(text, /location \^~ \/d\/ \{\n +internal;\n +alias \/srv\/shop\/media\/;/);
  // Two paths to one directory are two, and the directory is one.
  const both = await textFor({ accel: { "/a": place, "/b": place } });
  assert.equal(
    both.match(/location \^~ \/media\/a\/ \{ try_files \/berth\/none @application; \}/g)?.length,
    1,
  );
  assert.equal(both.match(/disable_symlinks on from=\/srv\/shop\/media;/g)?.length, 3);
});

test("a balancer by name is refused with what to write in its place", () => {
  assert.deepEqual(faults({ behind: "alb" }), [
    'berth:site.behind: expected `cloudflare`, or the networks that the proxies ask from, such as [10.0.0.0/16]. For a load balancer of AWS those are the networks of its subnets; found "alb"',
  ]);
});

test("redirects that lead nowhere or hide the site are refused", () => {
  const at = (...redirects: unknown[]) => faults({ domain: "example.org", redirects });
  assert.match(at({ from: "/a", to: "/a" }).join(), /redirects\[0\]\.to: expected another path/);
  assert.match(at({ from: "/health", to: "/a" }).join(), /redirects\[0\]\.from: .*app\.health/);
  assert.match(at({ from: "/*", to: "https://example.net/*" }).join(), /redirects\[0\]\.from: .*app\.health/);
  assert.match(at({ from: "/a", to: "/b/*" }).join(), /redirects\[0\]\.to: expected no \*/);
  assert.match(
    at({ from: "/a", to: "/b" }, { from: "/a", to: "/c" }).join(),
    /redirects\[1\]\.from: expected each once/,
  );
  assert.match(
    at({ from: "example.org", to: "https://example.net" }).join(),
    /from: expected a name that is not in/,
  );
  assert.match(at({ from: "www.example.org", to: "/a" }).join(), /to: expected a URL with another name/);
  assert.match(
    at({ from: "www.example.org", to: "https://www.example.org" }).join(),
    /to: expected a URL with another/,
  );
});

test("HSTS is refused where browsers would be locked out, and can always be ended", () => {
  const at = (tls: unknown, hsts: object) => faults({ domain: "example.org", tls, hsts });
  assert.match(
    at("self-signed", { maxAge: 300 })[0] ?? "",
    /^berth:site\.hsts: expected none with site\.tls self-signed/,
  );
  assert.match(at("off", { maxAge: 300 })[0] ?? "", /^berth:site\.hsts: expected none with site\.tls off/);
  assert.deepEqual(at("self-signed", { maxAge: 0 }), []);
  assert.deepEqual(at("acme", { maxAge: 300 }), []);
  assert.deepEqual(at("upstream", { maxAge: 31_536_000, includeSubDomains: true, preload: true }), []);
  assert.match(at("acme", { maxAge: 300, preload: true })[0] ?? "", /^berth:site\.hsts\.preload: expected/);
});

test("a name that is redirected has its part of the certificate and of DNS, and is none of the application's", () => {
  const site = {
    domain: "example.org",
    tls: "acme",
    redirects: [{ from: "www.example.org", to: "https://example.org" }],
  };
  const checked = check(site);
  assert.ok("config" in checked);
  const zone = { ...site, zone: "example.net" };
  assert.match(faults(zone).join("\n"), /expected the zone of 'www\.example\.org'/);
  const { looks } = fleetArgs({ config: checked.config, services: [], processes: [] } as never, undefined);
  assert.match(String(looks[0]?.slots?.site_names), /^example\.org www\.example\.org$/);
});

test("the certificate is ordered for redirected names as well", async () => {
  const made = await record(() =>
    new Nginx("nginx", {
      host: standInHost("machine"),
      name: "shop",
      serverNames: ["example.org"],
      tls: { kind: "acme", challenge: "http", directory: "https://acme.example/dir", checkDns: true },
      domains: ["example.org"],
      maxBody: 25,
      timeout: 60,
      socket: "/run/shop/web.sock",
      staticRoot: undefined,
      mediaRoot: "/srv/shop/media",
      mediaPublic: false,
      health: "/health",
      shape: { redirects: [{ from: "www.example.org", to: "https://example.org", status: 301 }] },
    }).order?.({}),
  );
  const order = made.all("remote:Command").find(({ name }) => name === "nginx-certificate-order");
  assert.ok(order);
  assert.match(textOf(order), /^names='example\.org www\.example\.org'$/m);
});

test("Cloudflare's networks are networks, and whoever has newer ones names them", async () => {
  for (const network of cloudflareNetworks) assert.ok(isCidr(network), network);
  assert.deepEqual(behindOf("cloudflare"), {
    networks: cloudflareNetworks,
    header: "CF-Connecting-IP",
    only: false,
  });
  const newer = { proxies: ["192.0.2.0/24"], header: "CF-Connecting-IP" as const, only: true };
  assert.deepEqual(behindOf(newer), { networks: ["192.0.2.0/24"], header: "CF-Connecting-IP", only: true });
  const text = await textFor({ behind: newer });
  assert.match(text, /^set_real_ip_from 192\.0\.2\.0\/24;\nreal_ip_header CF-Connecting-IP;$/m);
});

test("Cloudflare is believed what it says itself, and not what visitors may send through it", () => {
  for (const header of ["True-Client-IP", "X-Forwarded-For"])
    assert.match(
      faults({ behind: { proxies: "cloudflare", header } }).join("\n"),
      /^berth:site\.behind\.header: expected CF-Connecting-IP, or none/m,
    );
});

test("with nothing in front nobody's word of a visitor counts", async () => {
  const text = await textFor({});
  assert.doesNotMatch(text, /set_real_ip_from|real_ip_header|"1:https"/);
  assert.match(text, /^proxy_set_header CF-Connecting-IP "";$/m);
});

test("the firewall is closed to all but the proxies where the stack says so", async () => {
  const from = (behind: unknown) => {
    const checked = check({ behind });
    assert.ok("config" in checked);
    return fleetArgs({ config: checked.config, services: [], processes: [] } as never, undefined)
      .visitorsFrom;
  };
  assert.deepEqual(from({ proxies: ["192.0.2.0/24"], only: true }), ["192.0.2.0/24"]);
  assert.equal(from(["192.0.2.0/24"]), undefined);
});

test("a location that adds a header has all the others as well", async () => {
  const text = await textFor({ headers: { "Permissions-Policy": "camera=()" } });
  const blocks = text.split(/^ {4}location /m).slice(1);
  const adding = blocks.filter((block) => /^ {8}add_header /m.test(block));
  assert.ok(adding.length >= 5);
  for (const block of adding)
    assert.match(block, /^ {8}include \/etc\/nginx\/snippets\/berth-headers\.conf;$/m);
});

test("folders and files answer under their paths, and what is not there is the application's or the front end's page", async () => {
  const text = await textFor(
    {
      locations: {
        "/": { release: "frontend/dist", fallback: "index.html", immutable: ["assets"] },
        "/api": "application",
        "/handbook/": { host: "/srv/handbook" },
        "/favicon.ico": { release: "art/favicon.ico" },
      },
    },
    { filesRoot: "/srv/shop/static/current/.at" },
  );
  const block = (head: string) => {
    const from = text.indexOf(`\n    location ${head} {`);
    assert.notEqual(from, -1, head);
    return text.slice(from, text.indexOf("\n    }", from));
  };
  assert.match(block("/"), /root \/srv\/shop\/static\/current\/\.at\/%2F;/);
  assert.match(block("/"), /error_page 403 404 = @before_0;/);
  assert.doesNotMatch(block("/"), /error_page 405/);
  assert.match(block("@rest_0"), /try_files \/index\.html =404;/);
  assert.match(text, /location \^~ \/api\/ \{ try_files \/berth\/none @application; \}/);
  assert.match(text, /location = \/api \{ try_files/);
  assert.match(block("^~ /handbook/"), /alias \/srv\/handbook\/;[\s\S]*error_page 403 404 = @application;/);
  assert.match(text, /location = \/handbook \{ return 301 \/handbook\/\$is_args\$args; \}/);
  assert.match(block("= /favicon.ico"), /current\/\.at\/%2Ffavicon\.ico;/);
  assert.match(text, /location = "\/health" \{ try_files/);
  assert.match(text, /"~\^\/assets\/" "public, max-age=31536000, immutable";/);
  assert.equal(text.match(/\n {4}location \/ \{/g)?.length, 1);
});

test("what not everyone may see is no proxy's to keep", async () => {
  const locations = { "/handbook/": { host: "/srv/handbook" } };
  assert.match(await textFor({ locations }), /default "public, max-age=3600";\n.*"no-cache";/);
  const narrow = await textFor({ locations, allow: { "/handbook/": ["203.0.113.0/24"] } });
  assert.match(narrow, /default "private, max-age=3600";\n.*"private, no-cache";/);
});

test("a location that would hide what others answer, or shows what is nobody's, is refused by its key", () => {
  const refused = (locations: unknown, more: Record<string, unknown> = {}) => {
    const checked = checkSite(
      {
        host: { kind: "local" },
        app: { ...app, static: "static", ...more },
        site: { locations },
        media: { public: true },
      },
      "berth:",
    );
    return "faults" in checked ? checked.faults.join("\n") : "";
  };
  assert.equal(refused({ "/": { release: "dist", fallback: "index.html" }, "/api/": "application" }), "");
  for (const path of ["/static/", "/static/a.js", "/media/", "/.well-known/acme-challenge/"])
    assert.match(refused({ [path]: { host: "/srv/a" } }), /expected another path: nginx answers below/, path);
  for (const host of [
    "/etc/nginx",
    "/root/a",
    "/home/a/b",
    "/var/lib/postgresql",
    "/srv/../etc/a",
    "/srv",
    "/usr/lib/a",
  ])
    assert.match(refused({ "/a/": { host } }), /expected an absolute path of two parts or more/, host);
  assert.match(refused({ "/a/": { host: "/srv/shop/releases" } }), /expected a place next to \/srv\/shop/);
  const above = refused({ "/a/": { host: "/srv/apps" } }, { root: "/srv/apps/shop" });
  assert.match(above, /expected a place next to \/srv\/apps\/shop, which .* neither in it nor above it/);
  assert.match(refused({ "/health/": { release: "a" } }), /expected the application to answer \/health/);
  for (const release of ["../x", "/etc", ".git", "a/.env", "a//b"])
    assert.match(refused({ "/a/": { release } }), /expected a relative path/, release);
  assert.match(
    refused({ "/.git/": { release: "a" } }),
    /expected no part of the path that begins with a dot/,
  );
  assert.equal(refused({ "/.well-known/": { release: "a" } }), "");
  assert.match(refused({ "/a/": {} }), /expected either 'release' or 'host'/);
  assert.match(refused({ "/a/": { release: "a", host: "/srv/a" } }), /expected either 'release' or 'host'/);
  assert.match(
    refused({ "/a": { release: "a", fallback: "b" } }),
    /locations\.?.*fallback: expected none for a single file/,
  );
  assert.match(refused({ "/a": "application", "/a/": { release: "a" } }), /expected the path once/);
  assert.match(refused({ "/health": { release: "a" } }), /expected the application to answer \/health/);
  assert.match(refused({ "/": { release: "a" } }, { health: "/" }), /set 'app.health' to another path/);
  const pages = { pages: ["/shop/list"] };
  assert.equal(refused({ "/": { release: "a" } }, pages), "");
  assert.match(
    refused({ "/": { release: "a", fallback: "b" } }, pages),
    /expected the application to answer \/shop\/list \(app\.pages\): write '\/shop\/list: application'/,
  );
  assert.equal(refused({ "/": { release: "a", fallback: "b" }, "/shop/": "application" }, pages), "");
});
