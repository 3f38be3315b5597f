# Fifth part: what a step has made, as it made it. What is there is compared with it by host_drift.

# Root's alone: a line a thing, of its kind, its name, the step that made it and how it is. The texts of files that every
# account may read lie next to it by their paths, so that a difference can be shown. Of all others there is the digest alone.
record=$state/record
declare -A noted=()
forgotten=()

# note KIND NAME HOW…: the step has made this. What a boot takes away is no part of it.
note() {
  local IFS=$'\t' key=$1$'\t'$2
  case $2 in /run/* | /tmp/* | /dev/* | *[$'\t\n']*) return 0 ;; esac
  shift 2
  noted[$key]="$*"
}

# note_file PATH OWNER:GROUP MODE [secret]: a file, whose text may be shown where every account may read it.
note_file() {
  local shown=secret
  if [ -z "${4:-}" ] && [ "$((0$3 & 4))" != 0 ]; then shown=text; fi
  note file "$1" "$2" "$3" "$shown"
}

# forget PATH: it is taken away, with all below it.
forget() {
  local key
  for key in "${!noted[@]}"; do
    case ${key#*$'\t'} in "$1" | "$1"/*) unset "noted[$key]" ;; esac
  done
  forgotten+=("$1")
}

# A longer file is none that Berth has made, and no text that somebody has written.
longest=16777216
is_long() { [ "$(stat -c %s "$1")" -gt "$longest" ]; }

# by_hand PATH: somebody has changed this file since Berth made it.
by_hand() {
  local digest
  if [ -n "${changes[$1]+set}" ] || [ ! -f "$1" ] || [ -L "$1" ]; then return 1; fi
  digest=$(awk -F '\t' -v path="$1" '$1 == "file" && $2 == path { print $7 }' "$record/things" 2>/dev/null || true)
  [ -n "$digest" ] && { is_long "$1" || [ "$(sha256sum <"$1" | cut -d' ' -f1)" != "$digest" ]; }
}

# keep_aside PATH: what somebody has written there is kept before it goes.
keep_aside() {
  local place
  if is_long "$1"; then
    say "$1 was not as Berth had made it; what was there is too large to be kept"
    return 0
  fi
  place=$state/aside/$(date --utc +%FT%TZ)
  (umask 077 && mkdir -p "$place" && cp -P --parents --preserve=mode,ownership -t "$place" -- "$1") 2>>"$log" || refuse_full_disk
  say "$1 was not as Berth had made it; what was there is kept in $place$1"
}

# keep_below PATH: the same of all that Berth has made at this path and below it.
keep_below() {
  local path
  while IFS= read -r path; do
    if by_hand "$path"; then keep_aside "$path"; fi
  done < <(awk -F '\t' -v at="$1" '$1 == "file" && ($2 == at || index($2, at "/") == 1) { print $2 }' "$record/things" 2>/dev/null || true)
}

# disregard PATH: Berth is not alone in writing this file, so that a change of it is none by hand.
disregard() { unset "noted[file"$'\t'"$1]"; }

# keep_record: what the step made this time takes the place of what it made before.
keep_record() {
  local key line file paths=() texts=() stale=()
  local -A digests=()
  if [ "${#noted[@]}" = 0 ] && [ ! -e "$record/things" ]; then return 0; fi
  [ -d "$record/text" ] || (umask 077 && mkdir -p "$record/text" 2>>"$log") || refuse_full_disk
  for key in "${!noted[@]}"; do
    case $key in
    file$'\t'*)
      file=${key#*$'\t'}
      # One that the step needed for a while.
      if [ ! -f "$file" ] || [ -L "$file" ]; then
        unset "noted[$key]"
        continue
      fi
      paths+=("$file")
      case ${noted[$key]} in *$'\t'text) texts+=("$file") ;; esac
      ;;
    esac
  done
  if [ "${#paths[@]}" != 0 ]; then
    while IFS= read -r -d '' line; do digests[${line:66}]=${line:0:64}; done < <(sha256sum -z -- "${paths[@]}")
  fi
  (
    umask 077
    for key in "${!noted[@]}"; do
      line=$key$'\t'$step$'\t'${noted[$key]}
      case $key in file$'\t'*) line+=$'\t'${digests[${key#*$'\t'}]-} ;; esac
      printf '%s\n' "$line"
    done >"$record/new"
    printf '%s\n' "${forgotten[@]}" >"$record/gone"
    # Of the things of before all stay but those of this step, those that it has made, and those that were taken away.
    [ ! -e "$record/things" ] ||
      awk -F '\t' -v step="$step" -v stale="$record/stale" '
        FILENAME ~ /\/new$/ { made[$1 FS $2] = 1; next }
        FILENAME ~ /\/gone$/ { if ($1 != "") gone[++count] = $1; next }
        {
          goes = $3 == step || (($1 FS $2) in made)
          for (i = 1; i <= count && !goes; i++) goes = $2 == gone[i] || index($2, gone[i] "/") == 1
          if (!goes) print
          else if ($1 == "file") printf "%s%c", $2, 0 >stale
        }' "$record/new" "$record/gone" "$record/things" >"$record/others"
    touch "$record/others" "$record/stale"
    mapfile -t -d '' stale <"$record/stale"
    if [ "${#stale[@]}" != 0 ]; then printf '%s\0' "${stale[@]/#/$record/text}" | xargs -0 rm -rf --; fi
    if [ "${#texts[@]}" != 0 ]; then cp -P --parents -t "$record/text" -- "${texts[@]}"; fi
    sort "$record/new" "$record/others" >"$record/all"
    mv -f "$record/all" "$record/things"
    rm -f "$record/new" "$record/gone" "$record/others" "$record/stale"
  ) 2>>"$log" || refuse_full_disk
}
