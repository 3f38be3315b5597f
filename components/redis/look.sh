: "${redis_ports?its TCP ports}"

for port in $redis_ports; do needs_port Redis "$port" redis-server.service; done

if [ ! -e /etc/berth/redis/redis.conf ] && systemctl is-active --quiet redis-server.service; then
  answer=$(timeout 5 redis-cli -h 127.0.0.1 INFO keyspace 2>&1 </dev/null || true)
  case $answer in
  *db[0-9]*) what="it holds keys" ;;
  *NOAUTH*) what="it asks for a password" ;;
  *) what= ;;
  esac
  if [ -n "$what" ]; then
    in_the_way "Redis (redis-server.service) serves something else here: $what, and Berth would set it up for this stack alone." "Choose another machine. If nothing else uses it, 'systemctl disable --now redis-server' on the host leaves it to Berth, with its data."
  fi
fi
