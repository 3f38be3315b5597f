: "${everywhere?yes where they listen at every address}"

mapfile -t measured <<<"$exporters"
daemon_reload_if_changed
# What it has no longer would answer for a part that is gone.
take_away_former
for line in "${measured[@]}"; do
  read -r part port _ <<<"$line"
  on_change restart "berth-metrics-$part.service" "/etc/systemd/system/berth-metrics-$part.service" /etc/berth/metrics/
  enabled "berth-metrics-$part.service"
done

# The proof: each sees what it tells of.
tells() { grep -qE "$2" < <(curl -s -m 10 "http://127.0.0.1:$1/metrics"); }
for line in "${measured[@]}"; do
  read -r part port proof <<<"$line"
  wait_until 30 tells "$port" "$proof" ||
    fail "the exporter of '$part' at 127.0.0.1:$port does not tell what it should: $(journalctl -q -u "berth-metrics-$part" -n 3 -o cat --no-pager | tr '\n' ' ')" "'npm run logs -- metrics' shows more."
  open=$(ss -Hltn "sport = :$port" | awk '{ print $4 }' | grep -v '^127\.0\.0\.1:' || true)
  [ -n "$everywhere" ] || [ -z "$open" ] || fail "the exporter of '$part' listens on $open; it must listen on the loopback address alone."
done
