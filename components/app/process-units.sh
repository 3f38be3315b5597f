: "${processes?a line for each process: its name, kind, count, 'alone' or 'beside', 'restart' or 'keep', account, where its command is from}"
: "${owner?the account that owns the files}"
: "${timers?a line for each timer: its name and its account}"
: "${web?not empty where the web server runs, and not only processes}"

# put_account PROCESS ACCOUNT: in the application's group, so that it reads the code.
put_account() {
  [ "$2" = "$name" ] || put_service_account "$2" "/var/lib/$name-$1" "$name"
  [ "$2" != "$owner" ] || fail "'$1' cannot run as '$owner', which owns the code."
}

if [ -n "$processes" ]; then
  while read -r process _ _ _ _ account _; do
    put_account "$process" "$account"
    prove_unit "$name-$process@"
  done <<<"$processes"
fi
for file in "/etc/berth/$name/processes"/*; do
  if ! grep -q "^${file##*/} .* configured$" <<<"$processes"; then take_away "$file"; fi
done

# Of what there may be only one, that which has moved from here to the first host ends before the release goes live
# there: this step comes before that on every other host.
if [ -z "$web" ]; then
  for file in "$root/config/web"/*/units; do
    [ -e "$file" ] || continue
    while read -r unit process way; do
      if [ "$way" = alone ] && ! grep -q "^$process " <<<"$processes"; then
        logged systemctl stop "$unit" || fail "$unit runs on another host from now on, and cannot be stopped here."
      fi
    done <"$file"
  done
fi

if [ -n "$timers" ]; then
  while read -r timer account; do
    put_account "$timer" "$account"
    prove_unit "$name-$timer"
    at=$(sed -n 's/^OnCalendar=//p' "/etc/systemd/system/$name-$timer.timer")
    systemd-analyze calendar "$at" >/dev/null 2>&1 ||
      fail "berth:app.timers.$timer.at: expected times of systemd.time(7), such as daily or *:0/15; found '$at'." "'systemd-analyze calendar' on a host says what it makes of one."
    systemctl is-enabled --quiet "$name-$timer.timer" || logged systemctl enable "$name-$timer.timer"
    if changed "/etc/systemd/system/$name-$timer.timer"; then logged systemctl restart "$name-$timer.timer"; fi
    systemctl is-active --quiet "$name-$timer.timer" || logged systemctl start "$name-$timer.timer"
  done <<<"$timers"
fi
# Those that there are no more. What one has started runs to its end.
for file in "/etc/systemd/system/$name"-*.timer; do
  timer=${file#"/etc/systemd/system/$name-"}
  timer=${timer%.timer}
  if grep -qxF "# Berth: the timer $timer of the application $name." "$file" 2>/dev/null && ! grep -q "^$timer " <<<"$timers"; then
    logged systemctl disable --now "$name-$timer.timer"
    take_away "$file" "${file%.timer}.service" "/etc/berth/$name/timers/$timer"
  fi
done
daemon_reload_if_changed
