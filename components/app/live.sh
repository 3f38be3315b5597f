: "${django?the settings module of a Django application; empty for another}"
: "${settings?changes when a setting that is not secret does}"
: "${unit_text?changes when the unit or the settings of the server do}"
: "${kept?not empty when the release is one that the host has kept}"
: "${retry?a release that is tried again though it has failed; empty for none}"
: "${keep?how many releases that were well are kept}"
: "${release_command?what migrates in place of the usual command; empty for the line of the Procfile, if it has one}"
: "${dump?not empty when the database is dumped before it is migrated}"

# running_text: all that decides how an instance runs, beside its code.
running_text() {
  local process source
  cat "$root/config/env"
  if [ -n "$web" ]; then cat "/etc/systemd/system/$name-web@.service" "$(server_settings "$release")"; fi
  [ -n "$processes" ] || return 0
  printf '%s\n' "$processes"
  while read -r process _ _ _ _ _ source; do
    cat "/etc/systemd/system/$name-$process@.service"
    if [ "$source" = configured ]; then cat "/etc/berth/$name/processes/$process"; fi
  done <<<"$processes"
}

instance=$release.$(running_text | sha256sum | cut -c1-6)
unit=$(unit_of "$instance")
socket=$(socket_of "$instance")
bad=$ledger/bad/$instance
before=$(live_instance)
switched='' beside=() alone=() old=()

# proven_so: the release has been well, and where it has processes, it was with these settings: another command of a
# worker, or another password, is a start like the first.
proven_so() { proven "$release" && { [ -z "$processes" ] || grep -qxF "${instance##*.}" "$facts/$release/proven"; }; }

# without_interrupted: standard input without the tracebacks of Python programs that were interrupted. A uWSGI whose
# first worker fails ends the others, and each of them says at length where it was.
without_interrupted() {
  awk '/^Traceback / { printf "%s", held; held = ""; holding = 1 }
    !holding { print; next }
    { held = held $0 "\n" }
    !/^( |Traceback )/ { if (!/^KeyboardInterrupt/) printf "%s", held; held = ""; holding = 0 }
    END { printf "%s", held }'
}

# last_words UNIT: what it printed since this step began. gunicorn puts some thirty lines of its own below the
# application's exception.
last_words() {
  journalctl -u "$1" --since "@$began" -o cat --no-pager 2>/dev/null | without_interrupted | tail -n 80 | mask
}

# refuse REASON WORDS NEXT: this instance is not tried again by itself. A full disk is not its fault.
refuse() {
  refuse_full_disk
  (umask 077 && printf '%s\n%s\n' "$1" "$2" >"$bad") 2>/dev/null || true
  fail "$1" "$3"
}

# serving: what people see now.
serving() {
  if [ -n "$before" ]; then
    printf 'It did not go live; %s, the release before, still serves.\n' "$(live_release)"
  else
    printf 'Its log: journalctl -u %s\n' "$1"
  fi
}

# fall_back UNIT REASON: the new instance goes, and what it had at hand goes to the one before.
fall_back() {
  local words next
  words=$(last_words "$1")
  printf '%s\n' "$words" >&2 2>/dev/null || true
  # The one that is live already, which has fallen ill: there is no other.
  if [ "$instance" = "$before" ]; then fail "the application is not well: $2" "Its log: journalctl -u $1"; fi
  next=$(serving "$1")
  if [ -n "$switched" ]; then
    next="It was well before the switch.${before:+ $(live_release), the release before, serves again.}"
    if [ -n "$web" ] && [ -n "$before" ]; then lead_to "$before"; else rm -f "$run/web.sock"; fi
  fi
  take_back
  if [ -n "$web" ]; then give_back "$instance"; fi
  rm -f "$run/before.sock"
  leave "$instance" "${beside[@]}" "${alone[@]}"
  tidy_up
  refuse "release $release is not well: $2" "$words" "$next"
}

# not_well CODE: with which the health path was answered.
not_well() {
  local answered="answers $1"
  if [ "${1:-000}" = 000 ]; then answered="does not answer"; fi
  fall_back "$unit.service" "$health $answered, and 200 was expected."
}

# process_of UNIT: its name in the configuration.
process_of() { sed "s/^$name-//; s/@.*//" <<<"$1"; }

# not_up UNIT: a process that does not stay up.
not_up() {
  fall_back "$1" "its process '$(process_of "$1")' ended by itself, and it was expected to stay up."
}

# no_signal UNIT: a process that could not be told to finish what it does.
no_signal() {
  fall_back "$1" "the command of its process '$(process_of "$1")' leaves a shell waiting for it, which passes on no signal; one program was expected, or a command that ends with 'exec PROGRAM'."
}

# How many migrations this release would apply: as app-release has just found, or asked anew.
migrations_to_apply() {
  local plan
  plan=$({ find "$ledger/plan" -mmin -10 | xargs -r cat; } 2>/dev/null || true)
  case $plan in
  "$release $(settings_digest) "*) to_apply=${plan##* } ;;
  *)
    plan=$(settled_unit "$name" "$venv/bin/python" "/usr/local/lib/berth/$name/django-release.py" migrations 2> >(mask | tee -a "$log" >&2) </dev/null 9>&-) ||
      fail "Django's migrations cannot be listed." "Its last lines are above; the site still runs the release before."
    to_apply=$(grep -c '^to migrate: ' <<<"$plan" || true)
    ;;
  esac
}

# A dump that is there is of before the first try, and stays.
dump_database() {
  local from=("/usr/local/lib/berth/$name/database_dump.py")
  [ -n "$dump" ] && [ ! -e "$dumps/$release.dump" ] || return 0
  if [ -n "$django" ]; then
    from=("/usr/local/lib/berth/$name/django-release.py" dump)
  elif ! grep -qE "^DATABASE_URL=['\"]?postgres" "$root/config/env"; then
    return 0
  fi
  (umask 077 && mkdir -p "$dumps")
  chmod 0700 /var/backups/berth "$dumps"
  if ! (umask 077 && settled_unit "$name" "$venv/bin/python" "${from[@]}" \
    >"$dumps/.$release" 2> >(mask | tee -a "$log" >&2) </dev/null 9>&-); then
    rm -f "$dumps/.$release"
    refuse_full_disk
    fail "the database could not be dumped, and so it was not migrated." "Its last lines are above. berth:app.dumpBeforeMigrate: false goes on without."
  fi
  mv -fT "$dumps/.$release" "$dumps/$release.dump"
}

# migrate: Django's own command when it has something to do; in its place the release's command, always.
migrate() {
  local from to_apply=1 status=0 what="Django's migrate" command=("$venv/bin/python" -m django migrate --noinput --verbosity 1)
  local line=$release_command
  [ -n "$web" ] && [ -z "$kept" ] || return 0
  [ -n "$line" ] || line=$(procfile_line release)
  [ -n "$django$line" ] || return 0
  if [ -n "$django" ]; then migrations_to_apply; fi
  if [ -n "$line" ]; then
    what="the release's command '$line'"
    command=(/bin/bash -c "$line")
  elif [ "$to_apply" = 0 ]; then
    return 0
  fi
  if [ "$to_apply" != 0 ]; then dump_database; fi
  from=$(($(wc -l <"$log") + 1))
  # A migration that would wait for a table holds up everyone who comes after it: it gives up instead.
  in_unit "$name" --setenv="PGOPTIONS=-c lock_timeout=5s" --setenv="PATH=$venv/bin:/usr/local/bin:/usr/bin:/bin" "${command[@]}" || status=$?
  rm -f "$ledger/plan"
  [ "$status" != 0 ] || return 0
  if grep -q 'canceling statement due to lock timeout' < <(tail -n "+$from" "$log"); then
    fail "$what waited 5 s for a table that another transaction holds, and gave up." "The site still runs the release before. Run 'pulumi up' again when the table is free: 'SELECT * FROM pg_locks' shows who holds it."
  fi
  refuse "$what failed." "$(tail -n "+$from" "$log" | tail -n 40)" "Its last lines are above; the site still runs the release before."
}

# server_ids: the server's processes, by their ids.
server_ids() {
  local main
  main=$(systemctl show "$unit.service" -P MainPID)
  printf '%s\n' "$main"
  pgrep -P "$main" || true
}
# crashed: one of those that there were is gone.
crashed() { [ -n "$(comm -23 <(sort <<<"$seen") <(server_ids | sort))" ]; }
# restarted: it has ended by itself, and systemd has started it again, or is about to.
restarted() { grep -qE '^(NRestarts=[1-9]|SubState=auto-restart|ActiveState=failed)' < <(systemctl show "$unit.service" -p NRestarts,SubState,ActiveState); }

# start_server: its socket, and the server itself, for which nobody waits here.
start_server() {
  mkdir -p "$run"
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  logged systemctl start "$unit.socket" || fail "the socket $socket cannot be made."
  logged systemctl start --no-block "$unit.service"
}

# await_server UNIT…: until it answers; each of its workers has then loaded what a request needs before people come.
await_server() {
  local code=000
  # A connection that nobody takes would keep the question waiting.
  settled() {
    if restarted; then code=000 && return 0; fi
    code=$(answer 2 "$socket")
    [ "$code" = 200 ]
  }
  wait_until 40 settled || code=$(answer 10 "$socket")
  if [ "$code" != 200 ]; then not_well "$code"; fi
  # Several at once.
  for _ in 1 2 3 4 5 6 7 8; do answer 20 "$socket" & done >/dev/null 9>&-
  # What the units compute is looked at from here on.
  starting "$@" || true
  wait
  seen=$(server_ids)
}

start_beside() {
  local fallen shell early
  # One that is gone back to may still finish what it has begun when it was live.
  if [ -e "$instances/$instance" ]; then
    finished() { [ "$(systemctl show "$unit.service" -P ActiveState)" != deactivating ]; }
    wait_until "$((timeout + 15))" finished ||
      fail "$unit.service, which is gone back to, still ends." "See 'systemctl status $unit.service' on the host, then run 'pulumi up' again."
  fi
  put_instance "$instance"
  mapfile -t beside < <(wanted_units beside)
  mapfile -t alone < <(wanted_units alone)
  mapfile -t old < <(unwanted_alone)
  # What has been well before starts all at once. Of any other release what there may be only one of starts when people
  # are served by it: until then the old one goes on.
  early=("${beside[@]}")
  if proven_so; then
    stop_units "${old[@]}"
    early+=("${alone[@]}")
  fi
  # The time that it takes to see whether they stay up is that in which the server starts.
  start_units "${beside[@]}"
  if [ -n "$web" ]; then start_server; fi
  if proven_so; then take_over; fi
  if [ -n "$web" ]; then await_server "${early[@]}"; fi
  settle "${early[@]}"
  fallen=$(fallen "${early[@]}")
  if [ -n "$fallen" ]; then not_up "$fallen"; fi
  for fallen in $(returning "${early[@]}"); do
    say "$fallen: still finishes what it had begun; it takes tasks again when it has, and until then no other does"
  done
  # With these settings it had none.
  if proven_so; then return 0; fi
  shell=$(shelled "${beside[@]}")
  if [ -n "$shell" ]; then no_signal "$shell"; fi
}

# watch: for a second after the switch, and until what was started then has started up; one that has served
# before is only asked once.
watch() {
  local code fallen more=yes
  while [ -n "$more" ]; do
    if proven_so || { ! starting "${alone[@]}" && [ "$(milliseconds)" -ge "$((switched + 1000))" ]; }; then more=''; fi
    if [ -n "$web" ]; then
      if [ "$door" = 200 ]; then code=$(front); else code=$(answer 10 "$socket"); fi
      if [ "$code" != 200 ]; then not_well "$code"; fi
      if crashed; then not_well 000; fi
    fi
    fallen=$(fallen "${beside[@]}" "${alone[@]}")
    if [ -n "$fallen" ]; then not_up "$fallen"; fi
    [ -z "$more" ] || sleep 0.1
  done
}

# unwanted_alone: what runs of other instances of that of which there may be only one.
unwanted_alone() {
  local one
  for one in $(others "$instance"); do unwanted_units "$one" alone; done
}

# take_over: of what there may be only one, the new one starts when the old one, which has been told to, has ended.
take_over() {
  wait_until 40 ended "${old[@]}" || fall_back "${old[0]}" "${old[*]} of the release before does not end, and there may be only one."
  start_units "${alone[@]}"
}

# take_back: the processes of the new instance are told to end, and of what there may be only one the old one runs again.
take_back() {
  local old
  stop_units "${beside[@]}" "${alone[@]}"
  if [ -z "$before" ]; then return 0; fi
  wait_until 40 ended "${alone[@]}" || true
  mapfile -t old < <(unwanted_units "$before" alone)
  start_units "${old[@]}" || true
}

# leave INSTANCE UNIT…: the step does not wait for what its units have begun, which goes on.
leave() {
  local left
  left=$(finishing "${@:2}" | paste -sd' ')
  [ -z "$left" ] || say "$left: finishes what it has begun, on release ${1%.*}, and then ends"
}

# tidy_up: when that has ended. One that is there already looks after it as well.
tidy_up() {
  systemd-run --quiet --collect --no-block --unit "berth-$name-tidy" "/usr/local/lib/berth/$name/tidy" 2>>"$log" || true
}

switch() {
  # It ends while the web server is switched. What has moved to another host starts there when this step has ended.
  if ! proven_so; then stop_units "${old[@]}"; fi
  # Where the front door does not answer for this name now, it says nothing about the release.
  door=000
  if [ -n "$web" ]; then
    if [ -n "$before" ] && systemctl is-active --quiet nginx.service; then door=$(front); fi
    # Should the new one crash, nginx asks the one before again where that is safe (site.conf).
    if [ -n "$before" ]; then put_link "$run/before.sock" "web-$before.sock"; fi
    # Pages that are open have come from there.
    if [ -n "$came_from" ] && [ "$came_from" != "$release" ]; then put_link "$root/static/before" "$root/static/$came_from"; fi
    lead_to "$instance"
  fi
  switched=$(milliseconds)
  if ! proven_so; then take_over; fi
  watch
  touch "$facts/$release/proven"
  if ! proven_so; then printf '%s\n' "${instance##*.}" >>"$facts/$release/proven"; fi
  put_link "$instances/current" "$instance"
  put_link "$root/current" "$directory"
  rm -f "$run/before.sock" "$bad"
}

is_live() {
  local units
  [ "$before" = "$instance" ] && [ "$(readlink "$root/current" || true)" = "$directory" ] || return 1
  if [ -n "$web" ]; then
    [ "$(readlink "$run/web.sock" || true)" = "web-$instance.sock" ] && systemctl is-active --quiet "$unit.service" && well "$socket" || return 1
  fi
  mapfile -t units < <(
    wanted_units beside
    wanted_units alone
  )
  all_active "${units[@]}"
}

# retire_others: all other instances take no more tasks and no more requests, finish what they have begun, and end.
retire_others() {
  local one units rest late=()
  local -A ending=()
  mapfile -t rest < <(others "$instance")
  for one in "${rest[@]}"; do
    mapfile -t units < <(unwanted_units "$one")
    if [ -n "$web" ] && none_waits "$one"; then
      mapfile -t -O "${#units[@]}" units < <(server_units "$one")
    elif [ -n "$web" ]; then
      late+=("$one")
    fi
    stop_units "${units[@]}"
    ending[$one]=${units[*]}
  done
  for one in "${late[@]}"; do
    wait_until "$timeout" none_waits "$one" || say "$(unit_of "$one") has not taken all that waits at its socket in $timeout s"
    mapfile -t units < <(server_units "$one")
    stop_units "${units[@]}"
    ending[$one]+=" ${units[*]}"
  done
  for one in "${rest[@]}"; do
    read -ra units <<<"${ending[$one]}"
    leave "$one" "${units[@]}"
  done
  tidy_up
  drop_units
}

# prune: the releases that were well last stay; with the others go their static files, dumps and environments.
prune() {
  local one place
  stat -c '%Y %n' "$facts"/*/proven | sort -rn | head -n "$keep" | sed 's#/proven$##; s#.*/##' >"$ledger/kept"
  for one in "$root"/releases/*/; do
    one=$(basename "$one")
    if [ "$one" != "$release" ] && ! grep -qxF "$one" "$ledger/kept" && ! in_use "$one"; then
      forget "$one"
    fi
  done
  for place in "$root"/venvs/*/; do
    place=${place%/}
    for one in "$root"/releases/*/.venv; do
      if [ "$(readlink "$one" || true)" = "$place" ]; then continue 2; fi
    done
    discard "$place"
  done
  find "$ledger/bad" -type f -printf '%T@ %p\n' | sort -rn | tail -n +21 | cut -d' ' -f2 | xargs -r rm -f
  if [ -e "$ledger/releases.jsonl" ]; then tail -n 500 "$ledger/releases.jsonl" | put_file "$ledger/releases.jsonl" root:root 0600; fi
}

if ! is_live; then
  if [ -e "$bad" ] && [ "$retry" != "$release" ]; then
    sed -n '2,$p' "$bad" >&2
    fail "release $release has failed before, with the same settings, and is not tried again: $(head -n 1 "$bad")" "Deploy another; or set berth:app.retry: $release to try this one once more. $(serving "$unit")"
  fi
  recorded
  refuse_full_disk
  migrate
  start_beside
  switch
  if [ "$came_from" = "$release" ]; then
    note settings
  elif [ -n "$kept" ]; then
    note rollback
  else
    note release
  fi
  trap - EXIT
fi
# Neither touches what the other does.
prune &
pruning=$!
retire_others
wait "$pruning"
