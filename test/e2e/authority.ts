// An authority for the sites of a test: Pebble, the test server of Let's Encrypt's own makers, with name servers that
// answer what a test wants, on the test's host. Pebble keeps nothing, and forgets all when it ends.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Stack } from "./harness.ts";

export interface Authority {
  /** What the stack's configuration says of it. */
  readonly acme: {
    readonly directory: string;
    readonly ca: string;
    readonly eab: { readonly kid: string; readonly key: string };
  };
  /** Installs it, and further Debian packages. Nothing of it runs yet. */
  install(...packages: string[]): Promise<void>;
  /** Starts its name servers, and makes the host ask them alone. */
  startNames(ofHost?: boolean): Promise<void>;
  /** Makes a name point at an address. */
  name(name: string, address: string): Promise<void>;
  /** Says in the zone of a name who may give it a certificate; nothing: anybody. */
  allow(name: string, issuer?: string): Promise<void>;
  /** Starts it, with certificates that live for so long. */
  start(seconds: number): Promise<void>;
  /** The root that signs its certificates, in PEM. */
  root(): Promise<string>;
}

const place = "/etc/berth-test-authority";

export function authorityOn(stack: Stack): Authority {
  const own = ["-subj", "/CN=authority of the test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const made = execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "300",
      "-keyout",
      "-",
      ...own,
    ],
    { encoding: "utf8", input: "", stdio: ["pipe", "pipe", "pipe"] },
  );
  const [key, ca] = ["PRIVATE KEY", "CERTIFICATE"].map(
    (what) => new RegExp(`-----BEGIN ${what}-----.+?-----END ${what}-----\n`, "s").exec(made)?.[0] ?? "",
  ) as [string, string];
  const eab = { kid: "test", key: randomBytes(48).toString("base64url") };
  const put = (file: string, content: string) =>
    stack.on(`mkdir -p ${place} && cat >${place}/${file}`, { stdin: content });
  const manage = (path: string, body: object) =>
    stack.on(`curl -sf --data-binary @- http://127.0.0.1:8055/${path}`, { stdin: JSON.stringify(body) });
  const answers = (url: string) =>
    stack.on(`timeout 60 sh -c 'until curl -sko /dev/null ${url}; do sleep 0.1; done'`);
  return {
    acme: { directory: "https://127.0.0.1:14000/dir", ca, eab },
    async install(...packages) {
      const all = ["pebble", ...packages].join(" ");
      await stack.on(`apt-get -o DPkg::Lock::Timeout=120 install -q -y --no-install-recommends ${all}`, {
        timeout: 300_000,
      });
      await Promise.all([put("key.pem", key), put("cert.pem", ca)]);
    },
    async startNames(ofHost = true) {
      const off = ["http01", "https01", "tlsalpn01", "doh"].map((one) => `-${one} ''`).join(" ");
      const names = `-dns01 127.0.0.1:53 -management 127.0.0.1:8055 -defaultIPv4 '' -defaultIPv6 ''`;
      await stack.on(`systemd-run --quiet --unit=test-names pebble-challtestsrv ${names} ${off}`);
      if (ofHost) await stack.on("rm -f /etc/resolv.conf; echo nameserver 127.0.0.1 >/etc/resolv.conf");
      await answers("http://127.0.0.1:8055/");
    },
    async name(host, address) {
      await manage("clear-a", { host });
      await manage("add-a", { host, addresses: [address] });
    },
    async allow(host, issuer) {
      await manage("clear-caa", { host });
      if (issuer !== undefined)
        await manage("add-caa", { host, policies: [{ tag: "issue", value: issuer }] });
    },
    async start(seconds) {
      const pebble = {
        listenAddress: "127.0.0.1:14000",
        managementListenAddress: "127.0.0.1:15000",
        certificate: `${place}/cert.pem`,
        privateKey: `${place}/key.pem`,
        httpPort: 80,
        tlsPort: 443,
        ocspResponderURL: "",
        externalAccountBindingRequired: true,
        externalAccountMACKeys: { [eab.kid]: eab.key },
        retryAfter: { authz: 1, order: 1 },
        keyAlgorithm: "ecdsa",
        certificateValidityPeriod: seconds,
      };
      await put("pebble.json", JSON.stringify({ pebble }));
      // Of itself it answers half of all orders from what it has asked before, and never asks the name servers then.
      const quick =
        "--setenv=PEBBLE_VA_NOSLEEP=1 --setenv=PEBBLE_WFE_NONCEREJECT=0 --setenv=PEBBLE_AUTHZREUSE=0";
      const command = `pebble -config ${place}/pebble.json -dnsserver 127.0.0.1:53`;
      await stack.on(`systemd-run --quiet --unit=test-authority ${quick} ${command}`);
      await answers("https://127.0.0.1:15000/roots/0");
    },
    root: () => stack.on("curl -skf https://127.0.0.1:15000/roots/0"),
  };
}
