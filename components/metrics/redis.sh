: "${server?redis or valkey: its account, and the name of its directories}"

# A user of its own in both servers, which no key is open to. They read it at a start, and are told of it now.
password=/etc/berth/metrics/redis-password
users=/etc/berth/$server/users.d/metrics.conf
kept_password "$password"
rules="on resetchannels -@all +ping +info +slowlog|len +latency|latest +latency|histogram #$(tr -d '\n' <"$password" | sha256sum | cut -d' ' -f1)"
keeps "$users" /etc/berth/metrics/redis.json
put_directory "${users%/*}" root:root 0755
put_file "$users" "root:$server" 0640 <<<"user berth-metrics $rules"
for port in 6379 6381; do
  said=$(printf 'AUTH berth %s\nACL SETUSER berth-metrics reset %s\n' "$(cat "/etc/berth/$server/own-password")" "$rules" | timeout 20 "$server-cli" -h 127.0.0.1 -p "$port" 2>&1 || true)
  [ "$said" = $'OK\nOK' ] || fail "the server at port $port does not take the user 'berth-metrics': $(head -n 2 <<<"$said" | tr '\n' ' ')" "Its log: npm run logs -- redis"
done
put_file /etc/berth/metrics/redis.json root:root 0600 secret <<JSON
{"redis://berth-metrics@127.0.0.1:6379": "$(cat "$password")", "redis://berth-metrics@127.0.0.1:6381": "$(cat "$password")"}
JSON
