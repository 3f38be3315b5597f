set -eu; umask 077
step=$(mktemp /dev/shm/berth-app-account.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='app-account'
name='shop'
owner='deployer'
root='/srv/shop'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: app-account: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin ''

put_file '/etc/logrotate.d/shop' 'root:root' '0644' <<'BERTH_FILE_END'
/srv/shop/logs/*.log {
    su shop shop
    weekly
    rotate 5
    minsize 5k
    maxsize 100k
    missingok
    notifempty
    copytruncate
    compress
}
BERTH_FILE_END
put_file '/etc/sudoers.d/berth-shop' 'root:root' '0440' <<'BERTH_FILE_END'
# Berth: what deployer, who owns the files of shop, may do as root: this and nothing else. In a regular expression
# (sudoers(5)) no argument hides in another, as it could in a wildcard, and NOEXEC keeps systemctl from starting a
# pager, from which there may be a way to a shell.
deployer ALL=(root) NOPASSWD:NOEXEC: /usr/bin/systemctl ^(start|stop|restart|reload|status) (nginx|redis-server|shop-web-start|shop-(web)@(\*|[0-9a-f]{10}-[0-9a-f]{4}\.[0-9a-f]{6}(\.[0-9]+)?))(\.service)?$
BERTH_FILE_END
: "${name?the name of the application and of its service account}"
: "${owner?the account that owns the files}"
: "${root?the directory of the application}"

put_service_account "$name" "$root"

# The owner writes code and static files; the service's group reads the code, nginx reads the static files; only
# media and logs can be written by the service.
case $root in /home/"$owner"/*) chmod 0711 "/home/$owner" ;; esac
put_directory "$root" "$owner:$name" 0755
put_directory "$root/releases" "$owner:$name" 2750
put_directory "$root/static" "$owner:www-data" 2755
put_directory "$root/media" "$name:www-data" 2750
put_directory "$root/logs" "$name:$name" 2750
put_directory "$root/config" "root:$name" 0750
put_link "$root/sockets" "/run/$name"

rule=/etc/sudoers.d/berth-$name
visudo -cqf "$rule" || { rm -f "$rule"; fail "sudo refuses the rule for '$owner'."; }
sudo -l -U "$owner" /usr/bin/systemctl restart "$name-web-start" >/dev/null || fail "'$owner' may not restart $name-web-start, though $rule says so." "A later rule on this host takes it away: 'sudo -l -U $owner' shows all."

# Asked as the service account itself: what counts is what the kernel lets it do.
for place in releases static config; do
  if runuser -u "$name" -- test -w "$root/$place"; then fail "the service account '$name' can write $root/$place."; fi
done
runuser -u "$name" -- test -w "$root/media" || fail "the service account '$name' cannot write $root/media."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
