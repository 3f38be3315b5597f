: "${name?the name of the application}"
: "${root?the directory of the application}"
: "${data?a line for each account and place with data: what it is, and its name}"

lists=$state/made/applications

# run_of UNIT…: those of them that run, one a line.
run_of() { systemctl list-units --plain --no-legend --state=active,activating,deactivating "$@"; }
none_runs() { ! grep -q . < <(run_of "$@"); }

# end_application NAME: what Berth put on the host for the application when it was called so. Its data stays.
end_application() {
  local former=$1 own=$lists/$1 path unit place paths=() units=() templates=()
  say "ending what runs as '$former', another name of the application '$name'"
  place=$(sed -n 's/^ *"root": "\(\/[^"\\]*\)",*$/\1/p' "/usr/local/lib/berth/$former/application.json" 2>/dev/null || true)
  mapfile -t paths < <(cat "$own"/* | sort -u)
  for path in "${paths[@]}"; do
    unit=${path##*/}
    case $path in
    /etc/systemd/system/*/*) ;;
    /etc/systemd/system/*@.*) templates+=("${unit/@./@?*.}") ;;
    /etc/systemd/system/*) units+=("$unit") ;;
    esac
  done
  if [ "${#units[@]}" != 0 ]; then systemctl disable --quiet "${units[@]}" >>"$log" 2>&1 || true; fi
  units+=("${templates[@]}")
  if [ "${#units[@]}" != 0 ]; then
    # Each finishes what it has begun: requests, tasks, a command of a timer.
    systemctl stop --quiet --no-block "${units[@]}" >>"$log" 2>&1 || true
    wait_until 300 none_runs "${units[@]}" || say "something of it still runs after five minutes, so it is ended"
    systemctl kill --quiet --signal=KILL "${units[@]}" >>"$log" 2>&1 || true
    systemctl reset-failed "${units[@]}" >>"$log" 2>&1 || true
  fi
  for unit in "${templates[@]}"; do find /etc/systemd/system -maxdepth 1 -name "$unit" -delete; done
  for path in "${paths[@]}"; do give_up "$path" "^$own/"; done
  # The release program puts its versions beside each other, and nginx's page for maintenance is turned on by a file.
  for path in "/usr/local/lib/berth/$former/program" "/usr/local/lib/berth/$former"/program-* "/etc/berth/$former/maintenance" "/run/$former"; do
    take_away "$path"
  done
  rmdir --ignore-fail-on-non-empty "/usr/local/lib/berth/$former" "/etc/berth/$former" 2>/dev/null || true
  # In a directory that the application has no longer: its settings, with secrets in them.
  if [ -n "$place" ] && [ "$place" != "$root" ] && (guarded "$place/config") 2>/dev/null; then
    take_away "$place/config" "$place/sockets"
  fi
  logged systemctl daemon-reload
  rm -rf "$own"
}

for path in "$lists"/*/; do
  path=${path%/}
  if [ -d "$path" ] && [ "$path" != "$lists/$name" ]; then end_application "${path##*/}"; fi
done

# What holds data stays, and is named for as long as it is there.
still=()
while read -r kind it; do
  if [ -z "$kind" ] || grep -qxF -- "$kind $it" <<<"$data"; then continue; fi
  case $kind in
  account)
    # Not one that is an administrator's, or that Berth has not made.
    if ! getent passwd "$it" >/dev/null || [ -n "$(not_own "$it" '')" ]; then continue; fi
    if grep -qxF "$it" "$state/admins" 2>/dev/null; then continue; fi
    say "kept: the account '$it', which the stack does not name any more and which may own files. 'sudo deluser $it' on the host removes it"
    ;;
  directory)
    [ -d "$it" ] || continue
    say "kept: the directory $it, which the stack does not name any more and which may hold data. 'sudo rm -r $it' on the host removes it"
    ;;
  *) continue ;;
  esac
  still+=("$kind $it")
done < <(cat "$state/names/application" 2>/dev/null || true)
printf '%s\n' "${still[@]}" "$data" | sed '/^$/d' | sort -u | put_file "$state/names/application" root:root 0600
