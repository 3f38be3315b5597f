: "${ssh_from?the networks that may connect by SSH, separated by spaces}"
: "${settings?the key of the configuration that describes the host}"

# Where this step comes from; sudo hands that on to nobody, but it stands in what the session began with.
from=$$
while [ "$from" -gt 1 ]; do
  client=$(tr '\0' '\n' 2>/dev/null <"/proc/$from/environ" | sed -n 's/^SSH_CONNECTION=\([^ ]*\) .*/\1/p' || true)
  if [ -n "$client" ]; then break; fi
  from=$(awk '/^PPid:/ { print $2 }' "/proc/$from/status")
done
is_let_in() {
  # shellcheck disable=SC2086 # Networks have no spaces in them.
  python3 -c '
import ipaddress, sys
client, *networks = sys.argv[1:]
address = ipaddress.ip_address(client.partition("%")[0])
address = getattr(address, "ipv4_mapped", None) or address
sys.exit(not (address.is_loopback or any(address in ipaddress.ip_network(one, strict=False) for one in networks)))' "$client" $ssh_from
}
if [ -n "$client" ] && command -v python3 >/dev/null && ! is_let_in; then
  fail "you come from $client, and $settings.sshFrom (${ssh_from:-empty}) does not let it in: this would be the last connection." "Add its network to $settings.sshFrom. The firewall has not been changed."
fi

# Rules that keep Berth out are taken back.
undo_knows /etc/berth/firewall.nft /etc/berth/ssh-ports.nft /etc/berth/replaced.nft /etc/berth/listeners.nft
