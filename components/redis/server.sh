: "${memory?the most memory for data, in MiB}"
: "${policy?what happens when that is full, as maxmemory-policy}"
: "${private?the address at which other hosts reach it, as in a URL; empty where none does}"

# Without it a save may fail when memory is short (https://redis.io/docs/latest/operate/oss_and_stack/management/admin/).
sysctl -q -p /etc/sysctl.d/60-berth-redis.conf >>"$log" 2>&1 || say "this host does not let vm.overcommit_memory be set; Redis works without"

if [ -z "$private" ]; then take_away /etc/berth/private/redis.crt /etc/berth/private/redis.key; fi
keep_own_password
# Those of before go when the new one is live everywhere (passwords.sh).
mapfile -t before < <(passwords_of_before)
put_users "${before[@]}"

# as_own COMMAND: its answer to root's own user; nothing where it does not answer.
as_own() { printf 'AUTH berth %s\n%s\n' "$(own_password)" "$*" | timeout 20 redis-cli -h 127.0.0.1 2>>"$log" | tail -n +2; }
# What is in memory must fit, or each write would fail from then on, silently, while all that is asked here is well.
used=$(as_own INFO memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p' || true)
if [ "$policy" = noeviction ] && [ "${used:-0}" -gt $((memory * 1048576)) ]; then
  fail "Redis holds $((used / 1048576 + 1)) MiB, and redis.memory is $memory: nothing more could be written." "Choose more than that, or let the workers finish what waits, and deploy again. What runs is as it was."
fi
put_file /etc/berth/redis/memory.conf root:redis 0640 <<CONF
maxmemory ${memory}mb
maxmemory-policy $policy
CONF

daemon_reload_if_changed
if changed /etc/berth/private/redis /etc/berth/redis/redis.conf /etc/systemd/system/redis-server.service.d/ &&
  systemctl is-active --quiet redis-server.service; then
  logged systemctl restart redis-server.service || fail "Redis does not start again: $(journalctl -u redis-server -n 5 -o cat --no-pager | tr '\n' ' ')"
fi
enabled redis-server.service
if users_changed; then
  # Where it does not know root's own, a start reads all of them.
  logged /usr/local/lib/berth/redis-passwords || logged systemctl restart redis-server.service ||
    fail "Redis rejects its users." "Its log: journalctl -u redis-server"
fi

# The password goes by a file descriptor and by no argument: redis-cli reads it from standard input as a command.
redis() { printf 'AUTH %s\n%s\n' "$(secret password)" "$*" | timeout 20 redis-cli -h 127.0.0.1 2>>"$log" | tail -n +2; }
answers() { [ "$(redis PING)" = PONG ]; }
# A large one takes its time to read its data after a start.
is_loading() { grep -q LOADING <<<"$(redis PING)"; }
wait_until 30 answers || { is_loading && say "Redis is reading its data" && wait_until 600 answers; } ||
  fail "Redis does not answer to its password." "Its log: journalctl -u redis-server"
# They change while it runs: a restart would cost requests and tasks.
setting() { redis CONFIG GET "$1" | tail -n 1; }
{ [ "$(setting maxmemory)" = $((memory * 1048576)) ] && [ "$(setting maxmemory-policy)" = "$policy" ]; } ||
  { as_own CONFIG SET maxmemory "${memory}mb" maxmemory-policy "$policy" >>"$log"; }
[ "$(setting maxmemory)" = $((memory * 1048576)) ] || fail "Redis does not take the memory of redis.memory." "Its log: journalctl -u redis-server"
if [ "$(timeout 20 redis-cli -h 127.0.0.1 PING 2>/dev/null || true)" = PONG ]; then fail "Redis answers without a password."; fi
listening=$(ss -Hltnp | awk '/"redis-server"/ { print $4 }' | grep -vE '^(127\.0\.0\.1|\[::1\]):' | grep -vF "${private:-none}:" || true)
[ -z "$listening" ] || fail "Redis listens on $listening; it must listen on the loopback address${private:+ and $private} alone."
