set -eu; umask 077
step=$(mktemp /dev/shm/berth-nginx-basic-auth.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='nginx-basic-auth'
user='team'
password_file='/etc/nginx/berth.htpasswd'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: nginx-basic-auth: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'basic_auth'

: "${user?the name that visitors log in with}"
: "${password_file?where nginx looks for its password}"

# SHA-512 crypt (crypt(5)): nginx computes it anew for every request, and bcrypt would hold it up for a tenth of a
# second each time. The salt that is there stays as long as the password does, so that nothing changes.
line() { printf '%s:%s\n' "$user" "$(secret basic_auth | openssl passwd -6 -salt "$1" -stdin)"; }
# shellcheck disable=SC2016  # A dollar sign of the file itself.
salt=$(sed -n 's/^[^:]*:[$]6[$]\([^$]*\)[$].*/\1/p' "$password_file" 2>/dev/null | head -n 1 || true)
if [ -z "$salt" ] || [ "$(line "$salt")" != "$(cat "$password_file")" ]; then salt=$(openssl rand -hex 8); fi
line "$salt" | put_file "$password_file" root:www-data 0640

runuser -u www-data -- test -r "$password_file" || fail "nginx's workers cannot read $password_file."
if runuser -u nobody -- test -r "$password_file"; then fail "$password_file can be read by other accounts."; fi

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
