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
