# Second part: files, accounts and directories, each made as wanted or left alone.

# put_file PATH OWNER:GROUP MODE [secret]: standard input becomes the file, atomically. A file that is the same is left
# alone; any other counts as a change until the step has finished, even across a kill. One that somebody has changed since
# Berth put it there is kept aside.
put_file() {
  local path=$1 owner=$2 mode=$3 directory temporary stale
  guarded "$path"
  directory=${path%/*}
  [ -d "$directory" ] || mkdir -p "$directory"
  # What a killed run left here, maybe with a secret in it.
  for stale in "$directory"/.berth.????????; do
    if [ -f "$stale" ]; then rm -f "$stale"; fi
  done
  temporary=$(mktemp "$directory/.berth.XXXXXXXX")
  if ! { cat >"$temporary"; } 2>>"$log"; then
    rm -f "$temporary"
    refuse_full_disk
    fail "could not write $path."
  fi
  if [ -f "$path" ] && [ ! -L "$path" ] && [ "$(stat -c '%U:%G %04a' "$path")" = "$owner $mode" ] && cmp -s "$temporary" "$path"; then
    rm -f "$temporary"
  else
    if by_hand "$path" && ! cmp -s "$temporary" "$path"; then keep_aside "$path"; fi
    chown "$owner" "$temporary"
    chmod "$mode" "$temporary"
    mv -fT "$temporary" "$path"
    changes[$path]=1
  fi
  note_file "$path" "$owner" "$mode" "${4:-}"
}

# put_secret_file PATH OWNER:GROUP MODE NAME: the same, with a secret for its content.
put_secret_file() { secret "$4" | put_file "$1" "$2" "$3" secret; }

# put_directory PATH OWNER:GROUP MODE
put_directory() {
  guarded "$1"
  [ ! -L "$1" ] || fail "$1 is a link, and a directory was expected." "Remove the link, or put what it leads to in its place."
  [ -d "$1" ] || mkdir -p "$1"
  if [ "$(stat -c '%U:%G' "$1")" != "$2" ]; then chown "$2" "$1"; fi
  if [ "$(stat -c '%a' "$1")" != "${3#0}" ]; then chmod "$3" "$1"; fi
  note directory "$1" "$2" "$3"
}

# Directories that are root's alone, and stay so: nobody else could change that.
declare -A closed=()

# guarded PATH [KEY]: ends the step where another account can put anything else in the place of a directory above PATH:
# root would write, chown or delete through a link of that account's. Without a word for what is root's alone.
guarded() {
  local path=$1 above=() mode user group next=Give
  if [ -n "${2:-}" ]; then next="Choose another place, such as /srv/NAME, or give"; fi
  while [ -n "$path" ] && [ "$path" != / ]; do
    path=${path%/*}
    if [ -n "${closed[${path:-/}]+set}" ]; then break; fi
    above=("${path:-/}" "${above[@]}")
  done
  [ "${#above[@]}" != 0 ] || return 0
  # One that is not there yet is made by root.
  while read -r mode user group path; do
    # A directory by its type, and nobody but its owner writes to it (inode(7)).
    if [ "$((0x$mode & 0xf002))" != "$((0x4000))" ] || [ "$user" != 0 ] ||
      { [ "$((0x$mode & 020))" != 0 ] && [ "$group" != 0 ] && has_members "$group"; }; then
      fail "$path, above $1${2:+ ($2)}, was expected to be a directory that root alone can change; it is a $(stat -c '%F of %U:%G with the mode %a' "$path")." \
        "$next it back to root with 'chown root:root $path && chmod go-w $path' on the host."
    fi
    closed[$path]=1
  done < <(stat -c '%f %u %g %n' "${above[@]}" 2>/dev/null || true)
}

# has_members GID: an account is in this group. Debian's own 'staff', which may write /usr/local on older hosts, has none.
has_members() {
  [ -n "$(getent group "$1" | cut -d: -f4)" ] || getent passwd | awk -F: -v group="$1" '$4 == group && $3 != 0 { found = 1 } END { exit !found }'
}

# put_link PATH TARGET: replaced in one rename, so that the link is never missing.
put_link() {
  guarded "$1"
  note link "$1" "$2"
  if [ "$(readlink "$1" 2>/dev/null || true)" = "$2" ]; then return; fi
  # Editors and 'sed -i' make a file of a link.
  if [ -f "$1" ] && [ ! -L "$1" ]; then keep_aside "$1"; fi
  ln -sfn "$2" "$1.berth-new"
  mv -fT "$1.berth-new" "$1"
  changes[$1]=1
}

# put_program HOME ARCHIVE SHA256 [FOLDER]: HOME/program leads to the Python program in an archive, which lies in the home of
# the account of the engine. Each version has a directory of its own: what runs goes on with its own.
put_program() {
  local home=$1 archive=$2 place=$1/program-${3:0:12} new=$1/program.new
  guarded "$home/program"
  if [ ! -d "$place" ]; then
    rm -rf "$new"
    mkdir -p "$new/${4:-}"
    cp -- "$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)/$archive" "$home/program.tar" 2>>"$log" ||
      fail "the archive with Berth's own program, $archive, is not on the host." "Run 'pulumi up' with --replace for the step that copies it."
    [ "$(sha256sum "$home/program.tar" | cut -d' ' -f1)" = "$3" ] || fail "Berth's own program did not arrive whole." "Run 'pulumi up' again."
    logged tar --extract --no-same-owner --file "$home/program.tar" --directory "$new/${4:-}"
    logged /usr/bin/python3 -IS -m compileall -q -x /application/ "$new"
    mv -T "$new" "$place"
  fi
  put_link "$home/program" "${place##*/}"
  find "$home" -mindepth 1 -maxdepth 1 \( -name 'program-*' ! -path "$place" -o -name program.tar \) -exec rm -rf {} +
}

# take_away PATH…: removes what is there; counts as a change when it was.
take_away() {
  local path
  for path in "$@"; do
    guarded "$path"
    forget "$path"
    if [ -e "$path" ] || [ -L "$path" ]; then
      keep_below "$path"
      rm -rf "$path"
      changes[$path]=1
    fi
  done
}

# changed PREFIX…: true when something under one of these paths changed in this step, or when an earlier run of
# this step did not come to its end.
changed() {
  local prefix path
  if [ -n "${changes[/]+set}" ]; then return 0; fi
  for prefix in "$@"; do
    for path in "${!changes[@]}"; do
      case $path in "$prefix"*) return 0 ;; esac
    done
  done
  return 1
}

# The full name (passwd(5)) of every account that Berth has made; an account cannot give it to itself (chfn(1)).
made_by_berth='Made by Berth'

# not_own NAME KEY: of an account that Berth has not made, what is wrong with that and what to do, a line each.
not_own() {
  case $(getent passwd "$1" | cut -d: -f5) in
  "$made_by_berth" | "$made_by_berth,"*) ;;
  *) printf '%s\n' "this host has an account '$1' that Berth has not made ($2)." "Choose another name. If nothing else needs the account, 'usermod --comment \"$made_by_berth\" $1' gives it to Berth." ;;
  esac
}

# own_account NAME KEY: no other account is taken for one of Berth's, with what it may do and what belongs to it.
own_account() {
  local what next
  while read -r what && read -r next; do fail "$what" "$next"; done < <(not_own "$1" "$2")
}

# put_service_account NAME HOME KEY [GROUP]: a system account that cannot log in.
put_service_account() {
  if getent passwd "$1" >/dev/null; then
    own_account "$1" "$3"
  else
    logged useradd --comment "$made_by_berth" --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
  fi
  if [ -n "${4:-}" ] && ! id -nG "$1" | tr ' ' '\n' | grep -qx "$4"; then logged usermod -aG "$4" "$1"; fi
  if [ "$(getent passwd "$1" | cut -d: -f7)" != /usr/sbin/nologin ]; then logged usermod --shell /usr/sbin/nologin "$1"; fi
  note account "$1" /usr/sbin/nologin "$1${4:+,$4}"
}
