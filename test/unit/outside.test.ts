// What keeps visitors from a site, as it is seen from this computer: real connections to addresses of the loopback network,
// each of them a machine; name servers are records of the test.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as httpServer } from "node:http";
import { createServer as httpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { stringify } from "yaml";
import { type Answer, type Door, lookAtDoor, type Names, type Seen } from "../../scripts/lib/outside/look.ts";
import { obstaclesOf, obstacleText } from "../../scripts/lib/outside/obstacles.ts";
import { doorOf, localNames } from "../../scripts/lib/stack.ts";

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});
async function listening(server: Server, address: string, port = 0): Promise<number> {
  servers.push(server.listen(port, address));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A key with a certificate of its own: a machine. */
function pair() {
  const pem = execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=shop.example.org", "-keyout", "-", "-out", "-"],
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  return { key: pem, cert: pem };
}

/** Name servers that know these names; `false` stands for one that does not answer. */
function knows(records: Readonly<Record<string, readonly string[] | false>>, asked: string[] = []): Names {
  const resolve = (isWanted: (address: string) => boolean) => async (name: string) => {
    asked.push(name);
    const all = records[name];
    if (all === false) throw Object.assign(new Error(), { code: "ETIMEOUT" });
    if (all === undefined) throw Object.assign(new Error(), { code: "ENOTFOUND" });
    const wanted = all.filter(isWanted);
    if (wanted.length === 0) throw Object.assign(new Error(), { code: "ENODATA" });
    return wanted;
  };
  return {
    resolve4: resolve((address) => !address.includes(":")),
    resolve6: resolve((address) => address.includes(":")),
  } as unknown as Names;
}

describe("a look at a front door", async () => {
  const [own, other] = [pair(), pair()];
  const seen: (string | undefined)[] = [];
  const tls = await listening(
    httpsServer(own, (request, response) => {
      seen.push(request.headers.host, request.url);
      response.end();
    }),
    "127.0.0.2",
  );
  // The same machine by another address, and another machine.
  await listening(
    httpsServer(own, (_, response) => response.end()),
    "127.0.0.3",
    tls,
  );
  await listening(
    httpsServer(other, (_, response) => response.end()),
    "127.0.0.4",
    tls,
  );
  const plain = await listening(
    httpServer((_, response) => response.end()),
    "127.0.0.2",
  );
  const door: Door = {
    names: ["shop.example.org"],
    address: "127.0.0.2",
    answers: "https",
    health: "/health",
    hasFront: false,
    ports: { http: plain, https: tls },
  };
  const look = async (records: Parameters<typeof knows>[0], changes: Partial<Door> = {}) => {
    const changed = { ...door, ...changes };
    return obstaclesOf(changed, await lookAtDoor(changed, knows(records))).map(obstacleText);
  };

  test("nothing is said of a site whose names lead to its host, whose address is asked by the site's name", async () => {
    assert.deepEqual(await look({ "shop.example.org": ["127.0.0.2"] }), []);
    assert.deepEqual(seen.slice(0, 2), ["shop.example.org", "/health"]);
  });

  test("no other names than the site's are asked for, and none where it has none", async () => {
    const asked: string[] = [];
    await lookAtDoor(door, knows({}, asked));
    assert.deepEqual([...new Set(asked)], ["shop.example.org"]);
    asked.length = 0;
    assert.deepEqual(
      obstaclesOf({ ...door, names: [] }, await lookAtDoor({ ...door, names: [] }, knows({}, asked))),
      [],
    );
    assert.deepEqual(asked, []);
  });

  test("a name that leads to another machine is told with the record to make", async () => {
    assert.deepEqual(await look({ "shop.example.org": ["127.0.0.4"] }), [
      "shop.example.org points at 127.0.0.4 (another machine answers there), and the stack's host is 127.0.0.2. Where its DNS is kept, make this record: shop.example.org A 127.0.0.2. If a proxy or NAT is in front of the host, say so: berth:site.behind, or berth:site.tls.acme.checkDns: false.",
    ]);
  });

  test("a name with the host's address and another machine's loses some visitors", async () => {
    assert.deepEqual(await look({ "shop.example.org": ["127.0.0.2", "127.0.0.4"] }), [
      "shop.example.org also points at 127.0.0.4 (another machine answers there), and the stack's host is 127.0.0.2. Some visitors are sent there: remove that record where its DNS is kept.",
    ]);
    assert.match(
      (await look({ "shop.example.org": ["127.0.0.2", "127.0.0.5"] })).join(),
      /also points at 127\.0\.0\.5 \(nothing answers there\)/,
    );
  });

  test("another address at which the host's own certificate is shown is the host's as well", async () => {
    assert.deepEqual(await look({ "shop.example.org": ["127.0.0.3"] }), []);
  });

  test("a name that no name server knows is told, an alias like the first", async () => {
    assert.deepEqual(
      await look(
        { "shop.example.org": ["127.0.0.2"] },
        { names: ["shop.example.org", "www.shop.example.org"] },
      ),
      [
        "no name server knows www.shop.example.org. Where its DNS is kept, make this record: www.shop.example.org A 127.0.0.2",
      ],
    );
  });

  test("a computer whose name servers do not answer says nothing of names", async () => {
    assert.deepEqual(await look({ "shop.example.org": false }), []);
  });

  test("a host that has a name of its own is known by where that leads", async () => {
    const address = "host.example.net";
    assert.deepEqual(
      await look({ "shop.example.org": ["127.0.0.2"], [address]: ["127.0.0.2"] }, { address }),
      [],
    );
    assert.match(
      (await look({ [address]: ["127.0.0.2"] }, { address })).join(),
      /make this record: shop\.example\.org CNAME host\.example\.net$/,
    );
  });

  test("names may lead to what is in front of the host, and must lead somewhere", async () => {
    assert.deepEqual(await look({ "shop.example.org": ["127.0.0.4"] }, { hasFront: true }), []);
    assert.deepEqual(await look({}, { hasFront: true }), [
      "no name server knows shop.example.org. Make it point at what is in front of the host, where its DNS is kept.",
    ]);
  });

  test("a port that is closed to this computer is told, the one for HTTP too, and not where proxies are in front", async () => {
    const ports = { http: plain, https: 1 };
    const closed = { "shop.example.org": ["127.0.0.2"] };
    assert.match(
      (await look(closed, { ports })).join(),
      /^port 1 of the host, 127\.0\.0\.2, refuses connections from here\. Let everyone reach TCP ports 80 and 443 /,
    );
    assert.deepEqual(await look(closed, { ports, hasFront: true }), []);
    assert.match(
      (await look(closed, { ports: { http: 1, https: tls } })).join(),
      /^port 1 of the host, .*an authority that gives a certificate asks there\.$/,
    );
  });
});

describe("what is said of what is seen", () => {
  const [host, name] = ["203.0.113.7", "shop.example.org"];
  const door: Door = { names: [name], address: host, answers: "https", health: "/", hasFront: false };
  const well: Answer = { status: 200, fingerprint: "AA", problem: null };
  const away = (problem: string): Answer => ({ status: null, fingerprint: null, problem });
  const said = (seen: Partial<Seen>) =>
    obstaclesOf(door, {
      host: [host],
      leads: [{ name, four: [host], six: [] }],
      answers: { [host]: well },
      plain: null,
      ...seen,
    }).map(({ code, what }) => `${code}: ${what}`);

  test("an address of IPv6 that this computer has no way to says nothing", () => {
    const leads = [{ name, four: [host], six: ["2001:db8::7"] }];
    const answers = { [host]: well, "2001:db8::7": away("ENETUNREACH") };
    assert.deepEqual(said({ leads, answers }), []);
    assert.match(
      said({ leads, answers: { ...answers, "2001:db8::7": away("ETIMEDOUT") } }).join(),
      /^name-elsewhere: shop\.example\.org also points at 2001:db8::7 \(nothing answers there\)/,
    );
  });

  test("a name without an address of IPv4 loses visitors, though a host of IPv4 is behind it", () => {
    const leads = [{ name, four: [], six: ["2001:db8::7"] }];
    assert.deepEqual(said({ leads, answers: { [host]: well, "2001:db8::7": well } }), [
      "name-elsewhere: shop.example.org has addresses of IPv6 alone, so visitors who have only IPv4 do not reach the site",
    ]);
    assert.deepEqual(
      said({
        leads: [{ name, four: null, six: ["2001:db8::7"] }],
        answers: { [host]: well, "2001:db8::7": well },
      }),
      [],
    );
  });

  test("what drops connections is a firewall; a computer without a way to the host knows nothing", () => {
    assert.deepEqual(said({ answers: { [host]: away("ETIMEDOUT") } }), [
      "port-closed: port 443 of the host, 203.0.113.7, does not answer from here: something on the way drops what is sent",
    ]);
    assert.deepEqual(said({ answers: { [host]: away("ENETUNREACH") } }), []);
  });

  test("a host that is closed while its name answers elsewhere is told by the name alone", () => {
    const leads = [{ name, four: ["198.51.100.9"], six: [] }];
    const answers = { [host]: away("ETIMEDOUT"), "198.51.100.9": well };
    assert.deepEqual(
      said({ leads, answers }).map((line) => line.split(":")[0]),
      ["name-elsewhere"],
    );
  });
});

describe("what is looked at is what the stack's file names", () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-outside-"));
  after(() => rmSync(folder, { recursive: true }));
  const doorBy = (site: object, kind = "existing", address = "203.0.113.7") => {
    const config = { "berth:host": { kind }, "berth:site": site, "berth:app": { health: "/health" } };
    writeFileSync(join(folder, "Pulumi.prod.yaml"), stringify({ config }));
    return doorOf(folder, "prod", address);
  };

  test("its names, and those that are sent on, at its host's address", () => {
    const redirects = [
      { from: "/old", to: "/new" },
      { from: "shop.example.net", to: "https://shop.example.org" },
    ];
    const site = { domain: "shop.example.org", aliases: ["www.shop.example.org"], redirects };
    assert.deepEqual(doorBy(site), {
      names: ["shop.example.org", "www.shop.example.org", "shop.example.net"],
      address: "203.0.113.7",
      answers: "https",
      health: "/health",
      hasFront: false,
    });
    assert.deepEqual(doorBy({ tls: "off" })?.names, []);
  });

  test("a host on this computer is not looked at from outside, and it is told how its names lead to it", () => {
    const site = { domain: "shop.example.org", aliases: ["www.shop.example.org"] };
    assert.equal(doorBy(site, "local"), undefined);
    assert.equal(
      localNames(folder, "prod", "10.219.83.3"),
      "echo '10.219.83.3 shop.example.org www.shop.example.org' | sudo tee -a /etc/hosts",
    );
    assert.equal(localNames(folder, "prod", ""), undefined);
    doorBy({}, "local");
    assert.equal(localNames(folder, "prod", "10.219.83.3"), undefined);
    doorBy(site);
    assert.equal(localNames(folder, "prod", "203.0.113.7"), undefined);
  });

  test("of a name for all below it a name below is looked up, and no authority asks at port 80 for it", async () => {
    const site = { domain: "shop.example.org", aliases: ["*.shop.example.org"] };
    const tls = { acme: { challenge: "route53" } };
    const door = doorBy({ ...site, tls });
    assert.deepEqual(
      [door?.names, door?.plainMayBeClosed],
      [["shop.example.org", "*.shop.example.org"], true],
    );
    assert.equal(doorBy({ ...site, tls: { acme: { challenge: "http" } } })?.plainMayBeClosed, undefined);
    const asked: string[] = [];
    const resolve4 = async (name: string) => {
      asked.push(name);
      return [];
    };
    const names = { resolve4, resolve6: async () => [] } as unknown as Names;
    const { leads } = await lookAtDoor(
      { ...(door as Door), address: "127.0.0.1", ports: { http: 1, https: 1 } },
      names,
    );
    assert.deepEqual(asked, ["shop.example.org", "berth-status.shop.example.org"]);
    assert.deepEqual(
      leads.map(({ name }) => name),
      ["shop.example.org", "*.shop.example.org"],
    );
    doorBy(site, "local");
    assert.match(
      localNames(folder, "prod", "10.219.83.3") ?? "",
      /^echo '10\.219\.83\.3 shop\.example\.org' \|/,
    );
  });

  test("proxies, TLS that ends in front, NAT and a tunnel are something in front of the host", () => {
    const fronts = [{ behind: "cloudflare" }, { tls: "upstream" }, { tls: { acme: { checkDns: false } } }];
    assert.deepEqual(
      fronts.map((site) => doorBy(site)?.hasFront),
      [true, true, true],
    );
    assert.equal(doorBy({}, "existing", "127.0.0.1")?.hasFront, true);
    assert.equal(doorBy({ tls: { acme: { email: "ada@example.org" } } })?.hasFront, false);
    assert.deepEqual(
      [{ tls: "off" }, { tls: "upstream" }, { tls: "acme" }].map((site) => doorBy(site)?.answers),
      ["http", "http", "https"],
    );
  });
});
