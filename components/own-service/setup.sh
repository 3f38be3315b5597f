: "${name?the name of the service}"
: "${port?its TCP port}"
: "${health?the path that answers 200 when it works; empty for none}"
: "${data?the directory of its data; empty where it keeps none}"
: "${packages?its packages, separated by spaces}"

account=service-$name unit=service-$name.service key=services.$name
put_service_account "$account" /nonexistent "$key"
if [ -n "$data" ]; then put_directory "$data" "$account:$account" 0750; fi

reason=$(systemd-analyze verify "/etc/systemd/system/$unit" 2>&1 | grep -F "$unit" || true)
[ -z "$reason" ] || fail "systemd rejects $unit: $reason"
daemon_reload_if_changed
at_boot "$unit"

# said: the last lines of its log, of this start alone. It may have ended before journald has read them.
said() {
  timeout 10 journalctl --sync >/dev/null 2>&1 || true
  journalctl -q -u "$unit" --since "@$began" -n 12 -o cat --no-pager 2>/dev/null | grep -v "^$unit: " | tail -n 8 | tr '\n' ' '
}
refuse() {
  fail "the service '$name' does not answer at 127.0.0.1:$port${health:+ with 200 at $health}. Its log: $(said)" \
    "Correct $key.command, .port${health:+, .health}, .env or .files. 'npm run logs -- $name' shows more."
}
began=$(date +%s)
# A file that it has no longer is a change as well.
take_away_former
if changed "/etc/systemd/system/$unit" "/etc/berth/services/$name/" "/etc/berth/services/$name.env" "/etc/berth/services/$name.secrets" "/usr/local/lib/berth/service-answers"; then
  logged systemctl restart "$unit" || refuse
fi
# It has what is installed now.
if [ -n "$packages" ]; then
  # shellcheck disable=SC2086 # Names of packages hold no spaces.
  logged /usr/local/lib/berth/service-upgraded "$name" $packages
fi
note unit "$unit" enabled active
# One that waits for its next attempt starts now.
systemctl is-active --quiet "$unit" || logged systemctl start "$unit" || refuse

# The proof: it answers, on the loopback address alone, and not everybody.
answers() { timeout 10 /usr/local/lib/berth/service-answers "$port" ${health:+"$health"}; }
wait_until 30 answers || refuse
exposure=$(systemd-analyze security --no-pager "$unit" | sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p')
awk -v level="${exposure:-10}" 'BEGIN { exit !(level <= 2.5) }' ||
  fail "the sandbox of $unit has an exposure level of ${exposure:-unknown}; 2.5 at most was expected." "A drop-in in /etc/systemd/system/$unit.d loosens it."
open=$(ss -Hltne | awk -v owner="uid:$(id -u "$account")" '{ for (i = 6; i <= NF; i++) if ($i == owner) print $4 }' | grep -vE '^(127\.[0-9.]+|\[::1\]|\[::ffff:127\.[0-9.]+\])(%lo)?:' | paste -sd' ' || true)
if [ -n "$open" ]; then
  # Also at the next boot.
  systemctl disable --now "$unit" >>"$log" 2>&1 || true
  fail "the service '$name' listens on $open; it must listen on the loopback address alone. It has been stopped." "Have $key.command bind to 127.0.0.1."
fi
others=$(ss -Hltne | awk -v owner="uid:$(id -u "$account")" -v own=":$port" '{ for (i = 6; i <= NF; i++) if ($i == owner && $4 !~ own "$") print $4 }' | paste -sd' ' || true)
if [ -n "$others" ]; then
  printf "the service '%s' listens on %s, too: every account of this host can connect there, and take the port while the service is away\n" "$name" "$others"
fi
if runuser -u nobody -- timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" 2>/dev/null; then
  fail "every account of this host can reach the service '$name'." "'systemctl reload berth-firewall' on the host loads the rules; 'nft list table inet berth_listeners' shows them."
fi
