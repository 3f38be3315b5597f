: "${settings?the key of the configuration that describes the host}"
: "${address?the private address of this host}"

[ -n "$(ip -o address show to "$address")" ] || fail "this host has no address $address, at which the stack's other hosts would reach it." "Put the one that it has on their network in $settings.privateAddress; 'ip address' on the host lists all."
logged sysctl -q -p /etc/sysctl.d/60-berth-private.conf || fail "this host does not let net.ipv4.ip_nonlocal_bind be set." "What it printed is in $log on the host."
