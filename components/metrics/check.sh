: "${exporters?the exporters of this host, a line each: what it tells of, its port, a line of its answer}"

# needs PORT WHO OWN: nothing but its own listens there.
needs() {
  local other
  other=$(ss -Hltnp "sport = :$1" | sed -nE 's/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1 \2/p' | grep -vE "^$3\$" | head -n 1 || true)
  [ -z "$other" ] || fail "metrics: ${other% *} (process ${other#* }) listens on port $1, which $2 needs." "End it, or have it listen on another port. Nothing has been changed."
}
while read -r part port _; do
  needs "$port" "the exporter of '$part'" ".* $(systemctl show -P MainPID "berth-metrics-$part.service" 2>/dev/null || true)"
  if [ "$part" = nginx ]; then needs 411 "nginx, to tell of what it counts," "nginx .*"; fi
done <<<"$exporters"
