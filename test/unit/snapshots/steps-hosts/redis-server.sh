set -eu; umask 077
step=$(mktemp /dev/shm/berth-redis-server.XXXXXXXX)
cat >"$step" <<'BERTH_STEP_END'
rm -f "$0"
step='redis-server'
memory='128'
private='192.0.2.7'
if [ ! -r /var/lib/berth/library/DIGEST.sh ]; then echo 'berth: redis-server: /var/lib/berth/library/DIGEST.sh is gone from this host. Run '\''pulumi up'\'' with --replace for the step that connects, which puts it back.' >&2; exit 1; fi
. /var/lib/berth/library/DIGEST.sh
begin 'password /etc/redis/berth-password.conf /etc/berth/private/redis.key'

put_file '/etc/sysctl.d/60-berth-redis.conf' 'root:root' '0644' <<'BERTH_FILE_END'
vm.overcommit_memory = 1
BERTH_FILE_END
put_file '/etc/redis/berth.conf' 'root:redis' '0640' <<'BERTH_FILE_END'
# Berth: read after Debian's redis.conf, and so it wins. See redis.io's redis.conf for each line.
bind 127.0.0.1 -::1 192.0.2.7
# For the stack's other hosts, with TLS. The port without is bound there, too, and the firewall keeps it closed.
tls-port 6380
tls-cert-file /etc/berth/private/redis.crt
tls-key-file /etc/berth/private/redis.key
tls-auth-clients no
protected-mode yes
maxmemory 128mb
maxmemory-policy noeviction
# A broker must not forget a task: every write is in the append-only file within a second.
appendonly yes
appendfsync everysec
save 3600 1 300 100
include /etc/redis/berth-password.conf
BERTH_FILE_END
put_file '/etc/systemd/system/redis-server.service.d/berth.conf' 'root:root' '0644' <<'BERTH_FILE_END'
# Berth: Debian's configuration first, then Berth's.
[Service]
ExecStart=
ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --include /etc/redis/berth.conf --supervised systemd --daemonize no
Restart=always
BERTH_FILE_END
put_file '/etc/berth/private/redis.crt' 'root:root' '0644' <<'BERTH_FILE_END'
-----BEGIN CERTIFICATE-----
MIIB
-----END CERTIFICATE-----
BERTH_FILE_END
put_secret_file '/etc/redis/berth-password.conf' 'root:redis' '0640' '/etc/redis/berth-password.conf'
put_secret_file '/etc/berth/private/redis.key' 'root:redis' '0640' '/etc/berth/private/redis.key'
: "${memory?the most memory for data, in MiB}"
: "${private?the address at which other hosts reach it, as in a URL; empty where none does}"

# Without it a save may fail when memory is short (https://redis.io/docs/latest/operate/oss_and_stack/management/admin/).
sysctl -q -p /etc/sysctl.d/60-berth-redis.conf >>"$log" 2>&1 || say "this host does not let vm.overcommit_memory be set; Redis works without"

if [ -z "$private" ]; then take_away /etc/berth/private/redis.crt /etc/berth/private/redis.key; fi
daemon_reload_if_changed
if changed /etc/berth/private/redis /etc/redis/berth.conf /etc/redis/berth-password.conf /etc/systemd/system/redis-server.service.d/ &&
  systemctl is-active --quiet redis-server.service; then
  logged systemctl restart redis-server.service || fail "Redis does not start again: $(journalctl -u redis-server -n 5 -o cat --no-pager | tr '\n' ' ')"
fi
enabled redis-server.service

# The password goes by a file descriptor and by no argument: redis-cli reads it from standard input as a command.
redis() { printf 'AUTH %s\n%s\n' "$(secret password)" "$*" | redis-cli -h 127.0.0.1 2>>"$log" | tail -n +2; }
answers() { [ "$(redis PING)" = PONG ]; }
wait_until 30 answers || fail "Redis does not answer to its password." "Its log: journalctl -u redis-server"
[ "$(redis CONFIG GET maxmemory | tail -n 1)" = $((memory * 1048576)) ] || fail "Redis does not read /etc/redis/berth.conf."
if [ "$(redis-cli -h 127.0.0.1 PING 2>/dev/null || true)" = PONG ]; then fail "Redis answers without a password."; fi
listening=$(ss -Hltnp | awk '/"redis-server"/ { print $4 }' | grep -vE '^(127\.0\.0\.1|\[::1\]):' | grep -vF "${private:-none}:" || true)
[ -z "$listening" ] || fail "Redis listens on $listening; it must listen on the loopback address${private:+ and $private} alone."

finish
BERTH_STEP_END
[ "$(id -u)" = 0 ] && exec /bin/bash "$step"
exec sudo -n -- /bin/bash "$step"
