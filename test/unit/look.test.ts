// How a machine that the user has is looked at, with what its programs would say of others than this one.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { shellQuote } from "../../components/host/quote.ts";
import { runLibrary } from "./shell-library.ts";

const components = join(import.meta.dirname, "../../components");
const text = (file: string) => readFileSync(join(components, file), "utf8");
/** The functions of looks, without the look at the machine itself. */
const functions = text("host/look.sh").split("\ncase $(uname")[0];

/** What a look says on a machine whose programs are these; `say` tells warnings. */
function look(file: string, machine: string, memory = "MemTotal: 2000000 kB\nSwapTotal: 0 kB\n") {
  return runLibrary(`claim=mine open_ports='80 443' accounts=
printf ${shellQuote(memory)} >"$place/meminfo"
systemctl() { return 1; }
${machine}
${functions}
${text(file).replaceAll("/proc/meminfo", '"$place/meminfo"')}
tell_findings
echo fine`);
}

const rules = (ruleset: string) => `nft() { cat <<'NFT'\n${ruleset}\nNFT\n}`;
const chain = (lines: readonly string[], policy = "drop", more = "") =>
  `table inet office {\n\tchain input {\n\t\ttype filter hook input priority filter; policy ${policy};\n${lines
    .map((line) => `\t\t${line}\n`)
    .join("")}\t}\n${more}}`;
const others = [
  "ct state established,related accept",
  'iifname "lo" accept',
  "tcp dport 22 accept",
  "ip saddr 192.0.2.0/24 accept",
  "meta l4proto { icmp, ipv6-icmp } accept",
];

test("a firewall that closes the site's ports is told with its table and the ports", () => {
  const closed: Readonly<Record<string, [string, string]>> = {
    "a policy": [chain(others), "80 and 443"],
    "a last rule": [chain([...others, "counter packets 3 bytes 180 reject"], "accept"), "80 and 443"],
    "one port alone open": [chain([...others, "tcp dport { 25, 80 } accept"]), "443"],
    "a range": [chain([...others, "tcp dport 8000-8100 accept"]), "80 and 443"],
    "a rule for a port": [chain([...others, "tcp dport 443 drop"], "accept"), "443"],
    "another chain that none comes to": [
      chain(others, "drop", "\tchain limited {\n\t\taccept\n\t}\n"),
      "80 and 443",
    ],
  };
  for (const [what, [ruleset, ports]] of Object.entries(closed)) {
    const { stderr, status } = look("system/look-firewall.sh", rules(ruleset));
    assert.equal(status, 1, what);
    assert.match(
      stderr,
      new RegExp(
        `^berth: trial: a firewall of this host \\(table 'inet office'\\) closes port ${ports} to visitors\\. Open them`,
      ),
      what,
    );
  }
});

test("a firewall that lets visitors in, or of which that is not certain, is in nobody's way", () => {
  const open: Readonly<Record<string, string>> = {
    "no rules": "",
    "the ports": chain([...others, "tcp dport { 80, 443 } ct state new accept"]),
    "a range": chain([...others, "tcp dport 1-1024 counter packets 0 bytes 0 accept"]),
    "an interface": chain([...others, 'iifname "eth0" accept']),
    "a named set": chain([...others, "tcp dport @web accept"]),
    "a chain that all come to": chain([...others, "jump web"], "drop", "\tchain web {\n\t\taccept\n\t}\n"),
    "addresses that are refused": chain(
      ["ip saddr 192.0.2.9 drop", "ip saddr @bad tcp dport 80 drop"],
      "accept",
    ),
    "Berth's own": chain(others).replace("inet office", "inet berth"),
    "what comes and goes through": chain(["drop"]).replace("hook input", "hook forward"),
  };
  for (const [what, ruleset] of Object.entries(open))
    assert.equal(look("system/look-firewall.sh", rules(ruleset)).stdout, "fine\n", what);
});

test("a port whose packets are sent on to a container is told", () => {
  const nat =
    'table ip nat {\n\tchain DOCKER {\n\t\tiifname != "docker0" tcp dport 443 counter packets 0 bytes 0 dnat to 172.17.0.2:8443\n\t}\n}';
  assert.match(
    look("system/look-firewall.sh", rules(nat)).stderr,
    /^berth: trial: a rule of this host's firewall \(table 'ip nat'\) redirects port 443, /,
  );
});

test("a machine without enough memory or disk is refused with both, and one without swap is warned of", () => {
  const df = (left: number) => `df() { printf 'Avail Mounted on\n${left} /\n${left} /\n9999999 /srv\n'; }`;
  const small = look("system/look.sh", df(900_000), "MemTotal: 400000 kB\nSwapTotal: 0 kB\n");
  assert.equal(
    small.stderr,
    `berth: trial: this host has 390 MiB of memory, and the system with its services needs 512 MiB. Give it more, or choose another machine.
berth: trial: / has 878 MiB of disk left, and packages and a release need 1024 MiB. Free some space, or give the host a larger disk. Nothing has been changed.
`,
  );
  const short = look("system/look.sh", df(5_000_000), "MemTotal: 500000 kB\nSwapTotal: 0 kB\n");
  assert.equal(short.stdout, "fine\n");
  assert.match(short.stderr, /^trial: warning: this host has 488 MiB of memory and 0 MiB of swap; /);
  assert.equal(look("system/look.sh", df(5_000_000)).stderr, "");
});

test("a host that is the stack's already is not refused for its space, which its steps look after", () => {
  const machine = 'df() { printf "Avail Mounted on\n1 /\n"; }\nmkdir "$state"; echo mine >"$state/claim"';
  assert.equal(look("system/look.sh", machine).stdout, "fine\n");
});

test("a program that listens without a unit is told by its process, and a container by its port", () => {
  const listening = (program: string) =>
    `redis_server=redis redis_title=Redis redis_ports=6379; ss() { echo 'LISTEN 0 5 127.0.0.1:6379 0.0.0.0:* users:(("${program}",pid=99999999,fd=3),("other",pid=1,fd=3))'; }`;
  assert.equal(
    look("redis/look.sh", listening("my server")).stderr,
    "berth: trial: my server (process 99999999) listens on port 6379 (127.0.0.1:6379), which Redis needs. End it, or have it listen on another port. Nothing has been changed.\n",
  );
  assert.match(
    look("redis/look.sh", listening("docker-proxy")).stderr,
    /^berth: trial: a container of Docker's publishes port 6379 \(127\.0\.0\.1:6379\), which Redis needs\. 'docker ps --filter publish=6379'/,
  );
});
