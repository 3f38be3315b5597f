#!/bin/bash
# Berth: the data volume and the directories that live on it. 'mount' runs at every boot, before the services that keep
# their data there, and 'volume' is its first half; 'accounts' runs when an account of this host has changed.
set -euo pipefail
volume=/var/lib/berth/data
settings=/etc/berth/data-volume

# find_disk: the disk by its file system's UUID: what it is called here may be another name at each boot.
find_disk() {
  local uuid=$1 left=90 disk
  until disk=$(blkid --cache-file /dev/null -U "$uuid"); do
    left=$((left - 1))
    if [ "$left" = 0 ]; then
      echo "The data volume (UUID $uuid) is not attached to this machine; nothing that needs it starts. Attach it, then: systemctl start berth-data.service, and the services." >&2
      return 1
    fi
    sleep 1
  done
  printf '%s\n' "$disk"
}

mount_volume() {
  local disk status
  if mountpoint -q "$volume"; then return; fi
  disk=$(find_disk "$(cat "$settings/uuid")")
  # Status 1 is "errors corrected", 8 that the check could not run (e2fsck(8)): a disk may be in use for a moment more.
  for _ in $(seq 30); do
    status=0
    e2fsck -p "$disk" || status=$?
    if [ "$status" != 8 ]; then break; fi
    sleep 1
  done
  if [ "$status" -gt 1 ]; then
    echo "The file system of the data volume, $disk, is damaged; nothing that needs it starts. See e2fsck(8)." >&2
    return 1
  fi
  mkdir -p "$volume"
  mount -t ext4 -o noatime,nosuid,nodev "$disk" "$volume"
}

mount_directories() {
  local directory
  while read -r directory; do
    if mountpoint -q "$directory"; then continue; fi
    if [ ! -d "$volume/directories$directory" ]; then
      echo "The data volume has no directory for $directory; run 'pulumi up', which makes it." >&2
      return 1
    fi
    mkdir -p "$directory"
    mount --bind "$volume/directories$directory" "$directory"
  done <"$settings/directories"
}

# note_accounts: which number each account has; only numbers stand on the disk itself.
note_accounts() {
  local file
  mountpoint -q "$volume"
  mkdir -p "$volume/accounts"
  for file in passwd group; do
    cp "/etc/$file" "$volume/accounts/.$file"
    sync "$volume/accounts/.$file"
    mv -f "$volume/accounts/.$file" "$volume/accounts/$file"
  done
}

case $1 in
volume) mount_volume ;;
mount)
  mount_volume
  mount_directories
  ;;
accounts) note_accounts ;;
esac
