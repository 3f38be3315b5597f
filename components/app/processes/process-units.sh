: "${root?the directory of the application}"
: "${processes?a line for each process: its name and its account}"
: "${owner?the account that owns the files}"
: "${web?not empty where the web server runs, and not only processes}"

# put_account KEY NAME ACCOUNT: in the application's group, so that it reads the code.
put_account() {
  [ "$3" = "$name" ] || put_service_account "$3" "/var/lib/$name-$2" "app.$1.$2.account" "$name"
  [ "$3" != "$owner" ] || fail "'$2' cannot run as '$owner', which owns the code."
}

if [ -n "$processes" ]; then
  while read -r process account; do
    put_account processes "$process" "$account"
    prove_unit "$name-$process@"
  done <<<"$processes"
fi
# Of what there may be only one, that which has moved from here to the first host ends before the release goes live
# there: this step comes before that on every other host.
if [ -z "$web" ]; then
  mapfile -t here < <(cut -d' ' -f1 <<<"$processes")
  setpriv --pdeathsig KILL "/usr/local/lib/berth/$name/berth-release" give-up "$step" "${here[@]}" || exit 1
fi

if [ -n "$timers" ]; then
  while read -r timer account _; do
    put_account timers "$timer" "$account"
    prove_unit "$name-$timer"
    take_away "/run/systemd/system/$name-$timer.service"
    at_boot "$name-$timer.timer"
    if changed "/etc/systemd/system/$name-$timer.timer"; then logged systemctl restart "$name-$timer.timer"; fi
    enabled "$name-$timer.timer"
  done <<<"$timers"
fi
# no_job UNIT: systemd does nothing that is still to be done for it.
no_job() { [ -z "$(systemctl show "$1" -P Job)" ] || [ "$(systemctl show "$1" -P ActiveState)" != inactive ]; }
# leave_running TIMER: what it has started runs to its end, by the settings that it was started with.
leave_running() {
  local unit=$name-$1.service copy=/run/systemd/system/$name-$1.service
  wait_until 30 no_job "$unit" || true
  case $(systemctl show "$unit" -P ActiveState) in inactive | failed) return 0 ;; esac
  printf '\n[Service]\nExecStopPost=+/bin/rm -f %s\n' "$copy" | cat "/etc/systemd/system/$unit" - | put_file "$copy" root:root 0644
}

# Those that there are no more.
while read -r file; do
  timer=${file#"/etc/systemd/system/$name-"}
  timer=${timer%.timer}
  if [ "$file" = "/etc/systemd/system/$name-$timer.timer" ] && [ -e "$file" ]; then
    logged systemctl disable --now "$name-$timer.timer"
    leave_running "$timer"
    take_away "$file" "${file%.timer}.service"
  fi
done < <(former)
daemon_reload_if_changed
