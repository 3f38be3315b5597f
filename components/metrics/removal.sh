# Its files are gone already, and 'disable' knows no unit without one.
for wanted in /etc/systemd/system/multi-user.target.wants/berth-metrics-*.service; do
  [ -L "$wanted" ] || continue
  unit=${wanted##*/}
  systemctl stop --quiet "$unit" 2>/dev/null || true
  rm -f "$wanted"
  systemctl reset-failed "$unit" 2>/dev/null || true
done
systemctl daemon-reload

conf=/etc/nginx/conf.d/berth-metrics.conf
if [ -e "$conf" ]; then
  take_away "$conf"
  if systemctl is-active --quiet nginx.service; then logged systemctl reload nginx.service || true; fi
fi

for server in redis valkey; do
  [ -d "/etc/berth/$server/users.d" ] || continue
  take_away "/etc/berth/$server/users.d"
  for port in 6379 6381; do
    said=$(printf 'AUTH berth %s\nACL DELUSER berth-metrics\n' "$(cat "/etc/berth/$server/own-password" 2>/dev/null)" | timeout 20 "$server-cli" -h 127.0.0.1 -p "$port" 2>&1 || true)
    case $said in OK$'\n'[01]) ;; *) say "the user 'berth-metrics' of the server at port $port ends when that server restarts" ;; esac
  done
done

# The role is there as well where PostgreSQL was turned off before the figures were.
psql=$(printf '%s\n' /usr/lib/postgresql/*/bin/psql | sort -V | tail -n 1)
if systemctl is-active --quiet 'postgresql@*.service' &&
  [ "$(runuser -u postgres -- timeout 60 "$psql" -XAtqc "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'berth_metrics'" 2>>"$log")" != "" ]; then
  PGOPTIONS='-c search_path=pg_catalog' runuser -u postgres -- timeout 60 "$psql" -XAtq -v ON_ERROR_STOP=1 >>"$log" 2>&1 <<'SQL' || say "PostgreSQL still has the role 'berth_metrics', which nobody has the password of. As the superuser, DROP OWNED BY berth_metrics in each database, then DROP ROLE berth_metrics"
ALTER ROLE berth_metrics NOLOGIN;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'berth_metrics';
DROP ROLE berth_metrics;
SQL
fi
take_away /etc/berth/metrics
