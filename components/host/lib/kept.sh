# Fourth part: what a step has on the host, and what it had there under names that it has no longer.

# Each step keeps a list of its files where only root writes. What an earlier version of it had, and this one has not, goes
# when the step has proved itself.
list=$state/made/$step
declare -A kept=()

# of_application NAME: the list is that application's. Under another name all stays in place, until the step 'names' of the
# application (components/app/names) ends what serves under the name of before.
of_application() { list=$state/made/applications/$1/$step; }

# keeps PATH…: the step has these files. They are on its list before they are in place, for a run that is killed.
keeps() {
  local path before
  before=$'\n'$(cat "$list" 2>/dev/null || true)$'\n'
  [ -d "${list%/*}" ] || (umask 077 && mkdir -p "${list%/*}" 2>>"$log") || refuse_full_disk
  for path in "$@"; do
    kept[$path]=1
    case $before in
    *$'\n'"$path"$'\n'*) ;;
    *) printf '%s\n' "$path" >>"$list" ;;
    esac
  done
}

# former: the files that the step had and has no longer, one a line.
former() {
  local path
  [ -e "$list" ] || return 0
  while IFS= read -r path; do
    if [ -n "$path" ] && [ -z "${kept[$path]+set}" ]; then printf '%s\n' "$path"; fi
  done <"$list"
}

# take_away_former: takes them away, and from the list. A step ends with it; one whose proof they would spoil does it before.
take_away_former() {
  local path gone=()
  [ -e "$list" ] || return 0
  mapfile -t gone < <(former)
  if [ "${#gone[@]}" = 0 ]; then return 0; fi
  untouched=()
  for path in "${gone[@]}"; do give_up "$path" "^$list\$"; done
  reload_given_up
  if [ "$((${#kept[@]} + ${#untouched[@]}))" = 0 ]; then
    rm -f "$list"
  else
    printf '%s\n' "${!kept[@]}" "${untouched[@]}" | sort >"$list.new"
    mv -f "$list.new" "$list"
  fi
}

# give_up PATH LISTS: takes a file away that is on no other list than those that LISTS matches. A unit is stopped before, and
# started at no boot; instances of a template are their makers'. It stays where another account could have put it.
given_up='' untouched=()
give_up() {
  local path=$1
  [ -e "$path" ] || [ -L "$path" ] || return 0
  if grep -q . < <(grep -rlxF --exclude='*.new' -e "$path" "$state/made" 2>/dev/null | grep -v "$2" || true); then return 0; fi
  if ! (guarded "$path") 2>/dev/null; then
    say "left where it is, because another account can change a directory above it: $path"
    untouched+=("$path")
    return 0
  fi
  case $path in
  /etc/systemd/system/*) given_up=yes ;;
  esac
  case $path in
  /etc/systemd/system/*/* | /etc/systemd/system/*@.*) ;;
  /etc/systemd/system/*.service | /etc/systemd/system/*.timer | /etc/systemd/system/*.socket | /etc/systemd/system/*.path)
    systemctl disable --now --quiet "${path##*/}" >>"$log" 2>&1 9>&- || true
    ;;
  esac
  take_away "$path"
  # Directories of Berth's own that were there for it alone.
  path=${path%/*}
  while rmdir_own "$path"; do path=${path%/*}; done
}

# rmdir_own PATH: removes a directory that is one of Berth's own and empty.
rmdir_own() {
  case $1 in
  /etc/systemd/system/*.d | /etc/berth/* | /usr/local/share/berth/* | /usr/local/lib/berth/*) rmdir "$1" 2>/dev/null ;;
  *) return 1 ;;
  esac
}

# reload_given_up: makes systemd forget the units that were given up.
reload_given_up() {
  if [ -n "$given_up" ]; then logged systemctl daemon-reload; fi
  given_up=
}

# finish: the step has proved itself; what it changed is in force, and what it had before is gone.
finish() {
  take_away_former
  keep_record
  rm -f "$unfinished"
}
