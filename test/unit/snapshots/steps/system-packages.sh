set -eu; umask 077
step=$(mktemp /dev/shm/berth-system-packages.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='system-packages'
packages='brotli ca-certificates curl git libnginx-mod-http-brotli-static locales logrotate nftables nginx postgresql-17 python3 python3-pip python3-venv redis-server redis-tools sudo tzdata unattended-upgrades'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: system-packages: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/postgresql-common/createcluster.d/berth.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth makes its cluster itself, with the stack's locale and with checksums.
create_main_cluster = false
BERTH_FILE_END
: "${packages?the Debian packages, separated by spaces}"

# shellcheck disable=SC2086  # Names of packages hold no spaces.
install_packages $packages
# shellcheck disable=SC2086
still=$(missing_packages $packages | tr '\n' ' ')
[ -z "$still" ] || fail "these packages are still not installed: $still"

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
