// A machine that the user has, and that has something on it already: it is looked at before anything is made, and it has
// one stack at a time.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type BareMachine, bareMachine, described } from "../faults/faults.ts";
import { type Run, type Stack, withStack } from "./harness.ts";

/** A stack on this machine, of the example application. */
async function stackOn(
  t: { after(clean: () => void): void },
  machine: BareMachine,
  also: object = {},
): Promise<Stack> {
  const stack = await withStack(t);
  stack.configure({ host: { ...described(stack, machine), ...also }, site: { domain: undefined } });
  return stack;
}

/** What an `up` is refused with, of the first step's own lines; nothing was made for the host, and nothing on it changed. */
async function refusal(stack: Stack, machine: BareMachine): Promise<string[]> {
  machine.inside("touch /run/before; sleep 0.05");
  const run = await stack.up();
  assert.notEqual(run.code, 0, run.stdout);
  const kinds = (await stack.resources()).map(({ type }) => type);
  assert.deepEqual(
    kinds.filter((type) => !/^(pulumi:|berth:|random:|tls:)/.test(type)),
    ["command:local:Command"],
    "only that the host can be reached is known",
  );
  const places = "/etc /usr /opt /srv /home /var/spool /var/lib/berth /var/log/berth";
  assert.equal(machine.inside(`find ${places} -newer /run/before 2>/dev/null || true`), "");
  return told(run);
}

/** What the first step has said, each line once. */
const told = ({ stdout, stderr }: Run): string[] => [
  ...new Set((stdout + stderr).match(/(?<=berth: web-connect: ).*/g)),
];

const unit = (name: string, command: string) =>
  `printf '[Service]\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/${name}.service && systemctl enable -q --now ${name}`;
const listens = (port: number) =>
  `for n in $(seq 600); do [ -z "$(ss -Hltn 'sport = :${port}')" ] || exit 0; sleep 0.1; done; exit 1`;

const machine = bareMachine({ after });
const stack = await stackOn({ after }, machine);

/** What another service of the machine's answers, asked from outside. */
const statusAt = async (port: number) => (await fetch(`http://${machine.address}:${port}/`)).status;

test("all that is in the way on a machine is told at once, by its name, and nothing is changed", async () => {
  machine.inside(unit("shop-web", "/usr/bin/python3 -m http.server 80"));
  machine.inside(unit("shop-db", "/usr/bin/python3 -m http.server 5432 --bind 127.0.0.1"));
  machine.inside(listens(80));
  machine.inside(listens(5432));
  machine.inside(unit("shop-feed", "/usr/bin/python3 -m http.server 8443"));
  machine.inside(listens(8443));
  machine.inside("useradd logbook");
  machine.inside(`nft -f - <<'NFT'
table inet office {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport { 22, 8000-8100 } accept
    ip saddr 192.0.2.0/24 accept
  }
}
NFT`);
  const lines = await refusal(stack, machine);
  const expected = [
    /^this host has an account 'logbook' that Berth has not made \(app\.name\)\. Choose another name\. /,
    /^a firewall of this host \(table 'inet office'\) closes port 80 and 443 to visitors\. Open them there /,
    /^python3 \(shop-web\.service\) listens on port 80 \(0\.0\.0\.0:80\), which nginx needs\. Stop it with 'systemctl disable --now shop-web\.service' on the host/,
    /^python3 \(shop-db\.service\) listens on port 5432 \(127\.0\.0\.1:5432\), which PostgreSQL needs\. /,
    /^python3 \(shop-feed\.service\) listens on port 8443 \(tcp\), which Berth's firewall would close\. Write 'openPorts: \[8443\]' below 'host' .* Nothing has been changed\.$/,
  ];
  assert.equal(lines.length, expected.length, lines.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? "", pattern);
  machine.inside(
    "systemctl disable -q --now shop-web shop-db; rm /etc/systemd/system/shop-{web,db}.service; userdel logbook; nft delete table inet office",
  );
});

test("a clock that is far off is told before anything is asked of the host", async () => {
  assert.equal((await stack.destroy()).code, 0);
  machine.inside(
    `printf '#!/bin/sh\nexec /usr/bin/date -d "3 hours ago" "$@"\n' >/usr/local/bin/date; chmod +x /usr/local/bin/date`,
  );
  const run = await stack.up();
  assert.match(
    run.stdout,
    /berth: the clock of [\d.]+ shows \S+ \S+ UTC, and this computer's shows \S+ \S+ UTC\. Nothing has been changed there\./,
  );
  machine.inside("rm /usr/local/bin/date");
});

test("sites, databases and firewalls of others are named, and what to do keeps them", async () => {
  machine.inside(
    "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install nginx postgresql-17 redis-server ufw >/dev/null 2>&1",
  );
  const blog = (listen: string) =>
    machine.inside(
      `printf 'server { listen ${listen}; server_name blog.example.org; return 200 "the blog"; }\n' >/etc/nginx/sites-available/blog; ln -sf ../sites-available/blog /etc/nginx/sites-enabled/blog; rm -f /etc/nginx/sites-enabled/default; systemctl reload nginx`,
    );
  blog("80 default_server");
  machine.inside("runuser -u postgres -- createdb wiki");
  machine.inside("redis-cli SET theirs 1; ufw limit 22/tcp && ufw --force enable");
  stack.configure({ host: { openPorts: [8443] } });
  const lines = await refusal(stack, machine);
  assert.equal(lines.length, 5, lines.join("\n"));
  assert.match(
    lines.splice(1, 1)[0] ?? "",
    /^ufw refuses an address that connects often .* 'ufw delete limit ssh/,
  );
  assert.match(
    lines[0] ?? "",
    /^a firewall of this host \(table 'ip filter'\) closes port 80 and 443 to visitors\. 'ufw allow 80,443\/tcp' on the host opens them/,
  );
  assert.match(
    lines[1] ?? "",
    /^nginx has a site in \/etc\/nginx\/sites-enabled\/blog that is the default of port 80, .* Take 'default_server' out/,
  );
  assert.match(
    lines[2] ?? "",
    /^PostgreSQL's cluster 17\/main serves databases that Berth did not make \(wiki\), .*'systemctl disable --now postgresql'/,
  );
  assert.match(
    lines[3] ?? "",
    /^Redis \(redis-server\.service\) holds keys that Berth did not put there, .* 'systemctl disable --now redis-server; mv /,
  );
  blog("80");
  machine.inside("systemctl disable -q --now postgresql redis-server");
  // A Redis that stands still has its data all the same, which Berth's would write over.
  assert.match(
    (await refusal(stack, machine)).join("\n"),
    /\n\/var\/lib\/redis\/dump\.rdb holds data that Berth did not put there, .* Nothing has been changed\.$/,
  );
  machine.inside(
    "mv /var/lib/redis/dump.rdb /root/; ufw delete limit 22/tcp; ufw allow 22/tcp; ufw allow 80,443,8443/tcp",
  );
  // Keys in a place of the host's own, another cluster, and a router that hands port 2222 on to sshd.
  machine.inside(`install -d /etc/ssh/own-keys && mv /home/berth/.ssh/authorized_keys /etc/ssh/own-keys/berth
    chown root: /etc/ssh/own-keys/berth && chmod 644 /etc/ssh/own-keys/berth
    echo 'AuthorizedKeysFile /etc/ssh/own-keys/%u' >>/etc/ssh/sshd_config && systemctl reload ssh
    pg_createcluster 17 legacy -p 5433 --start >/dev/null
    nft add table ip router && nft 'add chain ip router in { type nat hook prerouting priority -100; }'
    nft add rule ip router in tcp dport 2222 redirect to :22`);
  stack.configure({ host: { port: 2222, sshFrom: ["192.0.2.0/24"] } });
  const shut = await stack.up();
  assert.match(
    shut.stdout,
    /berth: system-firewall: you come from [\d.]+, and host\.sshFrom \(192\.0\.2\.0\/24\) does not let it in: .* The firewall has not been changed\./,
  );
  stack.configure({ host: { sshFrom: undefined } });
  await stack.succeed();
  assert.equal(await statusAt(8443), 200, "what else it serves");
  assert.equal((await stack.fetch("/health")).status, 200);
  const asked = "curl -s -H 'Host: blog.example.org' http://127.0.0.1/";
  assert.equal(machine.inside(asked), "the blog");
  assert.match(
    machine.inside("runuser -u postgres -- psql -XAtc 'SELECT datname FROM pg_database'"),
    /^wiki$/m,
  );
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("an administrator whom sshd's own lists shut out is told, and nobody thinks that she gets in", async () => {
  const admins = [
    {
      name: "anna",
      keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf"],
    },
  ];
  machine.inside("echo 'AllowUsers berth root' >/etc/ssh/sshd_config.d/50-own.conf; systemctl reload ssh");
  stack.configure({ admins });
  const refused = await stack.up();
  assert.match(
    refused.stdout,
    /berth: system-ssh: sshd does not let 'anna' in: AllowUsers of its configuration\. Add the name/,
  );
  machine.inside("rm /etc/ssh/sshd_config.d/50-own.conf; systemctl reload ssh");
  await stack.succeed();
  stack.configure({ admins: undefined });
  await stack.succeed();
});

test("another stack is refused by the name of the one that has the host, and its destroy changes nothing", async (t) => {
  const other = await stackOn(t, machine);
  const guards =
    "nft list table inet berth; cat /etc/ssh/sshd_config.d/10-berth.conf /var/lib/berth/claim; systemctl is-active berth-firewall";
  const kept = machine.inside(guards);
  const [line = "", ...more] = await refusal(other, machine);
  assert.deepEqual(more, []);
  assert.match(
    line,
    new RegExp(
      `^this host belongs to the stack '${stack.name}' of berth as its host 'web', since \\d{4}-\\d\\d-\\d\\d, and a host has one stack at a time\\. Nothing has been changed\\. Destroy that stack, or choose another machine\\. .*'sudo rm /var/lib/berth/claim'`,
    ),
  );
  machine.inside("touch /run/before; sleep 0.05");
  const gone = await other.destroy();
  assert.equal(gone.code, 0, gone.stdout);
  assert.equal(machine.inside("find /etc /usr /srv /var/lib/berth /var/log/berth -newer /run/before"), "");
  assert.equal(machine.inside(guards), kept);
  assert.equal((await stack.up("--expect-no-changes")).code, 0);
});

test("a host that was let go is the other stack's alone: the first one changes and removes nothing there", async (t) => {
  const other = await stackOn(t, machine, { port: 2222, openPorts: [8443] });
  machine.inside("rm /var/lib/berth/claim");
  stack.configure({ site: { maxBody: 11 } });
  const lost = await stack.up();
  assert.match(
    lost.stdout,
    /berth: nginx-site: this host is not this stack's any more: somebody has released it/,
  );
  // What the one before left there is Berth's, and not in the way.
  await other.succeed();
  const late = await stack.up();
  assert.match(
    late.stdout,
    new RegExp(
      `berth: nginx-site: this host belongs to the stack '${other.name}' of berth as its host 'web', since`,
    ),
  );
  assert.doesNotMatch(machine.inside("nginx -T 2>/dev/null"), /client_max_body_size 11m/);
  const gone = await stack.destroy();
  assert.equal(gone.code, 0, gone.stdout);
  assert.equal((await other.fetch("/health")).status, 200);
  assert.equal((await other.up("--expect-no-changes")).code, 0);

  const last = await other.destroy();
  assert.equal(last.code, 0, last.stdout);
  assert.equal(machine.inside("ls /var/lib/berth/claim 2>/dev/null || true"), "", "the host is nobody's");
  assert.equal(machine.inside("curl -s -H 'Host: blog.example.org' http://127.0.0.1/"), "the blog");
  assert.equal(await statusAt(8443), 200);
  assert.equal(
    machine.inside("systemctl is-active postgresql@17-legacy postgresql@17-main || true"),
    "active\ninactive",
  );
  assert.equal(
    machine.inside("sshd -T | grep ^authorizedkeysfile"),
    "authorizedkeysfile /etc/ssh/own-keys/%u",
  );
});
