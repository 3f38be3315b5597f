: "${app?the name of the application and of its service account}"
: "${root?the directory of the application}"
: "${file?where the credentials are kept}"
: "${unit?the unit that fetches them, without its ending}"

# The application's own first step makes the same account, where this one comes before it.
put_service_account "$app" "$root" "app.name"
keeps "$file"
daemon_reload_if_changed
at_boot "$unit.service"

fetched() { systemctl start "$unit.service"; }
reason() { journalctl -u "$unit.service" -n 20 -o cat --no-pager | sed -n 's/^berth: //p' | tail -n 1; }
# A role that was attached a moment ago takes a while to arrive.
wait_until 120 fetched || fail "the credentials of the instance's role cannot be fetched: $(reason || true)" "Its log: journalctl -u $unit.service"
on_change restart "$unit.timer" "/etc/systemd/system/$unit.timer"
enabled "$unit.timer"

# Asked as the application asks.
runuser -u "$app" -- python3 -Ic 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["Version"] != 1)' "$file" ||
  fail "the service account '$app' cannot read the credentials in $file."
if runuser -u nobody -- test -r "$file"; then fail "$file can be read by other accounts."; fi
