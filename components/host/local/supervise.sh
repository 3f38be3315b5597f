#!/usr/bin/env bash
# Keeps one machine running: starts its container, and again when it reboots. Started by machine.sh, in a session
# or unit of its own: supervise.sh --directory=ROOT NAME INSTANCE MEMORY (MiB, or nothing).
# shellcheck source=components/host/local/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
directory=$1 name=$2 instance=$3 memory=$4
root=${directory#--directory=}

# A control group for each of: all of it (the memory limit), this supervisor, the container. The kernel allows
# processes only at the leaves.
unified=/sys/fs/cgroup
if [ -d "$unified/unified" ]; then unified=$unified/unified; fi
if [ -d /run/systemd/system ]; then
  group=$unified$(sed -n 's/^0:://p' /proc/self/cgroup)
else
  group=$unified/berth-$name
fi
mkdir -p "$group/supervisor" "$group/machine"
echo "$$" >"$group/supervisor/cgroup.procs"
if [ -n "$memory" ]; then
  limited=$group
  if [ "$unified" = /sys/fs/cgroup ]; then
    if [ ! -d /run/systemd/system ]; then echo +memory >"$unified/cgroup.subtree_control"; fi
    echo "${memory}M" >"$limited/memory.max"
  else
    limited=/sys/fs/cgroup/memory/berth-$name
    mkdir -p "$limited"
    echo "$$" >"$limited/cgroup.procs"
    echo "${memory}M" >"$limited/memory.limit_in_bytes"
  fi
fi

# The machine's systemd knows the newer kind of control groups only.
if [ "$unified" != /sys/fs/cgroup ]; then export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1; fi

while [ "$(cat "$(dirname "$root")/instance-id" 2>/dev/null)" = "$instance" ]; do
  status=0
  # Disks that were attached to it, a line each: DEVICE:NAME INSIDE.
  disks=()
  if [ -e "$(dirname "$root")/devices" ]; then mapfile -t disks <"$(dirname "$root")/devices"; fi
  (
    echo "$BASHPID" >"$group/machine/cgroup.procs"
    exec systemd-nspawn --quiet --register=no --keep-unit --boot --machine="$name" "$directory" \
      --network-bridge="$bridge" --resolv-conf=off --timezone=off --link-journal=no --console=read-only \
      --bind-ro="$cache/apt/archives:/var/cache/berth/apt" \
      --bind="$cache/pip:/var/cache/pip" --bind="$cache/uv:/var/cache/berth/uv" --bind="$cache/npm:/var/cache/npm" \
      --bind="$(dirname "$root")/disk/docker:/var/lib/docker" --system-call-filter="@keyring bpf" \
      "${disks[@]/#/--bind=}"
  ) || status=$?
  # What the container manager says when the machine has asked for a reboot.
  if [ "$status" != 133 ]; then exit "$status"; fi
done
