#!/usr/bin/env bash
# A world of its own for one test file: processes, mounts, network, control groups, /var/lib/berth, /run/berth and
# temporary files that no other test sees. Two worlds may have machines of the same name at the same address, and when
# a world's first process ends, for whatever reason, the kernel takes away all that was in it.
#
#   world.sh open RUN             before its first world
#   world.sh run RUN NAME COMMAND...
#                                 runs COMMAND in the world NAME of the run RUN, and ends with its status
#   world.sh clear [RUN]          takes away what RUN has left, or else all that runs which are no more have left
#
# A run is named PID-STARTED after the process that it ends with. On the computer itself it has, for each world, a folder,
# control groups and an interface; and all runs have one table that lets worlds reach the package archives.
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
worlds=/var/lib/berth-test
# Where a world finds its own folder.
mine=/var/lib/berth-world
table=berth_test
# Each world is connected by a network of four addresses: the first two are these, then a number, then 0 to 3.
network=10.218
# A world within a world, as in a test of this file, is connected by another.
if [ -n "${BERTH_WORLD:-}" ]; then network=10.217; fi

trap 'say "world.sh, line $LINENO: \"$BASH_COMMAND\" failed ($?)"' ERR

say() { printf 'berth: %s\n' "$1" >&2; }

# alive RUN: whether the process that it belongs to still runs.
alive() { [ "$(started "${1%%-*}")" = "${1#*-}" ]; }

# started PID: when it was started, in ticks since this computer's boot; nothing when it has ended, even where nobody
# has asked yet how.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 !~ /[ZX]/ { print $20 }' || true; }

# hierarchies: the mounts of control groups in which local hosts, and their container managers, make groups.
hierarchies() {
  local mount
  if [ ! -d /sys/fs/cgroup/unified ]; then
    echo /sys/fs/cgroup
    return
  fi
  for mount in /sys/fs/cgroup/{unified,memory,systemd}; do
    if [ -d "$mount" ]; then echo "$mount"; fi
  done
}

# one_at_a_time: waits for other runs that open or clear, or one would take away what the other has just made.
one_at_a_time() {
  exec 9>/run/lock/berth-test
  flock 9
}

open() {
  one_at_a_time
  mkdir -p "$worlds/$1"
  chmod 0700 "$worlds"
  open_network
}

run() {
  local id=$1 world=$2 number group
  shift 2
  mkdir "$worlds/$id/$world"
  # Adding an interface that is there already fails, so a number is taken by one world alone.
  for number in $(seq 0 255); do
    if ip link add "bt-$number" type veth peer name "bt-$number-in" 2>/dev/null; then break; fi
  done
  ip address add "$network.$number.1/30" dev "bt-$number"
  ip link set "bt-$number" up
  while read -r group; do
    mkdir -p "$group/$id/$world"
    echo $$ >"$group/$id/$world/cgroup.procs"
  done < <(hierarchies)
  # The world's first process ends with 'unshare', and that with the process of the run.
  exec 8</proc/self/ns/net
  exec setpriv --pdeathsig KILL unshare --mount --net --pid --cgroup --fork --kill-child \
    bash "$here/world.sh" inside "$worlds/$id/$world" "$number" "$@"
}

# inside FOLDER NUMBER COMMAND...: the first process of a world. Its parent is outside.
inside() {
  local folder=$1 number=$2 status=0
  shift 2
  nsenter --net=/proc/self/fd/8 ip link set "bt-$number-in" netns 1 2>/dev/null
  mount --make-rprivate /
  mount -t proc proc /proc
  exec 8<&-
  own_groups
  # In memory where there is plenty: it is gone with the world, and no disk is waited for.
  if [ "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)" -gt $((15 * 1024 ** 2)) ]; then
    mount -t tmpfs -o mode=0755,size=75% tmpfs "$folder"
    findmnt -rn -o MAJ:MIN "$folder" >"$folder.device"
  fi
  # shellcheck source=components/host/local/network.sh
  (. "$here/../../components/host/local/network.sh" && resolvers | sed 's/^/nameserver /') >"$folder/resolv.conf"
  mkdir "$folder/tmp"
  # Of systemd's folder a world has none, for its machines are not this computer's to start.
  own_folder /run "$folder/run" berth systemd
  own_folder /var/lib "$folder/lib" berth "${worlds##*/}" "${mine##*/}"
  mkdir "$folder/lib/${mine##*/}"
  mount --bind "$folder" "$folder/lib/${mine##*/}"
  mount --rbind "$folder/run" /run
  mount --rbind "$folder/lib" /var/lib
  mount --bind "$mine/resolv.conf" "$(own_file "$(readlink -m /etc/resolv.conf)")"
  ip link set lo up
  ip link set "bt-$number-in" name uplink up
  ip address add "$network.$number.2/30" dev uplink
  ip route add default via "$network.$number.1"
  export BERTH_WORLD=$mine TMPDIR=$mine/tmp
  "$@" || status=$?
  exit "$status"
}

# own_folder PATH NEW NAME...: makes a folder to stand in for PATH: with all that PATH has but what is named.
own_folder() {
  local entry path=$1 new=$2
  mkdir -m 0755 "$new"
  for entry in "$path"/*; do
    case " ${*:3} " in *" ${entry##*/} "*) continue ;; esac
    if [ -d "$entry" ]; then mkdir "$new/${entry##*/}"; elif [ -f "$entry" ]; then : >"$new/${entry##*/}"; else continue; fi
    mount --rbind "$entry" "$new/${entry##*/}"
  done
}

# own_file PATH: makes it where it is not there, and says it.
own_file() {
  if [ ! -e "$1" ]; then mkdir -p "$(dirname "$1")" && : >"$1"; fi
  printf '%s' "$1"
}

# own_groups: the control groups as the world sees them: its own is the top.
own_groups() {
  local lines line target type options top
  mapfile -t lines < <(findmnt -rn -o TARGET,FSTYPE,FS-OPTIONS -t cgroup,cgroup2)
  top=$(findmnt -rn -o FSTYPE /sys/fs/cgroup | head -n 1)
  umount --recursive --lazy /sys
  mount -t sysfs sysfs /sys
  if [ "$top" = tmpfs ]; then mount -t tmpfs -o mode=0755 tmpfs /sys/fs/cgroup; fi
  for line in "${lines[@]}"; do
    read -r target type options <<<"$line"
    mkdir -p "$target"
    # Which controllers it has; 'rw' and the like are not the file system's to know.
    options=$(tr , '\n' <<<"$options" | { grep -vE '^(rw|ro|xattr|nsdelegate|memory_.*|release_agent=.*|clone_children)$' || true; } | paste -sd,)
    mount -t "$type" ${options:+-o "$options"} "$type" "$target"
  done
  # With one hierarchy, a group that gives memory to others may hold no process itself.
  while read -r target; do
    mkdir "$target/world"
    echo 1 >"$target/world/cgroup.procs"
  done < <(hierarchies)
}

# open_network: worlds may go out, and nobody may come in. Running it twice changes nothing.
open_network() {
  if [ "$(sysctl -n net.ipv4.ip_forward)" = 0 ]; then
    touch "$worlds/ip_forward_was_off"
    sysctl -qw net.ipv4.ip_forward=1
  fi
  nft -f - <<RULES
table ip $table
delete table ip $table
table ip $table {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr $network.0.0/16 oifname != "bt-*" masquerade
  }
  chain forward {
    type filter hook forward priority filter
    oifname "bt-*" ct state established,related accept
    oifname "bt-*" drop
  }
}
RULES
}

close_network() {
  nft -f - <<<"table ip $table"$'\n'"delete table ip $table"
  # A local host that was made meanwhile relies on it.
  if [ -e "$worlds/ip_forward_was_off" ] && ! nft list ruleset | grep -q 'hook forward'; then
    sysctl -qw net.ipv4.ip_forward=0
  fi
  rm -f "$worlds/ip_forward_was_off"
}

clear() {
  local only=${1:-} folder id
  one_at_a_time
  for folder in "$worlds"/*-*; do
    id=${folder##*/}
    if [ ! -d "$folder" ] || { [ -z "$only" ] && alive "$id"; } || { [ -n "$only" ] && [ "$only" != "$id" ]; }; then continue; fi
    if [ -z "$only" ]; then say "taking away what a run of the tests that was killed has left ($id)"; fi
    clear_groups "$id"
    clear_loops "$folder"
    rm -rf --one-file-system "$folder"
  done
  if ! compgen -G "$worlds/*-*" >/dev/null && [ -d "$worlds" ]; then
    close_network
    rmdir "$worlds"
  fi
}

# clear_loops FOLDER: frees the loop devices over files of its worlds; the kernel does so by itself only with those that
# were made by a mount. A device keeps the file system that its file is in, which is gone by name, and whose number may
# be another's by now. A world within a world does not see whose, and leaves none.
clear_loops() {
  local name device file
  while read -r name device; do
    if [ -z "${BERTH_WORLD:-}" ] && grep -qsxF "$device" "$1"/*.device && ! is_mounted "$device"; then losetup -d "$name"; fi
  done < <(losetup -nO NAME,BACK-MAJ:MIN)
  while read -r file; do
    losetup -nO NAME -j "$file" | xargs -r -n 1 losetup -d
  done < <(find "$1" -xdev -type f -name '*.img' 2>/dev/null)
}

# is_mounted NUMBER: whether any process sees a file system of this number.
is_mounted() { cat /proc/[0-9]*/mountinfo 2>/dev/null | awk -v number="$1" '$3 == number { found = 1 } END { exit !found }'; }

# clear_groups RUN: what runs in its worlds is killed; each is gone a moment after its first process.
clear_groups() {
  local top pid
  while read -r top; do
    [ -d "$top/$1" ] || continue
    for _ in $(seq 100); do
      while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done < <(find "$top/$1" -name cgroup.procs -exec cat {} + 2>/dev/null)
      find "$top/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
      if [ ! -d "$top/$1" ]; then break; fi
      sleep 0.1
    done
  done < <(hierarchies)
}

# Read whole before it runs: a pull may change this file meanwhile.
{
  "$@"
  exit
}
