# An instance's file 'units' names the units of its processes, one a line: the unit, its process, 'alone' or 'beside'.
# It is written before one of them starts, and goes when none runs any more.

# When those that were started last were, of SECONDS.
started=0

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

# running INSTANCE: those of its units that have not ended.
running() {
  local units
  mapfile -t units < <(units_of "$1" | cut -d' ' -f1)
  [ "${#units[@]}" != 0 ] || return 0
  systemctl show -p Id,ActiveState "${units[@]}" | awk 'BEGIN { RS = ""; FS = "\n" } !/ActiveState=(inactive|failed)/ { sub(/.*Id=/, ""); sub(/\n.*/, ""); print }'
}

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

# finishing INSTANCE: those of its units that are to end, and have not.
finishing() { comm -12 <(unwanted_units "$1" | sort) <(running "$1" | sort); }

# start_units UNIT…: and does not wait.
start_units() {
  [ "$#" != 0 ] || return 0
  systemctl reset-failed "$@" 2>/dev/null || true
  logged systemctl start --no-block "$@"
}

# stop_units UNIT…: tells them to take no more tasks, finish what they do, and end; does not wait.
stop_units() { [ "$#" = 0 ] || systemctl stop --no-block "$@" >>"$log" 2>&1 9>&- || true; }

# ended UNIT…: none of them is there any more.
ended() { [ "$#" = 0 ] || ! grep -qvxE 'inactive|failed|unknown' < <(systemctl is-active "$@"); }

# fallen UNIT…: the first that has ended by itself.
fallen() {
  [ "$#" != 0 ] || return 0
  systemctl show -p Id,NRestarts,ActiveState,SubState "$@" | awk 'BEGIN { RS = ""; FS = "\n" }
    !bad && (/NRestarts=[1-9]/ || /SubState=auto-restart/ || !/ActiveState=(active|activating)/) { sub(/.*Id=/, ""); sub(/\n.*/, ""); bad = $0 }
    END { print bad }'
}

# settle UNIT…: waits until they, started at $started, have started up and compute no more. Those that already work are
# busy for as long as there is work, and are not waited for.
settle() {
  local used before=0 end=$((SECONDS + 5))
  [ "$#" != 0 ] || return 0
  while [ "$SECONDS" -lt "$end" ] && [ -z "$(fallen "$@")" ]; do
    used=$(systemctl show -P CPUUsageNSec "$@" | awk '{ sum += $1 } END { printf "%d", sum / 1000000 }')
    if [ "$((used - before))" -lt 50 ] && [ "$((SECONDS - started))" -ge 2 ]; then return 0; fi
    before=$used
    sleep 0.25
  done
}

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

# forget INSTANCE: what lies of it on the disk, once none of its processes runs.
forget() {
  local link units
  if [ -n "$(running "$1")" ]; then return 0; fi
  mapfile -t units < <(units_of "$1" | cut -d' ' -f1)
  if [ "${#units[@]}" != 0 ]; then systemctl reset-failed "${units[@]}" 2>/dev/null || true; fi
  for link in "${instances:?}/$1".*; do
    if [ -L "$link" ]; then rm -f "$link"; fi
  done
  rm -rf "${instances:?}/$1"
}

# drop_units: the units of processes that there are no more. One that still finishes keeps its settings until then.
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
