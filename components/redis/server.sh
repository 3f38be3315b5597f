: "${asks?yes where they ask for a password}"
: "${memory?the most memory for the data of the queue, in MiB}"
: "${policy?what happens when that is full, as maxmemory-policy}"
: "${cache_port?the port of the cache}"
: "${cache_memory?the same for the cache}"
: "${cache_policy?what goes when that is full}"
: "${private?the address at which other hosts reach it, as in a URL; empty where none does}"

cache_unit=$server-server@cache.service
port=6379

# Without it a save may fail when memory is short (https://redis.io/docs/latest/operate/oss_and_stack/management/admin/).
sysctl -q -p /etc/sysctl.d/60-berth-redis.conf >>"$log" 2>&1 || say "this host does not let vm.overcommit_memory be set; $title works without"

if [ -z "$private" ]; then take_away "/etc/berth/private/$server.crt" "/etc/berth/private/$server.key"; fi
keep_own_password
# Those of before go when the new one is live everywhere (passwords.sh).
mapfile -t before < <(passwords_of_before)
put_users "${before[@]}"

# as_own PORT COMMAND: its answer to root's own user; nothing where it does not answer.
as_own() { printf 'AUTH berth %s\n%s\n' "$(own_password)" "${*:2}" | timeout 20 "$server-cli" -h 127.0.0.1 -p "$1" 2>>"$log" | tail -n +2; }
# What is in memory must fit, or each write would fail from then on, silently, while all that is asked here is well.
used=$(as_own "$port" INFO memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p' || true)
if [ "$policy" = noeviction ] && [ "${used:-0}" -gt $((memory * 1048576)) ]; then
  fail "$title holds $((used / 1048576 + 1)) MiB, and redis.memory is $memory: nothing more could be written." "Choose more than that, or let the workers finish what waits, and deploy again. What runs is as it was."
fi

# put_memory FILE MIB POLICY
put_memory() {
  put_file "/etc/berth/$server/$1" "root:$server" 0640 <<CONF
maxmemory ${2}mb
maxmemory-policy $3
CONF
}
put_memory memory.conf "$memory" "$policy"
put_memory cache-memory.conf "$cache_memory" "$cache_policy"

daemon_reload_if_changed
move_from_other

reason() { journalctl -u "$1" -n 5 -o cat --no-pager 2>/dev/null | tr '\n' ' '; }
# restarted UNIT FILE: where what it reads has changed.
restarted() {
  if changed "/etc/berth/private/$server" "/etc/berth/$server/shared.conf" "/etc/berth/$server/$2" "/etc/systemd/system/$1.d/" && systemctl is-active --quiet "$1"; then
    logged systemctl restart "$1" || fail "$1 does not start again: $(reason "$1")"
  fi
}
if is_moved; then
  logged systemctl enable --now --quiet "$unit" || give_back "$title does not start with the data of $other_title: $(as_server tail -n 5 "/var/log/$server/$server-server.log" 2>/dev/null | tr '\n' ' ')"
else
  restarted "$unit" "$server.conf"
fi
restarted "$cache_unit" cache.conf
enabled "$unit" "$cache_unit"
if users_changed; then
  # Where they do not know root's own, a start reads all of them.
  logged /usr/local/lib/berth/redis-passwords || logged systemctl restart "$unit" "$cache_unit" ||
    fail "$title rejects its users." "Its log: journalctl -u $unit"
fi

# The password goes by a file descriptor and by no argument: the client reads it from standard input as a command.
as_application() {
  local login='' line=1
  if [ -n "$asks" ]; then login="AUTH $(secret password)"$'\n' line=2; fi
  printf '%s%s\n' "$login" "${*:2}" | timeout 20 "$server-cli" -h 127.0.0.1 -p "$1" 2>>"$log" | tail -n "+$line"
}
answers() { [ "$(as_application "$1" PING)" = PONG ]; }
# A large one takes its time to read its data after a start.
is_loading() { grep -q LOADING <<<"$(as_application "$1" PING)"; }
setting() { as_application "$1" CONFIG GET "$2" | tail -n 1; }

# prove PORT UNIT KEY MIB POLICY
prove() {
  wait_until 30 answers "$1" || { is_loading "$1" && say "$title is reading its data" && wait_until 600 answers "$1"; } ||
    fail "$title ($2) does not answer${asks:+ to its password}." "Its log: journalctl -u $2"
  # They change while it runs: a restart would cost requests and tasks.
  { [ "$(setting "$1" maxmemory)" = $(($4 * 1048576)) ] && [ "$(setting "$1" maxmemory-policy)" = "$5" ]; } ||
    { as_own "$1" CONFIG SET maxmemory "${4}mb" maxmemory-policy "$5" >>"$log"; }
  [ "$(setting "$1" maxmemory)" = $(($4 * 1048576)) ] || fail "$title does not take the memory of $3." "Its log: journalctl -u $2"
  if [ -n "$asks" ] && [ "$(timeout 20 "$server-cli" -h 127.0.0.1 -p "$1" PING 2>/dev/null || true)" = PONG ]; then
    fail "$title ($2) answers without a password."
  fi
}
prove "$port" "$unit" redis.memory "$memory" "$policy"
end_of_move
prove "$cache_port" "$cache_unit" redis.cache.memory "$cache_memory" "$cache_policy"

# One that was set up or restored in the other form: see queue.conf.liquid.
if compgen -G "/var/lib/$server/appendonlydir/*.base.rdb" >/dev/null; then as_own "$port" BGREWRITEAOF >>"$log"; fi

listening=$(ss -Hltnp | awk -v program="\"$server-server\"" 'index($0, program) { print $4 }' | grep -vE '^(127\.0\.0\.1|\[::1\]):' | grep -vF "${private:-none}:" || true)
[ -z "$listening" ] || fail "$title listens on $listening; it must listen on the loopback address${private:+ and $private} alone."
