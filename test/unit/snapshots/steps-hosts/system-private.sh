set -eu; umask 077
step=$(mktemp /dev/shm/berth-system-private.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='system-private'
settings='berth:host'
address='192.0.2.7'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: system-private: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/sysctl.d/60-berth-private.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: services that listen on the private address start at boot whether or not the network is up by then.
net.ipv4.ip_nonlocal_bind = 1
-net.ipv6.ip_nonlocal_bind = 1
BERTH_FILE_END
: "${settings?the key of the configuration that describes the host}"
: "${address?the private address of this host}"

[ -n "$(ip -o address show to "$address")" ] || fail "this host has no address $address, at which the stack's other hosts would reach it." "Put the one that it has on their network in $settings.privateAddress; 'ip address' on the host lists all."
logged sysctl -q -p /etc/sysctl.d/60-berth-private.conf || fail "this host does not let net.ipv4.ip_nonlocal_bind be set." "What it printed is in $log on the host."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
