: "${ports?the TCP ports that must be open}"
: "${ssh_port?the port of SSH, as it is reached}"

: "${replaced?accounts of services that others may take the place of, separated by spaces}"

# A router may hand another port on to sshd's own, which is the one that packets arrive at.
ssh_ports() {
  printf '%s\n' "$ssh_port"
  sshd -T 2>/dev/null | sed -nE 's/^port //p; s/^listenaddress .*:([0-9]+)( .*)?$/\1/p'
  if systemctl is-active --quiet ssh.socket; then
    systemctl show --property Listen --value ssh.socket | sed -nE 's/.*:([0-9]+) \(Stream\).*/\1/p'
  fi
}
put_file /etc/berth/ssh-ports.nft root:root 0644 < <(printf 'define ssh_ports = { %s }\n' "$(ssh_ports | sort -un | paste -sd,)")

# An account that is not there is nobody's number.
replaced() {
  local account
  for account in $replaced; do
    printf 'define replaced_%s = { 0%s }\n' "$account" "$(id -u "$account" 2>/dev/null | sed 's/^/, /' || true)"
  done
}
# own_accounts: root, and the accounts without a login that Berth has made: those of the application, also under a name of
# before, and of services. The owner of the code is none of them.
own_accounts() {
  printf 'define own_accounts = { 0%s }\n' "$(getent passwd | awk -F: -v made="$made_by_berth" '($5 == made || index($5, made ",") == 1) && $7 == "/usr/sbin/nologin" && $3 != 0 { printf ", %s", $3 }')"
}
put_file /etc/berth/replaced.nft root:root 0644 < <(replaced && own_accounts)

for rules in firewall listeners; do
  reason=$(nft -c -f "/etc/berth/$rules.nft" 2>&1) && continue
  # A boot would load them.
  undo_at_once
  fail "nft refuses the rules of $rules.nft, so they are as they were before: $(head -n 3 <<<"$reason" | tr '\n' ' ')"
done
daemon_reload_if_changed
# What it was before: other rules, or none.
undo_by 'if [ -e /etc/berth/firewall.nft ]; then systemctl reload berth-firewall.service
else
  systemctl disable --quiet berth-firewall.service
  nft delete table inet berth
  nft delete table inet berth_listeners
fi'
enabled berth-firewall.service
# Each time, for somebody may have changed the rules that are loaded; nothing that is open is cut off.
logged systemctl reload berth-firewall.service || fail "the firewall's rules are not loaded." "'journalctl -u berth-firewall' on the host says why."
note firewall firewall

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
