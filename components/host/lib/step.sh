# Berth's shell library, first part: how a step runs, speaks, fails and finishes.
# The text has set: step (its name), claim (what the host keeps while it is the stack's) and the slots of its script.
set -Eeuo pipefail
# The end of a pipe runs in this shell, so that 'printf … | put_file' can note a change and 'fail' ends the step.
shopt -s lastpipe
# A cut connection or a killed engine leaves nothing half done: a step goes on to its end. Of the three signals that
# may tell it so, TERM is what sudo hands on to it alone; commands that it runs must still know how to end by one.
trap '' HUP PIPE
trap : TERM
umask 022
cd /
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state=/var/lib/berth
log=/var/log/berth/$step.log
# The line of the log that this run begins with.
log_from=1
unfinished=$state/unfinished/$step
declare -A secrets=()
declare -A changes=()
needles=()
failure=

# say TEXT: a progress line, for a person.
say() { printf '%s: %s\n' "$step" "$1" >&2 2>/dev/null || true; }

# fail WHAT [NEXT]: ends the step with one line: what is wrong, and what to do.
fail() {
  trap - ERR
  failure=$1
  printf 'berth: %s: %s%s\n' "$step" "$1" "${2:+ $2}" | mask >&2 2>/dev/null || true
  exit 1
}

# mask: standard input line by line, with every secret of this step replaced.
mask() {
  local line needle
  while IFS= read -r line || [ -n "$line" ]; do
    for needle in "${needles[@]}"; do line=${line//"$needle"/[secret]}; done
    printf '%s\n' "$line"
  done
}

# secret NAME: the value of a secret, on standard output.
secret() {
  arrived "$1"
  base64 -d <<<"${secrets[$1]}"
}

# arrived NAME: the secret is there.
arrived() { [ -n "${secrets[$1]+set}" ] || fail "the secret '$1' did not arrive." "Run 'pulumi up' again; if it stays, this is a fault in Berth."; }

# disks_with_less_than KIB: what they have left, and where they are.
disks_with_less_than() { df --output=avail,target -k / /var /srv /tmp /var/lib/postgresql 2>/dev/null | awk -v least="$1" 'NR > 1 && $1 < least' | sort -u; }

# refuse_full_disk: a full disk explains most other failures, so it is asked first. Who could not write often takes away
# what it had written before it ends, so what it said (ENOSPC of errno(3)) counts as well.
refuse_full_disk() {
  local free place line said next="Free some space on the host or give it a larger disk, then run 'pulumi up' again; it goes on where it stopped."
  # What is set aside (components/system/space.py) is for this.
  if [ -n "$(disks_with_less_than 262144)" ] && [ -x /usr/local/lib/berth/space ]; then
    while read -r line; do say "the disk $line"; done < <(/usr/local/lib/berth/space give-back 2>>"$log" || true)
  fi
  while read -r free place; do
    fail "the disk is full: $place has $free KiB left." "$next"
  done < <(disks_with_less_than 2048)
  said=$(grep -m 1 'No space left on device' < <(tail -n "+$log_from" "$log" 2>/dev/null) || true)
  [ -z "$said" ] || fail "the disk is full, or was a moment ago: '${said#"${said%%[![:space:]]*}"}'." "$next"
}

# unexpected STATUS LINE COMMAND: ends the step. A part of it that is a process of its own ends without a word: who asked
# for it decides whether the step goes on, and of a process substitution nobody asks.
unexpected() {
  local status=$1 line=$2 command=$3
  trap - ERR
  if [ "$BASH_SUBSHELL" != 0 ]; then
    { printf "'%s' ended with status %s (line %s of the step).\n" "$command" "$status" "$line" | mask >>"$log"; } 2>/dev/null || true
    exit "$status"
  fi
  refuse_full_disk
  fail "'$command' ended with status $status (line $line of the step)." "What it printed is in $log on the host."
}
trap 'unexpected $? $LINENO "$BASH_COMMAND"' ERR

# logged COMMAND…: runs it with its output, no secret in it, in the step's log; when it fails, shows the last lines.
logged() {
  local from status=0
  from=$(($(wc -l <"$log") + 1))
  if [ "${#needles[@]}" = 0 ]; then
    "$@" >>"$log" 2>&1 9>&- </dev/null || status=$?
  else
    "$@" 2>&1 9>&- </dev/null | mask >>"$log" || status=${PIPESTATUS[0]}
  fi
  if [ "$status" != 0 ]; then
    tail -n "+$from" "$log" | tail -n 40 >&2 2>/dev/null || true
    refuse_full_disk
  fi
  return "$status"
}

# runuser ARGUMENTS: what a step runs as another account cannot hold its lock, and leaves nothing running: in a process
# namespace of its own (pid_namespaces(7)) the kernel kills what is left when the command ends, or when the shell that
# waits for it is killed. A part of a killed step that still waits keeps the lock until it ends.
runuser() { setpriv --pdeathsig KILL -- unshare --pid --fork --kill-child -- runuser "$@" 9>&-; }

# hide: standard input as the file $hidden, which has no name: nothing of it stays, however this step ends.
hide() {
  local path
  path=$(mktemp "/dev/shm/berth-$step.$$.XXXXXXXX")
  exec 8<>"$path"
  rm -f "$path"
  cat >&8
  hidden=/proc/$$/fd/8
}

# sweep: what steps that were killed have left in memory. In a file's name is who made it: sudo keeps the number.
# Other accounts may have files there as many as they like.
sweep() {
  local file maker
  for file in /dev/shm/berth-*.*.????????; do
    maker=${file%.*}
    if [ -O "$file" ] && [ -f "$file" ] && [ ! -d "/proc/${maker##*.}" ]; then rm -f "$file"; fi
  done
}

# wait_until SECONDS COMMAND…: asks ten times a second, until the time is over; then status 1.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# milliseconds: a clock, to tell how long something has taken.
milliseconds() { printf '%s\n' "$((${EPOCHREALTIME/./} / 1000))"; }

# Two runs never overlap on one host. The lock is the kernel's: it goes when its holder goes, however that ends. No other
# account can open the file, or it could hold the lock.
take_lock() {
  local holder
  came_in
  umask 077
  exec 9<>/run/berth.lock
  umask 022
  if ! flock -n 9; then
    if ! flock -w 5 9; then
      holder=$(cat /run/berth.lock 2>/dev/null || true)
      say "waiting for another run of Berth on this host (step '${holder:-unknown}'), up to 20 minutes"
      flock -w 1200 9 || fail "another run of Berth (step '${holder:-unknown}') has held this host for 20 minutes." "See what it does with 'ps -ef' on the host, then run 'pulumi up' again."
    fi
  fi
  printf '%s\n' "$step" >/run/berth.lock
}

# take_host WHAT: the lock, and the host itself. A 'first' step takes one that is nobody's, a 'step' works on its own
# stack's alone, and a 'removal' leaves every other as it is, without a word. Nothing is changed before.
take_host() {
  local holder='' name='' same=''
  take_lock
  { read -r holder && IFS= read -r name; } 2>/dev/null <"$state/claim" || true
  if [ "$holder" = "$claim" ]; then
    settle_undo
    return
  fi
  case $1 in
  removal) exit 0 ;;
  # The disk of a machine that the stack has made may be a copy of another's.
  first) if [ -z "$holder" ] || [ -n "${made-}" ]; then return; fi ;;
  esac
  [ -n "$holder" ] || fail "this host is not this stack's any more: somebody has released it with 'rm $state/claim'. Nothing has been changed." \
    "To take it again, run 'pulumi up' with --replace for the step that connects."
  case $name in "${stack-}, "*) same=" That is another stack of the same name, or this one before its state was lost." ;; esac
  fail "this host belongs to $name, and a host has one stack at a time.$same Nothing has been changed." \
    "Destroy that stack, or choose another machine. If that stack is gone for ever or does not use this host any more, 'sudo rm $state/claim' on the host releases it."
}

read_secrets() {
  local name value line
  while read -r name value; do
    secrets[$name]=$value
    # By its lines, as a log has them. A shorter one than this would blot out ordinary words.
    while IFS= read -r line || [ -n "$line" ]; do
      if [ "${#line}" -ge 6 ]; then needles+=("$line"); fi
    done < <(base64 -d <<<"$value")
  done
  # As they look in JSON and in what Python prints of a dictionary.
  for line in "${needles[@]}"; do
    case $line in *[\\\"\']*) ;; *) continue ;; esac
    value=${line//\\/\\\\}
    needles+=("$value" "${value//\"/\\\"}" "${value//\'/\\\'}")
  done
}

# begin NAMES: takes the secrets from standard input, and marks the step as begun.
begin() {
  local name
  read_secrets
  for name in $1; do arrived "$name"; done
  sweep
  log_from=$(($(wc -l 2>/dev/null <"$log" || echo 0) + 1))
  [ -d "$state/unfinished" ] || mkdir -p "$state/unfinished" 2>/dev/null || refuse_full_disk
  [ -d /var/log/berth ] || mkdir -m 0750 /var/log/berth 2>/dev/null || refuse_full_disk
  if [ -e "$unfinished" ]; then changes[/]=1; fi
  { : >"$unfinished"; } 2>/dev/null || refuse_full_disk
  (umask 077 && TZ=UTC printf '== %(%FT%TZ)T %s\n' -1 "$step" >>"$log") || refuse_full_disk
}
