#!/usr/bin/env bash
# Puts a deployed machine aside, and back: saved.sh save PLACE | restore PLACE, with the machine's name in
# BERTH_MACHINE. What is put aside is what its disk has over its image; a restored machine has that under an empty disk
# of its own, so it takes seconds, and any number may be restored from one place.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../components/host/local" && pwd)
# shellcheck source=components/host/local/common.sh
. "$here/common.sh"
# shellcheck source=components/host/local/network.sh
. "$here/network.sh"
# shellcheck source=components/host/local/archive.sh
. "$here/archive.sh"
# shellcheck source=components/host/local/settings.sh
. "$here/settings.sh"
# shellcheck source=components/host/local/machine.sh
. "$here/machine.sh"

name=$(machine_name)
folder=$machines/$name
place=$2
facts=(address instance-id user-data memory)

save() {
  stop "$name"
  mkdir -p "$place"
  (cd "$folder" && cp -p "${facts[@]}" "$place/")
  disk_size "$name" >"$place/disk"
  cp -a "$folder/disk/upper" "$place/upper"
  # In front: the layer that is nearest.
  printf '%s:%s' "$place/upper" "$(cat "$folder/image")" >"$place/image"
}

restore() {
  private_folder "$folder"
  if grep -qsxF "$(cat "$place/address")" "$machines"/*/address; then
    fail "another machine of this test has the address of $name." "Restore it before the other one is made."
  fi
  (cd "$place" && cp -p "${facts[@]}" image "$folder/")
  truncate -s "$(cat "$place/disk")G" "$folder/disk.img"
  mkfs.ext4 -q -m 1 -E nodiscard,root_owner=0:0 "$folder/disk.img"
  touch "$folder/complete"
  BERTH_MEMORY=$(cat "$folder/memory") BERTH_DISK=$(cat "$place/disk") bash "$here/keep.sh"
  # As the site was before: what starts at boot has started.
  nsenter --target="$(leader "$name")" --mount --uts --ipc --net --pid --cgroup -- systemctl is-system-running --wait >&2 ||
    fail "the machine $name was restored, but not all that it starts at boot has started."
}

"$1"
