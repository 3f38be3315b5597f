// What a stack's configuration says of its certificate: read, checked before anything is changed, and told to the host.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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
  assert.deepEqual(own(pair, ["example.org", "shop.example.org"]), []);
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
    "berth:site.tls.acme.directry: there is no such key. Did you mean 'directory'? There is: directory, ca, email, eab, profile, checkDns.",
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
