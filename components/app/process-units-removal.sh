: "${name?the name of the application}"
: "${root?the directory of the application}"
: "${processes?a line for each process}"
: "${web?not empty where the web server runs, and not only processes}"
: "${timers?a line for each timer: its name, its account and its times}"

each_timer() { while read -r timer _; do if [ -n "$timer" ]; then "$@" "$timer"; fi; done <<<"$timers"; }
stop_timer() {
  systemctl stop --quiet "$name-$1.timer" 2>/dev/null || true
  rm -f "/etc/systemd/system/timers.target.wants/$name-$1.timer"
}
end_timer() { systemctl stop --quiet "$name-$1.service" 2>/dev/null || true; }
runs_timer() { systemctl list-units --plain --no-legend --state=active,activating,deactivating "$name-$1.service"; }
each_timer stop_timer
# Their files are gone already; systemd still knows what runs.
while read -r process _; do
  # A release that has left it out has told it to end, and it may take its time for a task.
  if [ ! -e "/run/systemd/system/$name-$process@.service" ]; then
    systemctl stop --quiet --no-block "$name-$process@*.service" 2>/dev/null || true
  fi
done <<<"$processes"
none_runs() {
  while read -r process _; do
    if [ ! -e "/run/systemd/system/$name-$process@.service" ] &&
      grep -q . < <(systemctl list-units --plain --no-legend --state=active,activating,deactivating "$name-$process@*.service"); then
      return 1
    fi
  done <<<"$processes"
  ! grep -q . < <(each_timer runs_timer)
}
wait_until 300 none_runs || say "a task is still at work after five minutes, and is ended"
while read -r process _; do
  if [ ! -e "/run/systemd/system/$name-$process@.service" ]; then
    systemctl kill --quiet --signal=KILL "$name-$process@*.service" 2>/dev/null || true
    # One whose queue has gone first ends with an error, and would be remembered for it.
    systemctl reset-failed "$name-$process@*.service" 2>/dev/null || true
  fi
done <<<"$processes"
each_timer end_timer
rmdir --ignore-fail-on-non-empty "/etc/berth/$name/processes" "/etc/berth/$name/timers" 2>/dev/null || true
if [ -z "$web" ]; then
  systemctl disable --quiet "$name-web-start.service" 2>/dev/null || true
  rm -rf "${root:?}/config/web"
fi
systemctl daemon-reload
