set -eu; umask 077
step=$(mktemp /dev/shm/berth-tasks-system-firewall.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='tasks-system-firewall'
ports='22'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: tasks-system-firewall: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/berth/firewall.nft' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: closed but for what is named here. One table of its own: other tables on this host are left alone.
table inet berth
delete table inet berth
table inet berth {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    meta l4proto { icmp, ipv6-icmp } accept
    ip saddr 0.0.0.0/0 tcp dport 22 accept
    ip6 saddr ::/0 tcp dport 22 accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
  }
  # A cloud's metadata service hands out keys to whoever asks from the host; here root alone may ask. Name and time
  # servers that some clouds have at the same address stay open.
  chain output {
    type filter hook output priority filter; policy accept;
    meta skuid != 0 ip daddr 169.254.169.254 tcp dport 80 reject with tcp reset
    meta skuid != 0 ip6 daddr fd00:ec2::254 tcp dport 80 reject with tcp reset
  }
}
BERTH_FILE_END
put_file '/etc/systemd/system/berth-firewall.service' 'root:root' '0644' <<'BERTH_FILE_END'
[Unit]
Description=Berth's firewall
Documentation=man:nft(8)
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/berth/firewall.nft
ExecReload=/usr/sbin/nft -f /etc/berth/firewall.nft
ExecStop=/usr/sbin/nft delete table inet berth

[Install]
WantedBy=sysinit.target
BERTH_FILE_END
: "${ports?the TCP ports that must be open}"

nft -c -f /etc/berth/firewall.nft >>"$log" 2>&1 || {
  reason=$(nft -c -f /etc/berth/firewall.nft 2>&1 | head -n 3 | tr '\n' ' ')
  fail "nft refuses the firewall's rules: $reason"
}
daemon_reload_if_changed
enabled berth-firewall.service
on_change reload berth-firewall.service /etc/berth/firewall.nft

rules=$(nft list table inet berth)
for port in $ports; do
  grep -qE "dport (\{[^}]*\b$port\b[^}]*\}|$port) " <<<"$rules" || fail "the firewall is loaded, but port $port is not open in it."
done
grep -q 'policy drop' <<<"$rules" || fail "the firewall is loaded, but it is not closed by default."
# Asked as an account that has no rights: what counts is what the kernel lets it do.
if runuser -u nobody -- timeout 5 bash -c 'exec 3<>/dev/tcp/169.254.169.254/80' 2>/dev/null; then
  fail "the firewall is loaded, but any account of this host can reach the cloud's metadata service." "Another rule on this host lets it through: 'nft list ruleset' shows all."
fi

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
