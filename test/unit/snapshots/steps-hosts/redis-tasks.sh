set -eu; umask 077
step=$(mktemp /dev/shm/berth-redis-tasks.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='redis-tasks'
address='192.0.2.7'
port='6380'
certificate='/etc/berth/private/redis.crt'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: redis-tasks: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'password'

put_file '/etc/berth/private/redis.crt' 'root:root' '0644' <<'BERTH_FILE_END'
-----BEGIN CERTIFICATE-----
MIIB
-----END CERTIFICATE-----
BERTH_FILE_END
: "${address?the private address of the host of Redis}"
: "${port?its port with TLS}"
: "${certificate?where the certificate lies that the server must show}"

answer=
# The password goes by standard input and by no argument.
answers() {
  answer=$(printf 'AUTH %s\nPING\n' "$(secret password)" |
    timeout 5 redis-cli --tls --cacert "$certificate" -h "$address" -p "$port" 2>&1 | awk NF | tail -n 1 || true)
  [ "$answer" = PONG ]
}
wait_until 15 answers || fail "this host cannot use Redis at $address:$port: ${answer:-no answer}" "Look at the firewalls between the two hosts."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
