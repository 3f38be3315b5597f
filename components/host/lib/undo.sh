# Sixth part: a step that could shut Berth out is taken back, unless Berth comes in again within a minute.

# What the files were, and what is to be done to have that again. A boot takes it away.
undo=/run/berth-undo
# By the steps that were taken back.
undone=$state/undone

# undo_knows PATH…: what is in these files now comes back. Before anything is changed.
undo_knows() {
  local path
  rm -rf "${undo:?}/$step" "$undone/$step"
  (umask 077 && mkdir -p "$undo/$step/files")
  for path in "$@"; do
    if [ -f "$path" ]; then cp -P --parents --preserve=mode,ownership,timestamps -t "$undo/$step/files" -- "$path"; fi
  done
  printf '%s\0' "$@" >"$undo/$step/paths"
}

# undo_by COMMAND: from now on there is a minute to come in again; else the files are as they were, and this is done.
undo_by() {
  {
    printf 'set -u\nexec 9<>/run/berth.lock\nflock -w 600 9\n'
    # Berth may have come in while this waited.
    printf 'cd %q || exit 0\n' "$undo/$step"
    # shellcheck disable=SC2016 # This runs when the time is over.
    printf '%s\n' 'while IFS= read -r -d "" path; do' \
      '  if [ -f "files$path" ]; then cp -P --preserve=mode,ownership,timestamps -- "files$path" "$path"; else rm -f -- "$path"; fi' \
      'done <paths'
    printf '%s\nmkdir -p %q && : >%q\nrm -rf %q\n' "$1" "$undone" "$undone/$step" "$undo/$step"
  } >"$undo/$step/script.new"
  mv "$undo/$step/script.new" "$undo/$step/script"
  logged systemd-run --quiet --collect --unit="berth-undo-$step" --timer-property=AccuracySec=1s --on-active=60 \
    /bin/bash "$undo/$step/script"
  # Of each run another, so that what comes next (components/system/reached.sh) is another as well.
  printf '%s: is taken back unless Berth comes in again by %s UTC\n' "$step" "$(date --utc -d '+60 seconds' +%T.%N)"
}

# came_in: this step came by a connection of its own, after all those that wait for one.
came_in() {
  local script
  for script in "$undo"/*/script; do
    if [ ! -f "$script" ]; then continue; fi
    script=${script%/script}
    systemctl stop --quiet "berth-undo-${script##*/}.timer" 2>/dev/null || true
    rm -rf "$script"
  done
}
