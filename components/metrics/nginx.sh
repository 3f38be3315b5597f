conf=/etc/nginx/conf.d/berth-metrics.conf
keeps "$conf"
put_file "$conf" root:root 0644 </etc/berth/metrics/nginx.conf
if changed "$conf" && ! reason=$(nginx -t 2>&1 </dev/null); then
  take_away "$conf"
  fail "nginx refuses to tell of what it counts: $(grep -m 1 emerg <<<"$reason" || tail -n 1 <<<"$reason")." "What runs now goes on."
fi
on_change reload nginx.service "$conf"
