: "${ports?the TCP ports that must be open}"

for rules in firewall listeners; do
  reason=$(nft -c -f "/etc/berth/$rules.nft" 2>&1) || fail "nft refuses the rules of /etc/berth/$rules.nft: $(head -n 3 <<<"$reason" | tr '\n' ' ')"
done
daemon_reload_if_changed
enabled berth-firewall.service
on_change reload berth-firewall.service /etc/berth/firewall.nft /etc/berth/listeners.nft

rules=$(nft list table inet berth)
for port in $ports; do
  grep -qE "dport (\{[^}]*\b$port\b[^}]*\}|$port) " <<<"$rules" || fail "the firewall is loaded, but port $port is not open in it."
done
nft list table inet berth_listeners >>"$log" 2>&1 || fail "the rules of /etc/berth/listeners.nft are not loaded." "'systemctl reload berth-firewall' on the host says why."
grep -q 'policy drop' <<<"$rules" || fail "the firewall is loaded, but it is not closed by default."
# Asked as an account that has no rights: what counts is what the kernel lets it do.
if runuser -u nobody -- timeout 5 bash -c 'exec 3<>/dev/tcp/169.254.169.254/80' 2>/dev/null; then
  fail "the firewall is loaded, but any account of this host can reach the cloud's metadata service." "Another rule on this host lets it through: 'nft list ruleset' shows all."
fi
