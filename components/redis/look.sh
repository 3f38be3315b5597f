: "${redis_ports?its TCP ports}"

for port in $redis_ports; do needs_port Redis "$port" redis-server.service; done

if [ ! -e /etc/berth/redis/redis.conf ]; then
  what='' dump=/var/lib/redis/dump.rdb
  if systemctl is-active --quiet redis-server.service; then
    case $(timeout 5 redis-cli -h 127.0.0.1 INFO keyspace 2>&1 </dev/null || true) in
    *db[0-9]*) what="Redis (redis-server.service) holds keys that Berth did not put there" ;;
    *NOAUTH*) what="Redis (redis-server.service) asks for a password that Berth did not set" ;;
    esac
  # Berth's own keeps its data in another form, and would write over this one.
  elif [ ! -d /var/lib/redis/appendonlydir ] && [ -s "$dump" ] && ! grep -q ' 0 keys read' < <(runuser -u redis -- timeout 60 redis-check-rdb "$dump" 2>/dev/null || true); then
    what="$dump holds data that Berth did not put there"
  fi
  [ -z "$what" ] || in_the_way "$what, and Berth would set Redis up for this stack alone, without that data." \
    "Choose another machine. If nothing needs it any more, 'systemctl disable --now redis-server; mv $dump /root/' on the host makes way."
fi
