# Sixth part: a step that could shut Berth out is taken back, unless Berth comes in again within a minute.

# What the files were, and what is to be done to have that again; /usr/local/lib/berth/undo does it, after a boot as well.
undo=$state/undo
# By the steps that were taken back.
undone=$state/undone

# undo_knows PATH…: what is in these files now comes back. Before anything is changed.
undo_knows() {
  local path
  rm -f "$undone/$step"
  # What a run that was killed has left there is no better than what it knew.
  if [ -e "$undo/$step/paths" ] && [ -e "$unfinished" ]; then return; fi
  rm -rf "${undo:?}/$step"
  (umask 077 && mkdir -p "$undo/$step/files") 2>>"$log" || refuse_full_disk
  for path in "$@"; do
    if [ -f "$path" ]; then cp -P --parents --preserve=mode,ownership,timestamps -t "$undo/$step/files" -- "$path"; fi
  done
  printf '%s\0' "$@" >"$undo/$step/paths"
}

# undo_at_once: the files are as they were; nothing has read the new ones yet.
undo_at_once() {
  local path
  while IFS= read -r -d '' path; do
    if [ -f "$undo/$step/files$path" ]; then
      cp -P --preserve=mode,ownership,timestamps -- "$undo/$step/files$path" "$path"
    else rm -f -- "$path"; fi
  done <"$undo/$step/paths"
}

# undo_by COMMAND: from now on there is a minute to come in again; else the files are as they were, and this is done.
undo_by() {
  printf '%s\n' "$1" >"$undo/$step/command.new"
  mv "$undo/$step/command.new" "$undo/$step/command"
  logged systemd-run --quiet --collect --unit="berth-undo-$step" --timer-property=AccuracySec=1s --on-active=60 \
    /usr/local/lib/berth/undo "$step"
  # Of each run another, so that what comes next (components/system/reached.sh) is another as well.
  printf '%s: is taken back unless Berth comes in again by %s UTC\n' "$step" "$(date --utc -d '+60 seconds' +%T.%N)"
}

# came_in: this step came by a connection of its own, after all those that wait for one. It may have to wait for the lock.
came_in() {
  local place holder=''
  { read -r holder; } 2>/dev/null <"$state/claim" || true
  if [ -z "${claim-}" ] || [ "$holder" != "$claim" ]; then return; fi
  for place in "$undo"/*/command; do
    if [ -f "$place" ]; then : >"${place%/command}/came-in"; fi
  done
}

# settle_undo: nothing waits any more for what has come in. With the lock.
settle_undo() {
  local place
  for place in "$undo"/*/came-in; do
    if [ ! -f "$place" ]; then continue; fi
    place=${place%/came-in}
    systemctl stop --quiet "berth-undo-${place##*/}.timer" 2>/dev/null || true
    rm -rf "$place"
  done
}
