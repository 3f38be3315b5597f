// A site's certificate from an authority and from its owner, on a real host, with a real authority. What visitors get is
// asked at the front door, by a name, and trusted only as a browser would.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { askingProgram } from "../../scripts/lib/status/ask.ts";
import { readAnswer } from "../../scripts/lib/status/facts.ts";
import { makeCertificate } from "../certificates.ts";
import { until } from "../until.ts";
import { authorityOn } from "./authority.ts";
import { withStack } from "./harness.ts";
import { nameServerOn } from "./name-server.ts";
import { observed } from "./observatory.ts";
import { runAnew } from "./units.ts";

const [domain, alias] = ["shop.berth.test", "www.shop.berth.test"];
const day = 86_400;
const lineage = "/etc/letsencrypt/renewal/berth-logbook.conf";
const own = makeCertificate(domain, alias);

let roots: string[] = [];

const stack = await withStack({ after }, { deployed: true });
const authority = authorityOn(stack);
const zone = nameServerOn(stack, "berth.test", `_acme-challenge.${domain}`);

const acme = { acme: authority.acme };
const ofOwner = { own: { chain: own.site + own.middle, key: own.key } };

/** How many certificates have been ordered so far. */
const ordered = async () =>
  Number(await stack.on("ls /etc/letsencrypt/archive/berth-logbook/cert*.pem 2>/dev/null | wc -l"));

/** What the host's timer does. */
const look = () => runAnew(stack, "berth-certificate.service");

/** Has certbot's own unit run as if it were so many days later. */
async function renewIn(days: number) {
  const unit = "/run/systemd/system/certbot.service.d";
  const clock = `FAKETIME=+${days}d FAKETIME_DONT_FAKE_MONOTONIC=1`;
  return stack.ssh(
    `mkdir -p ${unit} && printf '[Service]\nEnvironment=LD_PRELOAD=%s ${clock}\n' /usr/lib/*/faketime/libfaketime.so.1 >${unit}/clock.conf
    systemctl daemon-reload; systemctl start certbot.service; status=$?
    rm -r ${unit}; systemctl daemon-reload; exit $status`,
    { timeout: 120_000 },
  );
}

interface Shown {
  readonly status: number;
  readonly serial: string;
  readonly issuer: string;
  readonly names: string;
}

/** What the front door shows and answers to who trusts these roots; a chain that does not lead there is an error. */
function visit(address: string, trusted: readonly string[] = roots, name = domain): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const how = { hostname: address, servername: name, ca: [...trusted], agent: false, timeout: 20_000 };
    const request = https.get({ ...how, path: "/health", headers: { host: name } }, (response) => {
      const peer = (response.socket as TLSSocket).getPeerX509Certificate() as X509Certificate;
      response.on("error", reject).resume();
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          serial: peer.serialNumber,
          issuer: peer.issuer,
          names: peer.subjectAltName ?? "",
        }),
      );
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 20 s")));
    request.on("error", reject);
  });
}

const shown = async () => visit(await stack.address());

/** Visits twenty times a second while something happens: each is answered, with a chain that is trusted. */
async function whileVisited<T>(happens: () => Promise<T>): Promise<T> {
  const address = await stack.address();
  const visits: Promise<Shown>[] = [];
  const going = { on: true };
  const visiting = (async () => {
    while (going.on) {
      const one = visit(address);
      one.catch(() => {});
      visits.push(one);
      await wait(50);
    }
  })();
  try {
    return await happens();
  } finally {
    going.on = false;
    await visiting;
    const ended = await Promise.allSettled(visits);
    const failed = ended.flatMap((one) =>
      one.status === "rejected" ? [`${one.reason}`] : one.value.status === 200 ? [] : [`${one.value.status}`],
    );
    assert.deepEqual(failed, [], `${failed.length} of ${visits.length} visits failed`);
    assert.ok(visits.length > 5, `visits: ${visits.length}`);
  }
}

/** What 'npm run status' learns of the certificate. */
async function told() {
  const domain = await stack.address();
  const site = { name: "logbook", scheme: "https", domain, health: "/health" };
  const { command, input } = askingProgram({ ...site, first: true, claim: null, flag: "", host: "" });
  let { facts } = readAnswer(await stack.on(command, { stdin: input }));
  // A host that is busy says what it has not found out in the few seconds that it has.
  await until(
    "the certificate and failed units to be told",
    async () => {
      if (facts?.certificate && facts.failedUnits) return true;
      ({ facts } = readAnswer(await stack.on(command, { stdin: input })));
      return false;
    },
    () => JSON.stringify(facts?.unknown),
  );
  return { ...facts?.certificate, failed: facts?.failedUnits?.map(({ unit }) => unit) };
}

before(async () => {
  stack.configure({ site: { domain, tls: acme } });
});

test("with no name server and no authority, up ends, and the site says that it waits and why", async () => {
  const { stdout, stderr } = await stack.succeed();
  assert.match(stdout + stderr, /WARNING: .*: no name server knows shop\.berth\.test\./);
  const found = await told();
  assert.deepEqual([found.kind, found.source, found.failed], ["self-signed", "self-signed", []]);
  assert.match(found.waits?.reason ?? "", /^no name server knows shop\.berth\.test\. Make it point at 10\./);
  assert.equal((await stack.fetch("/health")).status, 200);
  assert.equal((await stack.fetch("/health", { scheme: "http" })).status, 301);
});

test("the host's timer gets the certificate later, with no up", async () => {
  // What is installed later would not find its archive: names are the authority's from here on.
  const later = ["libfaketime", "python3-certbot-dns-rfc2136", ...zone.packages];
  await authority.install("testssl.sh", ...later);
  await stack.on("systemctl disable --now --quiet named.service");
  await authority.startNames();
  await authority.name(domain, await stack.address());
  const timer = "systemctl show -P NextElapseUSecMonotonic berth-certificate.timer";
  assert.match(await stack.on(timer), /\d/);
  // Each of its looks is begun here, or one would come between two things that the authority is told.
  await stack.on("systemctl stop berth-certificate.timer");
  await look();
  assert.match(
    (await told()).waits?.reason ?? "",
    /^https:\/\/127\.0\.0\.1:14000\/dir cannot be reached: Connection refused\./,
  );
  await authority.start(6 * day);
  await authority.allow("berth.test", ";");
  await look();
  assert.match(
    (await told()).waits?.reason ?? "",
    /^shop\.berth\.test may have no certificate of this authority: the CAA records of berth\.test name ";"/,
  );
  assert.equal(await ordered(), 0);
  await authority.allow("berth.test");
  await look();
  await stack.on("systemctl start berth-certificate.timer");
  roots = [await authority.root(), own.root];
  const { status, names, issuer } = await shown();
  assert.deepEqual([status, names], [200, `DNS:${domain}`]);
  assert.match(issuer, /Pebble/);
  const found = await told();
  assert.deepEqual([found.kind, found.source, found.waits], ["issued", "acme", null]);
});

test("a second up orders nothing", async () => {
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
  assert.equal(await ordered(), 1);
});

test("a name that points elsewhere is refused with what it points at, before anything is ordered", async () => {
  await authority.name(alias, "203.0.113.9");
  stack.configure({ site: { aliases: [alias] } });
  const before = await shown();
  const { code, stdout, stderr } = await stack.up();
  assert.notEqual(code, 0);
  assert.match(
    stdout + stderr,
    /www\.shop\.berth\.test points at 203\.0\.113\.9, and this host is 10\.[\d.]+\. Nothing was ordered/,
  );
  assert.equal(await ordered(), 1);
  assert.equal((await shown()).serial, before.serial);
});

test("a name that is added is ordered once, and no visitor notices", async () => {
  await authority.name(alias, await stack.address());
  stack.configure({ site: { hsts: { maxAge: 31_536_000 } } });
  await whileVisited(() => stack.succeed());
  assert.equal((await shown()).names, `DNS:${domain}, DNS:${alias}`);
  assert.equal((await visit(await stack.address(), roots, alias)).status, 200);
  assert.equal(await ordered(), 2);
});

test("testssl gives the site the grade A+", async () => {
  // What its grade rests on: protocols, ciphers, forward secrecy, certificate, headers and the faults that cap it. Of itself it
  // waits for up to ten seconds for a host far away that does not answer, as it should not.
  const looks = "-p -s -f -S -h -H -I -T --BB -R -C -O -Z -D -A -4 -J";
  const waits = "MAX_WAITSOCK=3 HEARTBLEED_MAX_WAITSOCK=3 CCS_MAX_WAITSOCK=3";
  const how = `--quiet --color 0 --warnings off --add-ca root.pem --ip 127.0.0.1 --jsonfile found.json ${looks}`;
  const said = await stack.on(
    `cd "$(mktemp -d)" && cat >root.pem && env ${waits} testssl ${how} https://${domain}/ >said; cat found.json`,
    { stdin: await authority.root(), timeout: 600_000 },
  );
  const found = JSON.parse(said) as { id: string; finding: string; severity: string }[];
  const of = (id: string) => found.find((one) => one.id === id)?.finding;
  const caps = found.filter(({ id }) => id.startsWith("grade_cap_reason")).map(({ finding }) => finding);
  assert.deepEqual([of("overall_grade"), caps], ["A+", []], said);
});

test("Mozilla's Observatory gives the example 100 points and more", async () => {
  const trusted = join(stack.project, "authorities.pem");
  writeFileSync(trusted, await authority.root());
  const { scan, tests } = await observed(domain, await stack.address(), trusted);
  const lost = Object.entries(tests).filter(([, { scoreModifier }]) => scoreModifier < 0);
  assert.deepEqual(lost, []);
  assert.ok(scan.score >= 100, JSON.stringify(scan));
});

test("a renewal comes by certbot's own timer when half of six days are over, and no visitor notices", async () => {
  assert.match(await stack.on(`head -n 1 ${lineage}`), /^renew_before_expiry = 259\d\d\d seconds$/);
  const { serial } = await shown();
  await stack.on("systemctl is-active certbot.timer");
  assert.equal((await renewIn(2)).code, 0);
  assert.deepEqual([(await shown()).serial, await ordered()], [serial, 2], "it is not due yet");
  await whileVisited(async () => assert.equal((await renewIn(4)).code, 0));
  assert.notEqual((await shown()).serial, serial);
  assert.equal(await ordered(), 3);
  assert.match(await stack.on(`head -n 1 ${lineage}`), /^renew_before_expiry = 259\d\d\d seconds$/);
});

test("a renewal that fails is a failed unit, which status tells, and the site is served on", async () => {
  const { serial } = await shown();
  await stack.on("systemctl stop test-names.service");
  assert.notEqual((await renewIn(4)).code, 0);
  assert.deepEqual((await told()).failed, ["certbot.service"]);
  assert.equal((await shown()).serial, serial);
  await stack.on("systemctl reset-failed certbot.service");
});

test("a certificate of 64 days is renewed when a third of them is left", async () => {
  await authority.startNames(false);
  for (const name of [domain, alias]) await authority.name(name, await stack.address());
  // It forgets who has an account, and so does the host.
  await stack.on("systemctl stop test-authority.service; rm -r /etc/letsencrypt/accounts");
  await authority.start(64 * day);
  roots = [await authority.root(), own.root];
  await look();
  const before = await ordered();
  const { serial } = await shown();
  assert.match(await stack.on(`head -n 1 ${lineage}`), /^renew_before_expiry = 1843\d\d\d seconds$/);
  assert.equal((await renewIn(42)).code, 0);
  assert.equal((await shown()).serial, serial, "it is not due yet");
  assert.equal((await renewIn(43)).code, 0);
  assert.notEqual((await shown()).serial, serial);
  assert.equal(await ordered(), before + 1);
});

test("to a certificate of one's own and back, no visitor notices, and nothing is ordered", async () => {
  const before = await ordered();
  stack.configure({ site: { tls: ofOwner } });
  const changes = await whileVisited(async () => (await stack.succeed()).changes);
  assert.equal(changes["nginx-site"], undefined, "nginx's site is the same");
  assert.equal((await shown()).serial, new X509Certificate(own.site).serialNumber);
  assert.deepEqual([(await told()).source, (await told()).waits], ["own", null]);
  assert.equal((await stack.ssh(`test -e ${lineage}`)).code, 1, "certbot renews it no longer");
  stack.configure({ site: { tls: acme } });
  await whileVisited(() => stack.succeed());
  assert.match((await shown()).issuer, /Pebble/);
  assert.equal(await ordered(), before);
  await stack.on(`test -e ${lineage}`);
});

test("with a DNS challenge, a name server that is away or takes no change is told, and the site is served on", async () => {
  await stack.on("systemctl stop test-names.service");
  const [before, { serial }] = [await ordered(), await shown()];
  const tls = { acme: { ...authority.acme, challenge: { rfc2136: zone.asked } } };
  stack.configure({ site: { aliases: [`*.${domain}`], tls } });
  const { stdout, stderr } = await stack.succeed();
  assert.match(
    stdout + stderr,
    /WARNING: .*: the name server 127\.0\.0\.1 cannot be reached: Connection refused\./,
  );
  await stack.on("systemctl stop berth-certificate.timer");
  const waits = async () => {
    await look();
    return (await told()).waits?.reason ?? "";
  };
  await zone.start({ secret: Buffer.alloc(32).toString("base64") });
  assert.match(await waits(), /^the name server 127\.0\.0\.1 rejects the key berth-test: /);
  await zone.start({ record: "_acme-challenge.www.berth.test" });
  assert.match(
    await waits(),
    /^the name server 127\.0\.0\.1 does not let the key berth-test change _acme-challenge\.shop\.berth\.test: it answers REFUSED\./,
  );
  assert.deepEqual([(await shown()).serial, await ordered()], [serial, before]);
});

test("a certificate for all names below one comes by a record in its zone, where no name has an address", async () => {
  await zone.start();
  await look();
  assert.equal((await told()).waits, null);
  const further = `berlin.${domain}`;
  const { status, names } = await visit(await stack.address(), roots, further);
  assert.deepEqual(
    [status, names.split(", ").sort()],
    [200, [`DNS:*.${domain}`, `DNS:${domain}`]],
    "Django answers to it",
  );
  const led = `curl -s -o /dev/null -w '%{redirect_url}' --resolve ${further}:80:127.0.0.1 http://${further}/a`;
  assert.equal(await stack.on(led), `https://${further}/a`);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("keys are root's alone, and the stack's own is in no command and no log", async () => {
  const others =
    "find -L /etc/ssl/berth /etc/letsencrypt/archive -name '*key*' ! -perm 600 -o -name '*key*' ! -user root";
  assert.equal(await stack.on(others), "");
  const line = own.key.split("\n")[1] ?? "";
  const having = (text: string) =>
    stack.on("grep -rlF -f /dev/stdin /var/log /var/lib/berth /run/berth* /etc || true", {
      stdin: `${text}\n`,
    });
  assert.equal(await having(line), "");
  // The key of the binding is where certbot reads it, and where the authority has it.
  assert.deepEqual((await having(authority.acme.eab.key)).trim().split("\n").sort(), [
    "/etc/berth-test-authority/pebble.json",
    "/etc/berth/acme-eab.ini",
  ]);
  assert.deepEqual((await having(zone.asked.secret)).trim().split("\n").sort(), [
    "/etc/berth/acme-dns.ini",
    zone.file,
  ]);
  const kept = "stat -c '%U:%G %a' /etc/berth/acme-eab.ini /etc/berth/acme-dns.ini | uniq";
  assert.equal(await stack.on(kept), "root:root 600");
});

test("where a proxy in front ends HTTPS, the site answers it by HTTP, and the application takes it for HTTPS", async () => {
  const behind = [`${(await stack.address()).replace(/\d+$/, "1")}/32`];
  stack.configure({ site: { tls: "upstream", behind, domain, aliases: undefined } });
  await stack.succeed();
  assert.equal((await stack.outputs()).url, `https://${await stack.address()}/`);
  const { status, headers, text } = await stack.fetch("/", { scheme: "http" });
  assert.equal(status, 200, "it is not sent on to HTTPS");
  assert.match(`${headers["set-cookie"]}`, /; Secure/);
  const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(text)?.[1] ?? "";
  const origin = `https://${await stack.address()}`;
  const form = {
    cookie: `${headers["set-cookie"]}`.split(";")[0] ?? "",
    origin,
    "content-type": "application/x-www-form-urlencoded",
    "x-forwarded-for": "198.51.100.7",
    "x-forwarded-proto": "https",
  };
  const posted = await stack.fetch("/", {
    ...{ scheme: "http", method: "POST", headers: form },
    body: new URLSearchParams({ csrfmiddlewaretoken: token, name: "Ada", message: "Hello" }).toString(),
  });
  assert.equal(posted.status, 302, posted.text.slice(0, 300));
  assert.equal((await stack.ssh("test -e /etc/ssl/berth")).code, 1, "no key is left");
});
