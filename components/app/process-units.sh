: "${processes?a line for each process: its name, kind, count, 'alone' or 'beside', 'restart' or 'keep', account, where its command is from}"
: "${owner?the account that owns the files}"
: "${web?not empty where the web server runs, and not only processes}"

# put_account KEY NAME ACCOUNT: in the application's group, so that it reads the code.
put_account() {
  [ "$3" = "$name" ] || put_service_account "$3" "/var/lib/$name-$2" "berth:app.$1.$2.account" "$name"
  [ "$3" != "$owner" ] || fail "'$2' cannot run as '$owner', which owns the code."
}

if [ -n "$processes" ]; then
  while read -r process _ _ _ _ account _; do
    put_account processes "$process" "$account"
    prove_unit "$name-$process@"
    # Of one that was taken out, and has come back.
    take_away "/run/systemd/system/$name-$process@.service"
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
      if [ "$way" = alone ] && ! grep -q "^$process " <<<"$processes" &&
        ! grep -qxE 'inactive|failed|unknown' < <(systemctl is-active "$unit"); then
        logged systemctl stop "$unit" || fail "$unit runs on another host from now on, and cannot be stopped here." "See 'systemctl status $unit' on the host, then run 'pulumi up' again."
      fi
    done <"$file"
  done
fi

if [ -n "$timers" ]; then
  while read -r timer account _; do
    put_account timers "$timer" "$account"
    prove_unit "$name-$timer"
    take_away "/run/systemd/system/$name-$timer.service"
    systemctl is-enabled --quiet "$name-$timer.timer" || logged systemctl enable "$name-$timer.timer"
    if changed "/etc/systemd/system/$name-$timer.timer"; then logged systemctl restart "$name-$timer.timer"; fi
    systemctl is-active --quiet "$name-$timer.timer" || logged systemctl start "$name-$timer.timer"
  done <<<"$timers"
fi
# leave_running TIMER: what it has started runs to its end, by the settings that it was started with.
leave_running() {
  local unit=$name-$1.service copy=/run/systemd/system/$name-$1.service
  case $(systemctl show "$unit" -P ActiveState) in inactive | failed) return 0 ;; esac
  printf '\n[Service]\nExecStopPost=+/bin/rm -f %s\n' "$copy" | cat "/etc/systemd/system/$unit" - | put_file "$copy" root:root 0644
}

# Those that there are no more.
for file in "/etc/systemd/system/$name"-*.timer; do
  timer=${file#"/etc/systemd/system/$name-"}
  timer=${timer%.timer}
  if grep -qxF "# Berth: the timer $timer of the application $name." "$file" 2>/dev/null && ! grep -q "^$timer " <<<"$timers"; then
    logged systemctl disable --now "$name-$timer.timer"
    leave_running "$timer"
    take_away "$file" "${file%.timer}.service" "/etc/berth/$name/timers/$timer"
  fi
done
daemon_reload_if_changed
