: "${redis_server?the account of the server, redis or valkey}"
: "${redis_title?as people know it}"
: "${redis_ports?its TCP ports}"

# Also those of the other, which the stack may have had so far.
redis_units=()
for one in redis valkey; do redis_units+=("$one-server.service" "$one-server@cache.service"); done
for port in $redis_ports; do needs_port "$redis_title" "$port" "${redis_units[@]}"; done

if [ ! -e /etc/berth/redis/redis.conf ] && [ ! -e /etc/berth/valkey/valkey.conf ]; then
  what='' unit=$redis_server-server.service dump=/var/lib/$redis_server/dump.rdb
  # What this one would be given, if it were Berth's: see move.sh.
  for one in redis valkey; do
    if [ "$one" != "$redis_server" ] && compgen -G "/var/lib/$one/appendonlydir/*.base.rdb" >/dev/null; then
      what="/var/lib/$one/appendonlydir holds data that Berth did not put there" dump=/var/lib/$one/appendonlydir
    fi
  done
  if [ -n "$what" ]; then
    :
  elif systemctl is-active --quiet "$unit"; then
    case $(timeout 5 "$redis_server-cli" -h 127.0.0.1 INFO keyspace 2>&1 </dev/null || true) in
    *db[0-9]*) what="$redis_title ($unit) holds keys that Berth did not put there" ;;
    *NOAUTH*) what="$redis_title ($unit) asks for a password that Berth did not set" ;;
    esac
  # Berth's own keeps its data in another form, and would write over this one.
  elif [ ! -d "/var/lib/$redis_server/appendonlydir" ] && [ -s "$dump" ] &&
    ! grep -q ' 0 keys read' < <(runuser -u "$redis_server" -- timeout 60 "$redis_server-check-rdb" "$dump" 2>/dev/null || true); then
    what="$dump holds data that Berth did not put there"
  fi
  [ -z "$what" ] || in_the_way "$what, and Berth would set $redis_title up for this stack alone, without that data." \
    "Choose another machine. If nothing needs it any more, 'systemctl disable --now $redis_server-server; mv $dump /root/' on the host makes way."
fi
