: "${name?the name of the application}"
: "${root?the directory of the application}"
: "${processes?a line for each process: its name and its account}"
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
# Their files are gone already; systemd still knows what runs. What the live release has left out has been told to end, and
# may take its time for a task: its instances have units of their own, which go when it has.
live=$(readlink "$root/config/web/current" || true)
running=()
while read -r process _; do
  if [ -e "/etc/systemd/system/$name-$process@$live.service" ]; then running+=("$name-$process@*.service"); fi
done <<<"$processes"
none_runs() {
  ! grep -q . < <(
    each_timer runs_timer
    if [ "${#running[@]}" != 0 ]; then systemctl list-units --plain --no-legend --state=active,activating,deactivating "${running[@]}"; fi
  )
}
if [ "${#running[@]}" != 0 ]; then systemctl stop --quiet --no-block "${running[@]}" 2>/dev/null || true; fi
wait_until 300 none_runs || say "a task still runs after five minutes, so it is ended"
if [ "${#running[@]}" != 0 ]; then
  systemctl kill --quiet --signal=KILL "${running[@]}" 2>/dev/null || true
  # One whose queue has gone first ends with an error, and would be remembered for it.
  systemctl reset-failed "${running[@]}" 2>/dev/null || true
  for pattern in "${running[@]}"; do find /etc/systemd/system -maxdepth 1 -name "$pattern" -delete; done
fi
each_timer end_timer
if [ -z "$web" ]; then rm -rf "${root:?}/config/web"; fi
systemctl daemon-reload
