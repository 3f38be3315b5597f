// What a stack's configuration says of its certificate: read, checked before anything is changed, and told to the host.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { orderedNames } from "../../components/nginx/certificate/names.ts";
import { tlsFaults } from "../../components/nginx/certificate/own.ts";
import { cloudArgs } from "../../components/site/args.ts";
import { checkSite } from "../../components/site/check.ts";
import type { SitePlan } from "../../components/site/plan.ts";
import { makeCertificate } from "../certificates.ts";
import { programResources } from "./program-steps.ts";
import { stepsOf, textOf } from "./step-snapshots.ts";

const names = ["shop.example.org", "www.shop.example.org"];
const made = makeCertificate(...names);
const chain = made.site + made.middle;

const own = (own: { chain: string; key: string }, asked: readonly string[] = names, now?: Date) =>
  tlsFaults({ kind: "own", ...own }, asked, now);

/** What is wrong with a `berth:site`, with a least application. */
function faults(site: unknown): readonly string[] {
  const app = { name: "shop", source: { directory: "." }, wsgi: "shop.wsgi" };
  const checked = checkSite({ host: { kind: "local" }, app, site }, "berth:");
  return "faults" in checked ? checked.faults : [];
}

test("a chain and its key are taken, as text and from files", (t) => {
  assert.deepEqual(own({ chain, key: made.key }), []);
  const folder = mkdtempSync(join(tmpdir(), "berth-own-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "chain.pem"), chain);
  writeFileSync(join(folder, "key.pem"), made.key);
  const tls = { own: { chain: join(folder, "chain.pem"), key: join(folder, "key.pem") } };
  assert.deepEqual(faults({ domain: "shop.example.org", tls }), []);
});

test("a certificate for *.NAME is one for the names below", () => {
  const wide = makeCertificate("example.org", "*.example.org");
  const pair = { chain: wide.site + wide.middle, key: wide.key };
  assert.deepEqual(own(pair, ["example.org", "shop.example.org", "*.example.org"]), []);
  assert.equal(own(pair, ["*.shop.example.org"]).length, 1);
  assert.equal(own(pair, ["www.shop.example.org"]).length, 1);
});

test("what is wrong with a chain or a key is said, with the key of the configuration, and never a key itself", () => {
  const other = makeCertificate(...names);
  const texts = (...args: Parameters<typeof own>) =>
    own(...args).map(([key, message]) => `${key}: ${message}`);
  assert.deepEqual(texts({ chain, key: other.key }), [
    "own.key: expected the key of the chain's first certificate, 'CN=site of the test'",
  ]);
  assert.deepEqual(texts({ chain: made.middle + made.site, key: made.key }, []), [
    "own.chain: expected the site's certificate first and after each the one that signs it: 'CN=site of the test' does not sign 'CN=middle of the test'",
    "own.chain: expected the certificate of 'own.key' first, 'CN=site of the test'",
  ]);
  assert.match(texts({ chain: made.site + other.middle, key: made.key }).join(), /does not sign/);
  assert.deepEqual(texts({ chain, key: made.key }, ["shop.example.net"]), [
    "own.chain: expected a certificate for 'shop.example.net': it is for shop.example.org, www.shop.example.org",
  ]);
  const later = new Date(Date.now() + 40 * 86_400_000);
  assert.match(
    texts({ chain, key: made.key }, names, later)[0] ?? "",
    /'CN=site of the test' expired on \d{4}-/,
  );
  assert.match(texts({ chain, key: made.key }, names, new Date(0))[0] ?? "", /begins on \d{4}-/);
  assert.match(
    texts({ chain: "none.pem", key: made.key })[0] ?? "",
    /^own.chain: expected PEM, or a file .*ENOENT/,
  );
  assert.match(
    texts({ chain: made.key, key: made.key })[0] ?? "",
    /^own.chain: expected a certificate in PEM/,
  );
  assert.match(texts({ chain, key: made.site })[0] ?? "", /^own.key: expected a private key in PEM$/);
  const [fault = ""] = faults({ domain: "shop.example.org", tls: { own: { chain, key: other.key } } });
  assert.equal(
    fault,
    "berth:site.tls.own.key: expected the key of the chain's first certificate, 'CN=site of the test'; found a text in PEM",
  );
});

test("a misspelt kind or key of a certificate is named, with what there is", () => {
  assert.deepEqual(faults({ tls: "letsencrypt" }), [
    'berth:site.tls: expected "self-signed" or "acme" or "upstream" or "off"; found "letsencrypt"',
  ]);
  assert.deepEqual(faults({ domain: "shop.example.org", tls: { acme: { directry: "x" } } }), [
    "berth:site.tls.acme.directry: there is no such key. Did you mean 'directory'? There is: directory, ca, email, eab, profile, challenge, checkDns.",
  ]);
  assert.deepEqual(faults({ domain: "shop.example.org", tls: { acme: { directory: "ftp://x" } } }), [
    'berth:site.tls.acme.directory: expected the URL of an ACME directory, https://…, as the authority publishes it; found "ftp://x"',
  ]);
});

test("the key of an account elsewhere is in a secret file, and in no message", async () => {
  const site = (eab: unknown) => ({ domain: "shop.example.org", tls: { acme: { eab } } });
  const wrong = faults(site({ kid: "test", key: "not base64url" }));
  assert.match(wrong.join(), /^berth:site\.tls\.acme\.eab\.key: expected the HMAC key in base64url/);
  assert.doesNotMatch(wrong.join(), /not base64url/);
  const steps = stepsOf(await programResources({ site: site({ kid: "test", key: "c2VjcmV0LWtleQ" }) }));
  const [place, order] = ["place", "order"].map((one) => JSON.stringify(steps[`nginx-certificate-${one}`]));
  assert.match(place ?? "", /\/etc\/berth\/acme-eab\.ini/);
  assert.match(order ?? "", /bound to test/);
  assert.doesNotMatch(JSON.stringify(steps), /c2VjcmV0LWtleQ/);
});

test("an authority is asked for a name, so a site without one is refused", () => {
  assert.deepEqual(faults({ tls: "acme" }), [
    "berth:site.domain: expected the name that the certificate is for; found nothing: the key is required",
  ]);
});

test("where hosts keep their data on a volume, an authority's account and keys are on it", () => {
  const dataOf = (tls: unknown) => {
    const app = { name: "shop", source: { directory: "." }, wsgi: "shop.wsgi" };
    const checked = checkSite({ host: { kind: "local" }, app, site: { domain: "shop.example.org", tls } });
    assert.ok("config" in checked);
    const plan = { config: checked.config, services: [], processes: [], root: "/srv/shop" };
    return cloudArgs({ ...plan, makeCloud: undefined } as unknown as SitePlan).data;
  };
  const keeps = (tls: unknown) =>
    dataOf(tls).find(({ directories }) => directories.includes("/etc/letsencrypt"));
  assert.deepEqual(keeps("acme")?.services, ["certbot.service", "berth-certificate.service"]);
  assert.equal(keeps("self-signed"), undefined);
});

test("certbot is installed where an authority is asked, and nowhere else", async () => {
  const packages = async (site: object) => {
    const steps = stepsOf(await programResources({ site: { domain: "shop.example.org", ...site } }));
    return `${steps["system-packages"]?.slots.packages}`.split(" ").includes("certbot");
  };
  assert.deepEqual(await Promise.all([packages({ tls: "acme" })]), [true]);
  assert.deepEqual(await Promise.all([packages({})]), [false]);
});

const rfc2136 = { server: "192.0.2.53", name: "berth-shop", secret: "c2VjcmV0IHNlY3JldA==" };
const byNameServer = { acme: { challenge: { rfc2136 } } };

test("a name with a * is not ordered by a file on port 80, and the line to write is told", () => {
  const site = { domain: "shop.example.org", aliases: ["www.example.org", "*.shop.example.org"] };
  assert.deepEqual(faults({ ...site, tls: byNameServer }), []);
  for (const tls of ["self-signed", "upstream"]) assert.deepEqual(faults({ ...site, tls }), []);
  assert.deepEqual(faults({ ...site, tls: "acme" }), [
    `berth:site.aliases[1]: expected a name without '*': only by a record in its zone does an authority give a certificate for it. Write below site: tls: {acme: {challenge: {rfc2136: {server: …, name: …, secret: …}}}}; docs/certificates.md has the rest; found "*.shop.example.org"`,
  ]);
  for (const alias of ["*", "*.*.example.org", "shop.*.example.org", "*shop.example.org"])
    assert.match(
      faults({ ...site, aliases: [alias], tls: byNameServer }).join(),
      /^berth:site\.aliases\[0\]: expected a domain name/,
    );
  assert.match(
    faults({ domain: "*.example.org", tls: byNameServer }).join(),
    /^berth:site\.domain: expected a domain name/,
  );
});

test("an authority is asked for no name that a * beside it covers", () => {
  assert.deepEqual(
    orderedNames([
      "example.org",
      "shop.example.org",
      "*.example.org",
      "a.shop.example.org",
      "*.shop.example.org",
    ]),
    ["example.org", "*.example.org", "*.shop.example.org"],
  );
});

test("what a challenge by records lacks is told, and never its secret", () => {
  const site = { domain: "shop.example.org" };
  const wrong = (acme: unknown) => faults({ ...site, tls: { acme } }).join("\n");
  const challenge = { rfc2136: { ...rfc2136, secret: "no base64 of a key" } };
  assert.equal(
    wrong({ challenge }),
    "berth:site.tls.acme.challenge.rfc2136.secret: expected the secret of a TSIG key in base64, as tsig-keygen prints it; found a secret of the wrong form",
  );
  assert.match(
    wrong({ challenge: { rfc2136: { ...rfc2136, server: "ns.example.org" } } }),
    /rfc2136\.server: expected the IP address of the zone's name server; found "ns\.example\.org"$/,
  );
  assert.match(wrong({ challenge: "dns" }), /challenge: expected "http" or "route53"/);
  assert.match(wrong({ challenge: "route53" }), /challenge: expected http or rfc2136: only an EC2 host/);
  assert.match(
    wrong({ challenge: { rfc2136 }, checkDns: true }),
    /checkDns: expected none: for this challenge names need not point anywhere/,
  );
});

test("with a challenge by records the host looks up no name, has the key in a secret file, and answers to all names", async () => {
  const site = { domain: "shop.example.org", aliases: ["www.shop.example.org", "*.shop.example.org"] };
  const resources = await programResources({ site: { ...site, tls: byNameServer } });
  const steps = stepsOf(resources);
  const place = steps["nginx-certificate-place"];
  const [text] = Object.values(place?.files["/etc/berth/certificate.json"] ?? {});
  const { acme } = JSON.parse(`${text}`);
  assert.deepEqual(
    [acme.names, acme.challenge, acme.addresses],
    [["shop.example.org", "*.shop.example.org"], { kind: "rfc2136", wait: 60 }, null],
  );
  const order = JSON.stringify(steps["nginx-certificate-order"]);
  assert.match(order, /by records at 192\.0\.2\.53 port 53 with the key berth-shop \(hmac-sha256\)/);
  assert.match(JSON.stringify(place), /\/etc\/berth\/acme-dns\.ini/);
  assert.doesNotMatch(JSON.stringify(steps), new RegExp(rfc2136.secret));
  const packages = `${steps["system-packages"]?.slots.packages}`.split(" ");
  assert.ok(packages.includes("python3-certbot-dns-rfc2136"));
  const settings = resources.find((made) => made.name === "app-settings")?.inputs.stdin.split(" ")[1];
  const told = Buffer.from(`${settings}`, "base64").toString();
  assert.match(
    told,
    /^ALLOWED_HOSTS='192\.0\.2\.7,shop\.example\.org,www\.shop\.example\.org,\.shop\.example\.org'$/m,
  );
  assert.match(told, /^CSRF_TRUSTED_ORIGINS='.*,https:\/\/\*\.shop\.example\.org'$/m);
  const nginx = resources.find((made) => made.name === "nginx-site");
  assert.match(
    nginx ? textOf(nginx) : "",
    /server_name 192\.0\.2\.7 shop\.example\.org www\.shop\.example\.org \*\.shop\.example\.org;/,
  );
});

test("where the zone is in Route 53, the instance may change the one record of its names that the authority looks at", async () => {
  const host = {
    kind: "ec2",
    region: "eu-central-1",
    instanceType: "t4g.small",
    sshFrom: ["203.0.113.0/24"],
  };
  const site = { domain: "shop.example.org", aliases: ["*.shop.example.org"], zone: "example.org" };
  const made = async (tls: unknown) => {
    const resources = await programResources({ host, site: { ...site, tls } });
    return resources.find(({ name }) => name === "web-role-certificate");
  };
  const policy = await made({ acme: { challenge: "route53" } });
  const [, { Resource, Condition }] = JSON.parse(policy?.inputs.policy).Statement;
  assert.deepEqual(Resource, ["arn:aws:route53:::hostedzone/Z1"]);
  const names = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
  assert.deepEqual(Condition["ForAllValues:StringEquals"][names], ["_acme-challenge.shop.example.org"]);
  assert.equal(await made(byNameServer), undefined);
  const app = { name: "shop", source: { directory: "." }, wsgi: "shop.wsgi" };
  const tls = { acme: { challenge: "route53" } };
  const checked = checkSite({ host, app, site: { ...site, zone: undefined, tls } } as never, "berth:");
  assert.match(
    "faults" in checked ? checked.faults.join() : "",
    /^berth:site\.zone: expected the Route 53 zone of the site's names, which 'route53' changes records in/,
  );
});

test("the host learns what is ordered, and the site of nginx is the same for every kind of certificate", async () => {
  const site = { domain: "shop.example.org", aliases: ["www.shop.example.org"] };
  const stepsWith = async (tls: unknown) => stepsOf(await programResources({ site: { ...site, tls } }));
  const acme = await stepsWith({
    acme: { email: "ops@example.org", profile: "shortlived", checkDns: false },
  });
  const [settings] = Object.values(
    acme["nginx-certificate-place"]?.files["/etc/berth/certificate.json"] ?? {},
  );
  assert.deepEqual(JSON.parse(`${settings}`), {
    site: "shop",
    domain: "192.0.2.7",
    kind: "acme",
    acme: {
      directory: "https://acme-v02.api.letsencrypt.org/directory",
      names,
      email: "ops@example.org",
      profile: "shortlived",
      ca: false,
      eab: false,
      challenge: { kind: "http", wait: 0 },
      addresses: null,
    },
  });
  const mine = await stepsWith({ own: { chain, key: made.key } });
  const plain = await stepsWith("self-signed");
  for (const steps of [acme, mine]) assert.deepEqual(steps["nginx-site"], plain["nginx-site"]);
  assert.ok(!("nginx-certificate-order" in mine) && !("nginx-certificate-order" in plain));
});

test("where a proxy in front ends HTTPS, the host answers by HTTP and tells the application what visitors ask by", async () => {
  const resources = await programResources({ site: { domain: "shop.example.org", tls: "upstream" } });
  const text = (name: string) => {
    const [step] = resources.filter((made) => made.name === name);
    return step ? textOf(step) : "";
  };
  assert.match(
    text("nginx-site"),
    /\$berth_scheme \{\n {4}default https;\n\}[\s\S]+proxy_set_header X-Forwarded-Proto \$berth_scheme;[\s\S]+listen 80;/,
  );
  assert.doesNotMatch(text("nginx-site"), /listen 443|ssl_certificate/);
  assert.match(text("nginx-site"), /^scheme='http'$/m);
  assert.match(text("app-live"), /"scheme": ?"https"[\s\S]*"door": ?"http"/);
  const settings = resources.find((made) => made.name === "app-settings")?.inputs.stdin.split(" ")[1];
  assert.match(Buffer.from(`${settings}`, "base64").toString(), /^CSRF_TRUSTED_ORIGINS='https:/m);
  assert.equal(text("nginx-certificate-place"), "");
});

test("the key of a certificate that a stack brings travels by standard input alone", async () => {
  const resources = await programResources({
    site: { domain: "shop.example.org", tls: { own: { chain, key: made.key } } },
  });
  const [step] = resources.filter(({ name }) => name === "nginx-certificate-place");
  assert.ok(step?.inputs.stdin.includes(Buffer.from(made.key).toString("base64")));
  assert.ok(step?.secrets.includes("stdin"));
  assert.ok(!JSON.stringify({ ...step?.inputs, stdin: "" }).includes(made.key.split("\n")[1] as string));
});
