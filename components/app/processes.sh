# An instance's file 'units' names the units of its processes, one a line: the unit, its process, 'alone' or 'beside'.
# It is written before one of them starts, and goes when none runs any more (tidy.sh.liquid).

# When those that were started last were, and what they had computed when they were looked at last, in milliseconds.
started=0 computed=0

units_of() { cat "$instances/$1/units" 2>/dev/null || true; }

# command_of PROCESS KIND SOURCE: what runs, as the text of a shell; nothing where the release has nothing to run. The
# process that systemd watches must be the command itself.
command_of() {
  local command
  if [ "$3" = configured ]; then
    command=$(cat "/etc/berth/$name/processes/$1")
  elif [ -n "$(unfit "$1" "$2")" ]; then
    return 0
  else
    command=$(procfile_line "$1")
  fi
  # shellcheck disable=SC2016  # The unit's own variable.
  if [ "$2" = celery-beat ] && ! grep -qE ' (-s|-S|--schedule|--scheduler)([ =]|$)' <<<"$command"; then
    command+=' --schedule "$STATE_DIRECTORY/celerybeat-schedule"'
  fi
  printf 'exec bash -c %s\n' "${command@Q}"
}

# put_processes INSTANCE: what its units read.
put_processes() {
  local place=$instances/$1 process kind count way source number units='' text
  [ -n "$processes" ] || return 0
  put_directory "$place/processes" "root:$name" 0750
  while read -r process kind count way _ _ source; do
    text=$(command_of "$process" "$kind" "$source")
    if [ -z "$text" ]; then continue; fi
    put_file "$place/processes/$process" "root:$name" 0640 <<<"$text"
    units+="$name-$process@$1.service $process $way"$'\n'
    for ((number = 2; number <= count; number++)); do
      put_link "$instances/$1.$number" "$1"
      units+="$name-$process@$1.$number.service $process $way"$'\n'
    done
  done <<<"$processes"
  printf '%s' "$units" | put_file "$place/units" root:root 0644
}

# all_active UNIT…: each of them runs.
all_active() { [ "$#" = 0 ] || ! grep -qvx active < <(systemctl is-active "$@"); }

# elsewhere PROCESS: the instance on which it runs and is left, though this release is another: 'onRelease: keep'. It is
# not left when its command or count is another now.
elsewhere() {
  local place one units
  grep -qE "^$1 [^ ]+ [^ ]+ [^ ]+ keep " <<<"$processes" || return 0
  for place in "$instances"/*/units; do
    one=$(basename "$(dirname "$place")")
    if [ "$one" = "$instance" ] || [ -L "$instances/$one" ]; then continue; fi
    mapfile -t units < <(awk -v process="$1" '$2 == process { print $1 }' "$place")
    if [ "${#units[@]}" != 0 ] && [ "${#units[@]}" = "$(units_of "$instance" | awk -v process="$1" '$2 == process' | wc -l)" ] &&
      cmp -s "$instances/$one/processes/$1" "$instances/$instance/processes/$1" && all_active "${units[@]}"; then
      printf '%s\n' "$one"
      return 0
    fi
  done
}

# wanted_units WAY: those that must run of this release.
wanted_units() {
  local unit process way
  while read -r unit process way; do
    if [ "$way" = "$1" ] && [ -z "$(elsewhere "$process")" ]; then printf '%s\n' "$unit"; fi
  done < <(units_of "$instance")
}

# unwanted_units INSTANCE [WAY]: those of another instance that must not run any more.
unwanted_units() {
  local unit process way
  while read -r unit process way; do
    if [ "${2:-$way}" = "$way" ] && [ "$(elsewhere "$process")" != "$1" ]; then printf '%s\n' "$unit"; fi
  done < <(units_of "$1")
}

# finishing UNIT…: those that were told to end, and have not. A socket goes with its server.
finishing() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,ActiveState "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    !/ActiveState=(inactive|failed)/ { sub(/.*Id=/, ""); sub(/\n.*/, ""); if (!/\.socket$/) print }'
}

# start_units UNIT…: and does not wait.
start_units() {
  [ "$#" != 0 ] || return 0
  started=$(milliseconds) computed=0
  systemctl reset-failed "$@" 2>/dev/null || true
  logged systemctl start --no-block "$@"
}

# stop_units UNIT…: tells them to take no more tasks, finish what they do, and end; does not wait.
stop_units() { [ "$#" = 0 ] || systemctl stop --no-block "$@" >>"$log" 2>&1 9>&- || true; }

# ended UNIT…: none of them is there any more.
ended() { [ "$#" = 0 ] || ! grep -qvxE 'inactive|failed|unknown' < <(systemctl is-active "$@"); }

# returning UNIT…: those that were told to end, are gone back to before they have, and start when they have.
returning() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,ActiveState,Job "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    /ActiveState=deactivating/ && /Job=[1-9]/ { sub(/.*Id=/, ""); sub(/\n.*/, ""); print }'
}

# fallen UNIT…: the first that has ended by itself. One with a job is about to start: systemd has not come to it yet, or
# it is returning.
fallen() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,NRestarts,ActiveState,SubState,Job "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    /ActiveState=(inactive|failed|deactivating)/ && /Job=[1-9]/ { next }
    !bad && (/NRestarts=[1-9]/ || /SubState=auto-restart/ || !/ActiveState=(active|activating)/) { sub(/.*Id=/, ""); sub(/\n.*/, ""); bad = $0 }
    END { print bad }'
}

# starting UNIT…: whether they, started at $started, still start up: for 0.7 s, and then for as long as they compute.
# Those that already work do so for as long as there is work, and five seconds are enough.
starting() {
  local age=$(($(milliseconds) - started)) before=$computed
  [ "$#" != 0 ] && [ "$age" -lt 5000 ] || return 1
  computed=$(systemctl show -P CPUUsageNSec "$@" | awk '{ sum += $1 } END { printf "%d", sum / 1000000 }')
  [ "$age" -lt 700 ] || [ "$((computed - before))" -ge 25 ]
}

# settle UNIT…: waits until they have started up.
settle() { while starting "$@" && [ -z "$(fallen "$@")" ]; do sleep 0.1; done; }

# shelled UNIT…: the first whose main process is a shell that waits for the command, and would pass on no signal to it.
shelled() {
  local unit main
  for unit in "$@"; do
    main=$(systemctl show "$unit" -P MainPID)
    case $(cat "/proc/$main/comm" 2>/dev/null) in
    bash | dash | sh) if pgrep -P "$main" >/dev/null; then printf '%s\n' "$unit" && return 0; fi ;;
    esac
  done
}

# drop_units: the units of processes that there are no more. One that still finishes keeps its settings until then, when
# they are tidied up.
drop_units() {
  local file process here=/etc/systemd/system
  for file in "$here/$name"-*@.service; do
    process=${file#"$here/$name-"}
    process=${process%@.service}
    if ! grep -qxF "# Berth: the process $process of the application $name." < <(head -n 1 "$file" 2>/dev/null) ||
      grep -q "^$process " <<<"$processes"; then
      continue
    fi
    if ! ended "$name-$process@*.service"; then
      mkdir -p /run/systemd/system
      cp "$file" "/run/systemd/system/"
    fi
    take_away "$file"
  done
  daemon_reload_if_changed
}
