#!/usr/bin/env bash
# Makes a local host, or starts it again, or finds it as it should be. Environment: BERTH_MACHINE, its name;
# BERTH_MEMORY, a limit in MiB (none); BERTH_DISK, the size of its disk in GiB (20); BERTH_INSTANCE_ID, what
# cloud-init knows it by (made up); BERTH_IMAGE, the folder that it is made from, or several with a colon between,
# each over those after it (the base image). Standard input: its user-data, which holds a private key. Prints {"address",
# "machine", "instanceId"} on standard output.
# shellcheck source=components/host/local/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=components/host/local/network.sh
. "$here/network.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"
# shellcheck source=components/host/local/settings.sh
. "$here/settings.sh"
# shellcheck source=components/host/local/machine.sh
. "$here/machine.sh"

# lay_out NAME: the disk of a new machine, with all in it that differs from machine to machine.
lay_out() {
  local name=$1 folder=$machines/$1 prefix address seed kind
  address=$(cat "$folder/address") prefix=${address%.*}
  for kind in pip npm; do mkdir -p "$cache/$kind"; chmod 1777 "$cache/$kind"; done
  mkdir -p "$cache/uv"
  mkdir -p "$cache/apt/archives"
  truncate -s "${disk}G" "$folder/disk.img"
  mkfs.ext4 -q -m 1 -E nodiscard,root_owner=0:0 "$folder/disk.img"
  mount_disk "$name"
  local root=$folder/root
  systemd-id128 new >"$root/etc/machine-id"
  # Before systemd's own 80-container-host0.network, which would ask for an address.
  {
    printf '[Match]\nName=host0\nVirtualization=container\n\n[Network]\nAddress=%s/24\nGateway=%s.1\n' "$address" "$prefix"
    printf 'LinkLocalAddressing=no\nIPv6AcceptRA=no\n'
  } >"$root/etc/systemd/network/10-berth.network"
  seed=$root/var/lib/cloud/seed/nocloud
  private_folder "$seed"
  printf 'instance-id: %s\n' "$(cat "$folder/instance-id")" >"$seed/meta-data"
  install -m 0600 "$folder/user-data" "$seed/user-data"
  # The archive's packages that this computer already has. They are only lent: a machine can't change them, and
  # what it downloads itself stays on its own disk until it goes.
  mkdir -p "$root/var/cache/berth/apt"
  find "$cache/apt/archives" -maxdepth 1 -name '*.deb' -printf '../../berth/apt/%f\0' |
    xargs -0 -r ln -sf -t "$root/var/cache/apt/archives"
  package_settings "$root"
}

# Read whole before it runs: a pull may change this file meanwhile.
{
  become_root "$@"
  need_all
  name=$(machine_name)
  folder=$machines/$name
  read_size
  user_data=$(cat && printf x)
  user_data=${user_data%x}
  [ -n "$user_data" ] || fail "no user-data came on standard input." "Give the local host's cloud-init user-data there."

  lock "$name"
  if [ -e "$folder/complete" ]; then
    cmp -s "$folder/user-data" <(printf '%s' "$user_data") || fail \
      "there is a local host named $name already, and it was made with other user-data: by another checkout, or with a state that is gone." \
      "Use another name for the stack, or remove that host with all that is on it: BERTH_MACHINE=$name bash '$here/destroy.sh'"
    claim "$name"
    if ! running "$name" || [ -z "$(leader "$name")" ]; then
      say "starting the local host $name again; its data is kept"
      stop "$name"
      start "$name"
    fi
    wait_ready "$name"
  else
    if [ -d "$folder" ]; then
      say "clearing away what an earlier run left of the local host $name"
      remove "$name"
    fi
    for other in "$machines"/*/root; do
      if mountpoint -q "$other"; then harvest_archives "$other/var/cache/apt/archives"; fi
    done
    image=${BERTH_IMAGE:-$(bash "$here/image.sh")}
    claim "$name"
    say "making the local host $name at $(cat "$folder/address")"
    printf '%s' "$image" >"$folder/image"
    printf '%s' "$memory" >"$folder/memory"
    printf '%s' "${BERTH_INSTANCE_ID:-i-$(systemd-id128 new)}" >"$folder/instance-id"
    (umask 077 && printf '%s' "$user_data" >"$folder/user-data")
    lay_out "$name"
    start "$name"
    wait_ready "$name"
    touch "$folder/complete"
  fi
  printf '{"address":"%s","machine":"%s","instanceId":"%s"}\n' "$(cat "$folder/address")" "$name" "$(cat "$folder/instance-id")"
  exit
}
