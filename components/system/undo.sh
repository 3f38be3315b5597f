#!/bin/bash
# Berth: takes back what a step has changed, unless Berth has come in again since; see components/host/lib/undo.sh.
# undo STEP: a minute later. undo --boot: what a boot finds, before anything reads those files.
set -u
umask 077
undo=/var/lib/berth/undo undone=/var/lib/berth/undone

take_back() {
  local place=$undo/$1 path differs=
  while IFS= read -r -d '' path; do
    if [ -f "$place/files$path" ]; then
      if cmp -s "$place/files$path" "$path"; then continue; fi
      cp -P --preserve=mode,ownership,timestamps -- "$place/files$path" "$path"
    elif [ -e "$path" ]; then rm -f -- "$path"
    else continue; fi
    differs=yes
  done <"$place/paths"
  # Of a step that has changed nothing, nothing is to be done again.
  if [ -z "$differs" ]; then return 1; fi
  mkdir -p "$undone"
  : >"$undone/$1"
}

exec 9<>/run/berth.lock
flock -w 1200 9
case ${1-} in
--boot)
  for place in "$undo"/*/; do
    step=$(basename "$place")
    if [ -f "$place/paths" ] && [ ! -e "$place/came-in" ] && { [ -f "$place/command" ] || [ -e "/var/lib/berth/unfinished/$step" ]; }; then
      take_back "$step" || true
    fi
    rm -rf "$place"
  done
  ;;
?*)
  if [ -f "$undo/$1/command" ] && [ ! -e "$undo/$1/came-in" ] && take_back "$1"; then bash "$undo/$1/command"; fi
  rm -rf "${undo:?}/$1"
  ;;
*) exit 2 ;;
esac
