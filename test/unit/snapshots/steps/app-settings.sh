set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-settings.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-settings'
name='shop'
root='/srv/shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-settings: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin '/srv/shop/config/env'

put_secret_file '/srv/shop/config/env' 'root:shop' '0640' '/srv/shop/config/env'
: "${name?the name of the application and of its service account}"
: "${root?the directory of the application}"

runuser -u "$name" -- test -r "$root/config/env" || fail "the service account '$name' cannot read $root/config/env."
if runuser -u nobody -- test -r "$root/config/env"; then fail "$root/config/env can be read by other accounts."; fi

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
