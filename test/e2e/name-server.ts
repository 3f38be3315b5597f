// A name server that takes changes of a zone from who has its key (RFC 2136): BIND, on a test's host.
import { randomBytes } from "node:crypto";
import type { Stack } from "./harness.ts";

export interface NameServer {
  /** What `challenge.rfc2136` of the stack's configuration says of it. */
  readonly asked: {
    readonly server: string;
    readonly name: string;
    readonly secret: string;
    readonly wait: number;
  };
  /** Debian's packages for it. */
  readonly packages: readonly string[];
  /** Where it has its key. */
  readonly file: string;
  /**
   * Starts it anew, with a zone in which no name has an address.
   *
   * @param takes the key that it knows, and the record that this may change
   */
  start(takes?: { readonly secret?: string; readonly record?: string }): Promise<void>;
}

export function nameServerOn(stack: Stack, zone: string, record: string): NameServer {
  const name = "berth-test";
  const own = { secret: randomBytes(32).toString("base64"), record };
  const file = "/etc/bind/berth-test.conf";
  const kept = `/var/lib/bind/${zone}`;
  const records = `$TTL 60\n@ SOA ns admin 1 60 60 60 1\n@ NS ns\nns A 127.0.0.1\n`;
  return {
    asked: { server: "127.0.0.1", name, secret: own.secret, wait: 0 },
    packages: ["bind9"],
    file,
    async start(takes) {
      const { secret, record } = { ...own, ...takes };
      const text = `options {
  directory "/var/cache/bind"; pid-file none; recursion no; dnssec-validation no;
  listen-on { 127.0.0.1; }; listen-on-v6 { none; };
};
controls { };
key ${name} { algorithm hmac-sha256; secret "${secret}"; };
zone ${zone} { type primary; file "${kept}"; update-policy { grant ${name} name ${record}. TXT; }; };
`;
      await stack.on("systemctl stop test-zone.service named.service 2>/dev/null || true");
      await stack.on(`install -m 640 -g bind /dev/stdin ${file}`, { stdin: text });
      await stack.on(`rm -f ${kept}.jnl && install -o bind /dev/stdin ${kept}`, { stdin: records });
      await stack.on(`systemd-run --quiet --unit=test-zone named -f -u bind -c ${file}`);
      await stack.on(
        `timeout 30 sh -c 'until ss -Hltnp "sport = :53" | grep -q named; do sleep 0.1; done' || { journalctl -u test-zone; false; }`,
      );
    },
  };
}
