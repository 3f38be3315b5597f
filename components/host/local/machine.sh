# One machine's parts: its disk, its processes, its end. Needs common.sh, network.sh, archive.sh and settings.sh.
# A machine's folder holds: address, image, instance-id, user-data, memory; disk.img, its file system; disk and
# root, where that and the whole are mounted; console.log; and `complete`, once it was reachable.
# shellcheck disable=SC2154  # common.sh sets them

# processes NAME: the ids of the machine's supervisor and container managers. Each has the machine's root on its
# command line, word for word, and nothing else has: what is sought comes by standard input, or this would find
# itself.
processes() {
  # shellcheck disable=SC2062  # these are files; the pattern comes by -f
  printf '%s\n' "--directory=$machines/$1/root" |
    { grep -lzxF -f - /proc/[0-9]*/cmdline 2>/dev/null || true; } | cut -d/ -f3
}

# managers NAME: those of them that are container managers.
managers() {
  local id
  for id in $(processes "$1"); do
    if [ "$(cat "/proc/$id/comm" 2>/dev/null)" = systemd-nspawn ]; then echo "$id"; fi
  done
}

running() { [ -n "$(processes "$1")" ]; }

# leader NAME: the process that is PID 1 inside.
leader() {
  local manager child
  for manager in $(managers "$1"); do
    while read -r child; do
      if [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$child/status" 2>/dev/null)" = 1 ]; then
        printf '%s' "$child"
        return
      fi
    done < <(tr ' ' '\n' 2>/dev/null <"/proc/$manager/task/$manager/children" || true)
  done
}

# groups NAME: the machine's control groups, the deepest first; the kernel's two versions both.
groups() {
  find /sys/fs/cgroup -depth -type d \( -path "*/berth-$1" -o -path "*/berth-$1/*" \) 2>/dev/null || true
}

# mount_disk NAME: running twice changes nothing.
mount_disk() {
  local folder=$machines/$1
  mkdir -p "$folder/disk" "$folder/root"
  mountpoint -q "$folder/disk" || mount -o loop,noatime,discard "$folder/disk.img" "$folder/disk"
  mkdir -p "$folder/disk/upper" "$folder/disk/work"
  # Docker keeps layers of its own, and none lie over another's: it has a part of the disk itself.
  [ -d "$folder/disk/docker" ] || install -d -m 0710 "$folder/disk/docker"
  mountpoint -q "$folder/root" || mount -t overlay "berth-$1" "$folder/root" \
    -o "lowerdir=$(cat "$folder/image"),upperdir=$folder/disk/upper,workdir=$folder/disk/work"
}

# unmount NAME PART...
unmount() {
  local folder=$machines/$1 part
  for part in "${@:2}"; do
    for _ in $(seq 50); do
      mountpoint -q "$folder/$part" || break
      umount "$folder/$part" 2>/dev/null || sleep 0.1
    done
    if mountpoint -q "$folder/$part"; then
      fail "$folder/$part can't be unmounted: something on this computer uses it." \
        "Look with 'fuser -vm $folder/$part', end that, and run this again."
    fi
  done
}

# claim NAME: its folder and its address, and the network it needs.
claim() {
  local folder=$machines/$1 prefix
  private_folder "$machines"
  lock network
  prefix=$(network)
  network_up "$prefix"
  if [ ! -s "$folder/address" ]; then
    private_folder "$folder"
    free_address "$prefix" >"$folder/address"
  fi
  unlock network
}

# read_size: the size that is wanted, from the environment, into $memory (MiB, or nothing) and $disk (GiB).
read_size() {
  memory=${BERTH_MEMORY:-}
  disk=${BERTH_DISK:-20}
  [[ $memory =~ ^[0-9]*$ ]] || fail "BERTH_MEMORY is '$memory'." "Give the local host's memory as a number of MiB."
  [[ $disk =~ ^[1-9][0-9]*$ ]] || fail "BERTH_DISK is '$disk'." "Give the local host's disk as a number of GiB."
}

# disk_size NAME: of its file system, in GiB.
disk_size() {
  dumpe2fs -h "$machines/$1/disk.img" 2>/dev/null |
    awk -F': *' '/^Block count:/ { count = $2 } /^Block size:/ { size = $2 } END { print int(count * size / 1024 ^ 3) }'
}

# change_size NAME MEMORY DISK: gives a machine another memory limit (MiB) and a larger disk (GiB); it is stopped
# for either. What is the same stays.
change_size() {
  local name=$1 folder=$machines/$1 now
  now=$(disk_size "$name")
  [ "$3" -ge "$now" ] || fail "the disk of the local host $name has $now GiB and can't shrink to $3." \
    "Give it as much or more, or destroy the host and deploy again."
  if [ "$(cat "$folder/memory")" = "$2" ] && [ "$3" = "$now" ]; then return; fi
  say "stopping the local host $name to change its size"
  stop "$name"
  printf '%s' "$2" >"$folder/memory"
  if [ "$3" -gt "$now" ]; then
    unmount "$name" root disk
    # The kernel lets go of the file system only when the last of the machine's own mount namespaces has gone.
    for _ in $(seq 100); do
      [ -n "$(losetup -j "$folder/disk.img")" ] || break
      sleep 0.1
    done
    [ -z "$(losetup -j "$folder/disk.img")" ] || fail "the disk of the local host $name is still in use." "Run the same again."
    truncate -s "${3}G" "$folder/disk.img"
    # resize2fs wants a file system that was checked; status 1 means that it was mended.
    e2fsck -f -p "$folder/disk.img" >&2 || [ $? = 1 ] || fail "the disk of the local host $name is damaged." "Run 'e2fsck -f $folder/disk.img'."
    resize2fs "$folder/disk.img" >&2 2>&1
  fi
}

# start NAME: starts a machine whose disk is made. Returns at once.
start() {
  local name=$1 folder=$machines/$1 fd command
  mount_disk "$name"
  resolvers | sed 's/^/nameserver /' >"$folder/root/etc/resolv.conf"
  command=(env -i "PATH=$PATH" "LC_ALL=$LC_ALL" bash "$here/supervise.sh" "--directory=$folder/root"
    "$name" "$(cat "$folder/instance-id")" "$(cat "$folder/memory")")
  # Another machine may have had this address a moment ago; what is sent to its interface is lost.
  ip neigh flush to "$(cat "$folder/address")" dev "$bridge"
  # Under systemd the machine is a unit of its own, so that it outlives the login that made it.
  if [ -d /run/systemd/system ]; then
    systemd-run --quiet --collect --unit="berth-machine-$name" --slice=machine.slice -p Delegate=yes -p KillMode=mixed \
      -p TasksMax=16384 -p "StandardOutput=truncate:$folder/console.log" -p StandardError=inherit "${command[@]}"
  else
    # Nothing of the caller's may stay open in it: not its pipes, or the caller would wait for their end, and not
    # its locks.
    (
      for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        if [ "$fd" -gt 2 ]; then exec {fd}>&-; fi
      done
      exec setsid "${command[@]}" </dev/null >"$folder/console.log" 2>&1
    ) &
    disown
  fi
}

# wait_ready NAME: until sshd answers and the first boot has done all that user-data asks.
wait_ready() {
  local name=$1 folder=$machines/$1 deadline=$((SECONDS + 300)) waiting result pid=
  local address
  address=$(cat "$folder/address")
  while :; do
    pid=$(leader "$name")
    result=/proc/$pid/root/run/cloud-init/result.json
    waiting="its system to start"
    if [ -n "$pid" ]; then
      waiting="cloud-init to finish"
      if [ -s "$result" ]; then
        if ! python3 -c 'import json, sys; sys.exit(1 if json.load(open(sys.argv[1]))["v1"]["errors"] else 0)' "$result"; then
          cat "$result" >&2
          not_ready "$name" "cloud-init ended with errors, shown above."
        fi
        waiting="sshd to answer at $address"
        if answers "$address"; then return; fi
      fi
    fi
    if ! running "$name"; then
      sleep 0.3
      running "$name" || not_ready "$name" "it stopped while it was starting."
    fi
    [ "$SECONDS" -lt "$deadline" ] || not_ready "$name" "waited 300 s for $waiting."
    sleep 0.1
  done
}

answers() {
  local greeting=
  # Within bounds: bash's own connection would wait minutes for a packet that was lost.
  # shellcheck disable=SC2016  # the inner shell's words
  greeting=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/22" && head -c 8 <&3' answers "$1" 2>/dev/null || true)
  [ "$greeting" = SSH-2.0- ]
}

not_ready() {
  tail -n 25 "$machines/$1/console.log" >&2 2>/dev/null || true
  fail "the local host $1 did not come up: $2 The end of its console is above." \
    "Run the same again; to start from nothing, destroy it first."
}

# stop NAME: in order, within bounds; then by force. One that never came up has nothing to put in order, and its
# system may be too young to hear.
stop() {
  local name=$1 id group
  # The container manager hands this on as "power off".
  if [ -e "$machines/$name/complete" ]; then
    for id in $(managers "$name"); do kill -TERM "$id" 2>/dev/null || true; done
    for _ in $(seq 150); do
      running "$name" || break
      sleep 0.1
    done
  fi
  for _ in $(seq 100); do
    for id in $(processes "$name"); do kill -KILL "$id" 2>/dev/null || true; done
    for group in $(groups "$name"); do
      while read -r id; do kill -KILL "$id" 2>/dev/null || true; done < <(cat "$group/cgroup.procs" 2>/dev/null)
      rmdir "$group" 2>/dev/null || true
    done
    if ! running "$name" && [ -z "$(groups "$name")" ]; then return; fi
    sleep 0.1
  done
  fail "the local host $name can't be stopped: process $(processes "$name" | paste -sd' ') does not end."
}

# remove NAME: all of it, whatever state it is in.
remove() {
  local name=$1 folder=$machines/$1
  stop "$name"
  if mountpoint -q "$folder/root"; then harvest_archives "$folder/root/var/cache/apt/archives"; fi
  # A container manager that was killed leaves these.
  rm -rf --one-file-system "/run/systemd/nspawn/propagate/$name"
  if mountpoint -q "$folder/root"; then rm -f "/run/systemd/nspawn/locks/$(stat -c 'inode-%d:%i' "$folder/root")"; fi
  unmount "$name" root
  # What is thrown away need not be written to the disk first.
  if mountpoint -q "$folder/disk"; then rm -rf --one-file-system "$folder/disk/upper" "$folder/disk/docker"; fi
  unmount "$name" disk
  rm -rf --one-file-system "$folder"
}
